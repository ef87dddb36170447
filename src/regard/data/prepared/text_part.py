"""Parts of normalized text on disk, from which shards are made: texts, keys of the sentences, and lines."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from regard.data.hashes import bytes_hash
from regard.data.prepared.array_file import ArrayFile, write_arrays
from regard.data.prepared.shard import narrowed
from regard.files.atomic import write_file
from regard.values import Pair

PART_SIZE = 1 << 17
"""Sentence pairs read per part, including those that are left out; the last part of a corpus may have fewer."""
REMEDY = "run the same command again, which makes it again"
_ENCODED_AT_ONCE = 4096


class TextPart:
    """A file with a part of the normalized text of a corpus: consecutive sentence pairs, as many as `PART_SIZE` allows.

    Attributes:
        metadata: Counts that were stored with the part, by name.
        keys: Hashes of the source and the target of each of N pairs, `(N, 2)` uint64.
        lines: Number of the line or unit of each pair in its file, `(N,)`.
        text_lens: Number of bytes of source and target text of each pair, in UTF-8, `(N, 2)`.
    """

    def __init__(self, path: Path, *, verify: bool = True) -> None:
        """Opens a part.

        Args:
            path: Path of the file.
            verify: Whether to check its hash.

        Raises:
            CheckpointError: The file is missing or damaged.
        """
        self._file = file = ArrayFile(path, remedy=REMEDY)
        if verify:
            file.verify()
        self.metadata = file.metadata
        self.keys = file.array("keys", dtypes=("U64",), shape=(None, 2))
        count = len(self.keys)
        self.lines = file.array("lines", dtypes=("U32", "U64"), shape=(count,))
        self.text_lens = file.array("text_lens", dtypes=("U16", "U32"), shape=(count, 2))
        self._texts = file.array("texts", dtypes=("U8",), shape=(int(self.text_lens.sum(dtype=np.int64)),))

    def __len__(self) -> int:
        """Number of sentence pairs."""
        return len(self.keys)

    @property
    def digest(self) -> str:
        """Hash of the content."""
        return str(self.metadata["sha256"])

    def pairs(self, rows: NDArray[np.int64]) -> Iterator[Pair]:
        """Reads some of the pairs.

        Args:
            rows: Row numbers in the part, ascending, `(num_rows,)`.

        Yields:
            The pairs, with the line of each.
        """
        ends = np.cumsum(self.text_lens.reshape(-1), dtype=np.int64)
        for row in rows.tolist():
            start = int(ends[2 * row - 1]) if row else 0
            middle, end = int(ends[2 * row]), int(ends[2 * row + 1])
            data = self._texts[start:end].tobytes()
            yield Pair(data[: middle - start].decode(), data[middle - start :].decode(), int(self.lines[row]))

    def blocks(self, rows: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], list[Pair]]]:
        """Reads some of the pairs block by block, so that only a block is in memory as strings.

        Args:
            rows: Row numbers in the part, ascending, `(num_rows,)`.

        Yields:
            Row numbers and pairs of each block.
        """
        for start in range(0, len(rows), _ENCODED_AT_ONCE):
            block = rows[start : start + _ENCODED_AT_ONCE]
            yield block, list(self.pairs(block))

    def release(self) -> None:
        """Closes the file."""
        self._file.close()


class PartWriter:
    """Collects the pairs of a part, and writes them to a file.

    Args:
        path: Path of the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._texts = bytearray()
        self._lens, self._keys, self._lines = array("Q"), array("Q"), array("Q")
        self.num_chars = [0, 0]
        self.num_equal = 0
        self.num_without_letters = [0, 0]

    def add(self, pairs: Iterable[Pair]) -> None:
        """Adds normalized pairs that have text on both sides."""
        for pair in pairs:
            for side, text in enumerate((pair.src, pair.tgt)):
                data = text.encode()
                self._texts += data
                self._lens.append(len(data))
                self._keys.append(bytes_hash(data))
                self.num_chars[side] += len(text)
                self.num_without_letters[side] += not any(map(str.isalpha, text))
            self._lines.append(pair.line)
            self.num_equal += pair.src == pair.tgt

    def write(self, **counts: object) -> None:
        """Writes the part atomically.

        Args:
            **counts: Further values to be stored with the part, which JSON can hold.

        Raises:
            CheckpointError: The file cannot be written.
        """
        arrays = {
            "keys": np.frombuffer(self._keys, np.uint64).reshape(-1, 2),
            "lines": narrowed(np.frombuffer(self._lines, np.uint64), least=4),
            "text_lens": narrowed(np.frombuffer(self._lens, np.uint64).reshape(-1, 2)),
            "texts": np.frombuffer(self._texts, np.uint8),
        }
        metadata = {
            "num_chars": self.num_chars,
            "num_equal": self.num_equal,
            "num_without_letters": self.num_without_letters,
            **counts,
        }
        write_file(self.path, lambda file: write_arrays(file, arrays, metadata))
