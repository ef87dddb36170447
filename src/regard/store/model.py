"""Writing and reading a model's directory.

All files are written under waiting names first. Then the manifest takes its place, which is the moment when the new
model exists, and the files follow. Whoever reads between the two finds by their hashes the files that still wait;
so a crash leaves the old model or the new one, and other files in the directory, such as training's, are not touched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import torch

from regard.config.dump import dump_config
from regard.config.load import parse_config
from regard.config.schema import Config
from regard.errors import CheckpointError, ConfigError
from regard.model.build import ScoreFactory, build_model
from regard.model.seq2seq import Seq2Seq
from regard.store.durable import make_directory, pending, sha256, take_place, write_pending
from regard.store.manifest import (
    CONFIG,
    KNOWN_FILES,
    MANIFEST,
    SEPARATE_SUBWORDS,
    SHARED_SUBWORD,
    WEIGHTS,
    Details,
    Manifest,
    parse_manifest,
    read_manifest_tree,
    write_signature,
)
from regard.store.migrations import Description, format_version, migrate
from regard.store.weights import (
    adopt,
    check_finite,
    check_shapes,
    fill,
    is_stored_whole,
    own_tensors,
    read_tensors,
    write_tensors,
)
from regard.text.subword import Subword
from regard.unfilled import unfilled


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model as it comes from disk.

    Attributes:
        model: The network, ready to translate (not to train: dropout is off).
        config: The resolved configuration that it was trained with.
        src_subword: Vocabulary of the source.
        tgt_subword: Vocabulary of the target; the same object where they share one.
        manifest: What the directory says about itself.
    """

    model: Seq2Seq
    config: Config
    src_subword: Subword
    tgt_subword: Subword
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Opened:
    """A model's directory whose files agree with their hashes; no weights are read yet.

    Attributes:
        manifest: What it says about itself, in the current format.
        config: The configuration.
        files: Where each file lies, by its name.
        tensor_names: Present name by stored name, for tensors that were renamed since.
    """

    manifest: Manifest
    config: Config
    files: dict[str, Path]
    tensor_names: dict[str, str]


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
        CheckpointError: Weights are not finite, or the place cannot be written.
    """
    directory = Path(path)
    tensors = own_tensors(model)
    check_finite(str(directory), tensors, cure="training went astray: train again with a smaller train.learning_rate")
    writers: dict[str, Callable[[Path], None]] = {
        CONFIG: lambda file: _write_text(file, dump_config(config)),
        WEIGHTS: lambda file: write_tensors(file, tensors),
    }
    if config.subword.shared and src_subword.fingerprint() == tgt_subword.fingerprint():
        writers[SHARED_SUBWORD[0]] = src_subword.save
    else:  # ids that are shared may still be cut to in two ways, as in models of Marian
        writers |= dict(zip(SEPARATE_SUBWORDS, (src_subword.save, tgt_subword.save), strict=True))
    make_directory(directory)
    _finish_interrupted(directory)
    hashes = _write_all(directory, writers)
    num_parameters = sum(parameter.numel() for parameter in model.parameters())
    manifest = Manifest(
        regard_version=version("regard"),
        files=hashes,
        src_vocabulary=src_subword.fingerprint(),
        tgt_vocabulary=tgt_subword.fingerprint(),
        num_parameters=num_parameters,
        signature=write_signature(
            config,
            vocab_sizes=(len(src_subword), len(tgt_subword)),
            num_parameters=num_parameters,
            weights_sha256=hashes[WEIGHTS],
        ),
        details=details or {},
    )
    _write_all(directory, {MANIFEST: lambda file: _write_text(file, manifest.to_json())})
    for name in (MANIFEST, *writers):
        take_place(directory / name)
    for name in set(KNOWN_FILES) - set(writers):
        (directory / name).unlink(missing_ok=True)
    return manifest


def open_model(path: str | Path) -> Opened:
    """Reads what a model's directory says about itself, and checks its files against their hashes.

    Args:
        path: The directory.

    Returns:
        Manifest, configuration and files.

    Raises:
        CheckpointError: This is no model's directory, a file is missing or was changed, or the format is newer.
        ConfigError: The configuration has keys or values that this regard does not know.
    """
    directory = Path(path)
    tree = read_manifest_tree(directory)
    where = directory / MANIFEST
    found = format_version(tree, where=where)
    files = _verified_files(directory, tree)
    config_text = files[CONFIG].read_text(encoding="utf-8")
    description = migrate(Description(tree, config_text, {}), found)
    return Opened(
        parse_manifest(description.manifest, where=where),
        parse_config(description.config, where=str(directory / CONFIG)),
        files,
        description.tensor_names,
    )


def load_model(path: str | Path, *, device: str = "cpu", score: ScoreFactory | None = None) -> StoredModel:
    """Reads a model's directory. Files are checked against their hashes, and nothing of them is run.

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
    opened = open_model(path)
    names = SEPARATE_SUBWORDS if SEPARATE_SUBWORDS[0] in opened.files else SHARED_SUBWORD
    subwords = [Subword.load(opened.files[name]) for name in names]
    src_subword, tgt_subword = subwords[0], subwords[-1]
    weights = opened.files[WEIGHTS]
    with unfilled():  # costs no memory, so that a wrong configuration cannot ask for all there is
        model = _build(opened, src_subword, tgt_subword, score)
    expected = {name: tuple(own.shape) for name, own in own_tensors(model).items()}
    tensors = {opened.tensor_names.get(name, name): tensor for name, tensor in read_tensors(weights)[0].items()}
    check_shapes(str(weights), expected, {name: tuple(tensor.shape) for name, tensor in tensors.items()})
    check_finite(str(weights), tensors, cure="the file was damaged or training went astray: train again")
    if score is None and is_stored_whole(model):
        adopt(model, tensors)
    else:  # it computes something when it is made that no file has
        with torch.random.fork_rng(devices=[]):  # the caller's draws stay as they were
            model = _build(opened, src_subword, tgt_subword, score)
        fill(model, tensors)
    model.eval()
    return StoredModel(_placed(model, device), opened.config, src_subword, tgt_subword, opened.manifest)


def _build(opened: Opened, src_subword: Subword, tgt_subword: Subword, score: ScoreFactory | None) -> Seq2Seq:
    return build_model(
        opened.config.model,
        src_vocab=len(src_subword),
        tgt_vocab=len(tgt_subword),
        shared=opened.config.subword.shared,
        specials=tgt_subword.specials,
        score=score,
    )


def _placed(model: Seq2Seq, device: str) -> Seq2Seq:
    try:
        return model.to(device)
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


def _verified_files(directory: Path, tree: dict[str, object]) -> dict[str, Path]:
    listed = tree.get("files")
    if not isinstance(listed, dict) or not set(listed) <= set(KNOWN_FILES) or CONFIG not in listed:
        # The full check of the manifest says more; it has to wait for migration, but no unknown file is ever opened.
        raise CheckpointError(
            f"{directory / MANIFEST}: 'files' should list {CONFIG}, {WEIGHTS} and the subword model with their hashes; "
            "copy the model again, or train again"
        )
    return {name: _verified(directory / name, str(expected)) for name, expected in listed.items()}


def _verified(path: Path, expected: str) -> Path:
    """The file with that hash: in its place, or still waiting for it after a crash."""
    candidates = [candidate for candidate in (path, pending(path)) if candidate.is_file()]
    for candidate in candidates:
        if sha256(candidate) == expected:
            return candidate
    if not candidates:
        raise CheckpointError(f"{path}: missing, though {MANIFEST} lists it: copy the whole directory, or train again")
    raise CheckpointError(
        f"{path}: changed since the model was saved: its hash should begin with {expected[:12]}, but begins with "
        f"{sha256(candidates[0])[:12]}. Copy the model again; settings are changed with options, not in its files"
    )


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
