"""Zip archives of OPUS in Moses format: two text files with one sentence per line."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import IO
from zipfile import BadZipFile, ZipFile, ZipInfo

from regard.corpora.language_choice import choose_language
from regard.corpora.unit import MAX_TEXT, ReadOptions, ReadReport, Unit
from regard.errors import ConfigError, DataError
from regard.files.compression import InputFile, open_binary
from regard.files.printable import on_one_line
from regard.text.languages import canonical

_NO_LANGUAGES = frozenset({"ids", "xml", "txt", "tmx", "tsv", "csv", "md", "gz", "po", "mo"})
"""Suffixes of other files that look like language codes."""
_MAX_SHOWN = 8
_REMEDY = "copy or fetch it again"


class OpusZipReader:
    """Reader of an archive such as `en-fr.txt.zip`, without unpacking it to disk.

    Args:
        source: The archive, which cannot be a pipe.
        options: How to read it; the languages choose two of its files by their suffixes.

    Attributes:
        name: The archive, for messages.
        format: `"opus"`.
        report: What was left out.
    """

    format = "opus"

    def __init__(self, source: Path | InputFile | None, options: ReadOptions) -> None:
        if not isinstance(source, Path):
            raise DataError("expected a zip archive, found a pipe: save it as a file first, and name the file")
        self.name = str(source)
        self.report = ReadReport(options.on_error)
        self._path = source
        self._options = options
        self._num_bytes = 0
        self._num_read = 0

    def units(self) -> Iterator[Unit]:
        """See `UnitReader.units`."""
        try:
            with self._open() as archive:
                yield from self._units(archive)
        except DataError as error:
            message = str(error)
        else:
            return
        self.report.fault(message)

    def fraction_read(self) -> float | None:
        """See `UnitReader.fraction_read`."""
        return min(self._num_read / self._num_bytes, 1.0) if self._num_bytes else None

    @contextmanager
    def _open(self) -> Iterator[ZipFile]:
        with open_binary(self._path) as file:
            try:
                archive = ZipFile(file)
            except (BadZipFile, OSError, ValueError) as error:
                raise DataError(
                    f"{self.name}: expected a zip archive, found a broken one ({error}): {_REMEDY}"
                ) from None
            with archive:
                yield archive

    def _units(self, archive: ZipFile) -> Iterator[Unit]:
        pair = self._choose(archive)
        languages = tuple(member.filename.rpartition(".")[2] for member in pair)
        self._num_bytes = sum(member.file_size for member in pair)
        sides = [self._lines(archive, member) for member in pair]
        for number, (src, tgt) in enumerate(zip_longest(*sides), start=1):
            if src is None or tgt is None:
                ended, longer = pair if src is None else reversed(pair)
                raise DataError(
                    f"{self.name}: expected two files of equally many lines, but {ended.filename} has {number - 1} and "
                    f"{longer.filename} has more: line n of one must translate line n of the other; {_REMEDY}"
                )
            try:
                unit = Unit(_decode(src), _decode(tgt), number)
            except ValueError as error:
                self.report.fault(f"{self.name}:{number}: {error}")
            else:
                self.report.languages.update(languages)
                yield unit

    def _lines(self, archive: ZipFile, member: ZipInfo) -> Iterator[bytes]:
        where = f"{self.name}: {on_one_line(member.filename)}"
        if member.flag_bits & 1:
            raise DataError(
                f"{where}: expected a file without password, found an encrypted one: unpack the archive first"
            )
        number = 0
        try:
            with archive.open(member) as file:
                while line := _read_line(file):
                    number += 1
                    self._num_read += len(line)
                    yield line
        except (BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError) as error:
            raise DataError(f"{where}: broken after line {number} ({error}): {_REMEDY}") from None

    def _choose(self, archive: ZipFile) -> tuple[ZipInfo, ZipInfo]:
        """The files of the source and of the target sentences."""
        stems: dict[str, dict[str, ZipInfo]] = defaultdict(dict)
        for member in archive.infolist():
            stem, _, suffix = member.filename.rpartition(".")
            if _is_language(suffix) and not member.is_dir():
                stems[stem][suffix] = member
        pairs = [pair for stem, files in stems.items() if (pair := self._pair(stem, files))]
        if len(pairs) == 1:
            return pairs[0]
        names = [on_one_line(member.filename) for member in archive.infolist()]
        shown = ", ".join(names[:_MAX_SHOWN]) + (
            f" and {len(names) - _MAX_SHOWN} more" if len(names) > _MAX_SHOWN else ""
        )
        langs = self._options.langs or ("en", "fr")
        number = "several such pairs" if pairs else "none"
        raise DataError(
            f"{self.name}: expected two text files with language suffixes, such as X.{langs[0]} and X.{langs[1]}, "
            f"found {number} among {shown or 'no files'}: unpack the archive, and name the file or files inside; or "
            "name the languages with --langs"
        )

    def _pair(self, stem: str, files: dict[str, ZipInfo]) -> tuple[ZipInfo, ZipInfo] | None:
        if self._options.langs is None:
            if len(files) != 2:
                return None
            src, tgt = sorted(files, key=lambda suffix: stem.rpartition(".")[2].find(suffix))  # as in `X.en-fr`
        else:
            where = f"{self.name}: {on_one_line(stem)}"
            chosen = [choose_language(code, files, where=where) for code in self._options.langs]
            if chosen[0] is None or chosen[1] is None or chosen[0] == chosen[1]:
                return None
            src, tgt = chosen[0], chosen[1]
        return files[src], files[tgt]


def _is_language(suffix: str) -> bool:
    try:
        canonical(suffix)
    except ConfigError:
        return False
    return suffix not in _NO_LANGUAGES


def _read_line(file: IO[bytes]) -> bytes:
    """A line with its end; of a line that is too long, the beginning, and the rest is skipped."""
    line = file.readline(MAX_TEXT + 2)
    rest = line
    while len(rest) > MAX_TEXT and not rest.endswith(b"\n"):
        rest = file.readline(MAX_TEXT + 2)
    return line


def _decode(line: bytes) -> str:
    if len(line) > MAX_TEXT + 1:
        raise ValueError(f"expected lines of at most {MAX_TEXT} bytes, found a longer one: check the file")
    try:
        return line.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"expected UTF-8, found byte 0x{line[error.start]:02x} at position {error.start + 1} of the line: unpack "
            "the archive, and convert its files, e.g. with iconv"
        ) from None
