"""Prepares training text of any size on disk: reads it, holds out validation text, and writes shards of subword ids."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from regard.config.resolved import DerivedConfig
from regard.config.schema import Config
from regard.data.corpora.formats import open_corpus
from regard.data.corpora.line_ranges import PairedLines, UnreadableRangeError
from regard.data.corpora.pairs import no_pairs_error, summary_of
from regard.data.corpora.unit import UnitReader
from regard.data.prepared.collecting import CollectedPart, Collector, hash_of
from regard.data.prepared.encoding import TOO_LONG, EncodedShard
from regard.data.prepared.manifest import MANIFEST, CorpusSummary, Manifest, ShardEntry, shard_name
from regard.data.prepared.pool import WorkerPool
from regard.data.prepared.text_part import PART_SIZE, TextPart
from regard.errors import CheckpointError, DataError
from regard.files.atomic import make_directory, remove, write_file
from regard.files.printable import counted
from regard.recipes.prepared_held_out import HeldOut, HoldingOut
from regard.recipes.prepared_options import VERSION, derive_options, text_options
from regard.recipes.prepared_sources import file_states, hash_files
from regard.recipes.prepared_validation import write_held_out
from regard.recipes.prepared_vocabulary import (
    SRC_VOCABULARY,
    TGT_VOCABULARY,
    learn_vocabularies,
    load_vocabularies,
    sample_pairs,
)
from regard.recipes.training_text import corpus_entries, corpus_weights, read_options, reading_notes
from regard.text.subword import Subword
from regard.text.tags import split_tags

_COLLECTED, _LEARNED = "collected", "learned.json"
_EMPTY = "empty"

Progress = Callable[[str, int, "float | None"], None]
"""Receives what is being done, the number of pairs done, and the fraction done if it is known; may raise to stop."""


@dataclass
class Preparation:
    """Prepares training text on disk, as shards of subword ids, and continues what a stopped process began.

    Attributes:
        config: Configuration, of which `[data]`, `[subword]` and `train.seed` are used.
        directory: The directory, which this process has locked.
        subwords: Source and target vocabulary, the same object if they are shared; None = learned from the text.
        num_workers: Number of worker processes.
        progress: Called with the name of the stage, the number of pairs done, and the fraction done (None = not known);
            may raise to stop.
    """

    config: Config
    directory: Path
    subwords: tuple[Subword, Subword] | None
    num_workers: int
    progress: Progress
    _parts: list[CollectedPart] = field(default_factory=list)
    _notes: list[str] = field(default_factory=list)
    _names: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Writes prepared text to `directory`: shards of subword ids, then the manifest, which marks it as complete.

        Raises:
            DataError: The text cannot be read or used, or changes during the preparation.
            CheckpointError: The directory cannot be written.
        """
        self._entries = corpus_entries(self.config.data)
        states = file_states(self._entries)  # first, so that nothing is lost if the text is not there
        (self.directory / MANIFEST).unlink(missing_ok=True)
        num_empty = self._collect(states)
        self.progress("hashing", 0, None)
        files = hash_files(states)
        self._check_unchanged(states)
        step = HoldingOut(self.config, self._entries, self._parts, lambda: self.progress("comparing", 0, None))
        held_out = step.run()
        config, _ = derive_options(self.config, self._corpora([part.num_pairs for part in self._parts]))
        subwords, subword_notes = self._vocabularies(config, held_out)
        given = [] if self.subwords is None else [subword.fingerprint() for subword in subwords]
        options = text_options(config, self._entries, given)
        fingerprints = subwords[0].fingerprint(), subwords[1].fingerprint()
        job = hash_of([options, fingerprints, [file.sha256 for file in files]])
        shards = self._encode(job, config, held_out, step.is_eligible)
        self._check_not_empty(shards)
        dropped: Counter[str] = Counter({_EMPTY: num_empty})
        for shard in shards:
            dropped.update(shard.dropped)
        manifest = Manifest(
            options=options,
            files=files,
            corpora=self._corpora([shard.entry.num_pairs for shard in shards]),
            shards=tuple(shard.entry for shard in shards),
            vocab_sizes=(len(subwords[0]), len(subwords[1])),
            vocabularies=fingerprints,
            dropped={reason: count for reason, count in sorted(dropped.items()) if count},
            num_validation=len(held_out.val),
            validation=write_held_out(self.directory, held_out.val) if self.config.data.val_src is None else "",
            notes=(*self._notes, *held_out.notes, *subword_notes, *self._length_notes(dropped[TOO_LONG])),
        )
        self._check_unchanged(states)
        manifest.write(self.directory)
        self._remove_leftovers(len(shards))

    def _collect(self, states: Sequence[tuple[str, int, int]]) -> int:
        """Writes the normalized text, and returns the number of pairs with an empty side."""
        reading = [entry.model_dump(exclude={"weight", "tag", "src", "tgt"}) for entry in self._entries]
        job = hash_of([VERSION, PART_SIZE, reading, list(states)])
        collector = Collector(self.directory / _COLLECTED, job)
        make_directory(collector.directory)
        num_done = num_empty = 0
        for number, entry in enumerate(self._entries):
            reader = open_corpus(entry.src, entry.tgt, read_options(entry), format=entry.format)
            num_read = 0
            for num_read, fraction in self._read(collector, reader, number):
                done = None if fraction is None else (number + fraction) / len(self._entries)
                self.progress("reading", num_done + num_read, done)
            num_done += num_read
            num_pairs = sum(part.num_pairs for part in collector.parts if part.corpus == number)
            if not num_pairs:
                raise no_pairs_error(reader, num_read)
            summary = summary_of(reader, num_read - num_pairs)
            self._notes += reading_notes(entry.src, summary, num_pairs, summary=bool(self.config.data.corpora))
            self._names.append(reader.name)
            num_empty += num_read - num_pairs
        self._parts = collector.parts
        return num_empty

    def _read(self, collector: Collector, reader: UnitReader, number: int) -> Iterator[tuple[int, float | None]]:
        """Reads a corpus in ranges of lines if that is possible, otherwise as a whole."""
        lines = PairedLines.of(reader)
        if lines is not None:
            size = max(1, lines.size())
            check = partial(self.progress, "reading", 0, 0.0)
            with (
                suppress(UnreadableRangeError),
                WorkerPool({"work": "collect"}, num_workers=self.num_workers, check=check) as pool,
            ):
                for num_read, num_bytes in collector.collect_ranges(lines, number, pool):
                    yield num_read, num_bytes / size
                return
        for num_read in collector.collect(reader, number):
            yield num_read, reader.fraction_read()

    def _corpora(self, sizes: Sequence[int]) -> tuple[CorpusSummary, ...]:
        """The corpora, with the numbers of pairs that are used of each part."""
        numbers = [
            sum(size for part, size in zip(self._parts, sizes, strict=True) if part.corpus == number)
            for number in range(len(self._entries))
        ]
        weights = corpus_weights(self._entries, numbers, self.config.data.temperature)
        summaries = []
        for number, (num_pairs, weight) in enumerate(zip(numbers, weights, strict=True)):
            parts = [part for part in self._parts if part.corpus == number]
            num_chars = sum(part.num_chars[0] for part in parts), sum(part.num_chars[1] for part in parts)
            num_units = sum(part.num_units for part in parts)
            num_texts = sum(part.num_pairs for part in parts)
            summaries.append(CorpusSummary(self._names[number], num_units, num_texts, num_pairs, weight, num_chars))
        return tuple(summaries)

    def _vocabularies(self, config: DerivedConfig, held_out: HeldOut) -> tuple[tuple[Subword, Subword], list[str]]:
        files = (self.directory / SRC_VOCABULARY, self.directory / TGT_VOCABULARY)
        if self.subwords is None:
            return self._learned(config, files, held_out)
        for path, subword in zip(files, self.subwords, strict=True):
            write_file(path, subword.save)
        remove(self.directory / _LEARNED)
        return self.subwords, []

    def _learned(
        self, config: DerivedConfig, files: tuple[Path, Path], held_out: HeldOut
    ) -> tuple[tuple[Subword, Subword], list[str]]:
        """Learned vocabularies, or those that an earlier process learned from the same text."""
        tags = list(dict.fromkeys(tag for entry in self._entries for tag in split_tags(entry.tag)))
        options = [config.subword.model_dump(exclude={"sample_alpha"}), config.train.seed, tags]
        keys = [[part.path.name, part.num_pairs, TextPart(part.path, verify=False).digest] for part in self._parts]
        job = hash_of([VERSION, options, keys, held_out.sources.tolist()])
        stored = self.directory / _LEARNED
        with suppress(OSError, ValueError, KeyError, CheckpointError):
            state = json.loads(stored.read_bytes())
            subwords = load_vocabularies(self.directory, shared=config.subword.shared)
            if state["job"] == job and state["hashes"] == [subword.fingerprint() for subword in subwords]:
                return subwords, list(map(str, state["notes"]))
        self.progress("learning the vocabulary", 0, None)
        pairs = sample_pairs(self._parts, held_out.sources, seed=config.train.seed)
        subwords, notes = learn_vocabularies(
            config, pairs, tags, self.directory, check=lambda: self.progress("learning the vocabulary", 0, None)
        )
        if config.subword.shared:
            write_file(files[1], subwords[1].save)
        state = {"job": job, "hashes": [subword.fingerprint() for subword in subwords], "notes": notes}
        write_file(stored, lambda path: path.write_text(json.dumps(state), encoding="utf-8"))
        return subwords, notes

    def _encode(
        self, job: str, config: DerivedConfig, held_out: HeldOut, is_eligible: Sequence[bool]
    ) -> list[EncodedShard]:
        setup = {
            "work": "encode",
            "directory": str(self.directory),
            "job": job,
            "vocabularies": [str(self.directory / name) for name in (SRC_VOCABULARY, TGT_VOCABULARY)],
            "max_len": config.data.max_len,
            "held_out": held_out.sources.tolist(),
            "with_text": config.subword.sample_alpha > 0,
        }
        tasks = [
            {
                "number": number,
                "part": str(part.path),
                "corpus": part.corpus,
                "tag": self._entries[part.corpus].tag,
                "is_eligible": is_eligible[part.corpus],
            }
            for number, part in enumerate(self._parts)
        ]
        total = sum(part.num_pairs for part in self._parts)
        done = 0
        shards: dict[int, EncodedShard] = {}
        num_workers = max(1, min(self.num_workers, len(tasks)))
        with WorkerPool(setup, num_workers=num_workers, check=lambda: self._report(done, total)) as pool:
            for number, answer in pool.answers(tasks):
                shards[number] = _encoded(answer)
                done += self._parts[number].num_pairs
                self._report(done, total)
        return [shards[number] for number in range(len(tasks))]

    def _report(self, done: int, total: int) -> None:
        self.progress("encoding", done, done / max(1, total))

    def _length_notes(self, count: int) -> list[str]:
        if not count:
            return []
        return [f"left out {counted(count, 'training pair')} longer than {self.config.data.max_len} subwords"]

    def _check_not_empty(self, shards: Sequence[EncodedShard]) -> None:
        """Refuses a corpus whose pairs are all too long."""
        for number, name in enumerate(self._names):
            num_long = sum(shard.dropped.get(TOO_LONG, 0) for shard in shards if shard.entry.corpus == number)
            if num_long and not any(shard.entry.num_pairs for shard in shards if shard.entry.corpus == number):
                raise DataError(
                    f"{name}: none of the {num_long} sentence pairs has at most data.max_len = "
                    f"{self.config.data.max_len} subwords on both sides: raise data.max_len, or split the text into "
                    "sentences"
                )

    def _check_unchanged(self, states: Sequence[tuple[str, int, int]]) -> None:
        if file_states(self._entries) != list(states):
            raise DataError("a file of the training text changed while it was read: run the command again")

    def _remove_leftovers(self, num_shards: int) -> None:
        """Removes what only unfinished work needs, and shards of earlier text."""
        remove(self.directory / _COLLECTED)
        remove(self.directory / _LEARNED)
        names = {shard_name(number) for number in range(num_shards)}
        for path in self.directory.glob("part-*.safetensors*"):
            if path.name not in names:
                remove(path)


def _encoded(answer: Mapping[str, Any]) -> EncodedShard:
    return EncodedShard(ShardEntry(**answer["entry"]), dict(answer["dropped"]))
