"""Word links for guided attention: read once, laid over whatever subwords a sentence is cut into.

A file holds links between words; batches hold subwords, and with subword regularization others in every
epoch. So the links stay at word level until a batch is made, and are spread over its subwords then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from regard.data.collate import Ids
from regard.data.corpus import Ragged
from regard.errors import DataError
from regard.text.links import read_pharaoh
from regard.text.subword import Subword
from regard.text.surface import SPACE
from regard.text.words import word_spans
from regard.values import AlignmentTargets, Links, Pair

_MOST_NOTES = 5
"""Wrong links that are named one by one; the others are counted."""


class WordStarts:
    """Which word each subword belongs to, by ids alone: a word begins where a subword begins with a space.

    Args:
        subword: The vocabulary; none of its subwords goes over a space.
    """

    def __init__(self, subword: Subword) -> None:
        pieces = subword.decode(range(len(subword))).pieces
        self.begins = np.array([piece.startswith(SPACE) for piece in pieces], dtype=bool)

    def words(self, ids: Ids) -> NDArray[np.int64]:
        """The word numbers of a sentence's subwords.

        Args:
            ids: Without bos and eos.

        Returns:
            `(L,)`, from 0; the same as `regard.text.words.word_of_piece` says of normalized text.
        """
        numbers: NDArray[np.int64] = np.cumsum(self.begins[np.asarray(ids, dtype=np.int64)], dtype=np.int64) - 1
        return np.maximum(numbers, 0)


@dataclass(frozen=True, eq=False)
class GuidedLinks:
    """The word links of a corpus.

    Attributes:
        links: One row a pair: source word, target word, source word, target word, …
        src: Words of the source's subwords.
        tgt: Words of the target's subwords.
        to_end: Whether target words without a link should look at the end of the source, in pairs that have links.
    """

    links: Ragged
    src: WordStarts
    tgt: WordStarts
    to_end: bool = False

    @classmethod
    def from_links(
        cls, links: Sequence[Links], src_subword: Subword, tgt_subword: Subword, *, to_end: bool = False
    ) -> GuidedLinks:
        """Keeps links that fit their sentences.

        Args:
            links: One alignment a pair of the corpus, in its order.
            src_subword: The source's vocabulary.
            tgt_subword: The target's vocabulary.
            to_end: As above.

        Returns:
            The links in one array.
        """
        src = WordStarts(src_subword)
        tgt = src if tgt_subword is src_subword else WordStarts(tgt_subword)
        return cls(Ragged.from_rows([[word for link in one for word in link] for one in links]), src, tgt, to_end)

    def alignment_targets(self, rows: Sequence[int], src: Sequence[Ids], tgt: Sequence[Ids]) -> AlignmentTargets:
        """Spreads the links of some pairs over their subwords.

        Every subword of a target word should look at the subwords of the source words that it is linked to, at
        all of them alike. The end of the target is left free, and so are words without a link unless `to_end`.

        Args:
            rows: Numbers of the pairs in the corpus.
            src: Their source ids, as they are cut now.
            tgt: Their target ids.

        Returns:
            Places and shares for the batch of these pairs.
        """
        places: list[tuple[int, int, int]] = []
        shares: list[float] = []
        for number, row in enumerate(rows):
            of_src, of_tgt = _places(self.src.words(src[number])), _places(self.tgt.words(tgt[number]))
            wanted: dict[int, list[int]] = {}
            for src_word, tgt_word in self.links[row].reshape(-1, 2).tolist():
                wanted.setdefault(tgt_word, []).extend(of_src.get(src_word, ()))
            if wanted and self.unlinked_to_eos:
                wanted = {tgt_word: wanted.get(tgt_word) or [len(src[number])] for tgt_word in of_tgt}
            for tgt_word, columns in wanted.items():
                pairs = product(of_tgt.get(tgt_word, ()), columns)
                before = len(places)
                places += [(number, step, column) for step, column in pairs]
                shares += [1.0 / len(columns)] * (len(places) - before)
        return AlignmentTargets(torch.tensor(places, dtype=torch.int64).view(-1, 3).t(), torch.tensor(shares))


def _places(words: NDArray[np.int64]) -> dict[int, list[int]]:
    """The places of each word's subwords."""
    found: dict[int, list[int]] = {}
    for place, word in enumerate(words.tolist()):
        found.setdefault(word, []).append(place)
    return found


def read_guided_links(
    path: Path | str,
    pairs: Sequence[Pair],
    *,
    num_lines: int,
    src_subword: Subword,
    tgt_subword: Subword,
    base: int | None = None,
    to_end: bool = False,
) -> tuple[GuidedLinks, list[str]]:
    """Reads the word links of a training text.

    Sure and possible links count alike. A link beyond its sentence is left out, and told of.

    Args:
        path: A file in Pharaoh format, one line for each line of the training text.
        pairs: The pairs to be trained on, which know their lines.
        num_lines: Lines of the training text.
        src_subword: The source's vocabulary.
        tgt_subword: The target's vocabulary.
        base: The number of the first word in the file; None = to be found out.
        to_end: As for `Guidance`.

    Returns:
        The links of these pairs, and what was left out, a sentence each.

    Raises:
        DataError: The file cannot be read, a line is no Pharaoh line, it has another number of lines, or there is no
            link in it for any of the pairs.
    """
    by_line = {pair.line: number for number, pair in enumerate(pairs)}
    kept: list[Links] = [()] * len(pairs)
    wrong: list[str] = []
    base, line = _first_word(path) if base is None else base, 0
    for line, one in enumerate(read_pharaoh(path, base=base), start=1):
        number = by_line.get(line)
        if number is None:
            continue
        num_src, num_tgt = len(word_spans(pairs[number].src)), len(word_spans(pairs[number].tgt))
        kept[number] = tuple((src, tgt) for src, tgt in one.possible if src < num_src and tgt < num_tgt)
        wrong += [
            f"{path}:{line}: link {src + base}-{tgt + base} was left out: the sentences have {num_src} and {num_tgt} "
            f"words, counted from {base}"
            for src, tgt in one.possible
            if src >= num_src or tgt >= num_tgt
        ]
    if line != num_lines:
        raise DataError(
            f"{path} has {line} lines but the training text has {num_lines}: line n of the one must hold the word "
            "links of line n of the other"
        )
    if not any(kept):
        raise DataError(
            f"{path}: expected word links to guide attention by, found none for any of the {len(pairs)} training "
            f"pairs{': ' + wrong[0] if wrong else ''}: is it the right file, and did the aligner write it?"
        )
    more = len(wrong) - _MOST_NOTES
    notes = [*wrong[:_MOST_NOTES], *([f"{path}: {more} more links beyond their sentences were left out"] * (more > 0))]
    return GuidedLinks.from_links(kept, src_subword, tgt_subword, unlinked_to_eos=to_end), notes


def _first_word(path: Path | str) -> int:
    """0 where a 0 stands in the file, else 1: a whole training text that never links a first word is none."""
    return int(not any(0 in link for one in read_pharaoh(path) for link in one.possible))
