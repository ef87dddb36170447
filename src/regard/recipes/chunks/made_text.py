"""Input of a job that is not a single file of lines, such as sentence pairs read from a corpus."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class MadeText:
    """Input lines of a `ChunkedJob` that are made from files when the job begins, and kept with its results.

    Attributes:
        files: The files. If they seem to have changed when the job is resumed, the lines are made again and compared.
        lines: Function that makes the lines, as bytes with line ends.
        unit: Workers process chunks of these lines; each chunk except the last has a multiple of `unit` lines.
    """

    files: tuple[Path, ...]
    lines: Callable[[], Iterable[bytes]]
    unit: int
