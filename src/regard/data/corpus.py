"""Parallel corpora as flat arrays of ids: four bytes per token and one offset per sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
    """Integer sequences of different lengths, called rows, stored in one array.

    Attributes:
        values: The N values of all rows, concatenated, `(N,)` int32.
        offsets: Index in `values` of the start of each row, and of the end of the last row, `(num_rows + 1,)` int64.
    """

    values: NDArray[np.int32]
    offsets: NDArray[np.int64]

    @classmethod
    def from_rows(cls, rows: Sequence[Sequence[int]]) -> Ragged:
        """Makes a `Ragged` array from sequences of integers, such as token ids."""
        offsets = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum([len(row) for row in rows], out=offsets[1:])
        return cls(np.fromiter(chain.from_iterable(rows), dtype=np.int32, count=int(offsets[-1])), offsets)

    @classmethod
    def join(cls, parts: Sequence[Ragged]) -> Ragged:
        """Makes one `Ragged` array with the rows of several arrays, in order."""
        lengths = np.concatenate([np.zeros(1, dtype=np.int64), *(part.lengths for part in parts)])
        values = np.concatenate([np.zeros(0, dtype=np.int32), *(part.values for part in parts)])
        return cls(values, np.cumsum(lengths))

    def take(self, rows: NDArray[np.int64]) -> Ragged:
        """Copies some of the rows.

        Args:
            rows: Numbers of the rows to copy, `(num_selected,)` int64.

        Returns:
            The selected rows, in the order of `rows`.
        """
        offsets = np.concatenate(([0], np.cumsum(self.lengths[rows])))
        # Index of each token: its index in the result, shifted by the difference of its row's old and new offset.
        indices = np.repeat(self.offsets[rows] - offsets[:-1], self.lengths[rows]) + np.arange(offsets[-1])
        return Ragged(self.values[indices], offsets)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> NDArray[np.int32]:
        """Values of one row."""
        if not 0 <= row < len(self):
            raise IndexError(
                f"expected a row number from 0 to {len(self) - 1}, got {row}: this Ragged array has {len(self)} rows"
            )
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of values in each row, `(num_rows,)` int64."""
        return np.diff(self.offsets)


@dataclass(frozen=True, slots=True)
class Resampling:
    """Options for sampling a new segmentation of each sentence in each epoch (subword regularization, Kudo 2018).

    Attributes:
        src_subword: Source vocabulary.
        tgt_subword: Target vocabulary.
        alpha: Strength of the sampling, as the argument `sample_alpha` of `Subword.encode_ids`.
        max_len: Largest number of subwords; a longer sampled segmentation is replaced by the best segmentation.
    """

    src_subword: Subword
    tgt_subword: Subword
    alpha: float
    max_len: int


@dataclass(frozen=True, eq=False)
class Corpus:
    """Sentence pairs of a corpus as subword ids, one pair per row.

    Attributes:
        src: Subword ids of the source sentences, without eos.
        tgt: Subword ids of the target sentences, without bos and eos.
        pairs: Text of each row's sentence pair.
        num_dropped: Number of sentence pairs left out because source or target had more subwords than `data.max_len`.
        resampling: Options for sampling segmentations; None = always use the best segmentation.
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
        """Segments sentence pairs into subwords, by the best segmentation, and makes a corpus of them.

        Args:
            pairs: Normalized sentence pairs.
            src_subword: Source vocabulary.
            tgt_subword: Target vocabulary.
            max_len: Largest number of subwords of a sentence; pairs with a longer source or target are left out.
            sample_alpha: Strength of the sampling in `resampling`, as for `Subword.encode_ids`; 0 = no sampling.

        Returns:
            The corpus.

        Raises:
            DataError: Every sentence pair is too long.
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

    @classmethod
    def join(cls, parts: Sequence[Corpus]) -> Corpus:
        """Joins corpora that were encoded with the same vocabularies and options.

        Args:
            parts: The corpora, at least one.

        Returns:
            A corpus of all their sentence pairs, in order.
        """
        if len(parts) == 1:
            return parts[0]
        src, tgt = (Ragged.join([getattr(part, side) for part in parts]) for side in ("src", "tgt"))
        pairs = tuple(chain.from_iterable(part.pairs for part in parts))
        return cls(src, tgt, pairs, sum(part.num_dropped for part in parts), parts[0].resampling)

    def __len__(self) -> int:
        """Number of sentence pairs."""
        return len(self.src)

    def src_ids(self, row: int) -> NDArray[np.int32]:
        """Subword ids of the source of one sentence pair, without eos."""
        return self.src[row]

    def tgt_ids(self, row: int) -> NDArray[np.int32]:
        """Subword ids of the target of one sentence pair, without bos and eos."""
        return self.tgt[row]

    @property
    def src_lens(self) -> NDArray[np.int64]:
        """Number of source subwords of each sentence pair, without eos, `(num_pairs,)` int64."""
        return self.src.lengths

    @property
    def tgt_lens(self) -> NDArray[np.int64]:
        """Number of target subwords of each sentence pair, without bos and eos, `(num_pairs,)` int64."""
        return self.tgt.lengths


def _encode(subword: Subword, texts: Sequence[str]) -> Ragged:
    return Ragged.join([Ragged.from_rows(subword.encode_ids(chunk)) for chunk in _chunks(texts)])


def _chunks(texts: Sequence[str]) -> Iterable[Sequence[str]]:
    return (texts[start : start + _CHUNK] for start in range(0, len(texts), _CHUNK))
