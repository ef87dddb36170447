"""Text of a job that is not one file of lines, such as the sentence pairs of a corpus."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class MadeText:
    """Lines that are made from files once, when the plan is made, and then kept in the store.

    Attributes:
        files: The files. If they change, the lines are made again, to compare them.
        lines: Makes the lines, as bytes with line ends.
        unit: Chunks have a multiple of so many lines.
    """

    files: tuple[Path, ...]
    lines: Callable[[], Iterable[bytes]]
    unit: int
