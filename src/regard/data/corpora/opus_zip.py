"""Zip archives of OPUS in Moses format: two text files with one sentence per line."""

from __future__ import annotations

import io
import lzma
import struct
import zlib
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import cast
from zipfile import BadZipFile, ZipFile, ZipInfo

from regard.data.corpora.language_choice import choose_language
from regard.data.corpora.plain import PlainReader
from regard.data.corpora.unit import ReadOptions, ReadReport, Unit
from regard.errors import ConfigError, DataError
from regard.files.compression import InputFile, open_binary
from regard.files.printable import on_one_line
from regard.text.languages import canonical

_NO_LANGUAGES = frozenset({"ids", "xml", "txt", "tmx", "tsv", "csv", "md", "gz", "po", "mo"})
"""Suffixes of other files that look like language codes."""
_ERRORS = (
    BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    MemoryError,  # of an LZMA dictionary of gigabytes
)
"""What reading a broken archive may raise."""
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
        self._members: list[_Member] = []

    def units(self) -> Iterator[Unit]:
        """Reads the two text files of the archive, line by line. See `UnitReader.units`."""
        with open_binary(self._path) as file:  # a missing file is an error also if faults are skipped
            try:
                with ExitStack() as stack:
                    archive = self._open(file, stack)
                    yield from self._units(archive, stack)
            except DataError as error:
                message = str(error)
            else:
                return
        self.report.fault(message)

    def fraction_read(self) -> float | None:
        """Fraction of the two text files read so far, 0 to 1; None if not known. See `UnitReader.fraction_read`."""
        size = sum(member.size for member in self._members)
        return min(sum(member.num_read for member in self._members) / size, 1.0) if size else None

    def _open(self, file: io.BufferedReader, stack: ExitStack) -> ZipFile:
        try:
            return stack.enter_context(ZipFile(file))
        except _ERRORS as error:
            raise DataError(f"{self.name}: expected a zip archive, found a broken one ({error}): {_REMEDY}") from None

    def _units(self, archive: ZipFile, stack: ExitStack) -> Iterator[Unit]:
        chosen = self._choose(archive)
        languages = tuple(member.filename.rpartition(".")[2] for member in chosen)
        self._members = [_Member(archive, member, self.name) for member in chosen]
        files = [
            stack.enter_context(InputFile(cast("io.BufferedReader", member), member.name)) for member in self._members
        ]
        reader = PlainReader(files[0], files[1], self._options)
        reader.report = self.report
        for unit in reader.units():
            self.report.languages.update(languages)
            yield unit

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
        shown = ", ".join(names[:_MAX_SHOWN])
        if len(names) > _MAX_SHOWN:
            shown += f" and {len(names) - _MAX_SHOWN} more"
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


class _Member(io.BufferedIOBase):
    """An open file of an archive, whose errors are those of the operating system.

    Args:
        archive: The archive.
        member: The file.
        archive_name: Name of the archive, for messages.
    """

    def __init__(self, archive: ZipFile, member: ZipInfo, archive_name: str) -> None:
        self.name = f"{archive_name}: {on_one_line(member.filename)}"
        self.size = member.file_size
        self.num_read = 0
        if member.flag_bits & 1:
            raise DataError(f"{self.name}: expected a file without password, found an encrypted one: unpack it first")
        try:
            self._file = cast("io.BufferedReader", archive.open(member))
        except _ERRORS as error:
            raise DataError(
                f"{self.name}: expected an intact file in the archive, found a broken one ({error}): {_REMEDY}"
            ) from None

    def read1(self, size: int = -1, /) -> bytes:
        try:
            data = self._file.read1(size)
        except OSError:
            raise
        except _ERRORS as error:
            raise OSError(f"broken ({error})") from None
        self.num_read += len(data)
        return data

    def close(self) -> None:
        self._file.close()
        super().close()


def _is_language(suffix: str) -> bool:
    try:
        canonical(suffix)
    except ConfigError:
        return False
    return suffix not in _NO_LANGUAGES
