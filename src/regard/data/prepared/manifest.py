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
    """A text file from which a prepared corpus was made.

    Attributes:
        path: Absolute path of the file when it was read.
        size: Size of the file in bytes.
        mtime_ns: Time of the last change of the file, in nanoseconds since 1970.
        sha256: SHA-256 of the content, in hexadecimal.
    """

    path: str
    size: int
    mtime_ns: int
    sha256: str


@dataclass(frozen=True, slots=True)
class CorpusSummary:
    """One of the corpora that make up a prepared corpus.

    Attributes:
        name: Name of the file or files of the corpus, for messages.
        num_units: Number of sentence pairs that were read, including pairs that were then left out.
        num_texts: Number of these pairs that have text on both sides.
        num_pairs: Number of these pairs to train on, without pairs that are held out or too long.
        weight: Mean number of times that an epoch contains each pair of the corpus.
        num_chars: Two numbers: characters of all sources, and characters of all targets.
    """

    name: str
    num_units: int
    num_texts: int
    num_pairs: int
    weight: float
    num_chars: tuple[int, int]


@dataclass(frozen=True, slots=True)
class ShardEntry:
    """What the manifest of a prepared corpus records about a shard, a file of encoded sentence pairs.

    Attributes:
        corpus: Number of the corpus that the pairs belong to, from 0.
        num_pairs: Number of sentence pairs in the shard.
        size: Size of the file in bytes.
        sha256: SHA-256 of the file, in hexadecimal.
    """

    corpus: int
    num_pairs: int
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The content of `manifest.json`, which describes a prepared corpus.

    Attributes:
        options: Options that determine the content of the shards, such as those for reading the files, by name.
        files: The text files that were read.
        corpora: The corpora that make up the prepared corpus, in the order of their pairs.
        shards: The shards, in the order of their pairs; each shard has pairs of only one corpus.
        vocab_sizes: Sizes of the source and of the target vocabulary.
        vocabularies: SHA-256 of the source and of the target vocabulary.
        dropped: Number of pairs left out, by reason.
        num_validation: Number of pairs held out for validation.
        validation: SHA-256 of the file with the held-out pairs; empty if no pairs are held out.
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
        """Hash of all content except names, times and notes; equal hashes mean that prepared corpora are the same."""
        tree = self._tree()
        for entry in tree["files"]:
            del entry["path"], entry["mtime_ns"]
        del tree["notes"]  # they may name paths
        for corpus in tree["corpora"]:
            del corpus["name"]
        return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()

    def write(self, directory: Path) -> None:
        """Writes the file `manifest.json` atomically.

        Args:
            directory: Directory of the prepared corpus.

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
    """File name of the shard with this number (from 0), such as `part-00000.safetensors`."""
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
            f"{path}: expected a prepared corpus of format version {FORMAT}, found version {tree['format']}: use the "
            "version of regard that wrote it, or run `regard data prepare` again"
        )
    try:
        manifest = _parse(tree)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"{type(error).__name__}: {error}"[:200]
        raise CheckpointError(f"{path}: expected the manifest of a prepared corpus ({reason}): {REMEDY}") from None
    return manifest


def _parse(tree: dict[str, Any]) -> Manifest:
    if tree["format"] != FORMAT:
        raise ValueError(f"expected 'format' in the manifest to be the number {FORMAT}")
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
        raise ValueError("expected 'shards' in the manifest to be sorted by corpus, found another order")
    for number, corpus in enumerate(manifest.corpora):
        found = sum(shard.num_pairs for shard in manifest.shards if shard.corpus == number)
        if found != corpus.num_pairs:
            raise ValueError(
                f"in the manifest, 'corpora' lists {corpus.num_pairs} pairs for corpus {number + 1}, but 'shards' "
                f"lists {found} for it"
            )


def _count(value: object, limit: int = _MAX_COUNT) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < limit:
        raise ValueError(
            f"expected a number in the manifest to be whole and from 0 to {limit - 1}, found {str(value)[:40]}"
        )
    return value


def _two(values: Sequence[object], limit: int = _MAX_COUNT) -> tuple[int, int]:
    first, second = values
    return _count(first, limit), _count(second, limit)


def _weight(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= 1e9:
        raise ValueError(
            f"expected each 'weight' in the manifest to be above 0 and at most 1e9, found {str(value)[:40]}"
        )
    return float(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a string as name, path, hash or note in the manifest, found {str(value)[:40]}")
    return value


def _sha256(value: object) -> str:
    if not _SHA256.fullmatch(_text(value)):
        raise ValueError("expected a SHA-256 hash")
    return str(value)
