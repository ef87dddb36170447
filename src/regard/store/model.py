"""Writing and reading a model's directory.

All files are written under waiting names first. Then the manifest takes its place, which is the moment when the new
model exists, and the files follow. Whoever reads between the two finds by their hashes the files that still wait;
so a crash leaves the old model or the new one, and other files in the directory, such as training's, are not touched.
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
from regard.files.atomic import make_directory, pending, put_text, sha256, take_place, write_output, write_pending
from regard.files.paths import checked_path
from regard.model.build import ScoreFactory
from regard.model.seq2seq import Seq2Seq
from regard.store.manifest import (
    CONFIG,
    KNOWN_FILES,
    LARGEST_MANIFEST,
    MANIFEST,
    MOST_DETAILS,
    SEPARATE_SUBWORDS,
    SHARED_SUBWORD,
    WEIGHTS,
    Details,
    Manifest,
    StoredReadout,
    check_claims,
    read_manifest_tree,
    write_signature,
)
from regard.store.reading import ModelDescription, check_weights, read_description, replaced_files
from regard.store.verified import read_consistently
from regard.store.weights import adopt, check_finite, fill, is_stored_whole, own_tensors, write_tensors
from regard.text.subword import Subword


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model as it comes from disk.

    Attributes:
        model: The network, ready to translate (not to train: dropout is off).
        config: The resolved configuration that it was trained with.
        src_subword: Vocabulary of the source.
        tgt_subword: Vocabulary of the target; the same object where they share one.
        manifest: What the directory says about itself.
        readout: How word links are read off its attention, if that is stored.
    """

    model: Seq2Seq
    config: Config
    src_subword: Subword
    tgt_subword: Subword
    manifest: Manifest
    readout: StoredReadout | None = None


@dataclass(frozen=True, slots=True)
class ModelDirectory:
    """A model's directory whose files agree with their hashes, with one another and with what the manifest claims.

    Attributes:
        manifest: What it says about itself, in the current format.
        config: The configuration.
        sizes: Bytes of each file, by its name.
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
) -> Manifest:
    """Writes a model's directory, or replaces the model in one. A crash leaves the old model or the new one.

    Args:
        path: The directory; made when it is not there.
        model: The trained network.
        config: Its resolved configuration.
        src_subword: Vocabulary of the source.
        tgt_subword: Vocabulary of the target; with the source's ids where `subword.shared` says so.
        details: What was measured in training, for people to read.

    Returns:
        What was written about the model.

    Raises:
        CheckpointError: Weights are not finite, there are too many details, or the place cannot be written.
    """
    directory = checked_path(path, "path")
    tensors, told = own_tensors(model), _readable(directory, details or {})
    check_finite(str(directory), tensors, cure="training went astray: train again with a smaller train.learning_rate")
    writers: dict[str, Callable[[Path], None]] = {
        CONFIG: lambda file: put_text(file, dump_config(config)),
        WEIGHTS: lambda file: write_tensors(file, tensors),
    }
    if config.subword.shared and src_subword.fingerprint() == tgt_subword.fingerprint():
        writers[SHARED_SUBWORD[0]] = src_subword.save
    else:  # ids that are shared may still be cut to in two ways, as in models of Marian
        writers |= dict(zip(SEPARATE_SUBWORDS, (src_subword.save, tgt_subword.save), strict=True))
    make_directory(directory)
    _finish_interrupted(directory)
    hashes = _write_all(directory, writers)
    manifest = _manifest(
        config,
        (src_subword, tgt_subword),
        num_parameters=sum(parameter.numel() for parameter in model.parameters()),
        files=hashes,
        details=told,
    )
    _write_all(directory, {MANIFEST: lambda file: put_text(file, manifest.to_json())})
    for name in (MANIFEST, *writers):
        take_place(directory / name)
    for name in set(KNOWN_FILES) - set(writers):
        (directory / name).unlink(missing_ok=True)
    return manifest


def write_readout(path: str | Path, readout: StoredReadout | None) -> None:
    """Stores how word links are read off a model's attention; its other files stay as they are.

    Args:
        path: The model's directory.
        readout: The readout; None removes it.

    Raises:
        CheckpointError: This is no sound model, another one took its place meanwhile, or it cannot be written.
    """
    directory = checked_path(path, "path")
    _finish_interrupted(directory)
    manifest = open_model(directory).manifest

    def write(file: Path) -> None:
        put_text(file, manifest.model_copy(update={"readout": readout}).to_json())
        if open_model(directory).manifest != manifest:
            raise CheckpointError(f"{directory}: another model took its place while its readout was written: try again")

    write_output(directory / MANIFEST, write)


def open_model(path: str | Path) -> ModelDirectory:
    """Reads what a model's directory says about itself, and checks it: hashes, sizes, and that all of it agrees.

    Args:
        path: The directory.

    Returns:
        All but the weights.

    Raises:
        CheckpointError: This is no model's directory, a file is missing or was changed, or the format is newer.
        ConfigError: The configuration has keys or values that this regard does not know.
    """
    directory = Path(path)
    return read_consistently(lambda: _open(directory), replaced_files(directory))


def load_model(path: str | Path, *, device: str = "cpu", score: ScoreFactory | None = None) -> StoredModel:
    """Reads a model's directory. Files are checked against their hashes, and nothing of them is run.

    Whoever replaces the model meanwhile does no harm: what is loaded is all of the old one or all of the new one.

    Args:
        path: The directory.
        device: Where to put the weights, such as `cpu` or `cuda`.
        score: The factory of the user's own score that the model was built with, if it was.

    Returns:
        The model and all that belongs to it.

    Raises:
        CheckpointError: This is no model's directory, or it is damaged or of a newer format.
        ConfigError: The configuration or the device cannot be used.
    """
    directory = Path(path)
    stored = read_consistently(lambda: _load(directory, score), replaced_files(directory))
    _place(stored.model, device)
    return stored


def _open(directory: Path) -> ModelDirectory:
    described = read_description(directory)
    weighed = check_weights(described, score=None, wanted=False)
    _check_claims(described, weighed.num_stored)
    sizes = {**described.sizes, WEIGHTS: weighed.size}
    return ModelDirectory(described.manifest, described.config, sizes)


def _load(directory: Path, score: ScoreFactory | None) -> StoredModel:
    described = read_description(directory)
    weighed = check_weights(described, score=score, wanted=True)
    model, tensors = weighed.model, weighed.tensors
    where = str(directory / WEIGHTS)
    check_finite(where, tensors, cure="the file was damaged or training went astray: train again")
    _check_claims(described, sum(parameter.numel() for parameter in model.parameters()))
    if score is None and is_stored_whole(model):
        adopt(model, tensors)
    else:  # it computes something when it is made that no file has
        with torch.random.fork_rng(devices=[]):  # the caller's draws stay as they were
            model = described.build(score)
        fill(model, tensors)
    model.eval()
    manifest = described.manifest
    return StoredModel(
        model, described.config, described.src_subword, described.tgt_subword, manifest, manifest.readout
    )


def _check_claims(described: ModelDescription, num_parameters: int) -> None:
    """Refuses a manifest that says of the model's files what is not so."""
    manifest, subwords = described.manifest, (described.src_subword, described.tgt_subword)
    shown = _manifest(
        described.config, subwords, num_parameters=num_parameters, files=manifest.files, written_by=manifest
    )
    check_claims(manifest, shown, where=described.directory / MANIFEST)


def _manifest(
    config: Config,
    subwords: tuple[Subword, Subword],
    *,
    num_parameters: int,
    files: dict[str, str],
    details: Details | None = None,
    written_by: Manifest | None = None,
) -> Manifest:
    """What there is to say about a model, by this regard or by the one that wrote another manifest."""
    regard = version("regard") if written_by is None else written_by.regard_version
    return Manifest(
        regard_version=regard,
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


def _readable(directory: Path, details: Details) -> Details:
    """Details as they can be read again: JSON has no word for what is not finite."""
    told = {
        key: str(value) if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in details.items()
    }
    try:
        size = len(json.dumps(told, ensure_ascii=False).encode())
    except UnicodeEncodeError as error:
        raise CheckpointError(f"{directory}: the details of a model must be text in UTF-8: {error}") from None
    if len(told) > MOST_DETAILS or size > LARGEST_MANIFEST // 2:
        raise CheckpointError(
            f"{directory}: expected at most {MOST_DETAILS} details of a model and {LARGEST_MANIFEST // 2:,} bytes of "
            f"them, got {len(told)} and {size:,}: keep them elsewhere"
        )
    return told


def _place(model: Seq2Seq, device: str) -> None:
    try:
        model.to(device)
    # torch has no single error for it: a device that is unknown, not built in, or not there.
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"device {device!r} cannot be used: {reason}; choose another, such as cpu") from None


def _write_all(directory: Path, writers: Mapping[str, Callable[[Path], None]]) -> dict[str, str]:
    """Writes files under their waiting names, all or none, and gives their hashes."""
    try:
        for name, write in writers.items():
            write_pending(directory / name, write)
    except BaseException:
        for name in writers:
            pending(directory / name).unlink(missing_ok=True)
        raise
    return {name: sha256(pending(directory / name)) for name in writers}


def _finish_interrupted(directory: Path) -> None:
    """Moves files to their places that an earlier save left waiting, before they are written over."""
    try:
        listed = read_manifest_tree(directory).get("files")
    except CheckpointError:
        return  # no model is there, or none that could be read: nothing to keep
    hashes = listed if isinstance(listed, dict) else {}
    for name in KNOWN_FILES:
        waiting = pending(directory / name)
        if waiting.is_file() and sha256(waiting) == hashes.get(name):
            take_place(directory / name)
