"""Word links for guided alignment, mapped to the subwords of each batch.

Files hold links between words. Batches hold subwords, which differ from epoch to epoch with subword regularization. So
links are kept at word level and mapped to subwords when a batch is made.
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
from regard.text.source_terms import term_symbols
from regard.text.subword import Subword
from regard.text.tokenizers import SPACE
from regard.text.words import word_spans
from regard.values import AlignmentTargets, Links, Pair

_MAX_NOTES = 5
"""Invalid links that are listed; the others are counted."""


class WordStarts:
    """Maps the subwords of a sentence to its words: a word starts at each subword that starts with a space.

    Args:
        subword: Subword vocabulary, in which no subword has a space after its first character.
    """

    def __init__(self, subword: Subword) -> None:
        pieces = subword.decode(range(len(subword))).pieces
        self.starts_word = np.array([piece.startswith(SPACE) for piece in pieces], dtype=bool)
        self._term_symbols = term_symbols(subword)

    def word_numbers(self, ids: Ids) -> NDArray[np.int64]:
        """Finds the word to which each subword of a sentence belongs.

        Args:
            ids: The L subword ids of the sentence, without bos and eos.

        Returns:
            0-based word number of each subword, `(L,)` int64; the same as from `regard.text.words.word_of_piece` for
            normalized text. Subwords of a term that was inserted into the source belong to no word: their number is -1.
        """
        tokens: NDArray[np.int64] = np.asarray(ids, dtype=np.int64)
        inserted = self._inserted(tokens)
        numbers: NDArray[np.int64] = np.cumsum(self.starts_word[tokens] & ~inserted, dtype=np.int64) - 1
        return np.where(inserted, -1, np.maximum(numbers, 0))

    def _inserted(self, ids: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which subwords belong to terms that were inserted into the sentence, symbols included."""
        if self._term_symbols is None:
            return np.zeros(len(ids), dtype=bool)
        begin, end = self._term_symbols
        inserted: NDArray[np.bool_] = (np.cumsum(ids == begin) > np.cumsum(ids == end)) | (ids == end)
        return inserted


@dataclass(frozen=True, eq=False)
class GuidedLinks:
    """Word links of a training corpus, from which guided alignment computes the attention weights to train towards.

    Attributes:
        links: Per sentence pair, its links as a row of word numbers: source, target, source, target, ...
        src: Maps source subwords to words.
        tgt: Maps target subwords to words.
        unlinked_to_eos: Whether target words without a link should attend to the source's eos, in sentence pairs that
            have any links; otherwise such words are not supervised.
    """

    links: Ragged
    src: WordStarts
    tgt: WordStarts
    unlinked_to_eos: bool = False

    @classmethod
    def from_links(
        cls, links: Sequence[Links], src_subword: Subword, tgt_subword: Subword, *, unlinked_to_eos: bool = False
    ) -> GuidedLinks:
        """Makes `GuidedLinks` from the word links of all sentence pairs of a corpus.

        Args:
            links: Links of each sentence pair, in the order of the corpus; all words must exist in their sentences.
            src_subword: Source vocabulary.
            tgt_subword: Target vocabulary.
            unlinked_to_eos: Whether target words without a link should attend to the source's eos.

        Returns:
            The links, stored in one array.
        """
        src = WordStarts(src_subword)
        tgt = src if tgt_subword is src_subword else WordStarts(tgt_subword)
        return cls(
            Ragged.from_rows([[word for link in sentence for word in link] for sentence in links]),
            src,
            tgt,
            unlinked_to_eos,
        )

    def alignment_targets(self, rows: Sequence[int], src: Sequence[Ids], tgt: Sequence[Ids]) -> AlignmentTargets:
        """Computes the attention weights that guided alignment trains towards, for a batch of sentence pairs.

        Each subword of a target word should attend uniformly to all subwords of the linked source words. There are no
        weights for the target's eos, nor for words without a link unless `unlinked_to_eos` is set.

        Args:
            rows: Row numbers in the corpus of the sentence pairs of the batch.
            src: Source subword ids of these pairs, without eos, in their current segmentation.
            tgt: Target subword ids of these pairs, without bos and eos, in their current segmentation.

        Returns:
            The weights, as a sparse `(B, T, S)` tensor.
        """
        places: list[tuple[int, int, int]] = []
        shares: list[float] = []
        for number, row in enumerate(rows):
            src_places = _subwords_by_word(self.src.word_numbers(src[number]))
            tgt_places = _subwords_by_word(self.tgt.word_numbers(tgt[number]))
            linked: dict[int, list[int]] = {}  # source subwords by target word
            for src_word, tgt_word in self.links[row].reshape(-1, 2).tolist():
                linked.setdefault(tgt_word, []).extend(src_places.get(src_word, ()))
            if linked and self.unlinked_to_eos:
                linked = {tgt_word: linked.get(tgt_word) or [len(src[number])] for tgt_word in tgt_places}
            for tgt_word, columns in linked.items():
                if not columns:  # a source without its final mark
                    continue
                pairs = product(tgt_places.get(tgt_word, ()), columns)
                before = len(places)
                places += [(number, step, column) for step, column in pairs]
                shares += [1.0 / len(columns)] * (len(places) - before)
        return AlignmentTargets(torch.tensor(places, dtype=torch.int64).view(-1, 3).t(), torch.tensor(shares))


def _subwords_by_word(word_numbers: NDArray[np.int64]) -> dict[int, list[int]]:
    """Positions of the subwords of each word."""
    positions: dict[int, list[int]] = {}
    for position, word in enumerate(word_numbers.tolist()):
        positions.setdefault(word, []).append(position)
    return positions


def read_guided_links(
    path: Path | str,
    pairs: Sequence[Pair],
    *,
    num_lines: int,
    src_subword: Subword,
    tgt_subword: Subword,
    base: int | None = None,
    unlinked_to_eos: bool = False,
    num_tags: Sequence[int] | None = None,
) -> tuple[GuidedLinks, list[str]]:
    """Reads the word links of a training text, for guided alignment, from a file in Pharaoh format.

    Sure and possible links are treated alike. Links to words that a sentence does not have are left out, with a note.
    Tags before sources are not part of the text: links do not count them as words.

    Args:
        path: Path of the file; line n has the links of line n of the training text.
        pairs: The sentence pairs to train on, with their line numbers in the training text.
        num_lines: Number of lines of the training text.
        src_subword: Source vocabulary.
        tgt_subword: Target vocabulary.
        base: Number of the first word of a sentence in the file, 0 or 1; None = detect it.
        unlinked_to_eos: Whether target words without a link attend to the source's eos, see `GuidedLinks`.
        num_tags: Number of tags before the source of each of `pairs`; None = no tags.

    Returns:
        The links of `pairs`, and notes for the user on links that were left out.

    Raises:
        DataError: The file cannot be read, has another number of lines than the training text, has a malformed line, or
            has no links for any of the pairs.
    """
    by_line = {pair.line: number for number, pair in enumerate(pairs)}
    kept: list[Links] = [()] * len(pairs)
    invalid: list[str] = []
    base, line = _first_word(path) if base is None else base, 0
    for line, alignment in enumerate(read_pharaoh(path, base=base), start=1):
        number = by_line.get(line)
        if number is None:
            continue
        first = 0 if num_tags is None else int(num_tags[number])
        num_src, num_tgt = len(word_spans(pairs[number].src)) - first, len(word_spans(pairs[number].tgt))
        kept[number] = tuple((src + first, tgt) for src, tgt in alignment.possible if src < num_src and tgt < num_tgt)
        invalid += [
            f"{path}:{line}: link {src + base}-{tgt + base} was left out: the sentences have {num_src} and {num_tgt} "
            f"words, counted from {base}"
            for src, tgt in alignment.possible
            if src >= num_src or tgt >= num_tgt
        ]
    _check_num_lines(path, line, num_lines)
    if not any(kept):
        raise DataError(
            f"{path}: expected word links for guided alignment, found none for any of the {len(pairs)} training "
            f"pairs{': ' + invalid[0] if invalid else ''}: check train.guided_file, which must be an aligner's output"
        )
    notes = invalid[:_MAX_NOTES]
    if len(invalid) > _MAX_NOTES:
        notes.append(f"{path}: {len(invalid) - _MAX_NOTES} more links to words beyond their sentences were left out")
    return GuidedLinks.from_links(kept, src_subword, tgt_subword, unlinked_to_eos=unlinked_to_eos), notes


def _check_num_lines(path: Path | str, found: int, expected: int) -> None:
    if found != expected:
        raise DataError(
            f"{path} has {found} lines but the training text has {expected}: each line must have the word links of the "
            "same line of the training text"
        )


def _first_word(path: Path | str) -> int:
    """Base of word numbers: 0 if any link has word 0, else 1; some sentence of a corpus always links its first word."""
    return int(not any(0 in link for alignment in read_pharaoh(path) for link in alignment.possible))
