"""Output files, written atomically and compressed as their names say."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from regard.files.atomic import atomic_output, named_errors
from regard.files.packages import require_package


@contextmanager
def open_output(path: Path | None) -> Iterator[BinaryIO]:
    """Context in which an output file is written; after an exception, an existing file is unchanged.

    The same content gives the same bytes: the header of a .gz file contains neither name nor time.

    Args:
        path: Path of the file, compressed if its suffix is `.gz`, `.bz2`, `.xz` or `.zst`; None = standard output.

    Yields:
        The open file.

    Raises:
        CheckpointError: The disk is full, or the path cannot be written.
        ConfigError: The package for .zst files is not installed.
    """
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    compressor = compressor_of(path)
    with atomic_output(path) as temporary, named_errors(path), temporary.open("wb") as raw:
        if compressor is None:
            yield raw
        else:
            with compressor(raw) as file:
                yield file


def compressor_of(path: Path) -> Callable[[BinaryIO], BinaryIO] | None:
    """Chooses how to compress a file by its suffix: `.gz`, `.bz2`, `.xz` or `.zst`.

    Args:
        path: Path of the file.

    Returns:
        Function that takes an open binary file and returns a file object that writes to it with compression; None if
        the file has another suffix.

    Raises:
        ConfigError: The package for .zst files is not installed.
    """
    compressor = _COMPRESSORS.get(path.suffix.lower())
    if compressor is _zstd and sys.version_info < (3, 14):
        require_package("backports.zstd", to="write .zst files", extra="data")
    return compressor


def _gzip(raw: BinaryIO) -> BinaryIO:
    return _buffered(gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=raw, mtime=0))


def _bz2(raw: BinaryIO) -> BinaryIO:
    return _buffered(bz2.BZ2File(raw, "wb"))


def _xz(raw: BinaryIO) -> BinaryIO:
    return _buffered(lzma.LZMAFile(raw, "wb"))


def _zstd(raw: BinaryIO) -> BinaryIO:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return _buffered(zstd.ZstdFile(raw, "wb"))


def _buffered(file: object) -> BinaryIO:
    """Lines in larger pieces, for speed; closing it closes `file`, but not the file below."""
    return io.BufferedWriter(cast("io.RawIOBase", file), 1 << 16)


_COMPRESSORS: dict[str, Callable[[BinaryIO], BinaryIO]] = {".gz": _gzip, ".bz2": _bz2, ".xz": _xz, ".zst": _zstd}
