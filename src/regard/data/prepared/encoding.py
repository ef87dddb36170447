"""Encodes the normalized text of a corpus as subword ids; each part of the text becomes a file, a shard."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from regard.data.hashes import Keys
from regard.data.prepared.array_file import ArrayFile
from regard.data.prepared.corpus import file_hash
from regard.data.prepared.manifest import ShardEntry, shard_name
from regard.data.prepared.shard import REMEDY, ShardContent, write_shard
from regard.data.prepared.text_part import TextPart
from regard.errors import CheckpointError
from regard.files.atomic import write_file
from regard.text.subword import Subword
from regard.text.tags import add_tag

TOO_LONG, HELD_OUT, SHARED = "too long", "held out", "source held out"
"""Reasons for which a pair is not in a shard: it has too many subwords; it is held out for validation; or its source is
held out, but its corpus contributes no validation pairs."""


@dataclass(frozen=True)
class EncodingTask:
    """A part of a corpus's normalized text, to be encoded as a shard (a file of subword ids).

    Attributes:
        number: Number of the shard, from 0.
        part: Path of the file with the text, which `TextPart` reads.
        corpus: Number of the corpus that the text belongs to, from 0.
        tag: Tag to put before each source, such as `<web>`; None = no tag.
        is_eligible: Whether pairs of this corpus may be held out for validation. Pairs whose source is held out are
            never in the shard: if True, they are validation pairs; if False, they are discarded.
    """

    number: int
    part: Path
    corpus: int
    tag: str | None
    is_eligible: bool


@dataclass(frozen=True)
class EncodedShard:
    """Description of a shard that was written.

    Attributes:
        entry: Corpus, number of pairs, size and hash of the shard, for the manifest of the prepared corpus.
        dropped: Number of pairs left out of the shard, by reason: `too long`; `held out` (used for validation);
            `source held out` (discarded: the source is held out, but this corpus contributes no validation pairs).
    """

    entry: ShardEntry
    dropped: dict[str, int]


class ShardEncoder:
    """Encodes parts of a corpus's normalized text, and writes each part as a shard, a file of subword ids.

    Args:
        directory: Directory to write the shards to.
        job: Hash of the text and of all options that determine the shards. It is stored in each shard, and an existing
            shard with another hash is written again.
        subwords: Source and target vocabulary.
        max_len: Largest number of subwords of a source or target; pairs with a longer side are left out.
        held_out: Keys (hashes) of the K sources that are held out for validation, sorted, `(K,)` uint64.
        with_text: Whether to store the text of the pairs in the shards as well.
    """

    def __init__(
        self,
        directory: Path,
        job: str,
        subwords: tuple[Subword, Subword],
        *,
        max_len: int,
        held_out: Keys,
        with_text: bool,
    ) -> None:
        self.directory = directory
        self.job = job
        self.subwords = subwords
        self.max_len = max_len
        self.held_out = held_out
        self.with_text = with_text

    def __call__(self, task: EncodingTask) -> EncodedShard:
        """Encodes a text part and writes the shard, unless an earlier process has written it.

        Args:
            task: The text part and its options.

        Returns:
            Entry of the shard for the manifest, and the numbers of pairs left out.

        Raises:
            CheckpointError: The text part is damaged, or the shard cannot be written.
        """
        path = self.directory / shard_name(task.number)
        finished = self._finished(path, task)
        if finished is not None:
            return finished
        part = TextPart(task.part)
        content, dropped = self._encode(part, task)
        metadata = {"job": self.job, "dropped": dropped, "corpus": task.corpus, "num_pairs": len(content.lens)}
        write_file(path, lambda file: write_shard(file, content, metadata))
        part.release()
        return EncodedShard(self._entry(path, task, len(content.lens)), dropped)

    def _finished(self, path: Path, task: EncodingTask) -> EncodedShard | None:
        """The shard if an earlier process wrote it, for the same job."""
        if not path.exists():
            return None
        try:
            file = ArrayFile(path, remedy=REMEDY)
            metadata = file.metadata
            file.verify()
            file.close()
            if metadata["job"] != self.job or metadata["corpus"] != task.corpus:
                return None
            dropped = {str(reason): int(number) for reason, number in metadata["dropped"].items()}
            num_pairs = int(metadata["num_pairs"])
        except (CheckpointError, KeyError, TypeError, ValueError, AttributeError):
            return None  # it is written again
        return EncodedShard(self._entry(path, task, num_pairs), dropped)

    def _entry(self, path: Path, task: EncodingTask, num_pairs: int) -> ShardEntry:
        return ShardEntry(task.corpus, num_pairs, path.stat().st_size, file_hash(path))

    def _encode(self, part: TextPart, task: EncodingTask) -> tuple[ShardContent, dict[str, int]]:
        src_subword, tgt_subword = self.subwords
        is_held_out = np.isin(part.keys[:, 0], self.held_out)
        rows = np.flatnonzero(~is_held_out)
        ids, lens, lines = [], [np.zeros((0, 2), np.int64)], [part.lines[:0]]
        texts, text_lens = [], [np.zeros((0, 2), np.int64)]
        num_long = 0
        for block, plain, targets in part.blocks(rows):
            sources = plain if task.tag is None else [add_tag(task.tag, src) for src in plain]
            sides = src_subword.encode_ids(sources), tgt_subword.encode_ids(targets)
            block_lens = np.array([list(map(len, side)) for side in sides], dtype=np.int64).T
            kept = np.flatnonzero(block_lens.max(axis=1) <= self.max_len)
            num_long += len(block) - len(kept)
            in_turn = (side[row] for row in kept.tolist() for side in sides)
            ids.append(np.fromiter(chain.from_iterable(in_turn), np.uint32, count=int(block_lens[kept].sum())))
            lens.append(block_lens[kept])
            lines.append(part.lines[block[kept]])
            if self.with_text:
                data = [text.encode() for row in kept.tolist() for text in (sources[row], targets[row])]
                texts += data
                text_lens.append(np.array([len(text) for text in data], dtype=np.int64).reshape(-1, 2))
        content = ShardContent(
            np.concatenate([np.zeros(0, np.uint32), *ids]),
            np.concatenate(lens),
            np.concatenate(lines),
            b"".join(texts) if self.with_text else None,
            np.concatenate(text_lens) if self.with_text else None,
        )
        reason = HELD_OUT if task.is_eligible else SHARED
        counts = {reason: int(is_held_out.sum()), TOO_LONG: num_long}
        return content, {reason: count for reason, count in counts.items() if count}
