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


PACK: dict[str, Callable[[bytes], bytes]] = {
    "gz": _gzip,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstd.compress,
}
"""Functions that compress, by the suffix of file names."""
EMPTY_ZST_FRAME = b"\x50\x2a\x4d\x18\4\0\0\0pzst"
"""A frame without text, such as pzstd writes before each of the others."""
