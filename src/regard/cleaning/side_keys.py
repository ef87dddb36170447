"""Keys of both sides of all pairs of a corpus, to find sentences that occur several times."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from regard.cleaning.keys import text_hash, text_key
from regard.corpora.unit import Unit

Keys = NDArray[np.uint64]
Flags = NDArray[np.bool_]
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


class SideKeys:
    """Collects a key of each source and each target of a corpus, to find sentences that occur several times.

    A key is a hash of 64 bits that equal sentences share, ignoring case, blanks and punctuation; see `sentence_key`.
    The keys take 16 bytes of memory per pair.
    """

    def __init__(self) -> None:
        self._src, self._tgt = array("Q"), array("Q")

    def record(self, units: Iterable[Unit]) -> Iterator[Unit]:
        """Records the keys of the source and the target of each unit, while another function reads the units.

        Args:
            units: Units of the corpus.

        Yields:
            The same units, unchanged.
        """
        for unit in units:
            self._src.append(sentence_key(unit.src))
            self._tgt.append(sentence_key(unit.tgt))
            yield unit

    @property
    def src(self) -> Keys:
        """Keys of the source sentences recorded so far, `(N,)` for N pairs; 0 for an empty sentence."""
        return np.frombuffer(self._src, np.uint64) if self._src else np.zeros(0, np.uint64)

    @property
    def tgt(self) -> Keys:
        """Keys of the target sentences recorded so far, `(N,)` for N pairs; 0 for an empty sentence."""
        return np.frombuffer(self._tgt, np.uint64) if self._tgt else np.zeros(0, np.uint64)

    @property
    def pairs(self) -> Keys:
        """Keys of the N pairs recorded so far, made from both their keys, `(N,)`; 0 if a side is empty."""
        mixed: Keys = (self.src * _FACTOR) ^ (self.tgt >> np.uint64(1)) ^ (self.tgt << np.uint64(63))
        mixed[(self.src == 0) | (self.tgt == 0)] = 0
        return mixed


def sentence_key(text: str) -> int:
    """Key of a sentence, which sentences share that differ only in case, blanks and punctuation; 0 if empty."""
    key = text_key(text)
    return text_hash(key) if key else 0


def repeated(keys: Keys) -> Flags:
    """Finds the keys that are equal to an earlier key of the same array.

    Args:
        keys: Keys of N sentences or pairs, `(N,)`. The key 0, of an empty sentence, never counts as repeated.

    Returns:
        Whether each key is equal to an earlier one, `(N,)`.

    >>> repeated(np.array([5, 0, 7, 5, 0], np.uint64)).tolist()
    [False, False, False, True, False]
    """
    flags: Flags = keys != 0
    flags[np.unique(keys, return_index=True)[1]] = False
    return flags


def shared(keys: Keys, others: Keys) -> Flags:
    """Finds keys that another corpus contains, too.

    Args:
        keys: Keys of N sentences or pairs, `(N,)`. The key 0, of an empty sentence, never counts as shared.
        others: Keys of M sentences or pairs of the other corpus, `(M,)`.

    Returns:
        Whether the other corpus contains each key, `(N,)`.
    """
    flags: Flags = np.isin(keys, others)
    flags[keys == 0] = False
    return flags
