"""A parallel corpus as ids, in flat arrays: four bytes a token and nothing a sentence but its offset."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from regard.errors import DataError
from regard.text.subword import Subword
from regard.values import Pair

_AT_ONCE = 50_000
# Sentences that are cut before their ids go into an array: lists of integers take ten times the memory.


@dataclass(frozen=True, slots=True, eq=False)
class Ragged:
    """Sequences of different lengths in one array.

    Attributes:
        values: `(N,)` int32, all sequences one after the other.
        offsets: `(rows + 1,)` int64, where each begins and the last ends.
    """

    values: NDArray[np.int32]
    offsets: NDArray[np.int64]

    @classmethod
    def from_rows(cls, rows: Sequence[Sequence[int]]) -> Ragged:
        """Copies rows of ids into one array."""
        offsets = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum([len(row) for row in rows], out=offsets[1:])
        return cls(np.fromiter(chain.from_iterable(rows), dtype=np.int32, count=int(offsets[-1])), offsets)

    @classmethod
    def join(cls, parts: Sequence[Ragged]) -> Ragged:
        """Puts the rows of several one after the other."""
        lengths = np.concatenate([np.zeros(1, dtype=np.int64), *(part.lengths for part in parts)])
        values = np.concatenate([np.zeros(0, dtype=np.int32), *(part.values for part in parts)])
        return cls(values, np.cumsum(lengths))

    def take(self, rows: NDArray[np.int64]) -> Ragged:
        """Some of the rows.

        Args:
            rows: `(n,)`, their numbers.

        Returns:
            These rows, in this order.
        """
        offsets = np.concatenate(([0], np.cumsum(self.lengths[rows])))
        # Each token's place: where its row began here, less where it begins there, plus where it stands there.
        places = np.repeat(self.offsets[rows] - offsets[:-1], self.lengths[rows]) + np.arange(offsets[-1])
        return Ragged(self.values[places], offsets)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> NDArray[np.int32]:
        """The ids of one row."""
        if not 0 <= row < len(self):
            raise IndexError(f"row {row} of {len(self)}")
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """`(rows,)`, ids a row."""
        return np.diff(self.offsets)


@dataclass(frozen=True, slots=True)
class Resampling:
    """How sentences are cut anew for every epoch (subword regularization, Kudo 2018).

    Attributes:
        src_subword: The source's vocabulary.
        tgt_subword: The target's vocabulary.
        alpha: Smoothing of the sampled segmentation, see `Subword.encode_ids`.
        max_len: A sampled segmentation longer than this gives way to the best one.
    """

    src_subword: Subword
    tgt_subword: Subword
    alpha: float
    max_len: int


@dataclass(frozen=True, eq=False)
class Corpus:
    """Sentence pairs as ids.

    Attributes:
        src: Source ids, without eos.
        tgt: Target ids, without bos and eos.
        pairs: The text behind the rows.
        num_dropped: Pairs left out because a side was longer than the limit.
        resampling: How to cut the text anew; None = always the best segmentation.
    """

    src: Ragged
    tgt: Ragged
    pairs: tuple[Pair, ...] = ()
    num_dropped: int = 0
    resampling: Resampling | None = None

    @classmethod
    def encode(
        cls,
        pairs: Sequence[Pair],
        src_subword: Subword,
        tgt_subword: Subword,
        *,
        max_len: int,
        sample_alpha: float = 0.0,
    ) -> Corpus:
        """Cuts pairs into subwords, each in its best segmentation.

        Args:
            pairs: Normalized sentence pairs.
            src_subword: The source's vocabulary.
            tgt_subword: The target's vocabulary.
            max_len: Pairs with more subwords than this on a side are left out.
            sample_alpha: More than 0 = `resample` draws other segmentations, see `Subword.encode_ids`.

        Returns:
            The corpus.

        Raises:
            DataError: When nothing is left.
        """
        src = _encode(src_subword, [pair.src for pair in pairs])
        tgt = _encode(tgt_subword, [pair.tgt for pair in pairs])
        rows = np.flatnonzero((src.lengths <= max_len) & (tgt.lengths <= max_len))
        if not len(rows):
            raise DataError(
                f"none of the {len(pairs)} sentence pairs has at most data.max_len = {max_len} subwords on both sides: "
                "raise data.max_len, or split the text into sentences"
            )
        resampling = Resampling(src_subword, tgt_subword, sample_alpha, max_len) if sample_alpha > 0 else None
        kept = tuple(pairs[row] for row in rows.tolist())
        return cls(src.take(rows), tgt.take(rows), kept, len(pairs) - len(rows), resampling)

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.src)

    def src_ids(self, row: int) -> NDArray[np.int32]:
        """The source ids of one pair, without eos."""
        return self.src[row]

    def tgt_ids(self, row: int) -> NDArray[np.int32]:
        """The target ids of one pair, without bos and eos."""
        return self.tgt[row]

    @property
    def src_lens(self) -> NDArray[np.int64]:
        """`(pairs,)`, source lengths without eos."""
        return self.src.lengths

    @property
    def tgt_lens(self) -> NDArray[np.int64]:
        """`(pairs,)`, target lengths without eos."""
        return self.tgt.lengths

    def resample(self, seed: int) -> Corpus:
        """Cuts every sentence anew at random; the rows stay the same pairs.

        Args:
            seed: The same seed draws the same segmentations.

        Returns:
            The corpus with other ids, or itself when it was not encoded with a `sample_alpha`.
        """
        how = self.resampling
        if how is None:
            return self
        src = _sample(how.src_subword, [pair.src for pair in self.pairs], how, (seed % 2**64, 0))
        tgt = _sample(how.tgt_subword, [pair.tgt for pair in self.pairs], how, (seed % 2**64, 1))
        return replace(self, src=src, tgt=tgt)


def _encode(subword: Subword, texts: Sequence[str]) -> Ragged:
    return Ragged.join([Ragged.from_rows(subword.encode_ids(part)) for part in _parts(texts)])


def _sample(subword: Subword, texts: Sequence[str], how: Resampling, seed: tuple[int, int]) -> Ragged:
    found: list[Ragged] = []
    for number, part in enumerate(_parts(texts)):
        part_seed = int(np.random.SeedSequence((*seed, number)).generate_state(1)[0])
        rows = subword.encode_ids(part, sample_alpha=how.alpha, seed=part_seed)
        too_long = [row for row, ids in enumerate(rows) if len(ids) > how.max_len]
        for row, ids in zip(too_long, subword.encode_ids([part[row] for row in too_long]), strict=True):
            rows[row] = ids
        found.append(Ragged.from_rows(rows))
    return Ragged.join(found)


def _parts(texts: Sequence[str]) -> Iterable[Sequence[str]]:
    return (texts[start : start + _AT_ONCE] for start in range(0, len(texts), _AT_ONCE))
