"""How far a long run over many sentences has come, for somebody who watches; silent for everybody else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def with_progress(
    items: Iterable[T],
    *,
    total: int | None = None,
    what: str = "sentences",
    share: Callable[[], float | None] | None = None,
) -> Iterator[T]:
    """Passes items through and counts them on standard error, if that is a terminal and standard output is not.

    Args:
        items: Whatever is worked through.
        total: How many there will be, where that is known.
        what: Their name.
        share: Where it is not known: tells which part is done, from 0 to 1, or None.

    Yields:
        The same items.
    """
    if not sys.stderr.isatty() or sys.stdout.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    number = TextColumn("{task.completed:,}" + (f" of {total:,}" if total else "") + f" {what}")
    rate = TextColumn("{task.fields[rate]:,.0f}/s")
    columns = (number, rate, BarColumn(), TimeElapsedColumn(), TextColumn("left:"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total, rate=0.0)
        for done, item in enumerate(items, start=1):
            yield item
            part = share() if share else None
            bar.update(task, completed=done, total=done / part if part else total, rate=bar.tasks[0].speed or 0.0)
