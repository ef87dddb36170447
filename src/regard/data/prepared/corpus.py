"""A prepared corpus on disk, of which only the rows in use are read."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from regard.data.mixture import CorpusShare
from regard.data.prepared.manifest import Manifest, ShardEntry, read_manifest, shard_name
from regard.data.prepared.shard import REMEDY, Shard
from regard.errors import CheckpointError
from regard.files.reading import open_regular
from regard.values import Pair

_MAX_OPEN = 256
"""Shards that are open at a time: each takes a file descriptor."""
_RELEASE_AFTER = 128
"""Rows that are read before the memory of the shards is given back: the system maps up to 64 KiB around each."""
_BLOCK_SIZE = 1 << 20


class PreparedCorpus:
    """The sentence pairs of a prepared corpus as subword ids, one pair per row.

    The rows are stored in shards, files of consecutive rows. A shard is opened, and its hash checked, when one of its
    rows is read for the first time. The memory in use does not depend on the size of the corpus.

    Attributes:
        directory: The directory of the corpus.
        manifest: Content of its `manifest.json`, such as the sizes and hashes of the shards.
    """

    def __init__(self, directory: Path, *, verify: bool = True) -> None:
        """Opens a prepared corpus.

        Args:
            directory: The directory of the corpus.
            verify: Whether to check the hash of each shard when it is opened for the first time.

        Raises:
            CheckpointError: The manifest is missing or damaged, or a shard is missing or has another size.
        """
        self.directory = directory
        self.manifest: Manifest = read_manifest(directory)
        self._starts = np.cumsum([0, *(shard.num_pairs for shard in self.manifest.shards)])
        self._open: OrderedDict[int, Shard] = OrderedDict()
        self._unverified = set(range(len(self.manifest.shards))) if verify else set()
        self._lock = threading.Lock()
        self._num_read = 0
        self._touched: set[int] = set()  # shards of which rows were read since memory was given back
        for number, entry in enumerate(self.manifest.shards):
            check_shard_size(directory, number, entry)

    def __len__(self) -> int:
        """Number of sentence pairs."""
        return int(self._starts[-1])

    @property
    def shares(self) -> tuple[CorpusShare, ...]:
        """Size and weight of each of the corpora that make up this one, in the order of their rows."""
        return tuple(CorpusShare(corpus.num_pairs, corpus.weight) for corpus in self.manifest.corpora)

    def pair_ids(self, row: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Source and target ids of one pair, without special tokens.

        Args:
            row: Row number of the pair.

        Returns:
            Both sides, `(S,)` and `(T,)` int32.

        Raises:
            CheckpointError: The shard is damaged.
        """
        with self._lock:
            shard, local = self._locate(row)
            return shard.pair_ids(local)

    def src_ids(self, row: int) -> NDArray[np.int32]:
        """Source ids of one pair, without eos, `(S,)` int32."""
        return self.pair_ids(row)[0]

    def tgt_ids(self, row: int) -> NDArray[np.int32]:
        """Target ids of one pair, without bos and eos, `(T,)` int32."""
        return self.pair_ids(row)[1]

    def texts(self, row: int) -> tuple[str, str] | None:
        """Source and target text of one pair; None if no text is stored.

        Args:
            row: Row number of the pair.

        Returns:
            The source, which begins with the tag of its corpus if the corpus has one, and the target.

        Raises:
            CheckpointError: The shard is damaged.
        """
        with self._lock:
            shard, local = self._locate(row)
            return shard.texts(local)

    def origin(self, row: int) -> tuple[str, int]:
        """Where a pair comes from.

        Args:
            row: Row number of the pair.

        Returns:
            Name of its file or files, and the number of its line there, or of its record in a format without lines.

        Raises:
            CheckpointError: The shard is damaged.
        """
        with self._lock:
            shard, local = self._locate(row)
            corpus = self.manifest.shards[self._number(row)].corpus
            return self.manifest.corpora[corpus].name, int(shard.lines[local])

    def pair(self, row: int) -> Pair | None:
        """Texts (as from `texts`) and line number of one pair; None if no text is stored."""
        texts = self.texts(row)
        return None if texts is None else Pair(*texts, self.origin(row)[1])

    def lengths(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Source and target lengths of some pairs, without special tokens.

        Args:
            rows: N row numbers, in any order, `(N,)`.

        Returns:
            Source and target lengths, each `(N,)` int32.

        Raises:
            CheckpointError: A shard is damaged.
        """
        order = np.argsort(rows, kind="stable")
        ordered = rows[order]
        lens = np.empty((len(rows), 2), dtype=np.int32)
        bounds = np.searchsorted(ordered, self._starts)
        for number in np.flatnonzero(np.diff(bounds)).tolist():
            part = slice(bounds[number], bounds[number + 1])
            with self._lock:
                shard = self._shard(number)
                lens[order[part]] = shard.lens[ordered[part] - self._starts[number]]
                shard.file.release()
        return lens[:, 0], lens[:, 1]

    def check(self, progress: Callable[[int], object] = lambda done: None) -> None:
        """Checks the hashes of all shards.

        Args:
            progress: Function that is called with the number of shards checked so far.

        Raises:
            CheckpointError: A shard is damaged.
        """
        for number in range(len(self.manifest.shards)):
            check_shard(self.directory, number, self.manifest.shards[number])
            progress(number + 1)

    def _locate(self, row: int) -> tuple[Shard, int]:
        if not 0 <= row < len(self):
            raise IndexError(
                f"expected a row number from 0 to {len(self) - 1}, got {row}: the corpus has one row per sentence pair"
            )
        number = self._number(row)
        self._num_read += 1
        if self._num_read % _RELEASE_AFTER == 0:
            for touched in self._touched:
                if touched in self._open:
                    self._open[touched].file.release()
            self._touched.clear()
        self._touched.add(number)
        return self._shard(number), row - int(self._starts[number])

    def _number(self, row: int) -> int:
        return int(np.searchsorted(self._starts, row, side="right")) - 1

    def _shard(self, number: int) -> Shard:
        if number in self._open:
            self._open.move_to_end(number)
            return self._open[number]
        if number in self._unverified:
            check_shard(self.directory, number, self.manifest.shards[number])
            self._unverified.discard(number)
        path = self.directory / shard_name(number)
        entry = self.manifest.shards[number]
        shard = Shard(path, num_pairs=entry.num_pairs, vocab_sizes=self.manifest.vocab_sizes)
        self._open[number] = shard
        if len(self._open) > _MAX_OPEN:
            self._open.popitem(last=False)[1].file.close()
        return shard


def check_shard_size(directory: Path, number: int, entry: ShardEntry) -> None:
    """Checks that a shard, a file of a prepared corpus, exists and has the size that the manifest says.

    Args:
        directory: Directory of the corpus.
        number: Number of the shard, from 0.
        entry: Its entry in the manifest.

    Raises:
        CheckpointError: It is missing or has another size.
    """
    path = directory / shard_name(number)
    try:
        size = path.stat().st_size
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror or error}: {REMEDY}") from None
    if size != entry.size:
        raise CheckpointError(f"{path}: damaged: expected {entry.size} bytes, found {size}: {REMEDY}")


def check_shard(directory: Path, number: int, entry: ShardEntry) -> None:
    """Checks that a shard, a file of a prepared corpus, has the size and the hash that the manifest says.

    Args:
        directory: Directory of the corpus.
        number: Number of the shard, from 0.
        entry: Its entry in the manifest.

    Raises:
        CheckpointError: It is missing or damaged.
    """
    check_shard_size(directory, number, entry)
    path = directory / shard_name(number)
    if file_hash(path) != entry.sha256:
        raise CheckpointError(f"{path}: damaged: its content does not match its hash in the manifest: {REMEDY}")


def file_hash(path: Path, remedy: str = REMEDY) -> str:
    """SHA-256 of a file's content, in hexadecimal.

    Args:
        path: Path of the file.
        remedy: What the user should do if it cannot be read, for messages.

    Returns:
        The hash.

    Raises:
        CheckpointError: The file cannot be read.
    """
    digest = hashlib.sha256()
    with open_regular(path, remedy=remedy) as file:
        while block := file.read(_BLOCK_SIZE):
            digest.update(block)
    return digest.hexdigest()
