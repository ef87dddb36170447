"""Hashes of both sides of all pairs of a corpus (keys), to find sentences that occur several times."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from regard.data.cleaning.keys import text_key
from regard.data.corpora.unit import Unit
from regard.data.hashes import Keys, text_hash
from regard.files.atomic import named_errors

Flags = NDArray[np.bool_]
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_BLOCK = 1 << 18
# Number of pairs whose keys are written to the file at once, and read from it at once.
_MAX_COMPARED = 1 << 20
# Number of keys that are sorted at once; more are divided by their value, and searched group by group.


class KeySequence:
    """Keys of the source sentences, the target sentences or the pairs of a corpus, read block by block.

    A key is a hash of 64 bits that equal sentences or pairs share; see `sentence_key`.

    Args:
        read: Function `read(start, end)` that returns the keys with the numbers from `start` to `end - 1`.
        size: Number of keys.
    """

    def __init__(self, read: Callable[[int, int], Keys], size: int) -> None:
        self._read = read
        self._size = size

    def __len__(self) -> int:
        """Number of keys."""
        return self._size

    def blocks(self) -> Iterator[tuple[int, Keys]]:
        """Reads all keys.

        Yields:
            The number of the first key of a block, and the keys of the block, `(N,)`.
        """
        for start in range(0, self._size, _BLOCK):
            yield start, self._read(start, min(start + _BLOCK, self._size))

    def array(self) -> Keys:
        """Reads all N keys at once into an array, `(N,)`, of 8 bytes each."""
        return self._read(0, self._size)


class SideKeys:
    """Collects a key of each source and each target of a corpus, to find sentences that occur several times.

    A key is a hash of 64 bits that equal sentences share, ignoring case, blanks and punctuation; see `sentence_key`.
    The keys take 16 bytes per pair, in memory or in a file.

    Args:
        path: File for the keys, which is replaced; None = they stay in memory.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._keys = array("Q")
        self._num_written = 0

    def record(self, units: Iterable[Unit]) -> Iterator[Unit]:
        """Records the keys (hashes) of source and target of each unit that passes through.

        Args:
            units: Units of the corpus.

        Yields:
            The same units, unchanged.

        Raises:
            CheckpointError: The file for the keys cannot be written.
        """
        keys = self._keys
        for unit in units:
            keys.append(sentence_key(unit.src))
            keys.append(sentence_key(unit.tgt))
            if self._path is not None and len(keys) >= 2 * _BLOCK:
                self._write(self._path)
            yield unit

    @property
    def src(self) -> KeySequence:
        """Keys of the source sentences recorded so far; 0 for an empty sentence."""
        return KeySequence(lambda start, end: self._read(start, end)[:, 0], len(self))

    @property
    def tgt(self) -> KeySequence:
        """Keys of the target sentences recorded so far; 0 for an empty sentence."""
        return KeySequence(lambda start, end: self._read(start, end)[:, 1], len(self))

    @property
    def pairs(self) -> KeySequence:
        """Keys of the pairs recorded so far, computed from the keys of both sides; 0 if a side is empty."""
        return KeySequence(lambda start, end: _mixed(self._read(start, end)), len(self))

    def __len__(self) -> int:
        """Number of pairs recorded so far."""
        return self._num_written + len(self._keys) // 2

    def _write(self, path: Path) -> None:
        with named_errors(path), path.open("ab" if self._num_written else "wb") as file:
            self._keys.tofile(file)
        self._num_written = len(self)
        del self._keys[:]

    def _read(self, start: int, end: int) -> Keys:
        """Keys of both sides of the pairs from `start` to `end`, exclusive, `(N, 2)`."""
        parts = []
        if self._path is not None and start < self._num_written:
            count = min(end, self._num_written) - start
            parts.append(np.fromfile(self._path, np.uint64, 2 * count, offset=16 * start))
        if end > self._num_written:
            # A copy, since an array that numpy refers to cannot grow.
            first = max(start - self._num_written, 0)
            parts.append(np.array(self._keys[2 * first : 2 * (end - self._num_written)], np.uint64))
        return np.concatenate(parts or [np.zeros(0, np.uint64)]).reshape(-1, 2)


def sentence_key(text: str) -> int:
    """Hash of a sentence that ignores case, blanks and punctuation; 0 for an empty sentence."""
    key = text_key(text)
    return text_hash(key) if key else 0


def repeated(keys: KeySequence, among: Flags | None = None) -> Flags:
    """Finds the keys that are equal to an earlier key of the same corpus.

    Args:
        keys: Keys of N sentences or pairs. The key 0, of an empty sentence, never counts as repeated.
        among: Whether each key is compared, `(N,)`; None = all are. The other keys count neither as earlier keys nor as
            repeated.

    Returns:
        For each key, whether it is equal to an earlier one, `(N,)`.
    """
    flags: Flags = np.zeros(len(keys), np.bool_)
    for values, numbers in _groups(keys, among):
        order = np.lexsort((numbers, values))
        values, numbers = values[order], numbers[order]
        flags[numbers[1:][values[1:] == values[:-1]]] = True
    return flags


def num_distinct(keys: KeySequence) -> int:
    """Number of different keys, without the key 0."""
    return sum(len(np.unique(values)) for values, _ in _groups(keys, None))


def shared(keys: KeySequence, others: KeySequence) -> Flags:
    """Finds the keys that another corpus has as well.

    Args:
        keys: Keys of N sentences or pairs. The key 0, of an empty sentence, never counts as shared.
        others: Keys of the sentences or pairs of the other corpus.

    Returns:
        For each of `keys`, whether it is in `others`, `(N,)`.
    """
    flags: Flags = np.zeros(len(keys), np.bool_)
    num_groups = _num_groups(max(len(keys), len(others)))
    for (values, numbers), (other_values, _) in zip(
        _groups(keys, None, num_groups), _groups(others, None, num_groups), strict=True
    ):
        flags[numbers[np.isin(values, other_values)]] = True
    return flags


def _num_groups(size: int) -> int:
    return -(-size // _MAX_COMPARED) or 1


def _groups(
    keys: KeySequence, among: Flags | None, num_groups: int | None = None
) -> Iterator[tuple[Keys, NDArray[np.int64]]]:
    """The keys other than 0 and their numbers, in groups by their value, of which each fits into memory."""
    num_groups = num_groups or _num_groups(len(keys))
    for group in range(num_groups):
        values, numbers = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
        for start, block in keys.blocks():
            chosen = (block % np.uint64(num_groups) == group) & (block != 0)
            if among is not None:
                chosen &= among[start : start + len(block)]
            rows = np.flatnonzero(chosen)
            values.append(block[rows])
            numbers.append(rows + start)
        yield np.concatenate(values), np.concatenate(numbers)


def _mixed(keys: Keys) -> Keys:
    """Keys of pairs from those of their sides, (N, 2) -> (N,)."""
    src, tgt = keys[:, 0], keys[:, 1]
    mixed: Keys = (src * _FACTOR) ^ (tgt >> np.uint64(1)) ^ (tgt << np.uint64(63))
    mixed[(src == 0) | (tgt == 0)] = 0
    return mixed
