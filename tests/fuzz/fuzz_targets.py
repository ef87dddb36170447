"""What is fuzzed: readers of files, each with valid inputs, parts of its format, and what must hold for any input.

A target gets bytes and returns a short description of what became of them, from which fuzzing sees that an input is of
a new kind. Anything but an error for users (`RegardError`) is a finding.
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import fuzz_seeds as seeds

from regard.data.corpora.formats import FORMATS, detect_format, open_corpus
from regard.data.corpora.unit import MAX_TEXT, ReadOptions, Unit
from regard.errors import ConfigError, DataError, RegardError
from regard.files.compression import InputFile, open_input
from regard.text.normalize import normalize

_NAMES = re.compile(r"'[^']*'|\"[^\"]*\"|[^ ]*/[^ ]*|[0-9a-fx,]*[0-9][0-9a-fA-Fx,]*")
_OPTIONS = (
    ReadOptions(),
    ReadOptions(langs=("en", "fr")),
    ReadOptions(langs=("fr", "en"), include_fuzzy=True, accelerators=True, inline_text=True),
    ReadOptions(encoding="latin-1"),
    ReadOptions(columns=("2", "1")),
    ReadOptions(langs=("en", "zh-Hant"), encoding="utf-16"),
    ReadOptions(columns=("source", "target"), encoding="shift_jis"),
    ReadOptions(langs=("de", "en"), columns=("src", "ref:B")),
)
_BY_DOCUMENT = ("sgm", "wmt")
"""Formats that match the sentences of a document by identifier, in any order."""
_BILINGUAL = (".po", ".tmx", ".xlf", ".jsonl", ".csv", ".tsv")
"""Documents that get a translation beside each text."""


@dataclass(frozen=True)
class Target:
    """A reader that is fuzzed.

    Attributes:
        name: Its name, for `make fuzz`.
        seeds: Valid inputs.
        tokens: Parts of the format.
        run: Function that reads a file and describes the result.
        suffix: Suffix of the file.
    """

    name: str
    seeds: Sequence[bytes]
    tokens: Sequence[bytes]
    run: Callable[[Path], str]
    suffix: str = ""


class PropertyError(AssertionError):
    """Something that must hold for any input does not hold."""


def targets(directory: Path) -> dict[str, Target]:
    """All targets by name.

    Args:
        directory: An empty directory for temporary files.
    """
    return {target.name: target for target in (*_corpora(directory), *_texts(), *_settings(directory), *_documents())}


def _corpora(directory: Path) -> Iterator[Target]:
    xliff = [seeds.XLIFF_1, seeds.XLIFF_2]
    wide = [data.decode().replace("UTF-8", "UTF-16").encode("utf-16") for data in (seeds.TMX,)]
    for name, inputs, tokens in (
        ("tmx", [seeds.TMX, *wide], seeds.TMX_TOKENS),
        ("xliff", xliff, seeds.XLIFF_TOKENS),
        ("wmt", [seeds.WMT], seeds.WMT_TOKENS),
        ("po", [seeds.PO, seeds.PO.decode().encode("utf-16")], seeds.PO_TOKENS),
        ("mo", [seeds.mo(), seeds.mo(">")], (*seeds.PO_TOKENS, b"\0\0\0\1", b"\xff\xff\xff\xff", b"\x04")),
        ("jsonl", [seeds.JSONL], seeds.JSONL_TOKENS),
        ("tsv", [seeds.TSV], seeds.TABLE_TOKENS),
        ("csv", [seeds.CSV], seeds.TABLE_TOKENS),
        (
            "opus",
            seeds.opus(),
            (b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"\x0e\0", b"\x0c\0", b"\xff\xff\xff\xff"),
        ),
        ("parquet", seeds.parquet(directory), (b"PAR1", b"ARROW1\0\0", b"\xff\xff\xff\xff", b"\x15", b"\x00")),
    ):
        yield Target(name, inputs, tokens, _reader(name), f".{name}")
    two_files = (("plain", seeds.TEXT, seeds.TABLE_TOKENS), ("moses", seeds.TEXT, seeds.TABLE_TOKENS))
    for name, data, tokens in (*two_files, ("sgm", seeds.SGM, seeds.SGM_TOKENS)):
        other = directory / f"other.{name}"
        other.write_bytes(data)
        yield Target(name, [data], tokens, _reader(name, other), f".{name}")
    every = [seeds.TMX, *xliff, seeds.WMT, seeds.PO, seeds.mo(), seeds.JSONL, seeds.CSV, seeds.TSV]
    tokens = tuple({*seeds.TMX_TOKENS, *seeds.PO_TOKENS, *seeds.JSONL_TOKENS, b"\xde\x12\x04\x95", b"PK\3\4", b"PAR1"})
    yield Target("detection", every, sorted(tokens), _detected)
    yield Target(
        "compression",
        seeds.packed(),
        (b"\x1f\x8b\x08\0", b"BZh9", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"\0"),
        _unpacked,
    )


def _texts() -> Iterator[Target]:
    from regard.text.links import read_links

    def read(path: Path, lengths: Sequence[tuple[int, int]] = (), num_pairs: int = 0) -> str:
        links = read_links(path, lengths=lengths, num_pairs=num_pairs)
        return f"{len(links)} pairs, {sum(len(each.possible) for each in links).bit_length()} bits"

    yield Target("pharaoh", [seeds.LINKS], seeds.LINK_TOKENS, lambda path: _described(read, path))
    yield Target(
        "naacl",
        [seeds.NAACL],
        seeds.LINK_TOKENS,
        lambda path: _described(read, path, ((3, 3), (2, 1), (2, 2)), 3),
        ".naacl",
    )


def _settings(directory: Path) -> Iterator[Target]:
    from regard.config.load import load_config

    yield Target("config", [seeds.CONFIG], seeds.CONFIG_TOKENS, lambda path: _described(load_config, path), ".toml")
    model = directory / "model"
    model.mkdir(exist_ok=True)
    yield Target("manifest", [seeds.MANIFEST], seeds.JSON_TOKENS, lambda path: _described(_manifest, path, model))
    prepared = directory / "prepared"
    prepared.mkdir(exist_ok=True)
    shard = seeds.shard(prepared)
    yield Target(
        "prepared", [seeds.PREPARED], seeds.PREPARED_TOKENS, lambda path: _described(_prepared, path, prepared), ".json"
    )
    yield Target("shard", [shard], seeds.SHARD_TOKENS, lambda path: _described(_shard, path), ".safetensors")
    for name, inputs, tokens in (
        ("tsv", [seeds.GLOSSARY], seeds.GLOSSARY_TOKENS),
        ("csv", [seeds.GLOSSARY_CSV], seeds.GLOSSARY_TOKENS),
        ("tbx", [seeds.TBX], seeds.TBX_TOKENS),
    ):
        yield Target(f"glossary.{name}", inputs, tokens, lambda path: _described(_glossary, path), f".{name}")
    yield Target("shortlist", [seeds.shortlist()], (*seeds.JSON_TOKENS, b"\0" * 8, b"I32"), _shortlist)


def _documents() -> Iterator[Target]:
    from regard.translation.markup.file_formats import FILE_FORMATS

    for suffix in FILE_FORMATS:
        if suffix in seeds.DOCUMENTS:
            inputs, tokens = seeds.DOCUMENTS[suffix]
            yield Target(f"document{suffix}", inputs(), tokens, lambda path: _described(_document, path), suffix)


def _reader(format: str, other: Path | None = None) -> Callable[[Path], str]:
    form = FORMATS[format]

    def run(path: Path) -> str:
        data = path.read_bytes()
        choice = zlib.crc32(data)
        options = _OPTIONS[choice % len(_OPTIONS)]
        sources = [path] if other is None else [other, path] if choice & 64 else [path, other]
        skipped, outcome, num_faults, was_refused = _read(sources, options, format, "skip")
        stopped, _, _, was_stopped = _read(sources, options, format, "stop")
        if form.name in _BY_DOCUMENT:  # what follows a fault may translate a sentence that stands before
            skipped_before = [unit for unit in skipped if unit in stopped][: len(stopped)]
        else:
            skipped_before = skipped[: len(stopped)]
        if stopped != skipped_before:
            raise PropertyError("with on_error=stop, other units are read than with skip")
        if was_stopped != (bool(num_faults) or was_refused):
            raise PropertyError(f"{num_faults} faults with skip, but stop {'ends' if was_stopped else 'does not end'}")
        if not was_stopped and len(stopped) != len(skipped):
            raise PropertyError("with on_error=skip, units are read that are lost with stop, without a fault")
        if not (form.needs_file or other or was_refused) and choice & 128:
            _check_pieces(data, options, format, skipped)
        return outcome

    return run


def _read(
    sources: Sequence[Path], options: ReadOptions, format: str, on_error: str
) -> tuple[list[Unit], str, int, bool]:
    """The units, a description of the result, the number of faults, and whether an error ended reading."""
    from dataclasses import replace

    options = replace(options, on_error=on_error)  # type: ignore[arg-type]  # one of the two
    units: list[Unit] = []
    error = ""
    try:
        reader = open_corpus(sources[0], sources[1] if len(sources) == 2 else None, options, format)
        for unit in reader.units():
            units.append(unit)
            _check(unit)
    except (DataError, ConfigError) as caught:
        error = str(caught)
        if not any(path.name in error for path in sources):
            raise PropertyError(f"the message names no file: {error}") from caught
        report = None
    else:
        report = reader.report
        fraction = reader.fraction_read()
        if fraction is not None and not 0 <= fraction <= 1:
            raise PropertyError(f"the fraction read is {fraction}")
    num_faults = 0 if report is None else report.num_faults
    faults = [] if report is None else report.faults
    reasons = [] if report is None else sorted(report.left_out)
    if any("\n" in text for text in (error, *faults)):  # other control characters are escaped where it is printed
        raise PropertyError(f"a message has several lines: {error or faults!r}")
    if any(len(text) > 4000 for text in (error, *faults)):
        raise PropertyError(f"a message has {max(map(len, (error, *faults)))} characters: {(error or faults[0])[:200]}")
    parts = [str(min(len(units), 3)), str(min(num_faults, 2)), *reasons, *faults, error]
    return units, " | ".join(_NAMES.sub("_", part) for part in parts), num_faults, bool(error)


def _check(unit: Unit) -> None:
    for text in (unit.src, unit.tgt):
        normalize(text[:1000]).encode()
        if len(text) > 2 * MAX_TEXT:
            raise PropertyError(f"a text has {len(text)} characters")
    if unit.line < 1:
        raise PropertyError(f"the line is {unit.line}")


def _check_pieces(data: bytes, options: ReadOptions, format: str, expected: Sequence[Unit]) -> None:
    """Checks that a slow pipe gives the same units as a file."""
    from dataclasses import replace
    from importlib import import_module

    form = FORMATS[format]
    make = getattr(import_module(f"regard.data.corpora.{form.module}"), form.reader)
    size = 1 + zlib.crc32(data) % 50 + len(data) // 2000
    units: list[Unit] = []
    try:
        file = InputFile(cast("io.BufferedReader", _Pieces(data, size)), "pipe")
        for unit in make(file, replace(options, on_error="skip")).units():
            units.append(unit)
    except (DataError, ConfigError):
        pass
    if units != list(expected):
        raise PropertyError(f"in pieces of {size} bytes, {len(units)} units are read instead of {len(expected)}")


class _Pieces(io.BytesIO):
    """A file that returns few bytes at once, as a slow pipe does."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__(data)
        self._size = size

    def read1(self, size: int | None = -1, /) -> bytes:
        return self.read(self._size)


def _detected(path: Path) -> str:
    detect_format("standard input", path.read_bytes())
    try:
        reader = open_corpus(path)
        num_units = sum(1 for _ in zip(range(100), reader.units(), strict=False))
    except RegardError as error:
        return _NAMES.sub("_", str(error)[:4000])
    return f"{reader.format} {min(num_units, 3)}"


def _unpacked(path: Path) -> str:
    size = 0
    try:
        with open_input(path) as file:
            while block := file.read1():
                size += len(block)
                if size > 1 << 26:
                    return "large"
    except DataError as error:
        return _NAMES.sub("_", str(error)[:4000])
    return f"{size.bit_length()} bits"


def _described(function: Callable[..., object], *args: object) -> str:
    try:
        result = function(*args)
    except RegardError as error:
        return _NAMES.sub("_", str(error)[:4000])
    return result if isinstance(result, str) else "read"


def _manifest(path: Path, model: Path) -> None:
    from regard.store.manifest import MANIFEST, parse_manifest, read_manifest_tree

    (model / MANIFEST).write_bytes(path.read_bytes())
    tree = read_manifest_tree(model)
    parse_manifest(tree, where=path).to_json().encode()


def _prepared(path: Path, directory: Path) -> str:
    from regard.data.prepared.manifest import MANIFEST, read_manifest

    (directory / MANIFEST).write_bytes(path.read_bytes())
    manifest = read_manifest(directory)
    manifest.write(directory)
    if read_manifest(directory).content_hash() != manifest.content_hash():
        raise PropertyError("a manifest that was read and written again is another one")
    return f"{len(manifest.shards)} shards, {manifest.num_pairs.bit_length()} bits"


def _shard(path: Path) -> str:
    from regard.data.prepared.shard import Shard

    shard = Shard(path, num_pairs=3, vocab_sizes=(400, 400))
    sides = [shard.pair_ids(row) for row in range(3)]
    if max(int(ids.max(initial=0)) for pair in sides for ids in pair) >= 400:
        raise PropertyError("a shard has ids beyond its vocabulary")
    return f"{sum(len(ids) for pair in sides for ids in pair)} ids, {[shard.texts(row) for row in range(3)]}"


def _glossary(path: Path) -> str:
    from regard.translation.glossary_files import read_glossary

    langs = ("en", "fr") if zlib.crc32(path.read_bytes()) & 1 else None
    try:
        glossary = read_glossary(path, langs=langs)
    except RegardError as error:
        if path.name not in str(error) or "\n" in str(error) or len(str(error)) > 4000:
            raise PropertyError(f"the message names no file, or has several lines: {error!r}") from error
        raise
    for entry in glossary.entries:
        for source in entry.sources:
            sentence = f"({source})"
            spans = [match.span for match in glossary.find(sentence)]
            if not spans or any(not 0 <= start < end <= len(sentence) for start, end in spans):
                raise PropertyError(f"{entry} is not found in {sentence!r}: {spans}")
    glossary.match(path.read_bytes().decode(errors="replace")[:10_000])
    return f"{min(len(glossary), 5)} entries"


def _shortlist(path: Path) -> str:
    from regard.translation.shortlist import read_shortlist

    subword = _Subword()
    translator = SimpleNamespace(src_subword=subword, tgt_subword=subword)
    return _described(lambda: read_shortlist(path, translator))  # type: ignore[arg-type]  # a stand-in


class _Subword:
    """Stands in for subwords, of which a shortlist checks number and fingerprint."""

    def __len__(self) -> int:
        return 3

    def fingerprint(self) -> str:
        return "v"


def _document(path: Path) -> str:
    from regard.translation.markup.files import open_file
    from regard.translation.markup.sentence import TranslatedSentence

    data = path.read_bytes()
    document = open_file(path.name, data)
    sentences = document.sentences
    unchanged = document.render([TranslatedSentence(text, text) for text in sentences])
    if unchanged != data and path.suffix not in _BILINGUAL:
        raise PropertyError("unchanged sentences change the file")
    texts = ["x <y> &z; \u2028" if number % 2 else "" for number in range(len(sentences))]
    document.render([TranslatedSentence(*pair) for pair in zip(sentences, texts, strict=True)])
    return f"{min(len(sentences), 20)} sentences, {sum(map(len, sentences)).bit_length()} bits"
