"""Loading what a verb needs in as little time as it takes."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def loading() -> Iterator[None]:
    """Imports within are not interrupted by the garbage collector, and it never looks at what they left.

    PyTorch and its friends make half a million objects that all stay; walking through them again and again takes a
    sixth of the time of their import, and once more at the end of the process.

    Yields:
        Nothing.
    """
    first, collecting = "torch" not in sys.modules, gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if first and "torch" in sys.modules:  # nothing of a caller's is kept, where there is one
            gc.freeze()
        if collecting:
            gc.enable()
