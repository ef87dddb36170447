"""Fast imports of heavy packages."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Turns the garbage collector off during imports, and excludes PyTorch's objects from later collections.

    PyTorch and its dependencies create half a million objects that all stay alive. Traversing them repeatedly takes a
    sixth of the import time, and once more at the end of the process.

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
