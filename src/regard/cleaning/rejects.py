"""The pairs that were dropped: lines of the file of rejects, and examples."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from regard.cleaning.keys import text_hash, text_key
from regard.corpora.unit import Unit

COLUMNS = ("file", "line", "reason", "score", "source", "target")
"""Columns of the file of rejects."""
HEADER = "\t".join(COLUMNS).encode() + b"\n"
"""First line of the file of rejects."""
NUM_EXAMPLES = 5
"""Number of pairs that are shown for each reason."""
_MAX_COMPARED = 200_000
# Number of pairs among which examples of duplicates are searched.
_SEPARATORS = re.compile("[\t\r\n]+")


@dataclass(frozen=True, slots=True)
class Reject:
    """A pair that was dropped, with its place and the reason.

    Attributes:
        file: Name of the corpus.
        reason: Name of the check.
        score: Score of the check, which is above its threshold.
        unit: The pair.
    """

    file: str
    reason: str
    score: float
    unit: Unit

    def line(self) -> bytes:
        r"""The line of the file of rejects, in UTF-8 with a line end.

        Tabs and line breaks within the text become spaces.

        Returns:
            The line.

        >>> Reject("a.tmx", "length-ratio", 4.25, Unit("Yes", "Oui,\noui", 3)).line()
        b'a.tmx\t3\tlength-ratio\t4.25\tYes\tOui, oui\n'
        """
        cells = (self.file, str(self.unit.line), self.reason, f"{self.score:.6g}", self.unit.src, self.unit.tgt)
        return ("\t".join(_SEPARATORS.sub(" ", cell) for cell in cells) + "\n").encode("utf-8", "backslashreplace")


class RejectLines:
    """Writes the file of rejects from lines in order, into which others are inserted by their line numbers.

    Args:
        lines: Lines that `Reject.line` made, in the order of the corpus.
        file: The file of rejects.
    """

    def __init__(self, lines: Iterable[bytes], file: BinaryIO) -> None:
        self._lines: Iterator[bytes] = iter(lines)
        self._next = next(self._lines, None)
        self._file = file
        file.write(HEADER)

    def insert(self, reject: Reject) -> None:
        """Writes all lines that come before a reject, then the reject.

        Args:
            reject: A pair that comes after all rejects inserted before.
        """
        while self._next is not None and _line_number(self._next) < reject.unit.line:
            self._advance()
        self._file.write(reject.line())

    def finish(self) -> None:
        """Writes the remaining lines."""
        while self._next is not None:
            self._advance()

    def _advance(self) -> None:
        if self._next is not None:
            self._file.write(self._next)
        self._next = next(self._lines, None)


class Examples:
    """The first few rejects for each reason.

    Args:
        file: Name of the corpus.
    """

    def __init__(self, file: str) -> None:
        self.by_reason: dict[str, list[Reject]] = {}
        self._file = file
        self._seen: set[tuple[int, int]] = set()

    def add(self, rejects: Iterable[Reject]) -> None:
        """Keeps rejects whose reason has fewer than `NUM_EXAMPLES`.

        Args:
            rejects: The rejects.
        """
        for reject in rejects:
            examples = self.by_reason.setdefault(reject.reason, [])
            if len(examples) < NUM_EXAMPLES:
                examples.append(reject)

    def find_repeats(self, units: Sequence[Unit], reason: str = "duplicate") -> None:
        """Finds examples of pairs that occurred before, among the first units.

        Args:
            units: The next units of the corpus.
            reason: Reason under which the examples are kept.
        """
        if len(self._seen) > _MAX_COMPARED or len(self.by_reason.get(reason, ())) >= NUM_EXAMPLES:
            return
        for unit in units:
            key = text_hash(text_key(unit.src)), text_hash(text_key(unit.tgt))
            if key in self._seen:
                self.add([Reject(self._file, reason, 1.0, unit)])
            self._seen.add(key)


def _line_number(line: bytes) -> int:
    return int(line.split(b"\t", 2)[1])
