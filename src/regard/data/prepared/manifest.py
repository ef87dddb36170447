"""The manifest of a prepared corpus: what it was made from, how, and the hashes of its shards."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from regard.data.prepared.shard import REMEDY
from regard.errors import CheckpointError
from regard.files.atomic import write_text
from regard.files.json_text import parse_json
from regard.files.reading import read_bytes

FORMAT = 1
"""Version of the format."""
MANIFEST = "manifest.json"
_MAX_BYTES = 1 << 26
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MAX_COUNT = 1 << 40
_MAX_VOCABULARY = 1 << 31


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that the corpus was read from.

    Attributes:
        path: Its path, absolute when it was read.
        size: Its size in bytes.
        mtime_ns: Time of its last change, in nanoseconds.
        sha256: Hash of its content.
    """

    path: str
    size: int
    mtime_ns: int
    sha256: str


@dataclass(frozen=True, slots=True)
class CorpusSummary:
    """One of the corpora that make up a prepared corpus.

    Attributes:
        name: Its file or files, for messages.
        num_units: Number of its sentence pairs, including those left out.
        num_texts: Number of its pairs with text on both sides.
        num_pairs: Number of its pairs to train on.
        weight: Mean number of times that an epoch contains each of its pairs.
        num_chars: Two numbers: the source and the target characters of all its pairs.
    """

    name: str
    num_units: int
    num_texts: int
    num_pairs: int
    weight: float
    num_chars: tuple[int, int]


@dataclass(frozen=True, slots=True)
class ShardEntry:
    """A shard in the manifest.

    Attributes:
        corpus: Number of its corpus, from 0.
        num_pairs: Number of its pairs.
        size: Size of the file in bytes.
        sha256: Hash of the file.
    """

    corpus: int
    num_pairs: int
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The content of `manifest.json`.

    Attributes:
        options: What determines the content besides the files: options of reading, vocabularies and so on, by name.
        files: The files that were read.
        corpora: The corpora, in order.
        shards: The shards, in order; each has pairs of one corpus.
        vocab_sizes: Sizes of the source and of the target vocabulary.
        vocabularies: SHA-256 of the source and of the target vocabulary.
        dropped: Number of pairs left out, by reason.
        num_validation: Number of pairs held out for validation.
        validation: SHA-256 of the file of these pairs; empty if none are held out.
        notes: Sentences for the user about what was read and left out.
    """

    options: Mapping[str, object]
    files: tuple[SourceFile, ...]
    corpora: tuple[CorpusSummary, ...]
    shards: tuple[ShardEntry, ...]
    vocab_sizes: tuple[int, int]
    vocabularies: tuple[str, str]
    dropped: Mapping[str, int] = field(default_factory=dict)
    num_validation: int = 0
    validation: str = ""
    notes: tuple[str, ...] = ()

    @property
    def num_pairs(self) -> int:
        """Number of sentence pairs to train on."""
        return sum(shard.num_pairs for shard in self.shards)

    def content_hash(self) -> str:
        """Hash of everything but the paths and times of the files, to tell if a corpus is the same."""
        tree = self._tree()
        for entry in tree["files"]:
            del entry["path"], entry["mtime_ns"]
        del tree["notes"]  # they may name paths
        for corpus in tree["corpora"]:
            del corpus["name"]
        return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()

    def write(self, directory: Path) -> None:
        """Writes the manifest to the directory of the corpus, atomically.

        Args:
            directory: The directory.

        Raises:
            CheckpointError: The file cannot be written.
        """
        write_text(directory / MANIFEST, json.dumps(self._tree(), indent=1, sort_keys=True) + "\n")

    def _tree(self) -> dict[str, Any]:
        tree = {"format": FORMAT, **{name: value for name, value in vars(self).items() if name not in _TUPLES}}
        tree |= {name: [asdict(entry) for entry in getattr(self, name)] for name in _TUPLES}
        plain: dict[str, Any] = json.loads(json.dumps(tree))  # lists in place of tuples
        return plain


_TUPLES = ("files", "corpora", "shards")


def shard_name(number: int) -> str:
    """Name of the file of a shard."""
    return f"part-{number:05}.safetensors"


def read_manifest(directory: Path) -> Manifest:
    """Reads the manifest of a prepared corpus, and checks it.

    Args:
        directory: The directory of the corpus.

    Returns:
        The manifest.

    Raises:
        CheckpointError: The file is missing, damaged, or of another version of the format.
    """
    path = directory / MANIFEST
    tree: Any = parse_json(read_bytes(path, max_bytes=_MAX_BYTES, remedy=REMEDY), where=str(path), remedy=REMEDY)
    if isinstance(tree, dict) and isinstance(tree.get("format"), int) and tree["format"] != FORMAT:
        raise CheckpointError(
            f"{path}: expected format {FORMAT}, found {tree['format']}: use the version of regard that wrote it, or "
            "prepare the corpus again"
        )
    try:
        manifest = _parse(tree)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"{type(error).__name__}: {error}"[:200]
        raise CheckpointError(f"{path}: expected the manifest of a prepared corpus ({reason}): {REMEDY}") from None
    return manifest


def _parse(tree: dict[str, Any]) -> Manifest:
    if tree["format"] != FORMAT:
        raise ValueError("no version of the format")
    corpora = tuple(
        CorpusSummary(
            _text(entry["name"]),
            _count(entry["num_units"]),
            _count(entry["num_texts"]),
            _count(entry["num_pairs"]),
            _weight(entry["weight"]),
            _two(entry["num_chars"]),
        )
        for entry in tree["corpora"]
    )
    shards = tuple(
        ShardEntry(
            _count(entry["corpus"], len(corpora)),
            _count(entry["num_pairs"]),
            _count(entry["size"]),
            _sha256(entry["sha256"]),
        )
        for entry in tree["shards"]
    )
    files = tuple(
        SourceFile(_text(entry["path"]), _count(entry["size"]), int(entry["mtime_ns"]), _sha256(entry["sha256"]))
        for entry in tree["files"]
    )
    src_vocabulary, tgt_vocabulary = map(_sha256, tree["vocabularies"])
    manifest = Manifest(
        options=dict(tree["options"]),
        files=files,
        corpora=corpora,
        shards=shards,
        vocab_sizes=_two(tree["vocab_sizes"], _MAX_VOCABULARY),
        vocabularies=(src_vocabulary, tgt_vocabulary),
        dropped={_text(reason): _count(number) for reason, number in tree["dropped"].items()},
        num_validation=_count(tree["num_validation"]),
        validation=_sha256(tree["validation"]) if tree["validation"] else "",
        notes=tuple(map(_text, tree["notes"])),
    )
    _check_sums(manifest)
    return manifest


def _check_sums(manifest: Manifest) -> None:
    """Checks that corpora and shards agree: shards are in the order of the corpora, and have all their pairs."""
    numbers = [shard.corpus for shard in manifest.shards]
    if numbers != sorted(numbers):
        raise ValueError("the shards are not listed in the order of their corpora")
    for number, corpus in enumerate(manifest.corpora):
        found = sum(shard.num_pairs for shard in manifest.shards if shard.corpus == number)
        if found != corpus.num_pairs:
            raise ValueError(f"corpus {number + 1} has {corpus.num_pairs} pairs, but its shards have {found}")


def _count(value: object, limit: int = _MAX_COUNT) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < limit:
        raise ValueError(f"expected a whole number from 0 to {limit - 1}, found {str(value)[:40]}")
    return value


def _two(values: Sequence[object], limit: int = _MAX_COUNT) -> tuple[int, int]:
    first, second = values
    return _count(first, limit), _count(second, limit)


def _weight(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= 1e9:
        raise ValueError(f"expected a positive weight, found {str(value)[:40]}")
    return float(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a string, found {str(value)[:40]}")
    return value


def _sha256(value: object) -> str:
    if not _SHA256.fullmatch(_text(value)):
        raise ValueError("expected a SHA-256 hash")
    return str(value)
