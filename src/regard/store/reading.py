"""Reading of model directories: every byte is hashed as it is read, and sizes are checked before a model is built."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from torch import Tensor

from regard.config.interactions import flattened
from regard.config.load import parse_config
from regard.config.schema import Config
from regard.config.toml_text import MAX_CHARS
from regard.errors import CheckpointError
from regard.files.atomic import pending_path
from regard.files.reading import decode_utf8
from regard.model.build import ScoreFactory, build_model
from regard.model.seq2seq import Seq2Seq
from regard.native.meta_init import init_on_meta
from regard.store.manifest import (
    CONFIG,
    KNOWN_FILES,
    MANIFEST,
    REMEDY,
    SEPARATE_SUBWORDS,
    SHARED_SUBWORD,
    WEIGHTS,
    Manifest,
    check_readout,
    parse_manifest,
    read_manifest_tree,
)
from regard.store.migrations import Description, format_version, migrate
from regard.store.quantized import decode_tensors, weight_entries
from regard.store.tensor_file import Header, read_body, read_header
from regard.store.verified import HashedFile, changed_error, use_hashed
from regard.store.weights import check_shapes, own_tensors
from regard.text.subword import MAX_VOCABULARY_BYTES, Subword

T = TypeVar("T")

_MAX_SIZE = 1 << 40
# Largest integer option of a model, so that products of two of them do not overflow in torch.
_CUSTOM_SCORE = ".score."
# Part of the names of a score's weights.


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """Content of a model directory except the weights; all files read so far match their hashes.

    Attributes:
        directory: Path of the directory.
        manifest: The manifest, migrated to the current format version.
        config: The model's configuration.
        src_subword: Source subword model with its vocabulary.
        tgt_subword: Target subword model; the same object as `src_subword` if both languages share one file.
        tensor_names: Tensors that an older version of regard stored with another name: maps each name in the weights
            file to the name that this version uses.
        sizes: Size in bytes of the configuration and the subword models, by file name.
    """

    directory: Path
    manifest: Manifest
    config: Config
    src_subword: Subword
    tgt_subword: Subword
    tensor_names: dict[str, str]
    sizes: dict[str, int]

    def build(self, score: ScoreFactory | None) -> Seq2Seq:
        """Builds an untrained model with this configuration; `score` is the factory of a custom score, if any."""
        return build_model(
            self.config.model,
            src_vocab=len(self.src_subword),
            tgt_vocab=len(self.tgt_subword),
            shared=self.config.subword.shared,
            specials=self.tgt_subword.specials,
            score=score,
        )


@dataclass(frozen=True, slots=True)
class CheckedWeights:
    """Content of a weights file whose tensor names and shapes are those of the model.

    Attributes:
        model: The model; its parameters are on the meta device, without values.
        num_stored: Number of weights in the file; scales of quantized weights do not count.
        tensors: Tensors of any shape, `(...)`, by the names that this version of regard uses, also if an older version
            wrote the file with other names; quantized weights are decoded. Empty if only the file's header was needed.
        size: Size of the file in bytes.
    """

    model: Seq2Seq
    num_stored: int
    tensors: dict[str, Tensor]
    size: int


def replaced_files(directory: Path) -> list[Path]:
    """Paths of all files that saving a model replaces: the final names, and the temporary names during a save."""
    names = [directory / name for name in (MANIFEST, *KNOWN_FILES)]
    return [*names, *map(pending_path, names)]


def read_description(directory: Path) -> ModelDescription:
    """Reads all files of a model except the weights, and checks their hashes.

    Args:
        directory: Directory of a model.

    Returns:
        The content of the files. The manifest has not been compared with the weights.

    Raises:
        CheckpointError: The directory is not a model, a file is missing or was changed, or the format is newer than
            this version of regard can read.
        ConfigError: The configuration has keys or values that this version of regard does not know.
    """
    tree = read_manifest_tree(directory)
    where = directory / MANIFEST
    version = format_version(tree, where=where)
    hashes = _file_hashes(tree, where)
    small = {
        name: use_verified(
            directory / name, expected, lambda file: file.read(max_bytes=max(4 * MAX_CHARS, MAX_VOCABULARY_BYTES))
        )
        for name, expected in hashes.items()
        if name != WEIGHTS
    }
    text = decode_utf8(small[CONFIG], str(directory / CONFIG), remedy=REMEDY)
    description = migrate(Description(tree, text, {}), version)
    manifest = parse_manifest(description.manifest, where=where)
    config = parse_config(description.config, where=str(directory / CONFIG))
    check_readout(manifest.readout, config.model, where=where)
    names = SEPARATE_SUBWORDS if SEPARATE_SUBWORDS[0] in hashes else SHARED_SUBWORD
    subwords = [Subword.from_file_bytes(small[name], directory / name) for name in names]
    sizes = {name: len(data) for name, data in small.items()}
    return ModelDescription(directory, manifest, config, subwords[0], subwords[-1], description.tensor_names, sizes)


def check_weights(description: ModelDescription, *, score: ScoreFactory | None, with_tensors: bool) -> CheckedWeights:
    """Checks hash, tensor names and shapes of the weights file, and reads the weights on request.

    Args:
        description: The other files of the model, from `read_description`.
        score: Factory of the custom attention score that the model was built with, if any.
        with_tensors: Whether to read the weights. If not, weights of a custom score, which the configuration does not
            describe, are not checked.

    Returns:
        The model without values in its parameters, and the weights if `with_tensors`.

    Raises:
        CheckpointError: The file is missing, was changed, or does not fit the model.
        ConfigError: Options of the model contradict one another.
    """
    is_quantized = description.manifest.quantization is not None

    def visit(file: HashedFile) -> CheckedWeights:
        header = read_header(file)
        model = _uninitialized_model(description, header, score, file.path)
        entries = weight_entries(str(file.path), header.entries) if is_quantized else header.entries
        expected = {name: tuple(own.shape) for name, own in own_tensors(model).items()}
        names = description.tensor_names
        found = {names.get(name, name): entry.shape for name, entry in entries.items()}
        if not with_tensors:
            expected, found = _without_custom_score(expected, found)
        check_shapes(str(file.path), expected, found)
        tensors = read_body(file, header) if with_tensors else {}
        tensors = decode_tensors(str(file.path), tensors) if is_quantized else tensors
        num_stored = sum(entry.numel for entry in entries.values())
        renamed = {names.get(name, name): tensor for name, tensor in tensors.items()}
        return CheckedWeights(model, num_stored, renamed, file.size)

    return use_verified(description.directory / WEIGHTS, description.manifest.files[WEIGHTS], visit)


def use_verified(path: Path, expected: str, use: Callable[[HashedFile], T]) -> T:
    """Reads a file whose hash is known; after an interrupted save, it may still have its temporary name.

    Args:
        path: Final path of the file.
        expected: Expected SHA-256 of the file, in hexadecimal.
        use: Function that reads the open file.

    Returns:
        Result of `use`.

    Raises:
        CheckpointError: No file with this hash exists: the file is missing or was changed.
        RegardError: As raised by `use`.
    """
    found: str | None = None
    for candidate in (path, pending_path(path)):
        if os.path.lexists(candidate):
            result = use_hashed(candidate, use, remedy=REMEDY)
            if result.sha256 == expected:
                return result.get()
            found = found or result.sha256
    if found is None:
        raise CheckpointError(f"{path}: missing, but {MANIFEST} lists it: copy the whole directory, or train again")
    remedy = "Copy the model again. Do not edit its files; change settings by command-line options"
    raise changed_error(path, found, expected, since="the model was saved", remedy=remedy)


def _file_hashes(tree: dict[str, object], where: Path) -> dict[str, str]:
    listed = tree.get("files")
    if not isinstance(listed, dict) or not set(listed) <= set(KNOWN_FILES) or CONFIG not in listed:
        # The manifest is checked in full after migration; until then, no file but these may be opened.
        raise CheckpointError(
            f"{where}: expected 'files' to list {CONFIG}, {WEIGHTS} and the subword model with their hashes, found "
            f"other entries; {REMEDY}"
        )
    return {name: str(expected) for name, expected in listed.items()}


def _uninitialized_model(
    description: ModelDescription, header: Header, score: ScoreFactory | None, path: Path
) -> Seq2Seq:
    """Builds the model without allocating parameters; the number of layers is checked first, to bound the time."""
    config = description.config.model
    layers = config.encoder_layers + config.decoder_layers
    if layers > len(header.entries):
        raise CheckpointError(
            f"{path}: {len(header.entries)} tensors are too few for the {layers:,} layers that {CONFIG} describes; "
            f"{REMEDY}"
        )
    too_large = [key for key, value in flattened(config).items() if isinstance(value, int) and value > _MAX_SIZE]
    if too_large:
        raise CheckpointError(
            f"{description.directory / CONFIG}: model.{too_large[0]} is above the limit of {_MAX_SIZE:,}; {REMEDY}"
        )
    try:
        with init_on_meta():
            return description.build(score)
    except (RuntimeError, OverflowError) as error:  # the number of elements overflows
        reason = str(error).splitlines()[0]
        raise CheckpointError(
            f"{description.directory / CONFIG}: PyTorch cannot build a model of the sizes in [model] ({reason}); "
            f"{REMEDY}"
        ) from None


def _without_custom_score(
    expected: dict[str, tuple[int, ...]], found: dict[str, tuple[int, ...]]
) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
    pair = [
        {name: shape for name, shape in shapes.items() if _CUSTOM_SCORE not in name} for shapes in (expected, found)
    ]
    return pair[0], pair[1]
