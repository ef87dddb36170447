"""Parallel corpora as flat arrays of ids: four bytes per token and one offset per sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from regard.errors import DataError
from regard.text.subword import Subword
from regard.values import Pair

_CHUNK = 50_000
# Sentences encoded at a time: lists of integers take ten times the memory of an array.


@dataclass(frozen=True, slots=True, eq=False)
class Ragged:
    """Sequences of different lengths in one array.

    Attributes:
        values: `(N,)` int32, all sequences, concatenated.
        offsets: `(rows + 1,)` int64, start of each sequence and end of the last.
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
        """Concatenates the rows of several arrays."""
        lengths = np.concatenate([np.zeros(1, dtype=np.int64), *(part.lengths for part in parts)])
        values = np.concatenate([np.zeros(0, dtype=np.int32), *(part.values for part in parts)])
        return cls(values, np.cumsum(lengths))

    def take(self, rows: NDArray[np.int64]) -> Ragged:
        """Selects rows.

        Args:
            rows: `(n,)`, row numbers.

        Returns:
            These rows, in this order.
        """
        offsets = np.concatenate(([0], np.cumsum(self.lengths[rows])))
        # Index of each token: its index in the result, shifted by the difference of its row's old and new offset.
        indices = np.repeat(self.offsets[rows] - offsets[:-1], self.lengths[rows]) + np.arange(offsets[-1])
        return Ragged(self.values[indices], offsets)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> NDArray[np.int32]:
        """Ids of one row."""
        if not 0 <= row < len(self):
            raise IndexError(f"row {row} of {len(self)}")
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """`(rows,)`, number of ids per row."""
        return np.diff(self.offsets)


@dataclass(frozen=True, slots=True)
class Resampling:
    """Options for sampling segmentations in each epoch (subword regularization, Kudo 2018).

    Attributes:
        src_subword: Source vocabulary.
        tgt_subword: Target vocabulary.
        alpha: Smoothing of the sampled segmentation, see `Subword.encode_ids`.
        max_len: A sampled segmentation longer than this is replaced by the best one.
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
        pairs: Text of the rows.
        num_dropped: Number of pairs left out because a side was longer than the limit.
        resampling: How to sample segmentations; None = always use the best one.
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
        """Encodes sentence pairs in their best segmentation.

        Args:
            pairs: Normalized sentence pairs.
            src_subword: Source vocabulary.
            tgt_subword: Target vocabulary.
            max_len: Pairs with more subwords than this on a side are left out.
            sample_alpha: If above 0, `resample` samples other segmentations, see `Subword.encode_ids`.

        Returns:
            The corpus.

        Raises:
            DataError: No pair is short enough.
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
        """Source ids of one pair, without eos."""
        return self.src[row]

    def tgt_ids(self, row: int) -> NDArray[np.int32]:
        """Target ids of one pair, without bos and eos."""
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
        """Samples a segmentation of every sentence; the rows stay the same pairs.

        Args:
            seed: Seed of the random generator.

        Returns:
            The corpus with other ids, or itself if it was encoded without `sample_alpha`.
        """
        options = self.resampling
        if options is None:
            return self
        src = _sample(options.src_subword, [pair.src for pair in self.pairs], options, (seed % 2**64, 0))
        tgt = _sample(options.tgt_subword, [pair.tgt for pair in self.pairs], options, (seed % 2**64, 1))
        return replace(self, src=src, tgt=tgt)


def _encode(subword: Subword, texts: Sequence[str]) -> Ragged:
    return Ragged.join([Ragged.from_rows(subword.encode_ids(chunk)) for chunk in _chunks(texts)])


def _sample(subword: Subword, texts: Sequence[str], options: Resampling, seed: tuple[int, int]) -> Ragged:
    chunks: list[Ragged] = []
    for number, chunk in enumerate(_chunks(texts)):
        chunk_seed = int(np.random.SeedSequence((*seed, number)).generate_state(1)[0])
        rows = subword.encode_ids(chunk, sample_alpha=options.alpha, seed=chunk_seed)
        too_long = [row for row, ids in enumerate(rows) if len(ids) > options.max_len]
        for row, ids in zip(too_long, subword.encode_ids([chunk[row] for row in too_long]), strict=True):
            rows[row] = ids
        chunks.append(Ragged.from_rows(rows))
    return Ragged.join(chunks)


def _chunks(texts: Sequence[str]) -> Iterable[Sequence[str]]:
    return (texts[start : start + _CHUNK] for start in range(0, len(texts), _CHUNK))
