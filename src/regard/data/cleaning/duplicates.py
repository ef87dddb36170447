"""Duplicates of a corpus of any size, found in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Literal

import numpy as np
import numpy.typing as npt

from regard.data.cleaning.keys import text_key
from regard.data.hashes import text_hash
from regard.values import Pair

DuplicateKind = Literal["pair", "src", "tgt", "side"]
"""What pairs must share to be duplicates: both sides, the source, the target, or either side."""
DEFAULT_MEMORY = 512 << 20
"""Default limit in bytes of the hashes that are held in memory."""
_PARTS = 256
"""Files over which hashes are spread on disk. Each must fit into memory once."""
_BYTES_PER_HASH = 4 * 16
"""Memory per hash while duplicates are searched: hash and number, and what sorting them needs."""
_ENTRY = np.dtype([("hash", "<u8"), ("number", "<u8")])
Entries = npt.NDArray[np.void]


class DuplicateFinder:
    """Finds the pairs of a corpus that repeat an earlier pair, ignoring case, blanks and punctuation.

    Texts are compared by hashes of 64 bits: among 100 million pairs, the chance that any two different pairs are taken
    for the same is 0.03 %. Beyond a limit of memory, the hashes are kept in temporary files; use the finder as a
    context manager, or `close` it, to remove them.

    Args:
        kind: What a pair must share with an earlier pair to be a duplicate: `"pair"` (both sides), `"src"`, `"tgt"`, or
            `"side"` (either side).
        memory: Limit in bytes for hashes in memory.
        directory: Directory for temporary files; None = that of the operating system.

    >>> with DuplicateFinder() as finder:
    ...     finder.add([Pair("Hi!", "Salut !"), Pair("Hello.", "Salut !"), Pair("hi", "Salut")])
    ...     finder.duplicates().numbers().tolist()
    [2]
    """

    def __init__(
        self, kind: DuplicateKind = "pair", *, memory: int = DEFAULT_MEMORY, directory: Path | None = None
    ) -> None:
        self._keys = _KEYS[kind]
        self._limit = max(memory // _BYTES_PER_HASH, _PARTS)
        self._parent = directory
        self._directory: TemporaryDirectory[str] | None = None
        self._hashes: list[list[int]] = [[] for _ in self._keys]
        self._first = 0
        self.num_pairs = 0

    def add(self, pairs: Sequence[Pair]) -> None:
        """Adds the next pairs of the corpus.

        Args:
            pairs: Sentence pairs, normalized or not.
        """
        for hashes, key in zip(self._hashes, self._keys, strict=True):
            hashes += [text_hash(key(pair)) for pair in pairs]
        self.num_pairs += len(pairs)
        if (self.num_pairs - self._first) * len(self._keys) >= self._limit:
            self._spill()

    def duplicates(self) -> Duplicates:
        """Finds the duplicates among all pairs that were added.

        Returns:
            The pairs that repeat an earlier pair.
        """
        flags = np.zeros(self.num_pairs // 8 + 1, np.uint8)
        for side in range(len(self._keys)):
            for entries in self._parts(side):
                _flag(flags, _repeated(entries))
        return Duplicates(flags, self.num_pairs)

    def close(self) -> None:
        """Removes the temporary files."""
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = None

    def __enter__(self) -> DuplicateFinder:
        """Returns the finder itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Removes the temporary files."""
        self.close()

    def _spill(self) -> None:
        """Appends the hashes in memory to files by their first byte, so that equal ones come together."""
        if self._directory is None:
            self._directory = TemporaryDirectory(prefix="regard-duplicates-", dir=self._parent)
        for side, entries in enumerate(self._entries()):
            part_of = (entries["hash"] >> np.uint64(56)).astype(np.int64)
            order = np.argsort(part_of, kind="stable")
            bounds = np.searchsorted(part_of[order], np.arange(_PARTS + 1))
            for part in range(_PARTS):
                with self._file(side, part).open("ab") as file:
                    file.write(entries[order[bounds[part] : bounds[part + 1]]].tobytes())
        self._first = self.num_pairs
        self._hashes = [[] for _ in self._keys]

    def _entries(self) -> Iterator[Entries]:
        for hashes in self._hashes:
            entries = np.empty(len(hashes), _ENTRY)
            entries["hash"] = hashes
            entries["number"] = np.arange(self._first, self.num_pairs)
            yield entries

    def _parts(self, side: int) -> Iterator[Entries]:
        if self._directory is None:
            yield list(self._entries())[side]
            return
        if self._first < self.num_pairs:
            self._spill()
        for part in range(_PARTS):
            yield np.fromfile(self._file(side, part), _ENTRY)

    def _file(self, side: int, part: int) -> Path:
        assert self._directory is not None
        return Path(self._directory.name) / f"{side}-{part:03}"


class Duplicates:
    """The numbers of the pairs of a corpus that repeat an earlier pair, stored as one bit per pair.

    Args:
        flags: One bit per pair, 1 if it repeats an earlier pair. The lowest bit of the first byte is that of pair 0.
        num_pairs: Number of pairs of the corpus.
    """

    def __init__(self, flags: npt.NDArray[np.uint8], num_pairs: int) -> None:
        self._flags = flags
        self.num_pairs = num_pairs

    def __contains__(self, number: int) -> bool:
        """Whether a pair repeats an earlier one; the first pair of the corpus has the number 0."""
        return bool(self._flags[number >> 3] >> (number & 7) & 1)

    def __len__(self) -> int:
        """Number of pairs that repeat an earlier one."""
        return int(np.bitwise_count(self._flags).sum())

    def numbers(self) -> npt.NDArray[np.int64]:
        """0-based numbers of all pairs that repeat an earlier pair, ascending."""
        return np.flatnonzero(np.unpackbits(self._flags, bitorder="little")[: self.num_pairs])


def _repeated(entries: Entries) -> npt.NDArray[np.uint64]:
    """Numbers of the entries whose hash also has an entry with a lower number."""
    order = np.lexsort((entries["number"], entries["hash"]))
    hashes = entries["hash"][order]
    numbers: npt.NDArray[np.uint64] = entries["number"][order[1:][hashes[1:] == hashes[:-1]]]
    return numbers


def _flag(flags: npt.NDArray[np.uint8], numbers: npt.NDArray[np.uint64]) -> None:
    bits = np.left_shift(np.uint8(1), (numbers & np.uint64(7)).astype(np.uint8))
    np.bitwise_or.at(flags, (numbers >> np.uint64(3)).astype(np.int64), bits)


def _pair_key(pair: Pair) -> str:
    return f"{text_key(pair.src)}\t{text_key(pair.tgt)}"


def _src_key(pair: Pair) -> str:
    return text_key(pair.src)


def _tgt_key(pair: Pair) -> str:
    return text_key(pair.tgt)


_KEYS: dict[DuplicateKind, tuple[Callable[[Pair], str], ...]] = {
    "pair": (_pair_key,),
    "src": (_src_key,),
    "tgt": (_tgt_key,),
    "side": (_src_key, _tgt_key),
}
