"""Memory between training steps: freed blocks are kept, oneDNN's compiled products are limited in number.

By default glibc returns every large block to the kernel at once, and gets it back page by page, zeroed, at the next
step; see `docs/decisions/0006-freed-memory-is-kept.md` for what that costs. Both functions here change the whole
process; `regard.recipes.process.prepare_process` calls them.
"""

from __future__ import annotations

import ctypes
import os
import sys

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # malloc.h
_TOP_PAD = 64 << 20
_NEVER = 2**31 - 1
MAX_COMPILED_PRODUCTS = 256
"""How many compiled matrix products oneDNN keeps. It compiles one for each shape, and by default keeps 1,024 with
memory of their own: hundreds of megabytes where batches have many shapes, for no measurable gain in speed."""


def keep_freed_memory() -> bool:
    """Sets glibc's allocator to take large blocks from the heap, and to keep the heap.

    Returns:
        Whether it could be done; False on systems without glibc's `mallopt`, where nothing changes.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, _NEVER), (_M_TOP_PAD, _TOP_PAD))
    return all(bool(mallopt(option, value)) for option, value in settings)


def limit_compiled_products() -> None:
    """Limits how many compiled products oneDNN keeps, unless the environment already does.

    It takes effect only before oneDNN compiles its first product.
    """
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(MAX_COMPILED_PRODUCTS))
