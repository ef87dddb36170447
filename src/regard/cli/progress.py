"""Shows the progress of long work on many sentences in a terminal; shows nothing elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from regard.files.printable import printable

T = TypeVar("T")


def with_progress(
    items: Iterable[T],
    *,
    total: int | None = None,
    unit: str = "sentences",
    fraction: Callable[[], float | None] | None = None,
) -> Iterator[T]:
    """Iterates over items and shows a progress bar on standard error.

    The bar is shown only if standard error is a terminal and standard output is not.

    Args:
        items: Items to iterate over; an item counts as done when the next one is requested.
        total: Number of items; None if unknown.
        unit: Plural name of the items for the bar, such as `sentences`.
        fraction: Function for an unknown total that returns the fraction done, from 0 to 1, or None if unknown.

    Yields:
        The same items.
    """
    if not sys.stderr.isatty() or sys.stdout.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    count = TextColumn("{task.fields[count]:,}" + (f" of {total:,}" if total else "") + f" {unit}")
    rate = TextColumn("{task.fields[rate]:,.0f}/s")
    columns = (count, rate, BarColumn(), TimeElapsedColumn(), TextColumn("left:"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, count=0, rate=0.0)
        for done, item in enumerate(items, start=1):
            yield item
            share = done / total if total else fraction() if fraction else None
            num_seconds = max(bar.tasks[0].elapsed or 0.0, 1e-9)
            bar.update(task, count=done, rate=done / num_seconds, completed=share or 0.0)
            # The total stays 1: a new one would make the bar forget the speed, and so the time that is left.
            if share is not None and bar.tasks[0].total is None:
                bar.update(task, total=1.0)


@contextmanager
def progress_of_stages(where: str, *, unit: str = "pairs") -> Iterator[Callable[[str, int, float | None], None]]:
    """Context with a progress bar for work in several stages that writes files, such as reading and cleaning.

    The bar is shown only if standard error is a terminal.

    Args:
        where: Output file, which the bar names; "" = none.
        unit: Plural name of the items that are counted, such as `pairs`.

    Yields:
        Function to call with the name of the current stage, the number of items done in it, and the fraction of it that
        is done, from 0 to 1, or None if unknown.
    """
    if not sys.stderr.isatty():
        yield lambda stage, done, fraction: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    count = TextColumn("{task.description}")
    columns = (count, BarColumn(), TimeElapsedColumn(), TextColumn("left:"), TimeRemainingColumn())
    target = TextColumn(escape(f"-> {printable(where)}") if where else "")
    with Progress(*columns, target, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None)
        stages = ["reading"]

        def report(stage: str, done: int, fraction: float | None) -> None:
            if stage != stages[-1]:
                stages.append(stage)
                bar.reset(task, total=None)
            # The total stays the same: a new one would make the bar forget the speed, and so the estimate.
            bar.update(task, description=f"{stage} {done:,} {unit}", completed=fraction or 0.0)
            if fraction is not None and bar.tasks[0].total is None:
                bar.update(task, total=1.0)

        yield report
