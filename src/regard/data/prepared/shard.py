"""Shards: files with the subword ids of consecutive sentence pairs, their line numbers and, if needed, their text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from regard.data.prepared.array_file import Array, ArrayFile, write_arrays

BLOCK = 1024
"""Number of rows per stored offset; the offset of any other row is computed from it and the lengths of rows."""
REMEDY = "run `regard data prepare` again, which repairs it, or copy the directory again"
_SIDES = 2


@dataclass(frozen=True, eq=False)
class ShardContent:
    """What a shard stores of its N sentence pairs.

    Attributes:
        ids: Subword ids of all pairs, concatenated: the source of the first pair, its target, and so on, `(num_ids,)`.
        lens: Number of source and of target ids of each pair, `(N, 2)`.
        lines: Line number of each pair in its text file, or record number in a format without lines, `(N,)`.
        texts: Text of all pairs as UTF-8, concatenated in the same order as `ids`; None = no text is stored.
        text_lens: Number of bytes of the source and of the target text of each pair, `(N, 2)`; None = no text is
            stored.
    """

    ids: Array
    lens: Array
    lines: Array
    texts: bytes | None = None
    text_lens: Array | None = None


def write_shard(path: Path, content: ShardContent, metadata: dict[str, object]) -> None:
    """Writes a shard to a file.

    Equal contents and metadata give equal bytes. The file is written under its final name, so an interrupted call
    leaves an incomplete file; `regard.files.atomic.write_file` prevents this.

    Args:
        path: Path of the file.
        content: The sentence pairs.
        metadata: Values that JSON can hold, by name, to be stored with the pairs.
    """
    arrays = {
        "ids": narrowed(content.ids),
        "lens": narrowed(content.lens),
        "lines": narrowed(content.lines, least=4),
        "offsets": block_offsets(content.lens),
    }
    if content.texts is not None and content.text_lens is not None:
        arrays["texts"] = np.frombuffer(content.texts, np.uint8)
        arrays["text_lens"] = narrowed(content.text_lens)
        arrays["text_offsets"] = block_offsets(content.text_lens)
    write_arrays(path, arrays, metadata)


def narrowed(values: Array, *, least: int = 2) -> Array:
    """Converts integers to the smallest unsigned type of 2, 4 or 8 bytes that holds all of them.

    Args:
        values: Integers of at least 0, of any shape.
        least: Smallest allowed number of bytes per integer.

    Returns:
        The same integers, as uint16, uint32 or uint64.
    """
    largest = int(values.max(initial=0))
    size = next(size for size in (2, 4, 8) if size >= least and largest < 1 << (8 * size))
    return values.astype(f"<u{size}")


def block_offsets(lens: Array) -> NDArray[np.int64]:
    """Computes the offset of every 1024th (`BLOCK`-th) sentence pair in an array of concatenated pairs.

    Args:
        lens: Lengths of source and target of each of N pairs, in ids or in bytes, `(N, 2)`.

    Returns:
        Offsets of the sources of the pairs 0, `BLOCK`, 2 `BLOCK` and so on, in ids or in bytes like `lens`,
        `(ceil(N / BLOCK),)` int64.
    """
    starts = np.arange(0, len(lens), BLOCK)
    sums = np.add.reduceat(lens.sum(axis=1, dtype=np.int64), starts) if len(lens) else np.zeros(0, np.int64)
    offsets: NDArray[np.int64] = np.cumsum(sums) - sums
    return offsets


class Shard:
    """A shard, open for reading: a file with some of the encoded sentence pairs of a prepared corpus.

    Args:
        path: Path of the file.
        num_pairs: Number of sentence pairs that the file must have, from the manifest.
        vocab_sizes: Sizes of the source and of the target vocabulary.

    Raises:
        CheckpointError: The file is missing or damaged.
    """

    def __init__(self, path: Path, *, num_pairs: int, vocab_sizes: Sequence[int]) -> None:
        self.file = file = ArrayFile(path, remedy=REMEDY)
        num_blocks = -(-num_pairs // BLOCK)
        self.ids = file.array("ids", dtypes=("U16", "U32"), shape=(None,))
        self.lens = file.array("lens", dtypes=("U16", "U32"), shape=(num_pairs, _SIDES))
        self.lines = file.array("lines", dtypes=("U32", "U64"), shape=(num_pairs,))
        self._offsets = self._checked_offsets("offsets", self.lens, len(self.ids), num_blocks)
        self._texts: Array | None = None
        if file.has("texts"):
            self._texts = file.array("texts", dtypes=("U8",), shape=(None,))
            self._text_lens = file.array("text_lens", dtypes=("U16", "U32"), shape=(num_pairs, _SIDES))
            self._text_offsets = self._checked_offsets("text_offsets", self._text_lens, len(self._texts), num_blocks)
        if int(self.ids.max(initial=0)) >= max(vocab_sizes):
            raise file.damaged(
                f"expected subword ids below the larger vocabulary size, {max(vocab_sizes)}, found {self.ids.max()}"
            )
        file.release()

    def pair_ids(self, row: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Source and target ids of one pair, without special tokens.

        Args:
            row: Number of the pair in the shard, from 0.

        Returns:
            Source ids `(S,)` and target ids `(T,)`, int32.
        """
        start, middle, end = _bounds(self._offsets, self.lens, row)
        return self.ids[start:middle].astype(np.int32), self.ids[middle:end].astype(np.int32)

    def texts(self, row: int) -> tuple[str, str] | None:
        """Source and target text of one pair; None if no text is stored.

        Args:
            row: Number of the pair in the shard, from 0.

        Returns:
            The source, which begins with the tag of its corpus if the corpus has one, and the target.
        """
        if self._texts is None:
            return None
        start, middle, end = _bounds(self._text_offsets, self._text_lens, row)
        data = self._texts[start:end].tobytes()
        try:
            return data[: middle - start].decode(), data[middle - start :].decode()
        except UnicodeDecodeError:
            raise self.file.damaged(
                f"the text of sentence pair {row} of this file (counted from 0) is not UTF-8"
            ) from None

    def _checked_offsets(self, name: str, lens: Array, size: int, num_blocks: int) -> Array:
        offsets = self.file.array(name, dtypes=("I64",), shape=(num_blocks,))
        if int(lens.sum(dtype=np.int64)) != size or not np.array_equal(offsets, block_offsets(lens)):
            raise self.file.damaged(
                f"expected the sentence lengths in this file to add up to {size} and to agree with its array {name}, "
                "found other lengths"
            )
        return offsets


def _bounds(offsets: Array, lens: Array, row: int) -> tuple[int, int, int]:
    """Offsets of a row: start of its source, start of its target, and end of its target."""
    block = row // BLOCK
    start = int(offsets[block]) + int(lens[block * BLOCK : row].sum(dtype=np.int64))
    middle = start + int(lens[row, 0])
    return start, middle, middle + int(lens[row, 1])
