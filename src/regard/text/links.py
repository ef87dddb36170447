"""Word alignment links as text: Pharaoh and NAACL formats, sure and possible links, 0-based or 1-based."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from regard.errors import DataError
from regard.text.readers import read_lines
from regard.values import Links

_LINK = re.compile(r"(\d{1,7})([-p?])(\d{1,7})", re.ASCII)
_MAX_SHOWN = 40
_MAX_PAIRS_PER_LINKED, _MIN_PAIR_LIMIT = 100, 1000
"""A NAACL file of an unknown number of sentence pairs may number up to 100 pairs per pair with links, plus 1000."""
_NAACL = re.compile(r"(\d{1,7})\s+(\d{1,7})\s+(\d{1,7})(?:\s+([SP]))?(?:\s+[\d.eE+-]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class GoldLinks:
    """The correct word links of one sentence pair, as annotated by people.

    Attributes:
        sure: Links that a correct alignment must contain.
        possible: Links that a correct alignment may contain; they include the sure links.
    """

    sure: Links
    possible: Links

    def flipped(self) -> GoldLinks:
        """The links for the opposite translation direction: source and target words are swapped."""
        sure, possible = (tuple(sorted((tgt, src) for src, tgt in links)) for links in (self.sure, self.possible))
        return GoldLinks(sure, possible)


def pharaoh(links: Links) -> str:
    """Formats word links as one line of a file in Pharaoh format, `source-target`, without the line break.

    >>> pharaoh(((0, 0), (2, 1)))
    '0-0 2-1'
    """
    return " ".join(f"{src}-{tgt}" for src, tgt in links)


def naacl(links: Links, sentence: int) -> str:
    r"""Formats the word links of a sentence pair in the format of the NAACL 2003 shared task.

    Each line has the numbers of sentence pair, source word and target word, all 1-based.

    >>> naacl(((0, 0), (2, 1)), 7)
    '7 1 1\n7 3 2'

    Args:
        links: Links of the sentence pair, 0-based.
        sentence: 1-based number of the sentence pair.

    Returns:
        One line per link, without a line break at the end.
    """
    return "\n".join(f"{sentence} {src + 1} {tgt + 1}" for src, tgt in links)


def parse_pharaoh(line: str, *, location: str = "", base: int = 0) -> GoldLinks:
    """Parses one line of a file in Pharaoh format: the word links of one sentence pair.

    `i-j` is a sure link of source word i and target word j; `ipj` or `i?j` is a possible link.

    >>> parse_pharaoh("0-0 2p1").possible
    ((0, 0), (2, 1))

    Args:
        line: The line: links separated by spaces.
        location: File and line number, for error messages, such as `gold.align:3`.
        base: Number that the first word of a sentence has in the line: 0 or 1.

    Returns:
        The links as sorted 0-based pairs without duplicates.

    Raises:
        DataError: An item is not a link, or a word number is smaller than `base`.
    """
    sure, possible = set(), set()
    where = f"{location}: " if location else ""
    for text in line.split():
        match = _LINK.fullmatch(text)
        if match is None:
            shown = text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."
            raise DataError(f"{where}expected links such as 0-0 or 2p1 separated by spaces, got {shown!r}")
        link = (int(match[1]) - base, int(match[3]) - base)
        if min(link) < 0:
            raise DataError(
                f"{where}expected word numbers that start at {base}, got {text!r}: if the links count words from 0, "
                "set their base to 0 (in `regard aer`: --gold-base 0 or --links-base 0)"
            )
        possible.add(link)
        if match[2] == "-":
            sure.add(link)
    return GoldLinks(tuple(sorted(sure)), tuple(sorted(possible)))


def read_pharaoh(path: Path | str, *, base: int = 0) -> Iterator[GoldLinks]:
    """Reads a file in Pharaoh format: one line per sentence pair, empty for a pair without links.

    Args:
        path: Path of the file, plain or .gz.
        base: Number that the first word of a sentence has in the file: 0 or 1.

    Yields:
        Per line, the links of its sentence pair, 0-based.

    Raises:
        DataError: The file cannot be read, or a line is malformed.
    """
    for number, line in enumerate(_lines(path), start=1):
        yield parse_pharaoh(line, location=f"{path}:{number}", base=base)


def read_links(
    path: Path | str, *, base: int | None = None, lengths: Sequence[tuple[int, int]] = (), num_pairs: int = 0
) -> list[GoldLinks]:
    """Reads word links from a file in Pharaoh or NAACL format, with words counted from 0 or from 1.

    NAACL files are 1-based by definition. A Pharaoh file is 0-based if it contains a 0, and 1-based if a 0-based
    number would exceed the length of its sentence. If neither holds, `base` must be given.

    Args:
        path: Path of the file, plain or .gz.
        base: Number that the first word of a sentence has in a Pharaoh file, 0 or 1; None = detect it.
        lengths: Numbers of source and target words of each sentence pair, against which links are checked; empty = not
            known.
        num_pairs: Number of sentence pairs, needed for a NAACL file, which has no lines for pairs without links; 0 =
            not known.

    Returns:
        The links of each sentence pair, 0-based.

    Raises:
        DataError: The file cannot be read, a line is malformed, a link exceeds its sentence, or it is not clear whether
            words are counted from 0 or from 1.
    """
    lines = list(_lines(path))
    if any(map(str.strip, lines)) and all(_NAACL.fullmatch(line.strip()) for line in lines if line.strip()):
        gold = _from_naacl(lines, str(path), len(lengths) or num_pairs, known=bool(lengths))
    else:
        raw = [parse_pharaoh(line, location=f"{path}:{number}") for number, line in enumerate(lines, start=1)]
        start = _base(raw, str(path), lengths) if base is None else base
        gold = [
            parse_pharaoh(line, location=f"{path}:{number}", base=start) for number, line in enumerate(lines, start=1)
        ]
    if lengths:
        check_range(gold, lengths, str(path))
    return gold


def check_not_empty(links: Sequence[GoldLinks], path: Path | str) -> None:
    """Refuses a gold file without links, against which any alignment would score perfectly.

    Args:
        links: The links of each sentence pair in the file.
        path: Path of the file, for error messages.

    Raises:
        DataError: No sentence pair has a link.
    """
    if not any(gold.possible for gold in links):
        raise DataError(
            f"{path}: expected gold links to compare with, found none in {len(links)} lines: check the file name"
        )


def check_range(links: Sequence[GoldLinks], lengths: Sequence[tuple[int, int]], path: str) -> None:
    """Refuses word links to positions beyond the end of a sentence.

    Args:
        links: The links of each sentence pair, 0-based.
        lengths: Numbers of source and target words of each sentence pair.
        path: Path of the file with the links, for error messages.

    Raises:
        DataError: `links` and `lengths` have different numbers of sentence pairs, or a link exceeds its sentence.
    """
    if len(links) != len(lengths):
        raise DataError(
            f"{path}: expected links of {len(lengths)} sentence pairs, got {len(links)} lines: write one line of links "
            "per sentence pair"
        )
    for number, (gold, (num_src, num_tgt)) in enumerate(zip(links, lengths, strict=True), start=1):
        for src, tgt in gold.possible:
            if src >= num_src or tgt >= num_tgt:
                raise DataError(
                    f"{path}:{number}: link {src}-{tgt} (0-based) is beyond the end of the sentence pair, which has "
                    f"{num_src} source and {num_tgt} target words: check the files, their order, and whether words are "
                    "counted from 0 or from 1"
                )


def _lines(path: Path | str) -> Iterator[str]:
    try:
        yield from read_lines(Path(path))
    except DataError as error:
        raise DataError(f"cannot read word alignments from {path}: {error}") from None


def _base(raw: Sequence[GoldLinks], path: str, lengths: Sequence[tuple[int, int]]) -> int:
    """Detects the base, 0 or 1, from the links and the sentence lengths."""
    all_links = [(number, link) for number, gold in enumerate(raw) for link in gold.possible]
    if not all_links or any(0 in link for _, link in all_links):
        return 0
    known = [(lengths[number], link) for number, link in all_links if number < len(lengths)]
    if any(src >= num_src or tgt >= num_tgt for (num_src, num_tgt), (src, tgt) in known):
        return 1
    raise DataError(
        f"{path}: no link contains a 0, so its words may be counted from 0 or from 1: set the number of the first word "
        "with --gold-base or --links-base of `regard aer`, or count from 0 in the file"
    )


def _from_naacl(lines: Iterable[str], path: str, num_pairs: int, *, known: bool) -> list[GoldLinks]:
    """Parses NAACL lines into `num_pairs` sentence pairs, or more if their number is not known."""
    sure: dict[int, set[tuple[int, int]]] = {}
    possible: dict[int, set[tuple[int, int]]] = {}
    last, last_line = -1, 0
    for number, line in enumerate(lines, start=1):
        match = _NAACL.fullmatch(line.strip())
        if match is None:
            continue  # an empty line
        sentence, src, tgt = (int(match[column]) - 1 for column in (1, 2, 3))
        if sentence < 0:
            raise DataError(
                f"{path}:{number}: expected 1-based sentence numbers in the first column (NAACL format), got the line "
                f"{line.strip()!r}: count sentence pairs from 1"
            )
        if min(src, tgt) < 0:
            continue  # word 0 is the empty word (NULL), which is not a link
        if sentence > last:
            last, last_line = sentence, number
        possible.setdefault(sentence, set()).add((src, tgt))
        if match[4] != "P":
            sure.setdefault(sentence, set()).add((src, tgt))
    most = num_pairs if known else max(num_pairs, _MAX_PAIRS_PER_LINKED * len(possible) + _MIN_PAIR_LIMIT)
    if last >= most:
        why = f"there are {num_pairs} sentence pairs" if known else f"the file has links for only {len(possible)} pairs"
        raise DataError(
            f"{path}:{last_line}: sentence number {last + 1} is out of range: {why}; check the numbers in the file, or "
            "give all sentence pairs with --src and --tgt of `regard aer`"
        )
    no_links = GoldLinks((), ())
    return [
        GoldLinks(tuple(sorted(sure.get(index, ()))), tuple(sorted(possible[index]))) if index in possible else no_links
        for index in range(max(num_pairs, last + 1))
    ]
