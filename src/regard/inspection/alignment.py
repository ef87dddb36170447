"""Word alignment read off attention, and the Pharaoh format that aligners share."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from regard.errors import DataError
from regard.inspection.record import AttentionRecord
from regard.values import Links

_LINK = re.compile(r"(\d+)([-p])(\d+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class GoldLinks:
    """What people agreed on for one sentence pair.

    Attributes:
        sure: Links that must be found.
        possible: Links that may be found; holds the sure ones too.
    """

    sure: Links
    possible: Links


def word_alignment(record: AttentionRecord, *, layer: int | None = None, head: int | None = None) -> Links:
    """For each target word, the source word that it attended to most.

    A target word stays without a link where `</s>` received more than any word. On a tie the earlier
    source word wins.

    Args:
        record: What was attended to.
        layer: Number of the layer; None = mean over the layers.
        head: Number of the head; None = mean over the heads.

    Returns:
        Sorted 0-based links, at most one a target word.
    """
    links = []
    for tgt, row in enumerate(record.words(layer, head).tolist()):
        src = row.index(max(row))
        if src < len(row) - 1 and row[src] > 0:
            links.append((src, tgt))
    return tuple(sorted(links))


def pharaoh(links: Links) -> str:
    """Links as a line of Pharaoh format, without a line break.

    >>> pharaoh(((0, 0), (2, 1)))
    '0-0 2-1'
    """
    return " ".join(f"{src}-{tgt}" for src, tgt in links)


def parse_pharaoh(line: str, *, place: str = "") -> GoldLinks:
    """The links of one line: `i-j` is a sure one, `ipj` a possible one; 0-based source and target words.

    >>> parse_pharaoh("0-0 2p1").possible
    ((0, 0), (2, 1))

    Args:
        line: Links separated by spaces.
        place: Where the line stands, for the message of an error.

    Returns:
        Sorted links, each once.

    Raises:
        DataError: Where something is not a link.
    """
    sure, possible = set(), set()
    for text in line.split():
        match = _LINK.fullmatch(text)
        if match is None:
            where = f"{place}: " if place else ""
            raise DataError(f"{where}expected links such as 0-0 or 2p1 separated by spaces, got {text!r}")
        link = (int(match[1]), int(match[3]))
        possible.add(link)
        if match[2] == "-":
            sure.add(link)
    return GoldLinks(tuple(sorted(sure)), tuple(sorted(possible)))


def read_pharaoh(path: Path | str) -> Iterator[GoldLinks]:
    """The links of a file in Pharaoh format, one line a sentence pair; an empty line is a pair without links.

    Args:
        path: The file.

    Yields:
        The links of each line.

    Raises:
        DataError: Where the file cannot be read, or a line of it is wrong.
    """
    try:
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                yield parse_pharaoh(line, place=f"{path}:{number}")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read word alignments from {path}: {error}") from error
