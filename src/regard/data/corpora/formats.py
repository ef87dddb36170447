"""The formats of parallel corpora: their names, detection by file name and content, and opening of a corpus."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import cast

from regard.data.corpora.columns import NAMES, plain_name
from regard.data.corpora.unit import ReadOptions, UnitReader
from regard.errors import ConfigError, DataError
from regard.files.compression import InputFile, open_input, without_compression_suffix

PathName = str | PathLike[str]
HEAD_SIZE = 1 << 14
"""Number of bytes of a file's content that are enough to detect its format."""
_DEFAULT = "tsv"
_MAY_BE_PLAIN = ("plain", "tsv", "csv", "jsonl", "sgm")
"""Formats whose suffixes two files of plain text may have."""


@dataclass(frozen=True)
class CorpusFormat:
    """A format of parallel corpora.

    Attributes:
        name: Name for commands and configurations, such as `tmx`.
        description: What a corpus in this format is, for messages, such as `a TMX translation memory`.
        suffixes: Suffixes of file names, with the dot.
        module: Module of the reader within `regard.data.corpora`.
        reader: Name of the reader's class.
        num_files: Number of files: 1, or 2 for source and target.
        needs_file: Whether the reader jumps within the file, so that a pipe cannot be read.
    """

    name: str
    description: str
    suffixes: tuple[str, ...]
    module: str
    reader: str
    num_files: int = 1
    needs_file: bool = False


FORMATS = {
    form.name: form
    for form in (
        CorpusFormat("plain", "two text files", (), "plain", "PlainReader", num_files=2),
        CorpusFormat("moses", "two tokenized text files of Moses", (), "moses", "MosesReader", num_files=2),
        CorpusFormat("tsv", "a table with tabs between columns", (".tsv", ".tab"), "table", "TsvReader"),
        CorpusFormat("csv", "a CSV table", (".csv",), "table", "CsvReader"),
        CorpusFormat("jsonl", "JSON lines", (".jsonl", ".ndjson", ".json"), "json_lines", "JsonLinesReader"),
        CorpusFormat("tmx", "a TMX translation memory", (".tmx",), "tmx", "TmxReader"),
        CorpusFormat("xliff", "an XLIFF document", (".xlf", ".xliff"), "xliff", "XliffReader"),
        CorpusFormat("po", "a gettext PO catalog", (".po", ".pot"), "po", "PoReader"),
        CorpusFormat("mo", "a compiled gettext MO catalog", (".mo", ".gmo"), "mo", "MoReader"),
        CorpusFormat("sgm", "two SGM files of a WMT test set", (".sgm", ".sgml"), "wmt", "SgmReader", num_files=2),
        CorpusFormat("wmt", "the XML file of a WMT test set", (), "wmt", "WmtReader"),
        CorpusFormat("opus", "a zip archive of OPUS", (".zip",), "opus_zip", "OpusZipReader", needs_file=True),
        CorpusFormat(
            "parquet",
            "a Parquet file, or a directory of a Hugging Face dataset",
            (".parquet",),
            "parquet",
            "ParquetReader",
            needs_file=True,
        ),
    )
}
"""The formats by name."""
_BY_SUFFIX = {suffix: form.name for form in FORMATS.values() for suffix in form.suffixes}

_MAGICS = (
    (b"PK\3\4", "opus"),
    (b"PAR1", "parquet"),
    (b"\xde\x12\x04\x95", "mo"),
    (b"\x95\x04\x12\xde", "mo"),
)
_ROOTS = {
    "tmx": "tmx",
    "xliff": "xliff",
    "dataset": "wmt",
    "collection": "wmt",
    "mteval": "sgm",
    "srcset": "sgm",
    "refset": "sgm",
    "tstset": "sgm",
    "doc": "sgm",
}
"""Formats by the name of the outermost XML element, in lower case."""
_WIDE_ENCODINGS = (
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_ELEMENT = re.compile(r"<(?:[\w.-]+:)?([\w.-]+)[\s/>]")
_BEFORE_ROOT = (("<?", "?>"), ("<!--", "-->"), ("<!DOCTYPE", ">"), ("<!doctype", ">"))
_PO_ENTRY = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\r?\n)*[ \t]*(?:msgctxt|msgid)[ \t]*\"")
_JSON_LINE = re.compile(r"\s*\{\s*\"")


def detect_format(name: str, head: bytes) -> str:
    """Detects the format of a corpus of one file.

    Args:
        name: Name of the file. If its suffix is that of a format, as in `a.tmx` or `a.tmx.gz`, the content is ignored.
        head: The first bytes of the content, decompressed; `HEAD_SIZE` bytes, or all if there are fewer.

    Returns:
        Name of the format; `tsv` if nothing else is detected.

    >>> detect_format("memory.tmx.gz", b""), detect_format("pairs.txt", b'{"en": "yes", "fr": "oui"}')
    ('tmx', 'jsonl')
    >>> detect_format("export.xml", b'<?xml version="1.0"?><xliff version="1.2">')
    'xliff'
    """
    return _BY_SUFFIX.get(_suffix(name)) or _format_of(head)


def open_corpus(
    src: PathName,
    tgt: PathName | None = None,
    options: ReadOptions | None = None,
    format: str | None = None,  # the name of the option
) -> UnitReader:
    """Opens a parallel corpus in any format.

    Args:
        src: A file with both languages, or the file of source sentences; `-` = standard input.
        tgt: The file of target sentences; None = `src` has both languages.
        options: How to read; None = the defaults.
        format: Name of the format, one of `FORMATS`; None = detected by name and content.

    Returns:
        Reader of the corpus.

    Raises:
        ConfigError: There is no such format, a package that it needs is not installed, or source and target language
            are the same.
        DataError: A file cannot be opened, or the format needs another number of files.
    """
    options = ReadOptions() if options is None else options
    if options.langs is not None and options.langs[0] == options.langs[1]:
        raise ConfigError(
            f"--langs {'-'.join(options.langs)}: expected two different languages, got {options.langs[0]} twice: name "
            "the source and the target, such as en-fr, or leave it out"
        )
    if format is not None and format not in FORMATS:
        raise ConfigError(f"format: expected one of {', '.join(FORMATS)}, got {format!r}")
    sources: list[Path | InputFile | None] = [_source(src)]
    if tgt is None:
        if format is None:
            format, sources[0] = _detect(sources[0])
    else:
        sources.append(_source(tgt))
        format = format or _detect_two(Path(src), Path(tgt))
    form = FORMATS[format]
    _check_files(form, [src] if tgt is None else [src, tgt])
    module = import_module(f"regard.data.corpora.{form.module}")
    make_reader = cast("Callable[..., UnitReader]", getattr(module, form.reader))
    return make_reader(*sources, options)


def _source(name: PathName) -> Path | None:
    return None if str(name) == "-" else Path(name)


def _detect(source: Path | InputFile | None) -> tuple[str, Path | InputFile | None]:
    """The format of a corpus of one file, and where to read it: a pipe stays open, since it can be read only once."""
    if isinstance(source, Path):
        if source.is_dir():
            return "parquet", source
        if (suffix := _suffix(source.name)) in _BY_SUFFIX:
            return _BY_SUFFIX[suffix], source
    file = open_input(source)
    detected = detect_format(file.name, file.head(HEAD_SIZE))
    if isinstance(source, Path) and _is_regular(source):
        file.close()
        return detected, source
    return detected, file


def _detect_two(src: Path, tgt: Path) -> str:
    """The format of a corpus of two files."""
    formats = [_BY_SUFFIX.get(_suffix(path.name), "plain") for path in (src, tgt)]
    if formats == ["sgm", "sgm"]:
        return "sgm"
    return next((name for name in formats if name not in _MAY_BE_PLAIN), "plain")


def _suffix(name: str) -> str:
    """Suffix of a file name before that of a compression, in lower case."""
    return Path(without_compression_suffix(name)).suffix.lower()


def _is_regular(path: Path) -> bool:
    return stat.S_ISREG(path.stat().st_mode)


def _check_files(form: CorpusFormat, names: list[PathName]) -> None:
    """Refuses a number or a type of files that the format cannot be read from."""
    where = " and ".join(map(str, names))
    if len(names) != form.num_files:
        expected, advice = "2 files", "name the target file as well"
        if form.num_files == 1:
            expected, advice = "1 file", "name one file, without a target file"
        raise DataError(
            f"{where}: expected {expected}, since the format is {form.name} ({form.description}), got "
            f"{len(names)}: {advice}, or another format"
        )
    if [str(name) for name in names] == ["-", "-"]:
        raise DataError("expected at most one text from standard input, got - for source and target: name a file")
    if form.needs_file and (str(names[0]) == "-" or not (Path(names[0]).is_dir() or _is_regular_or_missing(names[0]))):
        raise DataError(
            f"{where}: expected {form.description}, found a pipe: save it as a file first, and name the file"
        )


def _is_regular_or_missing(name: PathName) -> bool:
    path = Path(name)
    return not path.exists() or _is_regular(path)


def _format_of(head: bytes) -> str:
    """The format of content."""
    for magic, name in _MAGICS:
        if head.startswith(magic):
            return name
    text = _decode(head)
    root = _root_element(text)
    if root in _ROOTS:
        return _ROOTS[root]
    for pattern, name in ((_PO_ENTRY, "po"), (_JSON_LINE, "jsonl")):
        if pattern.match(text):
            return name
    return "csv" if _is_csv_header(text.partition("\n")[0]) else _DEFAULT


def _is_csv_header(line: str) -> bool:
    """Whether the names of two columns of a corpus are separated by commas or semicolons."""
    rows = [[plain_name(cell.strip().strip('"')) for cell in line.split(delimiter)] for delimiter in ",;"]
    return any(src in row and tgt in row for row in rows for src, tgt in NAMES)


def _root_element(text: str) -> str:
    """Name of the outermost XML element in lower case, without prefix; empty if the text is not XML."""
    position = 0
    while True:
        position += len(text[position:]) - len(text[position:].lstrip())
        end = next((end for start, end in _BEFORE_ROOT if text.startswith(start, position)), None)
        if end is None:
            element = _ELEMENT.match(text, position)
            return "" if element is None else element[1].lower()
        closing = "]>" if end == ">" and "[" in text[position : text.find(end, position) + 1] else end
        after = text.find(closing, position)
        if after < 0:
            return ""
        position = after + len(closing)


def _decode(head: bytes) -> str:
    """Content as text, without a byte order mark; accurate enough to find markup in it."""
    encoding = next((name for mark, name in _WIDE_ENCODINGS if head.startswith(mark)), "utf-8")
    return head.decode(encoding, "replace").removeprefix("\ufeff")
