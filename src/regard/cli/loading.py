"""Makes imports of large packages such as PyTorch faster."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Context for imports of PyTorch, without garbage collection, which would slow the imports down.

    PyTorch and its dependencies create half a million objects that stay alive until the end of the process. Collecting
    garbage during the import takes a sixth of the import time, and as much again at the end of the process. These
    objects are therefore also excluded from later collections.

    Yields:
        Nothing.
    """
    first, collecting = "torch" not in sys.modules, gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if first and "torch" in sys.modules:  # freezing later would also exclude the caller's objects
            gc.freeze()
        if collecting:
            gc.enable()
