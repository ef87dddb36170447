"""A model written for another engine: what that engine reads, with regard's own vocabularies and settings beside it."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from regard.config.dump import dump_config
from regard.config.load import parse_config
from regard.config.schema import Config
from regard.errors import CheckpointError
from regard.files.atomic import PENDING, atomic_directory, sha256
from regard.files.json_text import parse_json
from regard.files.paths import checked_path
from regard.files.reading import named_read_errors, open_regular, read_bytes, read_text
from regard.store import StoredModel
from regard.store.manifest import CONFIG, SEPARATE_SUBWORDS, SHARED_SUBWORD, StoredReadout, check_readout
from regard.store.migrations import rename_keys
from regard.text.subword import Subword

MANIFEST = "export.json"
FORMAT, FORMAT_VERSION = "regard-export", 2
ENGINES = ("ctranslate2", "onnx")
"""What models are exported for."""
_SIGNATURE = re.compile(
    r"regard:[\w.+!-]+\|model:[\w.+-]+\|params:\d+\|vocab:[\w-]+\|seed:-?\d+\|c:[0-9a-f]{8}\|w:[0-9a-f]{8}", re.ASCII
)
_MOST = 1 << 20
_CURE = "export the model again"


class ExportManifest(BaseModel):
    """The content of `export.json`.

    Attributes:
        format: Always `regard-export`.
        format_version: Which layout the directory has.
        regard_version: The version of regard that wrote it.
        engine: Which engine reads it.
        quantization: The type of its weights, as that engine calls it.
        signature: Signature of the model that was exported.
        files: SHA-256 of each file, by name.
        weight_levels: Largest magnitude of a weight that is multiplied as a byte. With at most 64, every processor
            computes the same; a version of regard that did not see to it left this out, as does an export whose
            weights are not rounded to bytes.
        readout: How word links are read off the attention, as the model's manifest says.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    format: str = FORMAT
    format_version: int = FORMAT_VERSION
    regard_version: str
    engine: str
    quantization: str
    signature: str
    files: dict[str, str]
    weight_levels: int | None = Field(None, ge=1, le=127)
    readout: StoredReadout | None = None


@dataclass(frozen=True, slots=True)
class Exported:
    """An export as it lies on the disk, its files checked.

    Attributes:
        path: The directory.
        manifest: What it says about itself.
        config: The configuration of the model that was exported.
        src_subword: Vocabulary of the source.
        tgt_subword: Vocabulary of the target; the same object where they share one.
    """

    path: Path
    manifest: ExportManifest
    config: Config
    src_subword: Subword
    tgt_subword: Subword

    def check_same(self) -> None:
        """Makes sure, after an engine has read its files, that they still are those whose hashes were checked.

        Raises:
            CheckpointError: Another export has taken this one's place meanwhile.
        """
        if _read_manifest(self.path / MANIFEST) != self.manifest:
            raise CheckpointError(f"{self.path}: another export took its place while it was read: try again")


def is_export(path: str | Path) -> bool:
    """Whether a directory is an export of `regard export`."""
    return (Path(path) / MANIFEST).is_file()


@contextmanager
def new_directory(path: str | Path) -> Iterator[Path]:
    """A directory that appears only when all that is in it has been written.

    Args:
        path: Where it will be; an empty directory may be there.

    Yields:
        Where to write.

    Raises:
        CheckpointError: The place is taken or cannot be written.
    """
    place = checked_path(path, "out")
    if place.exists() and not (place.is_dir() and not any(place.iterdir())):
        raise CheckpointError(f"{place}: expected a free name for what is exported, but something is there: remove it")
    with atomic_directory(place, temporary=place.with_name(f".{place.name}{PENDING}")) as waiting:
        yield waiting


def write_companions(
    directory: Path, stored: StoredModel, *, engine: str, quantization: str, weight_levels: int | None = None
) -> None:
    """Completes a directory that already holds what the engine reads.

    Args:
        directory: The directory.
        stored: The model that was exported.
        engine: The engine's name.
        quantization: The type of the weights.
        weight_levels: As `ExportNote` has it.
    """
    (directory / CONFIG).write_text(dump_config(stored.config), encoding="utf-8", newline="\n")
    alone = stored.src_subword.fingerprint() == stored.tgt_subword.fingerprint()
    subwords = (stored.src_subword,) if alone else (stored.src_subword, stored.tgt_subword)
    for name, subword in zip(SHARED_SUBWORD if alone else SEPARATE_SUBWORDS, subwords, strict=True):
        subword.save(directory / name)
    manifest = ExportManifest(
        regard_version=version("regard"),
        engine=engine,
        quantization=quantization,
        signature=stored.manifest.signature,
        files={one.name: sha256(one) for one in sorted(directory.iterdir())},
        weight_levels=weight_levels,
        readout=stored.readout,
    )
    text = json.dumps(manifest.model_dump(exclude_none=True), indent=2) + "\n"
    (directory / MANIFEST).write_text(text, encoding="utf-8", newline="\n")


def open_export(path: str | Path) -> Exported:
    """Reads an export's own description, and checks its files against their hashes.

    Args:
        path: What `regard export` wrote.

    Returns:
        All but what the engine itself reads.

    Raises:
        CheckpointError: This is no export, or a file is missing or was changed.
    """
    directory = Path(path)
    manifest = _read_manifest(directory / MANIFEST)
    for name, expected in manifest.files.items():
        _check_hash(directory, name, expected)
    if not {CONFIG} < set(manifest.files):
        raise CheckpointError(f"{directory / MANIFEST}: lists no {CONFIG}: export the model again")
    text = read_text(directory / CONFIG, max_bytes=_MOST, remedy="export the model again")
    config = parse_config(rename_keys(text), where=str(directory / CONFIG))
    check_readout(manifest.readout, config.model, where=directory / MANIFEST, remedy=_CURE)
    names = SEPARATE_SUBWORDS if SEPARATE_SUBWORDS[0] in manifest.files else SHARED_SUBWORD
    missing = next((name for name in names if name not in manifest.files), None)
    if missing is not None:
        raise CheckpointError(f"{directory / MANIFEST}: lists no {missing}: export the model again")
    subwords = [Subword.load(directory / name) for name in names]
    _check_signature(directory / MANIFEST, manifest, text, [len(one) for one in subwords])
    return Exported(directory, manifest, config, subwords[0], subwords[-1])


def _check_hash(directory: Path, name: str, expected: str) -> None:
    file = directory / name
    if Path(name).name != name or name in ("", ".", "..", MANIFEST):
        raise CheckpointError(f"{directory / MANIFEST}: lists {name[:80]!r}, which is no file of an export: {_CURE}")
    if not os.path.lexists(file):
        raise CheckpointError(f"{file}: missing since the model was exported: {_CURE}")
    digest = hashlib.sha256()
    with open_regular(file, remedy=_CURE) as opened, named_read_errors(file, remedy=_CURE):
        while block := opened.read(1 << 20):
            digest.update(block)
    if digest.hexdigest() != expected:
        raise CheckpointError(f"{file}: changed since the model was exported: {_CURE}")


def _check_signature(where: Path, manifest: ExportManifest, config: str, sizes: list[int]) -> None:
    """Compares the signature with what lies beside it, as far as it tells of that."""
    if not _SIGNATURE.fullmatch(manifest.signature):
        raise CheckpointError(f"{where}: {manifest.signature[:80]!r} is no signature of a model: {_CURE}")
    parts = dict(part.partition(":")[::2] for part in manifest.signature.split("|"))
    said, there = parts.get("c"), hashlib.sha256(config.encode()).hexdigest()[:8]
    if said != there:
        raise CheckpointError(
            f"{where}: its signature is of a configuration whose hash begins with {str(said)[:12]!r}, but that of "
            f"{CONFIG} begins with {there}: {_CURE}"
        )
    told = parts.get("vocab", "").rpartition("-")[2]
    if told != str(sizes[-1]):
        raise CheckpointError(
            f"{where}: its signature is of {told[:12]!r} subwords, but there are {sizes[-1]}: {_CURE}"
        )


def _read_manifest(path: Path) -> ExportManifest:
    data = read_bytes(path, max_bytes=_MOST, remedy="give what `regard export` wrote")
    tree = parse_json(data, where=str(path), remedy=_CURE)
    try:
        manifest = ExportManifest.model_validate(tree)
    except ValidationError as error:
        raise CheckpointError(f"{path}: damaged ({error.error_count()} faults): {_CURE}") from None
    if manifest.format != FORMAT or manifest.engine not in ENGINES:
        raise CheckpointError(f"{path}: not of an export for {' or '.join(ENGINES)}: give what `regard export` wrote")
    if not 1 <= manifest.format_version <= FORMAT_VERSION:
        raise CheckpointError(
            f"{path}: expected format {FORMAT_VERSION} or older, got {manifest.format_version}: export the model with "
            "this regard"
        )
    return manifest
