"""How far a long run over many sentences has come, for somebody who watches; silent for everybody else."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def watched(items: Iterable[T], *, total: int | None = None, what: str = "sentences") -> Iterator[T]:
    """Passes items through and counts them on standard error, if that is a terminal and standard output is not.

    Args:
        items: Whatever is worked through.
        total: How many there will be, where that is known.
        what: Their name.

    Yields:
        The same items.
    """
    if not sys.stderr.isatty() or sys.stdout.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    number = TextColumn("{task.completed:,}" + (f" of {total:,}" if total else "") + f" {what}")
    with Progress(number, BarColumn(), TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        for item in items:
            yield item
            bar.advance(task)
