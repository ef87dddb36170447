"""The base of all writers of corpora: what a format cannot hold is replaced, and counted."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import Counter
from typing import ClassVar, NamedTuple

from regard.data.corpora.unit import Unit


class Unfit(NamedTuple):
    """Characters that a format cannot hold.

    Attributes:
        pattern: Regular expression of the characters.
        replacement: What is written in place of each match.
        reason: What is lost, for reports.
    """

    pattern: str
    replacement: str
    reason: str


SURROGATES = Unfit("[\ud800-\udfff]", "\ufffd", "unpaired surrogates (replaced by U+FFFD)")
NULS = Unfit("\0", "", "NUL characters (removed)")
LINE_BREAKS = Unfit("\r\n|[\r\n]", " ", "line breaks (replaced by spaces)")
TABS = Unfit("\t", " ", "tabs (replaced by spaces)")
CONTROLS = Unfit("[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "", "control characters (removed)")
MARK_AT_START = "byte order mark at the beginning (removed)"


class StreamWriter(ABC):
    """A writer of sentence pairs into one or two open files.

    Attributes:
        unfit: Characters that the format cannot hold, with what is written in their place.
        lost: Number of pairs that the format could not hold as they are, by what is lost (`Unfit.reason`).
        num_written: Number of pairs written.
    """

    unfit: ClassVar[tuple[Unfit, ...]] = (SURROGATES,)

    def __init__(self) -> None:
        self.lost: Counter[str] = Counter()
        self.num_written = 0
        self._any = re.compile("|".join(unfit.pattern for unfit in self.unfit))
        self._patterns = [(re.compile(unfit.pattern), unfit) for unfit in self.unfit]

    def write(self, unit: Unit) -> None:
        """Writes a sentence pair.

        Args:
            unit: The pair; what the format cannot hold is replaced, and counted in `lost`.
        """
        src, tgt = unit.src, unit.tgt
        if self._any.search(src) or self._any.search(tgt):
            reasons: set[str] = set()
            src, tgt = self._fit(src, reasons), self._fit(tgt, reasons)
            self.lost.update(reasons)
        self._put(src, tgt)
        self.num_written += 1

    def finish(self) -> None:
        """Writes the end of the file."""

    def abandon(self) -> None:
        """Releases the resources of the writer after an error, when the files are discarded."""

    @abstractmethod
    def _put(self, src: str, tgt: str) -> None:
        """Writes a pair whose texts fit the format."""

    def _fit(self, text: str, reasons: set[str]) -> str:
        for pattern, unfit in self._patterns:
            text, count = pattern.subn(unfit.replacement, text)
            if count:
                reasons.add(unfit.reason)
        return text
