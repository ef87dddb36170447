"""Lines of the file of rejects, one per pair that was dropped."""

from __future__ import annotations

import re
from dataclasses import dataclass

from regard.corpora.unit import Unit

COLUMNS = ("file", "line", "reason", "score", "source", "target")
"""Columns of the file of rejects."""
HEADER = "\t".join(COLUMNS).encode() + b"\n"
"""First line of the file of rejects."""
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

        >>> Reject("a.tmx", "length-ratio", 4.25, Unit("Yes", "Oui,\noui", 3)).line()
        b'a.tmx\t3\tlength-ratio\t4.25\tYes\tOui, oui\n'
        """
        cells = (self.file, str(self.unit.line), self.reason, f"{self.score:.6g}", self.unit.src, self.unit.tgt)
        return ("\t".join(_SEPARATORS.sub(" ", cell) for cell in cells) + "\n").encode("utf-8", "backslashreplace")
