"""Settings of glibc's memory allocator and of oneDNN's cache of compiled matrix products, for faster training.

By default glibc returns every large block to the operating system as soon as it is freed, and gets it back page by
page, zeroed, at the next step; see `docs/decisions/0006-freed-memory-is-kept.md` for what that costs. Both functions
here change the whole process; `regard.recipes.process.prepare_process` calls them.
"""

from __future__ import annotations

import ctypes
import os
import sys

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # malloc.h
_TOP_PAD = 64 << 20
_NEVER = 2**31 - 1
MAX_COMPILED_PRODUCTS = 256
"""How many compiled matrix products oneDNN keeps in its cache. oneDNN compiles one for each shape, and by default keeps
1,024, each with its own memory: hundreds of megabytes if batches have many shapes, for no measurable gain in speed."""


def keep_freed_memory() -> bool:
    """Sets glibc's allocator to reuse freed memory instead of returning it to the operating system.

    Large blocks are then allocated on the heap, and the heap never shrinks.

    Returns:
        Whether the allocator was set; False on systems without glibc's `mallopt`, where nothing changes.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, _NEVER), (_M_TOP_PAD, _TOP_PAD))
    return all(bool(mallopt(option, value)) for option, value in settings)


def limit_compiled_products() -> None:
    """Limits oneDNN's cache of compiled matrix products to `MAX_COMPILED_PRODUCTS`.

    Sets the environment variable `ONEDNN_PRIMITIVE_CACHE_CAPACITY` unless it is already set. This has an effect only
    before oneDNN compiles its first matrix product.
    """
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(MAX_COMPILED_PRODUCTS))
