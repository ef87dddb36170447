"""Export directories: files for another engine, with regard's vocabularies, configuration and a manifest."""

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
"""Engines to which models can be exported and which `regard translate` can then run."""
_SIGNATURE = re.compile(
    r"regard:[\w.+!-]+\|model:[\w.+-]+\|params:\d+\|vocab:[\w-]+\|seed:-?\d+\|c:[0-9a-f]{8}\|w:[0-9a-f]{8}", re.ASCII
)
_MAX_BYTES = 1 << 20
_CURE = "export the model again"


class ExportManifest(BaseModel):
    """The content of `export.json`, the manifest of an export directory.

    Attributes:
        format: Always `regard-export`.
        format_version: Version of the directory layout.
        regard_version: Version of regard that wrote the export.
        engine: Engine that reads the export, one of `ENGINES`.
        quantization: Number type of the weights, by the engine's name of the type.
        signature: Signature of the exported model: a line that identifies its architecture and weights.
        files: SHA-256 of each other file of the export, by file name.
        weight_levels: Largest magnitude of an 8-bit weight in matrix products; if it is at most 64, all processors
            compute the same results. None if no weight is rounded to 8 bits, or an older version of regard wrote the
            export.
        readout: How word links are derived from the attention, copied from the manifest of the model.
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
    """An opened export directory; all of its files match the hashes in the manifest.

    Attributes:
        path: Directory of the export.
        manifest: Content of `export.json`.
        config: Configuration of the exported model.
        src_subword: Source subword model.
        tgt_subword: Target subword model; the same object as `src_subword` if both languages share one file.
    """

    path: Path
    manifest: ExportManifest
    config: Config
    src_subword: Subword
    tgt_subword: Subword

    def check_same(self) -> None:
        """Checks that the export was not replaced while an engine read its files.

        Raises:
            CheckpointError: The manifest has changed.
        """
        if _read_manifest(self.path / MANIFEST) != self.manifest:
            raise CheckpointError(f"{self.path}: this export was replaced by another one while it was read: try again")


def is_export(path: str | Path) -> bool:
    """Whether a directory is an export for another engine: it contains the file `export.json`."""
    return (Path(path) / MANIFEST).is_file()


@contextmanager
def new_directory(path: str | Path) -> Iterator[Path]:
    """Context that creates a directory atomically: all of its files are written, or the directory does not exist.

    Args:
        path: Path of the new directory; it may be an existing empty directory.

    Yields:
        Temporary directory to write the files to; renamed to `path` at the end of the context.

    Raises:
        CheckpointError: The path is a file or a directory that is not empty, or it cannot be written.
    """
    target = checked_path(path, "out")
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise CheckpointError(
            f"{target}: expected a path for a new directory, but it exists already: remove it, or give another path"
        )
    with atomic_directory(target, temporary=target.with_name(f".{target.name}{PENDING}")) as pending:
        yield pending


def write_companions(
    directory: Path, stored: StoredModel, *, engine: str, quantization: str, weight_levels: int | None = None
) -> None:
    """Writes configuration, subword models and manifest beside the files of an exported model.

    Args:
        directory: Directory that already contains the engine's own files.
        stored: The exported model.
        engine: Engine that reads the files, one of `ENGINES`.
        quantization: Number type of the weights, by the engine's name of the type.
        weight_levels: Largest magnitude of a weight in 8-bit products; None if no weight is rounded to 8 bits.
    """
    (directory / CONFIG).write_text(dump_config(stored.config), encoding="utf-8", newline="\n")
    shared = stored.src_subword.fingerprint() == stored.tgt_subword.fingerprint()
    subwords = (stored.src_subword,) if shared else (stored.src_subword, stored.tgt_subword)
    for name, subword in zip(SHARED_SUBWORD if shared else SEPARATE_SUBWORDS, subwords, strict=True):
        subword.save(directory / name)
    manifest = ExportManifest(
        regard_version=version("regard"),
        engine=engine,
        quantization=quantization,
        signature=stored.manifest.signature,
        files={path.name: sha256(path) for path in sorted(directory.iterdir())},
        weight_levels=weight_levels,
        readout=stored.readout,
    )
    text = json.dumps(manifest.model_dump(exclude_none=True), indent=2) + "\n"
    (directory / MANIFEST).write_text(text, encoding="utf-8", newline="\n")


def open_export(path: str | Path) -> Exported:
    """Reads manifest, configuration and subword models of an export, and checks the hashes of all its files.

    The files of the engine, such as graphs and weights, are hashed as well, but not loaded.

    Args:
        path: Directory that `regard export` wrote.

    Returns:
        The opened export.

    Raises:
        CheckpointError: The directory is not an export, or a file is missing or was changed.
    """
    directory = Path(path)
    manifest = _read_manifest(directory / MANIFEST)
    for name, expected in manifest.files.items():
        _check_hash(directory, name, expected)
    if not {CONFIG} < set(manifest.files):
        raise CheckpointError(
            f"{directory / MANIFEST}: expected 'files' to list {CONFIG}, but it does not: export the model again"
        )
    text = read_text(directory / CONFIG, max_bytes=_MAX_BYTES, remedy="export the model again")
    config = parse_config(rename_keys(text), where=str(directory / CONFIG))
    check_readout(manifest.readout, config.model, where=directory / MANIFEST, remedy=_CURE)
    names = SEPARATE_SUBWORDS if SEPARATE_SUBWORDS[0] in manifest.files else SHARED_SUBWORD
    missing = next((name for name in names if name not in manifest.files), None)
    if missing is not None:
        raise CheckpointError(
            f"{directory / MANIFEST}: expected 'files' to list {missing}, but it does not: export the model again"
        )
    subwords = [Subword.load(directory / name) for name in names]
    _check_signature(directory / MANIFEST, manifest, text, [len(subword) for subword in subwords])
    return Exported(directory, manifest, config, subwords[0], subwords[-1])


def _check_hash(directory: Path, name: str, expected: str) -> None:
    file = directory / name
    if Path(name).name != name or name in ("", ".", "..", MANIFEST):
        raise CheckpointError(
            f"{directory / MANIFEST}: 'files' lists {name[:80]!r}, which cannot be a file of an export: {_CURE}"
        )
    if not os.path.lexists(file):
        raise CheckpointError(f"{file}: missing, but {MANIFEST} lists it: {_CURE}")
    digest = hashlib.sha256()
    with open_regular(file, remedy=_CURE) as opened, named_read_errors(file, remedy=_CURE):
        while block := opened.read(1 << 20):
            digest.update(block)
    if digest.hexdigest() != expected:
        raise CheckpointError(
            f"{file}: changed since the model was exported: its content does not match its hash: {_CURE}"
        )


def _check_signature(path: Path, manifest: ExportManifest, config: str, sizes: list[int]) -> None:
    """Compares the signature with configuration and vocabulary."""
    if not _SIGNATURE.fullmatch(manifest.signature):
        raise CheckpointError(
            f"{path}: expected 'signature' to identify a model of regard, got {manifest.signature[:80]!r}: {_CURE}"
        )
    fields = dict(field.partition(":")[::2] for field in manifest.signature.split("|"))
    signed_hash, config_hash = fields.get("c"), hashlib.sha256(config.encode()).hexdigest()[:8]
    if signed_hash != config_hash:
        raise CheckpointError(
            f"{path}: expected the hash of {CONFIG} to begin with {str(signed_hash)[:12]!r}, as in the signature in "
            f"this manifest, but the hash begins with {config_hash}: {_CURE}"
        )
    signed_size = fields.get("vocab", "").rpartition("-")[2]
    if signed_size != str(sizes[-1]):
        raise CheckpointError(
            f"{path}: expected a target vocabulary of {signed_size[:12]!r} subwords, as in the signature in "
            f"this manifest, but the subword model has {sizes[-1]}: {_CURE}"
        )


def _read_manifest(path: Path) -> ExportManifest:
    data = read_bytes(path, max_bytes=_MAX_BYTES, remedy="give a directory that `regard export` wrote")
    tree = parse_json(data, where=str(path), remedy=_CURE)
    try:
        manifest = ExportManifest.model_validate(tree)
    except ValidationError as error:
        raise CheckpointError(
            f"{path}: damaged manifest (number of missing or invalid values: {error.error_count()}): {_CURE}"
        ) from None
    if manifest.format != FORMAT or manifest.engine not in ENGINES:
        raise CheckpointError(
            f"{path}: expected the manifest of an export for {' or '.join(ENGINES)}, got another file: give a "
            "directory that `regard export` wrote"
        )
    if not 1 <= manifest.format_version <= FORMAT_VERSION:
        raise CheckpointError(
            f"{path}: expected an export of format version {FORMAT_VERSION} or older, got format version "
            f"{manifest.format_version}: export the model again with this version of regard"
        )
    return manifest
