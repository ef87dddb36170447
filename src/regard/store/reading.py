"""Reading a model's directory: every byte is hashed as it is used, and sizes are compared before anything is built."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from torch import Tensor

from regard.config.load import parse_config
from regard.config.schema import Config, ModelConfig, RNNConfig
from regard.config.toml_text import LARGEST
from regard.errors import CheckpointError
from regard.files.atomic import pending
from regard.files.reading import decoded
from regard.model.build import ScoreFactory, build_model
from regard.model.seq2seq import Seq2Seq
from regard.native.unfilled import unfilled
from regard.store.manifest import (
    CONFIG,
    CURE,
    KNOWN_FILES,
    MANIFEST,
    SEPARATE_SUBWORDS,
    SHARED_SUBWORD,
    WEIGHTS,
    Manifest,
    parse_manifest,
    read_manifest_tree,
)
from regard.store.migrations import Description, format_version, migrate
from regard.store.tensor_file import Header, read_body, read_header
from regard.store.verified import HashedFile, changed, use_hashed
from regard.store.weights import check_shapes, own_tensors
from regard.text.subword import MAX_VOCABULARY_BYTES, Subword

T = TypeVar("T")

_LONGEST = 1 << 40
# No side of a matrix is longer, and no product of two such numbers is past what torch can count with.
_OWN_SCORE = ".score."
# Part of the names of a score's weights.


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """What a model's directory says about itself in its small files, which agree with their hashes.

    Attributes:
        directory: Where it lies.
        manifest: In the current format.
        config: The configuration.
        src_subword: Vocabulary of the source.
        tgt_subword: Vocabulary of the target; the same object where they share one.
        tensor_names: Present name by stored name, for tensors that were renamed since.
        sizes: Bytes of each of these files, by its name.
    """

    directory: Path
    manifest: Manifest
    config: Config
    src_subword: Subword
    tgt_subword: Subword
    tensor_names: dict[str, str]
    sizes: dict[str, int]

    def build(self, score: ScoreFactory | None) -> Seq2Seq:
        """An untrained model of this description; `score` as for `load_model`."""
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
    """What a file of weights holds, found to be what the model needs.

    Attributes:
        model: The model, without numbers.
        num_stored: Numbers in the file.
        tensors: Of any shape, `(...)`, by present name; empty where they were not wanted.
        size: Bytes of the file.
    """

    model: Seq2Seq
    num_stored: int
    tensors: dict[str, Tensor]
    size: int


def replaced_files(directory: Path) -> list[Path]:
    """All files that a save replaces, and those that wait for it."""
    names = [directory / name for name in (MANIFEST, *KNOWN_FILES)]
    return [*names, *map(pending, names)]


def read_description(directory: Path) -> ModelDescription:
    """Reads all but the weights.

    Args:
        directory: A model's.

    Returns:
        The description; what the manifest claims is not compared with the weights yet.

    Raises:
        CheckpointError: This is no model's directory, a file is missing or was changed, or the format is newer.
        ConfigError: The configuration has keys or values that this regard does not know.
    """
    tree = read_manifest_tree(directory)
    where = directory / MANIFEST
    found = format_version(tree, where=where)
    hashes = _listed(tree, where)
    small = {
        name: verified(directory / name, expected, lambda file: file.read(most=max(4 * LARGEST, MAX_VOCABULARY_BYTES)))
        for name, expected in hashes.items()
        if name != WEIGHTS
    }
    text = decoded(small[CONFIG], str(directory / CONFIG), cure=CURE)
    description = migrate(Description(tree, text, {}), found)
    manifest = parse_manifest(description.manifest, where=where)
    config = parse_config(description.config, where=str(directory / CONFIG))
    names = SEPARATE_SUBWORDS if SEPARATE_SUBWORDS[0] in hashes else SHARED_SUBWORD
    subwords = [Subword.from_file_bytes(small[name], directory / name) for name in names]
    sizes = {name: len(data) for name, data in small.items()}
    return ModelDescription(directory, manifest, config, subwords[0], subwords[-1], description.tensor_names, sizes)


def check_weights(described: ModelDescription, *, score: ScoreFactory | None, wanted: bool) -> CheckedWeights:
    """Compares the weights with the description, and reads them.

    Args:
        described: The model.
        score: As for `load_model`.
        wanted: Whether the numbers are wanted; otherwise a score of the user's own, whose weights are in no
            configuration, is let pass.

    Returns:
        The model without numbers, and its numbers.

    Raises:
        CheckpointError: The file is missing, was changed, or is not what the model needs.
        ConfigError: Options of the model exclude one another.
    """

    def visit(file: HashedFile) -> CheckedWeights:
        header = read_header(file)
        model = _skeleton(described, header, score, file.path)
        expected = {name: tuple(own.shape) for name, own in own_tensors(model).items()}
        names = described.tensor_names
        found = {names.get(name, name): entry.shape for name, entry in header.entries.items()}
        if not wanted:
            expected, found = _without_own_score(expected, found)
        check_shapes(str(file.path), expected, found)
        tensors = read_body(file, header) if wanted else {}
        num_stored = sum(entry.numel for entry in header.entries.values())
        present = {names.get(name, name): tensor for name, tensor in tensors.items()}
        return CheckedWeights(model, num_stored, present, file.size)

    return verified(described.directory / WEIGHTS, described.manifest.files[WEIGHTS], visit)


def verified(path: Path, expected: str, use: Callable[[HashedFile], T]) -> T:
    """Uses the file with that hash: in its place, or still waiting for it after a crash.

    Args:
        path: Its place.
        expected: SHA-256, in hexadecimal.
        use: Makes something of the file.

    Returns:
        What `use` made of it.

    Raises:
        CheckpointError: It is missing, or was changed.
        RegardError: What `use` raised.
    """
    first: str | None = None
    for one in (path, pending(path)):
        if os.path.lexists(one):
            used = use_hashed(one, use, cure=CURE)
            if used.sha256 == expected:
                return used.get()
            first = first or used.sha256
    if first is None:
        raise CheckpointError(f"{path}: missing, though {MANIFEST} lists it: copy the whole directory, or train again")
    cure = "Copy the model again; settings are changed with options, not in its files"
    raise changed(path, first, expected, since="the model was saved", cure=cure)


def _listed(tree: dict[str, object], where: Path) -> dict[str, str]:
    listed = tree.get("files")
    if not isinstance(listed, dict) or not set(listed) <= set(KNOWN_FILES) or CONFIG not in listed:
        # The full check of the manifest says more; it has to wait for migration, but no unknown file is ever opened.
        raise CheckpointError(
            f"{where}: 'files' should list {CONFIG}, {WEIGHTS} and the subword model with their hashes; {CURE}"
        )
    return {name: str(expected) for name, expected in listed.items()}


def _skeleton(described: ModelDescription, header: Header, score: ScoreFactory | None, path: Path) -> Seq2Seq:
    """The model without numbers, which costs no memory; nor time, since its layers are counted before."""
    config = described.config.model
    layers = config.encoder_layers + config.decoder_layers
    if layers > len(header.entries):
        raise CheckpointError(
            f"{path}: {len(header.entries)} tensors are too few for the {layers:,} layers of the model in {CONFIG}; "
            f"{CURE}"
        )
    too_long = [name for name, number in _numbers(config) if number > _LONGEST]
    if too_long:
        raise CheckpointError(f"{described.directory / CONFIG}: model.{too_long[0]} is beyond all sizes; {CURE}")
    try:
        with unfilled():
            return described.build(score)
    except (RuntimeError, OverflowError) as error:  # a matrix of more numbers than can be counted
        reason = str(error).splitlines()[0]
        raise CheckpointError(
            f"{described.directory / CONFIG}: a model of these sizes cannot be ({reason}); {CURE}"
        ) from None


def _numbers(config: ModelConfig) -> Iterator[tuple[str, int]]:
    sections = {"": config, **({"attention.": config.attention} if isinstance(config, RNNConfig) else {})}
    for where, section in sections.items():
        for name in type(section).model_fields:
            value = getattr(section, name)
            if isinstance(value, int):
                yield where + name, value


def _without_own_score(
    expected: dict[str, tuple[int, ...]], found: dict[str, tuple[int, ...]]
) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
    pair = [{name: shape for name, shape in one.items() if _OWN_SCORE not in name} for one in (expected, found)]
    return pair[0], pair[1]
