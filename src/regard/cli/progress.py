"""Progress display on a terminal for long runs over many sentences; silent otherwise."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def with_progress(
    items: Iterable[T],
    *,
    total: int | None = None,
    unit: str = "sentences",
    fraction: Callable[[], float | None] | None = None,
) -> Iterator[T]:
    """Passes items through and shows their count if standard error is a terminal and standard output is not.

    Args:
        items: Items being processed.
        total: Number of items, if known.
        unit: Plural name of the items.
        fraction: If the total is unknown: returns the fraction done, from 0 to 1, or None.

    Yields:
        The same items.
    """
    if not sys.stderr.isatty() or sys.stdout.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    count = TextColumn("{task.completed:,}" + (f" of {total:,}" if total else "") + f" {unit}")
    rate = TextColumn("{task.fields[rate]:,.0f}/s")
    columns = (count, rate, BarColumn(), TimeElapsedColumn(), TextColumn("left:"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total, rate=0.0)
        for done, item in enumerate(items, start=1):
            yield item
            share = fraction() if fraction else None
            bar.update(task, completed=done, total=done / share if share else total, rate=bar.tasks[0].speed or 0.0)
