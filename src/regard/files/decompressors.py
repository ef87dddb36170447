"""Decompressors of gzip, bzip2, xz and Zstandard with one interface, for files of one or several members."""

from __future__ import annotations

import bz2
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from regard.errors import DataError
from regard.files.packages import require_package

BLOCK_SIZE = 1 << 16
"""Largest number of bytes that are read, or decompressed, at once."""
_MAX_MEMORY_LOG = 29
"""Logarithm to base 2 of the largest allowed number of bytes that a decompressor may allocate."""
_REMEDY = "copy or fetch it again"


class Decompressor(Protocol):
    """Protocol of a decompressor of one member (an independently compressed part) of a file.

    It has the interface of `bz2.BZ2Decompressor`.
    """

    @property
    def eof(self) -> bool:
        """Whether the end of the member (an independently compressed part of a file) has been reached."""
        ...

    @property
    def needs_input(self) -> bool:
        """Whether `decompress` needs more compressed data before it can return more."""
        ...

    @property
    def unused_data(self) -> bytes:
        """Compressed data that followed the end of the member in the input, such as the next member."""
        ...

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Decompresses data.

        Args:
            data: The next part of the compressed data.
            max_length: Largest number of bytes to return.

        Returns:
            The next part of the decompressed data; may be empty.
        """
        ...


class _GzipDecompressor:
    """`zlib`'s decompressor with the interface of the others."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self._is_full = False

    @property
    def eof(self) -> bool:
        return self._member.eof

    @property
    def needs_input(self) -> bool:
        return not (self._is_full or self._member.unconsumed_tail)

    @property
    def unused_data(self) -> bytes:
        return self._member.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        text = self._member.decompress(self._member.unconsumed_tail + data, max_length)
        self._is_full = len(text) == max_length  # so that some may be left inside
        return text


def _xz_decompressor() -> Decompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=1 << _MAX_MEMORY_LOG)


class _ZstdDecompressor:
    """Decompressor of a Zstandard frame, with errors that can be caught without its package."""

    def __init__(self) -> None:
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            require_package("backports.zstd", to="read .zst files", extra="data")
            from backports import zstd
        options = {int(zstd.DecompressionParameter.window_log_max): _MAX_MEMORY_LOG}
        self._frame = zstd.ZstdDecompressor(options=options)
        self._error: type[Exception] = zstd.ZstdError

    @property
    def eof(self) -> bool:
        return bool(self._frame.eof)

    @property
    def needs_input(self) -> bool:
        return bool(self._frame.needs_input)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._frame.unused_data)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        try:
            return bytes(self._frame.decompress(data, max_length))
        except self._error as error:
            raise ValueError(str(error)) from None


@dataclass(frozen=True)
class Compression:
    """A compression format, whose files have one or several members: parts that are compressed independently.

    Attributes:
        suffix: Suffix of file names, without the dot, such as `gz`.
        kind: What messages call a file in this format, such as `a gzipped file`.
        program: Command that decompresses a file to standard output, such as `gzip -dc`.
        magics: Byte strings with which a member may begin.
        open_member: Function that returns a decompressor for one member.
        is_padded: Whether zero bytes may follow a member.
    """

    suffix: str
    kind: str
    program: str
    magics: tuple[bytes, ...]
    open_member: Callable[[], Decompressor]
    is_padded: bool = False

    def begins(self, data: bytes) -> bool:
        """Whether data begins with an independently compressed part of this format, such as a gzip member."""
        return data.startswith(self.magics)

    def may_begin(self, data: bytes) -> bool:
        """Whether data begins with a compressed part of this format, or is too short to tell."""
        return self.begins(data) or any(magic.startswith(data) for magic in self.magics)


_BZIP2_BLOCKS = (b"1AY&SY", b"\x17rE8P\x90")
COMPRESSIONS = {
    compression.suffix: compression
    for compression in (
        Compression("gz", "a gzipped file", "gzip -dc", (b"\x1f\x8b",), _GzipDecompressor, is_padded=True),
        Compression(
            "bz2",
            "a bzip2 file",
            "bzip2 -dc",
            tuple(b"BZh%d%b" % (level, block) for level in range(1, 10) for block in _BZIP2_BLOCKS),
            bz2.BZ2Decompressor,
        ),
        Compression("xz", "an xz file", "xz -dc", (b"\xfd7zXZ\0",), _xz_decompressor, is_padded=True),
        Compression(
            "zst",
            "a Zstandard file",
            "zstd -dc",
            (b"\x28\xb5\x2f\xfd", *(b"%c\x2a\x4d\x18" % byte for byte in range(0x50, 0x60))),  # skippable frames, too
            _ZstdDecompressor,
        ),
    )
}
"""The compression formats, by the suffix of file names without the dot."""


class InputError(DataError):
    """Error while a file is read: the system reported an error, or the compressed data is broken.

    Args:
        problem: The file and what is wrong, such as `a.gz: broken .gz`.
        reason: Cause and remedy, such as ` (the file is cut short): copy it again`, to be added behind `place`.
        place: Position up to which the file was read, such as `line 12`.
    """

    def __init__(self, problem: str, reason: str, place: str = "0 bytes") -> None:
        super().__init__(f"{problem} after {place}{reason}")
        self.problem = problem
        self.reason = reason

    def at(self, place: str) -> InputError:
        """Makes a copy of the error that describes the position in another way.

        Args:
            place: Position up to which the file was read, such as `line 12`.

        Returns:
            The error to raise in place of this one.
        """
        return InputError(self.problem, self.reason, place)


def decompressed(blocks: Iterator[bytes], compression: Compression, name: str) -> Iterator[bytes]:
    """Decompresses a file of one or several members (independently compressed parts).

    Args:
        blocks: Consecutive blocks of the compressed file, none of them empty.
        compression: The compression format.
        name: Name of the file, for messages.

    Yields:
        Consecutive blocks of the decompressed content, none of them empty.

    Raises:
        InputError: The file is not in this format, is damaged or cut short, or has other data after its last member.
    """
    problem = f"{name}: broken .{compression.suffix}"
    data = next(blocks, b"")
    if not compression.may_begin(data):
        reason = f" (Not {compression.kind}: it begins with {data[:4]!r}): {_REMEDY}, or rename it"
        raise InputError(problem, reason)
    while data:
        member = compression.open_member()
        while not member.eof:
            if member.needs_input and not data:
                data = next(blocks, b"")
                if not data:
                    raise InputError(problem, f" (the file is cut short): {_REMEDY}")
            yield from _decompress(member, data, problem)
            data = b""
        data = _next_member(member.unused_data, blocks, compression)
        if not compression.may_begin(data):
            reason = (
                f" (its text is complete, but other data follows, which begins with {data[:4]!r}): unpack it with "
                f"{compression.program}, and check the result"
            )
            raise InputError(problem, reason)


def _decompress(member: Decompressor, data: bytes, problem: str) -> Iterator[bytes]:
    try:
        text = member.decompress(data, BLOCK_SIZE)
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
        raise InputError(problem, f" ({error}): {_REMEDY}") from None
    if text:
        yield text


def _next_member(data: bytes, blocks: Iterator[bytes], compression: Compression) -> bytes:
    """The data after a member and its padding, enough to detect whether it begins another member."""
    while True:
        if compression.is_padded:
            data = data.lstrip(b"\0")
        if len(data) >= max(map(len, compression.magics)):
            return data
        block = next(blocks, b"")
        if not block:
            return data
        data += block
