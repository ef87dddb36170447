"""Files with parts of a corpus's normalized text, from which shards are made: texts, hashes and line numbers."""

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
    """A file with a part of a corpus: up to 131,072 (`PART_SIZE`) consecutive sentence pairs, normalized.

    Attributes:
        metadata: Values that were stored with the pairs, such as counts, by name.
        keys: Hashes of the source and the target of each of N pairs, `(N, 2)` uint64.
        lines: Line number of each pair in its text file, or record number in a format without lines, `(N,)`.
        text_lens: Number of bytes of the source and of the target of each pair, in UTF-8, `(N, 2)`.
    """

    def __init__(self, path: Path, *, verify: bool = True) -> None:
        """Opens the file.

        Args:
            path: Path of the file.
            verify: Whether to compare the content with the stored hash.

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
        """SHA-256 of the content, in hexadecimal, as stored in the file."""
        return str(self.metadata["sha256"])

    def pairs(self, rows: NDArray[np.int64]) -> Iterator[Pair]:
        """Reads some of the pairs.

        Args:
            rows: Numbers of the pairs in this file, from 0, ascending, `(num_rows,)`.

        Yields:
            Each pair, with its line number in the text file it came from.
        """
        ends = np.cumsum(self.text_lens.reshape(-1), dtype=np.int64)
        for row in rows.tolist():
            start = int(ends[2 * row - 1]) if row else 0
            middle, end = int(ends[2 * row]), int(ends[2 * row + 1])
            data = self._texts[start:end].tobytes()
            yield Pair(data[: middle - start].decode(), data[middle - start :].decode(), int(self.lines[row]))

    def blocks(self, rows: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], list[str], list[str]]]:
        """Reads some of the pairs in blocks, so that the strings of only one block are in memory.

        Args:
            rows: Numbers of the pairs in this file, from 0, ascending, `(num_rows,)`.

        Yields:
            For each block, the numbers, sources and targets of its pairs.
        """
        ends = np.concatenate([[0], np.cumsum(self.text_lens.reshape(-1), dtype=np.int64)])
        for start in range(0, len(rows), _ENCODED_AT_ONCE):
            block = rows[start : start + _ENCODED_AT_ONCE]
            first = int(ends[2 * block[0]])
            data = self._texts[first : int(ends[2 * block[-1] + 2])]
            # Of a string, slices are faster than decoding each part. All bytes of a character but the first begin 10.
            num_chars = np.concatenate([[0], np.cumsum((data & 0xC0) != 0x80, dtype=np.int64)])
            text = data.tobytes().decode()
            bounds = num_chars[ends[2 * block[:, np.newaxis] + np.arange(3)] - first].tolist()
            sources = [text[begin:middle] for begin, middle, _ in bounds]
            yield block, sources, [text[middle:end] for _, middle, end in bounds]

    def release(self) -> None:
        """Closes the file."""
        self._file.close()


class PartWriter:
    """Collects normalized sentence pairs in memory, and writes them to a file that `TextPart` reads.

    Args:
        path: Path of the file to write.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._texts = bytearray()
        self._lens, self._keys, self._lines = array("Q"), array("Q"), array("Q")
        self.num_chars = [0, 0]
        self.num_equal = 0
        self.num_without_letters = [0, 0]

    def __len__(self) -> int:
        """Number of pairs added so far."""
        return len(self._lines)

    def add(self, pairs: Iterable[tuple[str, str, int]]) -> None:
        """Adds pairs (normalized source, normalized target, line number), except those with an empty side."""
        texts, lens, keys = self._texts, self._lens, self._keys
        for src, tgt, line in pairs:
            if not src or not tgt:
                continue
            for side, text in enumerate((src, tgt)):
                data = text.encode()
                texts += data
                lens.append(len(data))
                keys.append(bytes_hash(data))
                self.num_chars[side] += len(text)
                # Nearly all texts begin with a letter.
                self.num_without_letters[side] += not (text[0].isalpha() or any(map(str.isalpha, text)))
            self._lines.append(line)
            self.num_equal += src == tgt

    def write(self, **counts: object) -> None:
        """Writes the collected pairs to the file, atomically.

        Args:
            **counts: Further values to store with the pairs, by name, which JSON can hold.

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
