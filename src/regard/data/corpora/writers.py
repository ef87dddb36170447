"""The formats in which corpora are written: their names, by which suffix they are chosen, and opening of a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from regard.data.corpora.formats import FORMATS
from regard.data.corpora.stream_writer import StreamWriter
from regard.data.corpora.unit import Unit
from regard.errors import ConfigError
from regard.files.compressed_output import open_output
from regard.files.compression import without_compression_suffix

Langs = tuple[str, str] | None


class UnitWriter(Protocol):
    """A writer of one corpus.

    Attributes:
        lost: Number of pairs that the format could not hold as they are, by what is lost.
        num_written: Number of pairs written so far.
    """

    lost: Counter[str]
    num_written: int

    def write(self, unit: Unit) -> None:
        """Writes a sentence pair.

        Args:
            unit: The pair; what the format cannot hold is replaced, and counted in `lost`.
        """
        ...


@dataclass(frozen=True)
class OutputFormat:
    """A format that can be written.

    Attributes:
        module: Module of the writer within `regard.data.corpora`.
        writer: Name of the writer's class.
        needs_langs: Whether the languages must be known, since files in this format name them.
        num_files: Number of files: 1, or 2 for source and target.
        not_held: What the format cannot store for any pair, such as the languages; empty = it stores everything.
    """

    module: str
    writer: str
    needs_langs: bool = False
    num_files: int = 1
    not_held: str = ""


OUTPUT_FORMATS = {
    "plain": OutputFormat("line_writers", "PlainWriter", num_files=2),
    "moses": OutputFormat("line_writers", "MosesWriter", num_files=2),
    "tsv": OutputFormat("line_writers", "TsvWriter", not_held="the languages"),
    "csv": OutputFormat("line_writers", "CsvWriter"),
    "jsonl": OutputFormat("line_writers", "JsonLinesWriter"),
    "tmx": OutputFormat("xml_writers", "TmxWriter", needs_langs=True),
    "xliff": OutputFormat("xml_writers", "XliffWriter", needs_langs=True),
    "po": OutputFormat("po_writer", "PoWriter"),
    "parquet": OutputFormat("parquet_writer", "ParquetWriter"),
}
"""The formats that can be written, by name."""


def output_format(path: Path | None, name: str | None = None) -> str:
    """Chooses the format of an output file.

    Args:
        path: Path of the file; None = standard output.
        name: Name of the format; None = by the suffix of `path`.

    Returns:
        One of `OUTPUT_FORMATS`.

    Raises:
        ConfigError: There is no such format, or the suffix names none.

    >>> output_format(Path("memory.tmx.gz")), output_format(Path("train"), "plain")
    ('tmx', 'plain')
    """
    expected = f"expected one of {', '.join(OUTPUT_FORMATS)}"
    if name is not None:
        if name not in OUTPUT_FORMATS:
            raise ConfigError(f"format of the output: {expected}, got {name!r}")
        return name
    suffix = "" if path is None else Path(without_compression_suffix(path.name)).suffix.lower()
    for candidate in OUTPUT_FORMATS:
        if suffix in FORMATS[candidate].suffixes:
            return candidate
    found = "standard output, whose name has no suffix" if path is None else str(path)
    raise ConfigError(
        f"expected a format, or a file name with a suffix such as .tsv or .tmx, found {found}: name the format, one of "
        f"{', '.join(OUTPUT_FORMATS)}"
    )


@contextmanager
def open_writer(path: Path | None, format: str, langs: Langs) -> Iterator[UnitWriter]:  # the name of the option
    """Context in which a corpus is written; after an exception, existing files are unchanged.

    Args:
        path: Path of the file, compressed if its suffix says so, such as `.gz`; None = standard output. For a format of
            two files, the languages are added: `train.gz` gives `train.en.gz` and `train.fr.gz`.
        format: One of `OUTPUT_FORMATS`.
        langs: Canonical codes of source and target language; None = unknown.

    Yields:
        The writer.

    Raises:
        ConfigError: There is no such format, the format needs languages or a path, or a package is missing.
        CheckpointError: A file cannot be written.
    """
    form = OUTPUT_FORMATS[output_format(path, format)]
    _check_output(path, format, langs)
    writer_class = cast(
        "Callable[..., StreamWriter]", getattr(import_module(f"regard.data.corpora.{form.module}"), form.writer)
    )
    with ExitStack() as stack:
        if form.num_files == 2:
            files = [stack.enter_context(open_output(each)) for each in output_paths(path, format, langs)]
            writer = writer_class(*files)
        else:
            writer = writer_class(stack.enter_context(open_output(path)), langs)
        try:
            yield writer
        except BaseException:
            writer.abandon()
            raise
        writer.finish()


def output_paths(path: Path | None, format: str, langs: Langs) -> tuple[Path, ...]:  # the name of the option
    """The files that `open_writer` writes.

    Args:
        path: Path that the user gave; None = standard output.
        format: One of `OUTPUT_FORMATS`.
        langs: The languages; None = unknown.

    Returns:
        The paths; none for standard output.

    Raises:
        ConfigError: Two files cannot be written to standard output.

    >>> [path.name for path in output_paths(Path("train.gz"), "plain", ("en", "fr"))]
    ['train.en.gz', 'train.fr.gz']
    """
    if OUTPUT_FORMATS[format].num_files == 1:
        return () if path is None else (path,)
    if path is None:
        raise ConfigError(
            f"--to {format}: expected --out, since this format has two files, found standard output: give the common "
            "beginning of the two names, such as --out train"
        )
    stem = without_compression_suffix(path.name)
    compression = path.name[len(stem) :]
    suffixes = ("src", "tgt") if langs is None or langs[0] == langs[1] else langs
    for suffix in suffixes:
        stem = stem.removesuffix(f".{suffix}")
    return tuple(path.with_name(f"{stem}.{suffix}{compression}") for suffix in suffixes)


def _check_output(path: Path | None, format: str, langs: Langs) -> None:  # the name of the option
    if OUTPUT_FORMATS[format].needs_langs and langs is None:
        raise ConfigError(
            f"{format}: expected the languages of the corpus, found none: name them, such as --langs en-fr"
        )
    if format == "tmx" and langs is not None and langs[0] == langs[1]:
        raise ConfigError(f"tmx: expected two languages, got {langs[0]} twice: choose another format, such as tsv")
    if format == "parquet" and path is not None and path.name != without_compression_suffix(path.name):
        name = without_compression_suffix(path.name)
        raise ConfigError(
            f"{path}: expected a name without the ending of a compressed file, since Parquet compresses its columns "
            f"itself: name the file {name}"
        )
