"""Word links as text: Pharaoh lines and NAACL lines, sure and possible, counted from 0 or from 1."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from regard.errors import DataError
from regard.text.readers import read_lines
from regard.values import Links

_LINK = re.compile(r"(\d{1,7})([-p?])(\d{1,7})", re.ASCII)
_SHOWN = 40
_SPARSE, _FREE = 100, 1000
"""Sentence pairs for each that has links, and besides, that a file may number where nobody says how many there are."""
_NAACL = re.compile(r"(\d{1,7})\s+(\d{1,7})\s+(\d{1,7})(?:\s+([SP]))?(?:\s+[\d.eE+-]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class GoldLinks:
    """What people agreed on for one sentence pair.

    Attributes:
        sure: Links that must be found.
        possible: Links that may be found; holds the sure ones too.
    """

    sure: Links
    possible: Links

    def flipped(self) -> GoldLinks:
        """The same links, seen from the other language."""
        sure, possible = (tuple(sorted((tgt, src) for src, tgt in one)) for one in (self.sure, self.possible))
        return GoldLinks(sure, possible)


def pharaoh(links: Links) -> str:
    """Links as a line of Pharaoh format, without a line break.

    >>> pharaoh(((0, 0), (2, 1)))
    '0-0 2-1'
    """
    return " ".join(f"{src}-{tgt}" for src, tgt in links)


def naacl(links: Links, sentence: int) -> str:
    r"""Links as lines of the format of the NAACL 2003 task: sentence, source and target word, counted from 1.

    >>> naacl(((0, 0), (2, 1)), 7)
    '7 1 1\n7 3 2'

    Args:
        links: Counted from 0.
        sentence: Number of the sentence pair, from 1.

    Returns:
        A line a link, without the last line break.
    """
    return "\n".join(f"{sentence} {src + 1} {tgt + 1}" for src, tgt in links)


def parse_pharaoh(line: str, *, place: str = "", base: int = 0) -> GoldLinks:
    """The links of one line: `i-j` is a sure one, `ipj` or `i?j` a possible one; source word, then target word.

    >>> parse_pharaoh("0-0 2p1").possible
    ((0, 0), (2, 1))

    Args:
        line: Links separated by spaces.
        place: Where the line stands, for the message of an error.
        base: The number of the first word in the line, 0 or 1.

    Returns:
        Sorted links counted from 0, each once.

    Raises:
        DataError: Where something is not a link, or a number is smaller than `base`.
    """
    sure, possible = set(), set()
    where = f"{place}: " if place else ""
    for text in line.split():
        match = _LINK.fullmatch(text)
        if match is None:
            shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
            raise DataError(f"{where}expected links such as 0-0 or 2p1 separated by spaces, got {shown!r}")
        link = (int(match[1]) - base, int(match[3]) - base)
        if min(link) < 0:
            raise DataError(f"{where}expected words counted from {base}, got {text!r}: give the right base")
        possible.add(link)
        if match[2] == "-":
            sure.add(link)
    return GoldLinks(tuple(sorted(sure)), tuple(sorted(possible)))


def read_pharaoh(path: Path | str, *, base: int = 0) -> Iterator[GoldLinks]:
    """The links of a file in Pharaoh format, one line a sentence pair; an empty line is a pair without links.

    Args:
        path: The file, plain or .gz.
        base: The number of the first word in the file, 0 or 1.

    Yields:
        The links of each line, counted from 0.

    Raises:
        DataError: Where the file cannot be read, or a line of it is wrong.
    """
    for number, line in enumerate(_lines(path), start=1):
        yield parse_pharaoh(line, place=f"{path}:{number}", base=base)


def read_links(
    path: Path | str, *, base: int | None = None, lengths: Sequence[tuple[int, int]] = (), num_pairs: int = 0
) -> list[GoldLinks]:
    """The links of a file in Pharaoh or NAACL format, whatever its words are counted from.

    NAACL lines count from 1 by definition. A Pharaoh file counts from 0 where a 0 stands in it, and from 1
    where a number in it would be beyond its sentence otherwise; where neither is so, the base must be given.

    Args:
        path: The file, plain or .gz.
        base: The number of the first word; None = to be found out.
        lengths: Source and target words of each sentence pair, if known: links are checked against them.
        num_pairs: Sentence pairs, if known: a NAACL file has no line for those without links.

    Returns:
        One a sentence pair, counted from 0.

    Raises:
        DataError: The file cannot be read, a line is wrong, a link is beyond its sentence, or the base is open.
    """
    lines = list(_lines(path))
    if any(map(str.strip, lines)) and all(_NAACL.fullmatch(line.strip()) for line in lines if line.strip()):
        found = _from_naacl(lines, str(path), len(lengths) or num_pairs, known=bool(lengths))
    else:
        raw = [parse_pharaoh(line, place=f"{path}:{number}") for number, line in enumerate(lines, start=1)]
        start = _base(raw, str(path), lengths) if base is None else base
        found = [
            parse_pharaoh(line, place=f"{path}:{number}", base=start) for number, line in enumerate(lines, start=1)
        ]
    if lengths:
        check_range(found, lengths, str(path))
    return found


def check_some(links: Sequence[GoldLinks], path: Path | str) -> None:
    """Refuses gold links of which there are none: whatever is compared with them would be perfect.

    Args:
        links: One a sentence pair.
        path: Name of the file, for the message.

    Raises:
        DataError: No pair has a link.
    """
    if not any(one.possible for one in links):
        raise DataError(
            f"{path}: expected right links to compare with, found none in {len(links)} lines: is it the right file?"
        )


def check_range(links: Sequence[GoldLinks], lengths: Sequence[tuple[int, int]], path: str) -> None:
    """Refuses links that leave their sentences.

    Args:
        links: Counted from 0, one a sentence pair.
        lengths: Source and target words of each.
        path: Name of the file, for the message.

    Raises:
        DataError: As many as there are sentences were expected, or a link is beyond its sentence.
    """
    if len(links) != len(lengths):
        raise DataError(f"{path}: expected links of {len(lengths)} sentence pairs, got {len(links)} lines")
    for number, (one, (num_src, num_tgt)) in enumerate(zip(links, lengths, strict=True), start=1):
        for src, tgt in one.possible:
            if src >= num_src or tgt >= num_tgt:
                raise DataError(
                    f"{path}:{number}: link {src}-{tgt} (counted from 0) is beyond the sentence pair, which has "
                    f"{num_src} source and {num_tgt} target words: check the files, their order and the base"
                )


def _lines(path: Path | str) -> Iterator[str]:
    try:
        yield from read_lines(Path(path))
    except DataError as error:
        raise DataError(f"cannot read word alignments from {path}: {error}") from None


def _base(raw: Sequence[GoldLinks], path: str, lengths: Sequence[tuple[int, int]]) -> int:
    """0 or 1, where the links themselves prove it."""
    everything = [(number, link) for number, one in enumerate(raw) for link in one.possible]
    if not everything or any(0 in link for _, link in everything):
        return 0
    known = [(lengths[number], link) for number, link in everything if number < len(lengths)]
    if any(src >= num_src or tgt >= num_tgt for (num_src, num_tgt), (src, tgt) in known):
        return 1
    raise DataError(
        f"{path}: no link has a 0, so its words may be counted from 0 or from 1: count them from 0, or say which "
        "to `regard aer` with --gold-base or --links-base"
    )


def _from_naacl(lines: Iterable[str], path: str, num_pairs: int, *, known: bool) -> list[GoldLinks]:
    """The links of `num_pairs` sentence pairs, or of more where their number is not known."""
    sure: dict[int, set[tuple[int, int]]] = {}
    possible: dict[int, set[tuple[int, int]]] = {}
    last, place = -1, 0
    for number, line in enumerate(lines, start=1):
        match = _NAACL.fullmatch(line.strip())
        if match is None:
            continue  # an empty line
        sentence, src, tgt = (int(match[column]) - 1 for column in (1, 2, 3))
        if sentence < 0:
            raise DataError(f"{path}:{number}: expected sentences counted from 1, got {line.strip()!r}")
        if min(src, tgt) < 0:
            continue  # word 0 is the empty word: no link
        if sentence > last:
            last, place = sentence, number
        possible.setdefault(sentence, set()).add((src, tgt))
        if match[4] != "P":
            sure.setdefault(sentence, set()).add((src, tgt))
    most = num_pairs if known else max(num_pairs, _SPARSE * len(possible) + _FREE)
    if last >= most:
        why = f"there are {num_pairs} sentence pairs" if known else f"only {len(possible)} pairs have links"
        raise DataError(
            f"{path}:{place}: expected a sentence among those that there are, got number {last + 1}, but {why}: check "
            "the numbers, or give the sentences with --src and --tgt"
        )
    nothing = GoldLinks((), ())
    return [
        GoldLinks(tuple(sorted(sure.get(one, ()))), tuple(sorted(possible[one]))) if one in possible else nothing
        for one in range(max(num_pairs, last + 1))
    ]
