"""A parallel corpus as ids, in flat arrays: four bytes a token and nothing a sentence but its offset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regard.errors import DataError
from regard.text.subword import Subword
from regard.values import Pair


@dataclass(frozen=True, slots=True)
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
        lengths = np.fromiter((len(row) for row in rows), dtype=np.int64, count=len(rows))
        offsets = np.concatenate(([0], np.cumsum(lengths)))
        values = np.fromiter((i for row in rows for i in row), dtype=np.int32, count=int(offsets[-1]))
        return cls(values, offsets)

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.offsets) - 1

    def __getitem__(self, row: int) -> NDArray[np.int32]:
        """The ids of one row."""
        return self.values[self.offsets[row] : self.offsets[row + 1]]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """`(rows,)`, ids a row."""
        return np.diff(self.offsets)


@dataclass(frozen=True)
class Corpus:
    """Sentence pairs as ids.

    Attributes:
        src: Source ids, without eos.
        tgt: Target ids, without bos and eos.
        pairs: The text behind the rows.
        num_dropped: Pairs left out because a side was longer than the limit.
    """

    src: Ragged
    tgt: Ragged
    pairs: tuple[Pair, ...]
    num_dropped: int = 0

    @classmethod
    def encode(cls, pairs: Sequence[Pair], src_subword: Subword, tgt_subword: Subword, *, max_len: int) -> Corpus:
        """Cuts pairs into subwords.

        Args:
            pairs: Normalised sentence pairs.
            src_subword: The source's vocabulary.
            tgt_subword: The target's vocabulary.
            max_len: Pairs with more subwords than this on a side are left out.

        Returns:
            The corpus.

        Raises:
            DataError: When every pair is longer than the limit.
        """
        src_rows = src_subword.encode_ids([pair.src for pair in pairs])
        tgt_rows = tgt_subword.encode_ids([pair.tgt for pair in pairs])
        kept = [i for i in range(len(pairs)) if len(src_rows[i]) <= max_len and len(tgt_rows[i]) <= max_len]
        if not kept:
            raise DataError(
                f"all {len(pairs)} pairs have more than data.max_len = {max_len} subwords on a side: raise data.max_len, "
                "or split the text into sentences"
            )
        return cls(
            Ragged.from_rows([src_rows[i] for i in kept]),
            Ragged.from_rows([tgt_rows[i] for i in kept]),
            tuple(pairs[i] for i in kept),
            len(pairs) - len(kept),
        )

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.src)
