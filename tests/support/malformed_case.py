"""Rows of the table of malformed and odd corpora: how a file is made and read, and what is right."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from regard.data.corpora.unit import ReadOptions

Pairs = tuple[tuple[str, str], ...]
Content = str | bytes | Callable[[Path], object]
ENGLISH_FRENCH = ReadOptions(langs=("en", "fr"))
FIRST, LAST = ("first", "premier"), ("last", "dernier")
"""Pairs around a fault, which must be read with `on_error="skip"`."""


@dataclass(frozen=True)
class Case:
    """A file, how it is read, and what is right.

    Attributes:
        content: Content of the file, text in UTF-8; or a function that makes what is at a path.
        pairs: All pairs that are read with `on_error="skip"`.
        left_out: Units that are left out, by reason.
        fault: Parts of the first message: the place, what was found, and the cure; empty = the file has no fault.
        num_faults: Number of faults; None = one if there is a message.
        before: Number of pairs before the first fault; they are read with `on_error="stop"`, too.
        ends: Whether the fault is an error with `on_error="skip"`, too, since the file cannot be trusted at all.
        name: Name of the file; None = `a` with the suffix of the format.
        format: The format; None = detected.
        target: Content of the second file, for formats of two files.
        options: Options of the reader besides `on_error`; the languages are English and French by default.
    """

    content: Content
    pairs: Pairs = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    fault: tuple[str, ...] = ()
    num_faults: int | None = None
    before: int = 0
    ends: bool = False
    name: str | None = None
    format: str | None = None
    target: Content | None = None
    options: ReadOptions = ENGLISH_FRENCH

    def sources(self, directory: Path, suffix: str) -> list[Path]:
        """Makes the file or the two files.

        Args:
            directory: Where they are made.
            suffix: Suffix of the format.
        """
        paths = [_made(self.content, directory / (self.name or f"a.{suffix}"))]
        if self.target is not None:
            paths.append(_made(self.target, directory / f"b.{suffix}"))
        return paths

    def reading(self, on_error: str) -> ReadOptions:
        """The options of the reader."""
        return dataclasses.replace(self.options, on_error=on_error)  # type: ignore[arg-type]  # "stop" or "skip"


def _made(content: Content, path: Path) -> Path:
    if callable(content):
        content(path)
    else:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path
