"""Corpora in XML for tests, and what a reader makes of them."""

from __future__ import annotations

from dataclasses import dataclass

from regard.data.corpora.unit import UnitReader
from regard.errors import DataError


@dataclass(frozen=True)
class Outcome:
    """What a reader returned.

    Attributes:
        pairs: Source and target of each unit.
        lines: Line of each unit.
        error: Message of the error that ended the reading; empty if it came to the end.
    """

    pairs: list[tuple[str, str]]
    lines: list[int]
    error: str


def outcome(reader: UnitReader) -> Outcome:
    """Reads a corpus to its end, or up to an error."""
    units, error = [], ""
    try:
        for unit in reader.units():
            units.append(unit)
    except DataError as failure:
        error = str(failure)
    return Outcome([(unit.src, unit.tgt) for unit in units], [unit.line for unit in units], error)


def tuv(lang: str, text: str) -> str:
    """A text of a TMX unit."""
    return f'<tuv xml:lang="{lang}"><seg>{text}</seg></tuv>'


def tu(src: str, tgt: str, *, langs: tuple[str, str] = ("en", "fr")) -> str:
    """A unit of TMX on a line of its own."""
    return f"<tu>{tuv(langs[0], src)}{tuv(langs[1], tgt)}</tu>\n"


def tmx(*units: str, encoding: str = "UTF-8", header: str = '<header srclang="en"/>') -> str:
    """A TMX file, whose first unit is on line 3."""
    start = f'<?xml version="1.0" encoding="{encoding}"?>\n<tmx version="1.4">{header}<body>\n'
    return f"{start}{''.join(units)}</body></tmx>\n"


def trans_unit(src: str, tgt: str, *, attributes: str = "", target: str = "", after: str = "") -> str:
    """A unit of XLIFF 1.2 on a line of its own."""
    return f'<trans-unit id="1"{attributes}><source>{src}</source><target{target}>{tgt}</target>{after}</trans-unit>\n'


def xliff(*units: str, langs: str = 'source-language="en" target-language="fr"') -> str:
    """A file of XLIFF 1.2, whose first unit is on line 4."""
    return (
        '<?xml version="1.0"?>\n<xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2">\n'
        f"<file {langs}><body>\n{''.join(units)}</body></file></xliff>\n"
    )
