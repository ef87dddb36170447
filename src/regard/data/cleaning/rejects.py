"""The pairs that were dropped: lines of the file of rejects, and examples."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from regard.data.cleaning.keys import text_key
from regard.data.corpora.unit import Unit
from regard.data.hashes import text_hash

COLUMNS = ("file", "line", "reason", "score", "source", "target", "message")
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
    """A pair that a check dropped, with its place in the corpus and the reason.

    Attributes:
        file: Name of the corpus.
        reason: Name of the check.
        score: Score that the check gave the pair, which is above the threshold of the check.
        unit: The pair, with the number of its line.
        message: What is wrong with a unit that could not be read; empty for a pair that a check dropped.
    """

    file: str
    reason: str
    score: float
    unit: Unit
    message: str = ""

    def line(self) -> bytes:
        r"""Writes the pair as a line of the file of rejects (dropped pairs), in UTF-8 with a line end.

        The columns, with tabs between them, are file, line, reason, score, source, target and message. Tabs and line
        breaks within the text become spaces.

        Returns:
            The line.

        >>> Reject("a.tmx", "length-ratio", 4.25, Unit("Yes", "Oui,\noui", 3)).line()
        b'a.tmx\t3\tlength-ratio\t4.25\tYes\tOui, oui\t\n'
        """
        src, tgt, line = self.unit
        cells = (self.file, str(line), self.reason, f"{self.score:.6g}", src, tgt, self.message)
        return ("\t".join(_SEPARATORS.sub(" ", cell) for cell in cells) + "\n").encode("utf-8", "backslashreplace")


class RejectLines:
    """Writes the file of rejects (dropped pairs): lines made earlier, merged with rejects found later.

    The lines are ordered by line number in the corpus. Each call of `insert` writes one further reject at its place
    among them, and `finish` writes the rest.

    Args:
        lines: Lines that `Reject.line` made, in the order of the corpus.
        file: The file of rejects, to which the header is written at once.
    """

    def __init__(self, lines: Iterable[bytes], file: BinaryIO) -> None:
        self._lines: Iterator[bytes] = iter(lines)
        self._next = next(self._lines, None)
        self._file = file
        file.write(HEADER)

    def insert(self, reject: Reject) -> None:
        """Writes a reject, and before it the lines given at construction that come earlier in the corpus.

        Args:
            reject: A dropped pair. Its line number in the corpus is higher than in all calls before.
        """
        while self._next is not None and line_number(self._next) < reject.unit.line:
            self._advance(self._next)
        self._file.write(reject.line())

    def finish(self) -> None:
        """Writes the remaining lines."""
        while self._next is not None:
            self._advance(self._next)

    def _advance(self, line: bytes) -> None:
        self._file.write(line)
        self._next = next(self._lines, None)


class Examples:
    """The first few rejects (dropped pairs) for each reason, as examples in a report.

    Args:
        file: Name of the corpus.

    Attributes:
        by_reason: Up to `NUM_EXAMPLES` rejects, by name of the check.
    """

    def __init__(self, file: str) -> None:
        self.by_reason: dict[str, list[Reject]] = {}
        self._file = file
        self._seen: set[tuple[int, int]] = set()

    def add(self, rejects: Iterable[Reject]) -> None:
        """Keeps each reject as an example, unless its reason already has `NUM_EXAMPLES` examples.

        Args:
            rejects: Dropped pairs.
        """
        for reject in rejects:
            examples = self.by_reason.setdefault(reject.reason, [])
            if len(examples) < NUM_EXAMPLES:
                examples.append(reject)

    def find_repeats(self, units: Sequence[Unit], reason: str = "duplicate") -> None:
        """Keeps units that repeat an earlier unit of the corpus as examples of duplicates.

        Only about the first 200,000 units given to this method are compared, to limit the memory.

        Args:
            units: The next units of the corpus, after those of the previous call.
            reason: Name of the check under which the examples are kept.
        """
        if len(self._seen) > _MAX_COMPARED or len(self.by_reason.get(reason, ())) >= NUM_EXAMPLES:
            return
        for unit in units:
            key = text_hash(text_key(unit.src)), text_hash(text_key(unit.tgt))
            if key in self._seen:
                self.add([Reject(self._file, reason, 1.0, unit)])
            self._seen.add(key)


def line_number(line: bytes) -> int:
    """Reads from a line of the file of rejects (dropped pairs) the line number of the pair in the corpus."""
    return int(line.split(b"\t", 2)[1])
