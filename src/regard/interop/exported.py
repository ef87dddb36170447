"""A model written for another engine: what that engine reads, with regard's own vocabularies and settings beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from regard.config.dump import dump_config
from regard.config.load import parse_config
from regard.config.schema import Config
from regard.errors import CheckpointError
from regard.places import named
from regard.store import StoredModel
from regard.store.durable import PENDING, appearing, sha256
from regard.store.manifest import CONFIG, SEPARATE_SUBWORDS, SHARED_SUBWORD
from regard.text.subword import Subword

NOTE = "export.json"
FORMAT_VERSION = 1


class ExportNote(BaseModel):
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
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: str = "regard-export"
    format_version: int = FORMAT_VERSION
    regard_version: str
    engine: str
    quantization: str
    signature: str
    files: dict[str, str]
    weight_levels: int | None = None


@dataclass(frozen=True, slots=True)
class Exported:
    """An export as it lies on the disk, its files checked.

    Attributes:
        path: The directory.
        note: What it says about itself.
        config: The configuration of the model that was exported.
        src_subword: Vocabulary of the source.
        tgt_subword: Vocabulary of the target; the same object where they share one.
    """

    path: Path
    note: ExportNote
    config: Config
    src_subword: Subword
    tgt_subword: Subword


def is_export(path: str | Path) -> bool:
    """Whether a directory is an export of `regard export`."""
    return (Path(path) / NOTE).is_file()


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
    place = named(path, "out")
    if place.exists() and not (place.is_dir() and not any(place.iterdir())):
        raise CheckpointError(f"{place}: expected a free name for what is exported, but something is there: remove it")
    with appearing(place, waiting=place.with_name(f".{place.name}{PENDING}")) as waiting:
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
    note = ExportNote(
        regard_version=version("regard"),
        engine=engine,
        quantization=quantization,
        signature=stored.manifest.signature,
        files={one.name: sha256(one) for one in sorted(directory.iterdir())},
        weight_levels=weight_levels,
    )
    text = json.dumps(note.model_dump(exclude_none=True), indent=2) + "\n"
    (directory / NOTE).write_text(text, encoding="utf-8", newline="\n")


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
    note = _read_note(directory / NOTE)
    for name, expected in note.files.items():
        file = directory / name
        if Path(name).name != name or not file.is_file() or sha256(file) != expected:
            raise CheckpointError(f"{file}: missing or changed since the model was exported: export it again")
    if not {CONFIG} < set(note.files):
        raise CheckpointError(f"{directory / NOTE}: lists no {CONFIG}: export the model again")
    config = parse_config((directory / CONFIG).read_text(encoding="utf-8"), where=str(directory / CONFIG))
    names = SEPARATE_SUBWORDS if SEPARATE_SUBWORDS[0] in note.files else SHARED_SUBWORD
    subwords = [Subword.load(directory / name) for name in names]
    return Exported(directory, note, config, subwords[0], subwords[-1])


def _read_note(path: Path) -> ExportNote:
    try:
        note = ExportNote.model_validate_json(path.read_bytes())
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}; give what `regard export` wrote") from None
    except ValidationError as error:
        raise CheckpointError(f"{path}: damaged ({error.error_count()} faults): export the model again") from None
    if note.format_version != FORMAT_VERSION:
        raise CheckpointError(
            f"{path}: expected format {FORMAT_VERSION}, got {note.format_version}: export the model with this regard"
        )
    return note
