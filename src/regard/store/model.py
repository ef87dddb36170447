"""Saving and loading of model directories.

All files are written under pending names first. Then the manifest is renamed to its final name, which commits the new
model, and the other files follow. A reader in between finds the pending files by their hashes. So a crash leaves the
old model or the new one. Other files in the directory, such as those of a training, are not touched.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import torch

from regard.config.dump import dump_config
from regard.config.schema import Config
from regard.errors import CheckpointError, ConfigError
from regard.files.atomic import (
    commit_pending,
    make_directory,
    pending_path,
    put_text,
    sha256,
    write_output,
    write_pending,
)
from regard.files.installed_models import find_model
from regard.files.paths import checked_path
from regard.model.build import ScoreFactory
from regard.model.seq2seq import Seq2Seq
from regard.store.manifest import (
    CONFIG,
    FLOAT_VERSION,
    KNOWN_FILES,
    LARGEST_MANIFEST,
    MANIFEST,
    MAX_DETAILS,
    SEPARATE_SUBWORDS,
    SHARED_SUBWORD,
    WEIGHTS,
    Details,
    Manifest,
    Quantization,
    StoredReadout,
    check_claims,
    check_readout,
    oldest_version,
    read_manifest_tree,
    write_signature,
)
from regard.store.quantized import quantize_tensors
from regard.store.reading import ModelDescription, check_weights, read_description, replaced_files
from regard.store.verified import read_consistently
from regard.store.weights import assign_tensors, check_finite, copy_tensors, is_fully_stored, own_tensors, write_tensors
from regard.text.subword import Subword


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model loaded from disk.

    Attributes:
        model: The network, in evaluation mode.
        config: The resolved configuration that the model was trained with.
        src_subword: Source subword model with its vocabulary.
        tgt_subword: Target subword model; the same object as `src_subword` if both languages share one file.
        manifest: Manifest of the directory.
        readout: How word links are derived from the model's attention; None if no readout is stored.
    """

    model: Seq2Seq
    config: Config
    src_subword: Subword
    tgt_subword: Subword
    manifest: Manifest
    readout: StoredReadout | None = None


@dataclass(frozen=True, slots=True)
class ModelDirectory:
    """Content of a model directory without the weights; all files match the hashes in the manifest.

    Attributes:
        manifest: The manifest, migrated to the current format version.
        config: The model's configuration.
        sizes: Size of each file in bytes except the manifest, by file name.
    """

    manifest: Manifest
    config: Config
    sizes: dict[str, int]


def save_model(
    path: str | Path,
    *,
    model: Seq2Seq,
    config: Config,
    src_subword: Subword,
    tgt_subword: Subword,
    details: Details | None = None,
    quantization: Quantization | None = None,
) -> Manifest:
    """Saves a model to a directory; after a crash, the directory holds the old model or the new one.

    Args:
        path: The directory; created if necessary.
        model: The trained network.
        config: Resolved configuration of the model.
        src_subword: Source subword model.
        tgt_subword: Target subword model; with the same ids as the source if `subword.shared` is set.
        details: Results of training by name, stored for information only.
        quantization: `int8` rounds matrices to 8 bits, as translation with int8 matrix products does; None stores the
            weights unchanged.

    Returns:
        The manifest that was written.

    Raises:
        CheckpointError: Weights are not finite, there are too many details, or the directory cannot be written.
    """
    directory = checked_path(path, "path")
    tensors, stored_details = own_tensors(model), _json_details(directory, details or {})
    check_finite(str(directory), tensors, remedy="training diverged: train again with a smaller train.learning_rate")
    stored_tensors = tensors if quantization is None else quantize_tensors(tensors)
    writers: dict[str, Callable[[Path], None]] = {
        CONFIG: lambda file: put_text(file, dump_config(config)),
        WEIGHTS: lambda file: write_tensors(file, stored_tensors),
    }
    if config.subword.shared and src_subword.fingerprint() == tgt_subword.fingerprint():
        writers[SHARED_SUBWORD[0]] = src_subword.save
    else:  # two vocabularies may share ids but segment text differently, as in models of Marian
        writers |= dict(zip(SEPARATE_SUBWORDS, (src_subword.save, tgt_subword.save), strict=True))
    make_directory(directory)
    _finish_interrupted(directory)
    hashes = _write_all(directory, writers)
    manifest = _manifest(
        config,
        (src_subword, tgt_subword),
        num_parameters=sum(parameter.numel() for parameter in model.parameters()),
        files=hashes,
        details=stored_details,
        quantization=quantization,
    )
    _write_all(directory, {MANIFEST: lambda file: put_text(file, manifest.to_json())})
    for name in (MANIFEST, *writers):
        commit_pending(directory / name)
    for name in set(KNOWN_FILES) - set(writers):
        (directory / name).unlink(missing_ok=True)
    return manifest


def write_readout(path: str | Path, readout: StoredReadout | None) -> None:
    """Stores in a model's manifest how word links are derived from the model's attention.

    Args:
        path: Directory of the model. No file but the manifest is changed.
        readout: The readout; None removes a stored readout.

    Raises:
        CheckpointError: The directory is not an intact model, the model does not have the layer or head of the readout,
            another process replaced the model in the meantime, or the manifest cannot be written.
    """
    directory = checked_path(path, "path")
    _finish_interrupted(directory)
    opened = open_model(directory)
    remedy = "choose a layer and a head of this model"
    check_readout(readout, opened.config.model, where=directory / MANIFEST, remedy=remedy)

    def write(file: Path) -> None:
        version = opened.manifest.format_version
        if version >= FLOAT_VERSION:  # the configuration of an older model is in another format
            version = oldest_version(opened.manifest.quantization, readout)
        changed = opened.manifest.model_copy(update={"readout": readout, "format_version": version})
        put_text(file, changed.to_json())
        if open_model(directory).manifest != opened.manifest:
            raise CheckpointError(
                f"{directory}: another process replaced the model while the layer and head for its word "
                "alignment were being stored: try again"
            )

    write_output(directory / MANIFEST, write)


def open_model(path: str | Path) -> ModelDirectory:
    """Checks a model directory without loading the weights: hashes, tensor shapes and consistency.

    Args:
        path: The directory, or the name of an installed model.

    Returns:
        Manifest, configuration and file sizes.

    Raises:
        CheckpointError: The directory is not a model, a file is missing or was changed, or the format is newer than
            this version of regard can read.
        ConfigError: The configuration has keys or values that this version of regard does not know.
    """
    directory = find_model(path)
    return read_consistently(lambda: _open(directory), replaced_files(directory))


def load_model(path: str | Path, *, device: str = "cpu", score: ScoreFactory | None = None) -> StoredModel:
    """Loads a model. Files are checked against their hashes, and no content is executed.

    If another process replaces the model at the same time, the old or the new model is loaded, never a mixture.

    Args:
        path: The directory, or the name of an installed model.
        device: Device of the weights, such as `cpu` or `cuda`.
        score: Factory of the custom attention score that the model was built with, if any.

    Returns:
        The model with its configuration, vocabularies and manifest.

    Raises:
        CheckpointError: The directory is not a model, or the model is damaged or of a newer format.
        ConfigError: The configuration or the device cannot be used.
    """
    directory = find_model(path)
    stored = read_consistently(lambda: _load(directory, score), replaced_files(directory))
    _move_to_device(stored.model, device)
    return stored


def _open(directory: Path) -> ModelDirectory:
    description = read_description(directory)
    weights = check_weights(description, score=None, with_tensors=False)
    _check_claims(description, weights.num_stored)
    sizes = {**description.sizes, WEIGHTS: weights.size}
    return ModelDirectory(description.manifest, description.config, sizes)


def _load(directory: Path, score: ScoreFactory | None) -> StoredModel:
    description = read_description(directory)
    weights = check_weights(description, score=score, with_tensors=True)
    model, tensors = weights.model, weights.tensors
    where = str(directory / WEIGHTS)
    check_finite(where, tensors, remedy="the file was damaged or training diverged: train again")
    _check_claims(description, sum(parameter.numel() for parameter in model.parameters()))
    if score is None and is_fully_stored(model):
        assign_tensors(model, tensors)
    else:  # its constructor computes tensors that are not stored
        with torch.random.fork_rng(devices=[]):  # keep the caller's random state
            model = description.build(score)
        copy_tensors(model, tensors)
    model.eval()
    manifest = description.manifest
    return StoredModel(
        model, description.config, description.src_subword, description.tgt_subword, manifest, manifest.readout
    )


def _check_claims(description: ModelDescription, num_parameters: int) -> None:
    """Refuses a manifest that does not fit the model's files."""
    manifest, subwords = description.manifest, (description.src_subword, description.tgt_subword)
    expected = _manifest(
        description.config, subwords, num_parameters=num_parameters, files=manifest.files, written_by=manifest
    )
    check_claims(manifest, expected, where=description.directory / MANIFEST)


def _manifest(
    config: Config,
    subwords: tuple[Subword, Subword],
    *,
    num_parameters: int,
    files: dict[str, str],
    details: Details | None = None,
    quantization: Quantization | None = None,
    written_by: Manifest | None = None,
) -> Manifest:
    """Makes a manifest, by this version of regard or by the version that wrote another manifest."""
    regard = version("regard") if written_by is None else written_by.regard_version
    return Manifest(
        format_version=oldest_version(quantization, None),
        regard_version=regard,
        quantization=quantization,
        files=files,
        src_vocabulary=subwords[0].fingerprint(),
        tgt_vocabulary=subwords[1].fingerprint(),
        num_parameters=num_parameters,
        signature=write_signature(
            config,
            vocab_sizes=(len(subwords[0]), len(subwords[1])),
            num_parameters=num_parameters,
            files=files,
            regard_version=regard,
        ),
        details=details or {},
    )


def _json_details(directory: Path, details: Details) -> Details:
    """Details as JSON can store them: values that are not finite become text."""
    stored = {
        key: str(value) if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in details.items()
    }
    try:
        size = len(json.dumps(stored, ensure_ascii=False).encode())
    except UnicodeEncodeError as error:
        raise CheckpointError(
            f"{directory}: the argument `details` of save_model must contain only text that UTF-8 can encode: {error}"
        ) from None
    if len(stored) > MAX_DETAILS or size > LARGEST_MANIFEST // 2:
        raise CheckpointError(
            f"{directory}: the argument `details` of save_model may have at most {MAX_DETAILS} entries and "
            f"{LARGEST_MANIFEST // 2:,} bytes, got {len(stored)} entries and {size:,} bytes: store them in a file of "
            "your own"
        )
    return stored


def _move_to_device(model: Seq2Seq, device: str) -> None:
    try:
        model.to(device)
    # torch raises different errors for a device that is unknown, not supported by the build, or missing.
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"device {device!r} cannot be used: {reason}; choose another device, such as cpu") from None


def _write_all(directory: Path, writers: Mapping[str, Callable[[Path], None]]) -> dict[str, str]:
    """Writes files under their pending names, all or none, and returns their hashes."""
    try:
        for name, write in writers.items():
            write_pending(directory / name, write)
    except BaseException:
        for name in writers:
            pending_path(directory / name).unlink(missing_ok=True)
        raise
    return {name: sha256(pending_path(directory / name)) for name in writers}


def _finish_interrupted(directory: Path) -> None:
    """Commits pending files of an interrupted save before they are overwritten."""
    try:
        listed = read_manifest_tree(directory).get("files")
    except CheckpointError:
        return  # no readable model: nothing to finish
    hashes = listed if isinstance(listed, dict) else {}
    for name in KNOWN_FILES:
        file = pending_path(directory / name)
        if file.is_file() and sha256(file) == hashes.get(name):
            commit_pending(directory / name)
