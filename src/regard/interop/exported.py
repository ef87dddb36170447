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
"""Engines that run exports."""
_SIGNATURE = re.compile(
    r"regard:[\w.+!-]+\|model:[\w.+-]+\|params:\d+\|vocab:[\w-]+\|seed:-?\d+\|c:[0-9a-f]{8}\|w:[0-9a-f]{8}", re.ASCII
)
_MAX_BYTES = 1 << 20
_CURE = "export the model again"


class ExportManifest(BaseModel):
    """The content of `export.json`.

    Attributes:
        format: Always `regard-export`.
        format_version: Version of the layout.
        regard_version: Version of regard that wrote it.
        engine: Engine that reads it, one of `ENGINES`.
        quantization: Type of the weights, by the engine's name.
        signature: Signature of the exported model.
        files: SHA-256 per file name.
        weight_levels: Largest magnitude of a weight in 8-bit products; up to 64, every processor computes the same.
            None if no weight is rounded to 8 bits, or if an older version of regard wrote the export.
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
    """An opened export, whose files have been compared with their hashes.

    Attributes:
        path: Directory of the export.
        manifest: Content of `export.json`.
        config: Configuration of the exported model.
        src_subword: Source vocabulary.
        tgt_subword: Target vocabulary; the same object if source and target share one.
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
            raise CheckpointError(f"{self.path}: it was replaced by another export while it was read: try again")


def is_export(path: str | Path) -> bool:
    """Whether a directory was written by `regard export`."""
    return (Path(path) / MANIFEST).is_file()


@contextmanager
def new_directory(path: str | Path) -> Iterator[Path]:
    """Makes a directory that appears only when all of its files are written.

    Args:
        path: Path of the directory; an empty directory may exist.

    Yields:
        Temporary directory to write to.

    Raises:
        CheckpointError: The path exists or cannot be written.
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
    """Adds configuration, vocabularies and manifest to the files of an engine.

    Args:
        directory: Directory with the engine's files.
        stored: The exported model.
        engine: One of `ENGINES`.
        quantization: Type of the weights.
        weight_levels: See `ExportManifest`.
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
    """Reads an export, except for the engine's files, and compares all files with their hashes.

    Args:
        path: Directory that `regard export` wrote.

    Returns:
        The export.

    Raises:
        CheckpointError: The directory is no export, or a file is missing or was changed.
    """
    directory = Path(path)
    manifest = _read_manifest(directory / MANIFEST)
    for name, expected in manifest.files.items():
        _check_hash(directory, name, expected)
    if not {CONFIG} < set(manifest.files):
        raise CheckpointError(f"{directory / MANIFEST}: lists no {CONFIG}: export the model again")
    text = read_text(directory / CONFIG, max_bytes=_MAX_BYTES, remedy="export the model again")
    config = parse_config(rename_keys(text), where=str(directory / CONFIG))
    check_readout(manifest.readout, config.model, where=directory / MANIFEST, remedy=_CURE)
    names = SEPARATE_SUBWORDS if SEPARATE_SUBWORDS[0] in manifest.files else SHARED_SUBWORD
    missing = next((name for name in names if name not in manifest.files), None)
    if missing is not None:
        raise CheckpointError(f"{directory / MANIFEST}: lists no {missing}: export the model again")
    subwords = [Subword.load(directory / name) for name in names]
    _check_signature(directory / MANIFEST, manifest, text, [len(subword) for subword in subwords])
    return Exported(directory, manifest, config, subwords[0], subwords[-1])


def _check_hash(directory: Path, name: str, expected: str) -> None:
    file = directory / name
    if Path(name).name != name or name in ("", ".", "..", MANIFEST):
        raise CheckpointError(
            f"{directory / MANIFEST}: lists {name[:80]!r}, which cannot be a file of an export: {_CURE}"
        )
    if not os.path.lexists(file):
        raise CheckpointError(f"{file}: missing since the model was exported: {_CURE}")
    digest = hashlib.sha256()
    with open_regular(file, remedy=_CURE) as opened, named_read_errors(file, remedy=_CURE):
        while block := opened.read(1 << 20):
            digest.update(block)
    if digest.hexdigest() != expected:
        raise CheckpointError(f"{file}: changed since the model was exported: {_CURE}")


def _check_signature(path: Path, manifest: ExportManifest, config: str, sizes: list[int]) -> None:
    """Compares the signature with configuration and vocabulary."""
    if not _SIGNATURE.fullmatch(manifest.signature):
        raise CheckpointError(f"{path}: {manifest.signature[:80]!r} is not a signature of a model: {_CURE}")
    fields = dict(field.partition(":")[::2] for field in manifest.signature.split("|"))
    signed_hash, config_hash = fields.get("c"), hashlib.sha256(config.encode()).hexdigest()[:8]
    if signed_hash != config_hash:
        raise CheckpointError(
            f"{path}: the signature has a configuration whose hash begins with {str(signed_hash)[:12]!r}, but the hash "
            f"of {CONFIG} begins with {config_hash}: {_CURE}"
        )
    signed_size = fields.get("vocab", "").rpartition("-")[2]
    if signed_size != str(sizes[-1]):
        raise CheckpointError(
            f"{path}: the signature has a vocabulary of {signed_size[:12]!r} subwords, but the vocabulary file has "
            f"{sizes[-1]}: {_CURE}"
        )


def _read_manifest(path: Path) -> ExportManifest:
    data = read_bytes(path, max_bytes=_MAX_BYTES, remedy="give a directory that `regard export` wrote")
    tree = parse_json(data, where=str(path), remedy=_CURE)
    try:
        manifest = ExportManifest.model_validate(tree)
    except ValidationError as error:
        raise CheckpointError(f"{path}: damaged ({error.error_count()} faults): {_CURE}") from None
    if manifest.format != FORMAT or manifest.engine not in ENGINES:
        raise CheckpointError(
            f"{path}: expected the manifest of an export for {' or '.join(ENGINES)}, got another file: give a "
            "directory that `regard export` wrote"
        )
    if not 1 <= manifest.format_version <= FORMAT_VERSION:
        raise CheckpointError(
            f"{path}: expected format {FORMAT_VERSION} or older, got {manifest.format_version}: export the model with "
            "this version of regard"
        )
    return manifest
