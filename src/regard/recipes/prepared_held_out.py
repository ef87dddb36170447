"""Validation pairs of text that is prepared on disk, and warnings about text that looks like wrong files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from regard.config.schema import Config, CorpusConfig
from regard.data.hashes import Keys, text_hash
from regard.data.mismatch import MismatchCounts
from regard.data.prepared.collecting import CollectedPart
from regard.data.prepared.held_out import choose_held_out, count_shared_targets
from regard.data.prepared.text_part import TextPart
from regard.errors import DataError
from regard.recipes.training_text import HELD_OUT_SHARE, MAX_HELD_OUT, read_validation
from regard.text.tags import add_tag, marks_origin
from regard.values import Pair


@dataclass(frozen=True, eq=False)
class HeldOut:
    """The validation pairs that are held out of a training text.

    Attributes:
        sources: Hashes of the K different sources of these pairs, sorted, `(K,)` uint64; empty if the user gave
            validation text.
        val: The pairs; each source begins with the tag of its corpus, if the corpus has one. Empty if the user gave
            validation text.
        notes: Sentences for the user.
    """

    sources: Keys
    val: Sequence[Pair]
    notes: tuple[str, ...]


class HoldingOut:
    """Chooses validation pairs to hold out of training text that is prepared on disk.

    If the user gave validation text, nothing is held out. Instead, the given pairs that are also training pairs are
    counted, for a warning.

    Args:
        config: Configuration, of which `[data]` and `train.seed` are used.
        entries: Options of the corpora.
        parts: Files that together contain the normalized text of all corpora.
        check: Function that is called before each part is read, and may raise to stop.
    """

    def __init__(
        self,
        config: Config,
        entries: Sequence[CorpusConfig],
        parts: Sequence[CollectedPart],
        check: Callable[[], object],
    ) -> None:
        self.config = config
        self.entries = entries
        self.parts = parts
        self._check = check
        has_untagged = any(not marks_origin(entry.tag) for entry in entries)
        # A tag often marks artificial text.
        self.is_eligible = [not (has_untagged and marks_origin(entry.tag)) for entry in entries]

    def run(self) -> HeldOut:
        """Chooses the validation pairs to hold out; chooses none if the user gave validation text.

        Given validation text is read to warn if many of its pairs are also training pairs.

        Returns:
            The validation pairs to hold out, and notes for the user, which include warnings if files seem to be wrong.

        Raises:
            DataError: The text is too small, or the given validation text cannot be read.
        """
        if self.config.data.val_src is None:
            held_out = self._choose()
            return replace(held_out, notes=(*held_out.notes, *self._warnings([])))
        given = read_validation(self.config.data)
        return HeldOut(np.zeros(0, np.uint64), (), tuple(self._warnings(given)))

    def _keys(self) -> Iterator[tuple[Keys, bool]]:
        for part in self.parts:
            self._check()
            text = TextPart(part.path, verify=False)
            yield np.array(text.keys), self.is_eligible[part.corpus]
            text.release()

    def _choose(self) -> HeldOut:
        chosen = choose_held_out(self._keys, seed=self.config.train.seed, share=HELD_OUT_SHARE, limit=MAX_HELD_OUT)
        if chosen.num_sources < 2:
            raise DataError(
                f"expected at least 2 different source sentences, one to train on and one to validate with, but got "
                f"{chosen.num_sources}: give more text, or a validation set with --val-src and --val-tgt"
            )
        val, num_lost = self._pairs_of(chosen.keys)
        notes = [f"{len(val)} of the {sum(part.num_pairs for part in self.parts)} pairs are held out for validation"]
        if num_lost:
            notes.append(f"{num_lost} pairs of corpora with a tag, whose source is held out, were left out")
        num_shared = 0 if chosen.is_separate else count_shared_targets(self._keys, chosen.keys)
        if num_shared:
            notes.append(
                f"the targets of {num_shared} validation pairs are training targets, too, since nearly all sentences "
                "share translations, so that validation overestimates the quality: give validation text of its own"
            )
        return HeldOut(chosen.keys, val, tuple(notes))

    def _pairs_of(self, sources: Keys) -> tuple[list[Pair], int]:
        """The pairs with these sources, and the number of those in corpora of which nothing is held out."""
        val: list[Pair] = []
        num_lost = 0
        for part in self.parts:
            text = TextPart(part.path, verify=False)
            rows = np.flatnonzero(np.isin(text.keys[:, 0], sources))
            if self.is_eligible[part.corpus]:
                tag = self.entries[part.corpus].tag
                val += [replace(pair, src=add_tag(tag, pair.src)) for pair in text.pairs(rows)]
            else:
                num_lost += len(rows)
            text.release()
        return val, num_lost

    def _warnings(self, val: Sequence[Pair]) -> list[str]:
        return MismatchCounts(
            sum(part.num_pairs for part in self.parts),
            len(val),
            self._count_repeated(val) if val else 0,
            sum(part.num_equal for part in self.parts),
            (
                sum(part.num_without_letters[0] for part in self.parts),
                sum(part.num_without_letters[1] for part in self.parts),
            ),
        ).warnings()

    def _count_repeated(self, val: Sequence[Pair]) -> int:
        """Number of given validation pairs that are training pairs, too."""
        keys = [(text_hash(pair.src), text_hash(pair.tgt)) for pair in val]
        sources = np.unique(np.array([src for src, _ in keys], np.uint64))
        repeated = {
            (int(src), int(tgt)) for block, _ in self._keys() for src, tgt in block[np.isin(block[:, 0], sources)]
        }
        return sum(pair in repeated for pair in keys)
