"""Memory between the steps: freed blocks are kept for the next one, compiled products are not kept for ever.

By default glibc gives every large block back to the kernel at once and gets it back page by page, zeroed, at
the next step; see `docs/decisions/0006-freed-memory-is-kept.md` for what that costs.
"""

from __future__ import annotations

import ctypes
import os
import sys

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # malloc.h
_TOP_PAD = 64 << 20
_NEVER = 2**31 - 1
KEPT_PRODUCTS = 256
"""oneDNN compiles each matrix product for its shape and would keep 1,024 of them, with memory of their own: hundreds of
megabytes where batches have many shapes, for no time that could be measured."""


def keep_freed_memory() -> bool:
    """Sets the process's allocator up for training: large blocks come from the heap, and the heap is kept.

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


def bound_compiled_products() -> None:
    """Sets how many compiled products oneDNN keeps, unless the environment does; before the first of them is made."""
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", str(KEPT_PRODUCTS))
