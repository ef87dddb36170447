"""Compressed data in every format that input may have."""

from __future__ import annotations

import bz2
import gzip
import lzma
import sys
from collections.abc import Callable

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def _xz(data: bytes) -> bytes:
    return lzma.compress(data, preset=0)


def _zst(data: bytes) -> bytes:
    return zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1})


PACK: dict[str, Callable[[bytes], bytes]] = {
    "gz": _gzip,
    "bz2": bz2.compress,
    "xz": _xz,
    "zst": _zst,
}
"""Functions that compress, by the suffix of file names."""
EMPTY_ZST_FRAME = b"\x50\x2a\x4d\x18\4\0\0\0pzst"
"""A frame without text, such as pzstd writes before each of the others."""
