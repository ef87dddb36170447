"""Input files and standard input, decompressed by their first bytes."""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from regard.errors import DataError
from regard.files.decompressors import BLOCK_SIZE, COMPRESSIONS, Compression, InputError, decompressed


class InputFile(io.BufferedIOBase):
    """A binary file that is decompressed while it is read; the format is detected by the first bytes.

    If reading fails in the middle, all bytes before the error are returned first; the next call raises the error.
    `str(file)` is the name for messages.

    Args:
        file: Open file, which may be a pipe or a terminal.
        name: Name of the file, for messages.
        close_file: Whether `close` closes `file` as well.

    Attributes:
        name: Name of the file, for messages.
        compression: The compression format; None for a plain file.
    """

    def __init__(self, file: io.BufferedReader | io.RawIOBase, name: str, *, close_file: bool = True) -> None:
        self.name = name
        self._file = file
        self._close_file = close_file
        self._num_read = 0
        self._num_returned = 0
        self._buffer = b""
        self._failure: DataError | None = None
        head = self._read_magic()
        self.compression = _detect(head, name)
        self._blocks = self._compressed_blocks(head)
        if self.compression is not None:
            self._blocks = decompressed(self._blocks, self.compression, name)

    def __str__(self) -> str:
        return self.name

    def readable(self) -> bool:
        """Whether the file can be read: always True. See `io.IOBase.readable`."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Reads up to `size` bytes; fewer only at the end of the file, or if reading fails after some bytes.

        Args:
            size: Number of bytes; -1 or None = up to the end of the file.

        Returns:
            The bytes; empty at the end of the file.

        Raises:
            InputError: Reading failed, or the compressed data is broken, before the first byte of this call.
        """
        most = sys.maxsize if size is None or size < 0 else size
        parts: list[bytes] = []
        num_bytes = 0
        while num_bytes < most and self._fill(may_raise=not parts):
            parts.append(self._take(most - num_bytes))
            num_bytes += len(parts[-1])
        return b"".join(parts)

    def read1(self, size: int = -1, /) -> bytes:
        """Reads the bytes that are available at once; waits only if there are none.

        Args:
            size: Largest number of bytes; -1 = 65,536 (`BLOCK_SIZE`).

        Returns:
            The bytes; empty only at the end of the file.

        Raises:
            InputError: Reading failed, or the compressed data is broken.
        """
        return self._take(BLOCK_SIZE if size < 0 else size) if self._fill() else b""

    def peek(self, size: int = 0, /) -> bytes:
        """Returns bytes that are available at once without consuming them; waits only if there are none.

        Args:
            size: Ignored, as by `io.BufferedReader.peek`.

        Returns:
            The next bytes, as many as are buffered; empty only at the end of the file, or if reading failed.
        """
        return self._buffer if self._fill(may_raise=False) else b""

    def head(self, size: int) -> bytes:
        """Returns the next bytes without consuming them, and waits until there are enough.

        Args:
            size: Number of bytes.

        Returns:
            The next `size` bytes; fewer only if the file has no more, or reading fails.
        """
        while len(self._buffer) < size:
            block = self._next_block()
            if not block:
                break
            self._buffer += block
        return self._buffer[:size]

    def fileno(self) -> int:
        """File descriptor of the underlying file, from which compressed bytes are read. See `io.IOBase.fileno`."""
        return self._file.fileno()

    def fraction_read(self) -> float | None:
        """Fraction of the file's bytes that have been read, from 0 to 1; None if its size is unknown."""
        if self.closed:
            return 1.0
        try:
            status = os.fstat(self._file.fileno())
        except OSError:  # a stream without a file descriptor
            return None
        is_sized = stat.S_ISREG(status.st_mode) and status.st_size > 0
        return min(self._num_read / status.st_size, 1.0) if is_sized else None

    def close(self) -> None:
        """Closes this object, and also the underlying file unless `close_file` is False."""
        if self._close_file and not self.closed:
            self._file.close()
        super().close()

    def _take(self, size: int) -> bytes:
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        self._num_returned += len(data)
        return data

    def _fill(self, *, may_raise: bool = True) -> bool:
        """Whether the buffer contains bytes, after reading a block if it was empty."""
        if not self._buffer:
            self._buffer = self._next_block()
        if self._failure is not None and not self._buffer and may_raise:
            raise self._failure
        return bool(self._buffer)

    def _next_block(self) -> bytes:
        """The next decompressed bytes; empty at the end, and after a failure, which is kept."""
        if self._failure is None:
            try:
                return next(self._blocks, b"")
            except InputError as error:
                place = f"{self._num_returned + len(self._buffer):,} bytes of its content"
                self._failure = error.at(place)
            except DataError as error:
                self._failure = error
        return b""

    def _read_magic(self) -> bytes:
        """Reads the first bytes, as many as are available, but enough to detect the compression."""
        head = b""
        try:
            while _is_short(head):
                block = self._read_block()
                if not block:
                    break
                head += block
        except InputError as error:
            self._failure = error
        return head

    def _compressed_blocks(self, head: bytes) -> Iterator[bytes]:
        if head:
            yield head
        while block := self._read_block():
            yield block

    def _read_block(self) -> bytes:
        try:
            if isinstance(self._file, io.RawIOBase):  # standard input of an unbuffered Python
                block = self._file.read(BLOCK_SIZE) or b""
            else:
                block = self._file.read1(BLOCK_SIZE)
        except OSError as error:
            reason = f": {error.strerror or error}: try again, or copy the file"
            raise InputError(f"{self.name}: the operating system failed to read the file", reason) from None
        self._num_read += len(block)
        return block


def open_input(source: Path | InputFile | None) -> InputFile:
    """Opens a file or standard input for reading bytes, decompressed.

    Args:
        source: Path of a file, pipe or device; None = standard input. An `InputFile` is returned unchanged.

    Returns:
        The open file, to be closed after use.

    Raises:
        DataError: The file is missing, is a directory or cannot be opened, or standard input is closed.
    """
    if isinstance(source, InputFile):
        return source
    if source is None:
        if sys.stdin is None:
            raise DataError("standard input is closed: give the path of a file, or pipe text into the program")
        return InputFile(sys.stdin.buffer, source_name(None), close_file=False)  # type: ignore[arg-type]  # buffered
    return InputFile(open_binary(source), str(source))


def source_name(source: object) -> str:
    """Name of an input for messages: the path, or `standard input` for None."""
    return "standard input" if source is None else str(source)


def open_binary(path: Path) -> io.BufferedReader:
    """Opens a file for reading in binary mode, with error messages for the user.

    Args:
        path: Path of the file.

    Returns:
        The open file, not decompressed.

    Raises:
        DataError: The file is missing, is a directory, or cannot be opened.
    """
    if path.is_dir():
        raise DataError(f"{path}: expected a text file, found a directory: give the path of a file")
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise DataError(f"{path}: no such file: check the name (the current directory is {Path.cwd()})") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be opened: {error.strerror or error}: check path and permissions") from None
    except ValueError as error:  # a null byte in the name
        raise DataError(f"{str(path)!r}: not a valid file name: {error}: check the name") from None


def without_compression_suffix(name: str) -> str:
    """The name of a file without the suffix of a compression format.

    >>> without_compression_suffix("memory.tmx.gz"), without_compression_suffix("memory.tmx")
    ('memory.tmx', 'memory.tmx')
    """
    stem, _, suffix = name.rpartition(".")
    return stem if stem and suffix.lower() in COMPRESSIONS else name


def _is_short(head: bytes) -> bool:
    """Whether more bytes are needed to detect the compression."""
    return any(compression.may_begin(head) and not compression.begins(head) for compression in COMPRESSIONS.values())


def _detect(head: bytes, name: str) -> Compression | None:
    """The compression of a file by its first bytes; or else by its name, with which it will be found broken."""
    for compression in COMPRESSIONS.values():
        if compression.begins(head):
            return compression
    return COMPRESSIONS.get(Path(name).suffix.lower().removeprefix(".")) if head else None
