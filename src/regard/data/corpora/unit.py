"""What readers of parallel corpora return, and the options that all of them take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from regard.errors import DataError
from regard.files.printable import counted, on_one_line

MAX_TEXT = 1 << 20
"""Largest size in bytes of one line, or of one side of a sentence pair; longer text is an error of that line."""
MAX_FAULTS = 20
"""Number of faulty units whose messages are kept; all are counted."""
_MAX_MESSAGE = 2000
"""Largest number of characters of a message; a name in a damaged file may be longer."""


class Unit(NamedTuple):
    """A sentence and its translation as a corpus file contains them.

    Attributes:
        src: Source text, not normalized; without inline codes, and with character references decoded.
        tgt: Target text, in the same way.
        line: 1-based number of the line on which the unit begins; in a format without lines, number of the unit.
    """

    src: str
    tgt: str
    line: int


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read a corpus.

    Attributes:
        langs: Canonical codes of the source and the target language; None = as the file says, if it has exactly two.
        encoding: Encoding of the file; None = UTF-8, or what the file declares.
        columns: Names, or 1-based numbers, of the source and the target column of a table; None = by their header, or
            the first two.
        on_error: `"stop"` raises the first error of a unit; `"skip"` leaves the unit out, and counts it.
        include_fuzzy: Whether to read translations that their file marks as not finished or not approved.
        accelerators: Whether to remove the `&` or `_` before the letter of a keyboard shortcut.
        inline_text: Whether text inside inline codes that is itself translatable (`sub` in TMX) is kept.
    """

    langs: tuple[str, str] | None = None
    encoding: str | None = None
    columns: tuple[str, str] | None = None
    on_error: Literal["stop", "skip"] = "stop"
    include_fuzzy: bool = False
    accelerators: bool = False
    inline_text: bool = False


@dataclass(eq=False)
class ReadReport:
    """What a reader left out, and why.

    Attributes:
        on_error: `"stop"` raises the first error of a unit; `"skip"` leaves the unit out, and counts it.
        left_out: Number of units left out for a reason that is not an error, by reason, such as `"no fr text"`.
        num_faults: Number of faulty units left out with `on_error="skip"`.
        faults: Messages of the first faulty units, each with file and line.
        languages: Number of units read in each language, by its code or name as the file spells it, such as `"en-US"`.
        num_exchanged: Number of units whose source and target were exchanged, since the file translates in the other
            direction.
        warnings: Signs that the whole file is not what the options say, one sentence each.
        observers: Functions that receive the message of each faulty unit that is left out.
    """

    on_error: Literal["stop", "skip"] = "stop"
    left_out: Counter[str] = field(default_factory=Counter)
    num_faults: int = 0
    faults: list[str] = field(default_factory=list)
    languages: Counter[str] = field(default_factory=Counter)
    num_exchanged: int = 0
    warnings: list[str] = field(default_factory=list)
    observers: list[Callable[[str], object]] = field(default_factory=list)

    def fault(self, message: str) -> None:
        """Reports a faulty unit, which is then left out.

        Args:
            message: Where the fault is, what was expected and found, and what to do. Line ends in the message are
                escaped, and the middle of a very long message is cut out.

        Raises:
            DataError: With this message, if `on_error` is `"stop"`.
        """
        message = _shortened(on_one_line(message))
        if self.on_error == "stop":
            raise DataError(message)
        self.num_faults += 1
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(message)
        for observer in self.observers:
            observer(message)

    def direction_warnings(self) -> list[str]:
        """Warnings for the user, one sentence each, that languages are in another order than the options say."""
        if not self.num_exchanged:
            return list(self.warnings)
        exchanged = (
            f"source and target of {counted(self.num_exchanged, 'unit')} were exchanged, since the file translates in "
            "the other direction than --langs says"
        )
        return [*self.warnings, exchanged]


def _shortened(message: str) -> str:
    if len(message) <= _MAX_MESSAGE:
        return message
    return f"{message[: _MAX_MESSAGE // 2]} ... {message[-_MAX_MESSAGE // 4 :]}"


class UnitReader(Protocol):
    """A reader of one corpus, which reads it once, with constant memory.

    Attributes:
        name: The file or files, for messages and reports.
        format: Name of the format, such as `"tmx"`.
        report: What was left out so far; complete when `units` has ended.
    """

    name: str
    format: str
    report: ReadReport

    def units(self) -> Iterator[Unit]:
        """Reads the corpus.

        Returns:
            Iterator over the units that have both languages, in the order of the file; an empty side is kept.

        Raises:
            DataError: The file cannot be read, or a unit is faulty and `on_error` is `"stop"`.
        """
        ...

    def fraction_read(self) -> float | None:
        """Fraction of the file that was read, from 0 to 1; None if it is not known."""
        ...
