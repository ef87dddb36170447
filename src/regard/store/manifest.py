"""What a model's directory says about itself: format, hashes, vocabularies, and a signature to print beside scores."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from regard.config.schema import Config, RNNConfig
from regard.errors import CheckpointError
from regard.files.json_text import faults, parse_json
from regard.files.reading import read_bytes
from regard.store.foreign import identify

FORMAT = "regard-model"
FORMAT_VERSION = 2
MANIFEST = "manifest.json"
CONFIG = "config.toml"
WEIGHTS = "weights.safetensors"
SHARED_SUBWORD = ("subword.model",)
SEPARATE_SUBWORDS = ("subword.src.model", "subword.tgt.model")
KNOWN_FILES = (CONFIG, WEIGHTS, *SHARED_SUBWORD, *SEPARATE_SUBWORDS)

Details = dict[str, str | float | int]
"""What was measured in training, for people to read."""

_LONGEST, _MOST_FAULTS = 200, 10
# Characters of a value in a message, and faults that it tells.
LARGEST_MANIFEST = 1 << 20
"""Bytes of `manifest.json`, at most."""
MOST_DETAILS = 1000
MAX_LAYERS = 1000
"""Numbers of layers and heads that a readout may name, at most."""
CURE = "copy the model again, or train again"
"""What to do about a damaged model."""


class StoredReadout(BaseModel):
    """How word links are read off a model's attention; see `regard.alignment.readout.Readout`.

    Attributes:
        rule: Which cells become links.
        layer: Number of the layer; None = mean over the layers.
        head: Number of the head; None = mean over the heads.
        shifted: Whether a target word's row is that of the next step.
        threshold: Limit of the rule; None = its default.
        end: Weight on `</s>` above which a target word has no link of its own.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    rule: Literal["shares", "strongest", "threshold"] = "shares"
    layer: int | None = Field(None, ge=0, le=MAX_LAYERS)
    head: int | None = Field(None, ge=0, le=MAX_LAYERS)
    shifted: bool = False
    threshold: float | None = Field(None, ge=0, le=1)
    end: float = Field(0.5, ge=0, le=1)

    def __str__(self) -> str:
        """Such as `layer 1, head 3, shifted, rule threshold (0.4)`."""
        layer = "mean of layers" if self.layer is None else f"layer {self.layer}"
        head = "mean of heads" if self.head is None else f"head {self.head}"
        limit = "" if self.threshold is None else f" ({self.threshold:g})"
        return f"{layer}, {head}{', shifted' if self.shifted else ''}, rule {self.rule}{limit}"


class Manifest(BaseModel):
    """The content of `manifest.json`.

    Attributes:
        format: Always `regard-model`.
        format_version: Which layout the directory has; see `regard.store.migrations`.
        regard_version: The version of regard that wrote it.
        files: SHA-256 of each file, by name.
        src_vocabulary: Fingerprint of the source's subwords.
        tgt_vocabulary: Fingerprint of the target's subwords.
        num_parameters: Trained numbers, tied ones counted once.
        signature: What kind of model this is and which weights it has, in the manner of sacreBLEU's signatures.
        details: What was measured in training.
        readout: How word links are read off the attention; None where it was never tuned.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    format: str = FORMAT
    format_version: int = FORMAT_VERSION
    regard_version: str
    files: dict[str, str]
    src_vocabulary: str
    tgt_vocabulary: str
    num_parameters: int
    signature: str
    details: Annotated[Details, Field(max_length=MOST_DETAILS)] = {}
    readout: StoredReadout | None = None

    def to_json(self) -> str:
        """The text of `manifest.json`."""
        return json.dumps(self.model_dump(), indent=2, ensure_ascii=False) + "\n"


def read_manifest_tree(directory: Path) -> dict[str, object]:
    """Reads `manifest.json` of whatever format version.

    Args:
        directory: A model's directory.

    Returns:
        The JSON object.

    Raises:
        CheckpointError: This is no model's directory, or the manifest is damaged.
    """
    path = directory / MANIFEST
    if not os.path.lexists(path):
        raise CheckpointError(_not_a_model(directory))
    tree = parse_json(read_bytes(path, most=LARGEST_MANIFEST, cure=CURE), where=str(path), cure=CURE)
    if not isinstance(tree, dict) or tree.get("format") != FORMAT:
        raise CheckpointError(f"{path}: not the manifest of a regard model: its 'format' should be {FORMAT!r}")
    return tree


def parse_manifest(tree: dict[str, object], *, where: Path) -> Manifest:
    """Checks a manifest of the current format.

    Args:
        tree: The JSON object.
        where: The file, for messages.

    Returns:
        The manifest; its files are known ones and make a whole model.

    Raises:
        CheckpointError: An entry is missing, unknown or of the wrong type.
    """
    try:
        manifest = Manifest.model_validate(tree)
    except ValidationError as error:
        found = faults(error)
        more = [f"and {len(found) - _MOST_FAULTS} more"] if len(found) > _MOST_FAULTS else []
        told = "; ".join([*found[:_MOST_FAULTS], *more])
        raise CheckpointError(f"{where}: damaged: {told}; {CURE}") from None
    names = set(manifest.files)
    if names not in ({CONFIG, WEIGHTS, *SHARED_SUBWORD}, {CONFIG, WEIGHTS, *SEPARATE_SUBWORDS}):
        raise CheckpointError(
            f"{where}: lists the files {', '.join(sorted(names))}, but a model has {CONFIG}, {WEIGHTS} and "
            f"{SHARED_SUBWORD[0]} (or {' and '.join(SEPARATE_SUBWORDS)}); {CURE}"
        )
    return manifest


def write_signature(
    config: Config,
    *,
    vocab_sizes: tuple[int, int],
    num_parameters: int,
    files: Mapping[str, str],
    regard_version: str | None = None,
) -> str:
    """Says which model a score belongs to, in the manner of sacreBLEU's signatures.

    Args:
        config: The resolved configuration.
        vocab_sizes: Subwords of source and target.
        num_parameters: Trained numbers.
        files: SHA-256 of the model's files, by name.
        regard_version: The regard that wrote them; this one when not given.

    Returns:
        `key:value` parts joined by `|`; `c` and `w` begin the hashes of configuration and weights.
    """
    sizes = str(vocab_sizes[0]) if config.subword.shared else f"{vocab_sizes[0]}-{vocab_sizes[1]}"
    parts = {
        "regard": regard_version or version("regard"),
        "model": _architecture(config),
        "params": str(num_parameters),
        "vocab": f"{config.subword.kind}-{sizes}",
        "seed": str(config.train.seed),
        "c": files[CONFIG][:8],
        "w": files[WEIGHTS][:8],
    }
    return "|".join(f"{key}:{value}" for key, value in parts.items())


def check_claims(manifest: Manifest, found: Manifest, *, where: Path) -> None:
    """Compares what a manifest claims with what its files show.

    Args:
        manifest: As it was read.
        found: As it would be written for the files.
        where: The file, for messages.

    Raises:
        CheckpointError: They differ.
    """
    for name in ("num_parameters", "src_vocabulary", "tgt_vocabulary", "signature"):
        claimed, shown = getattr(manifest, name), getattr(found, name)
        if claimed != shown:
            raise CheckpointError(
                f"{where}: damaged: {name} is {str(claimed)[:_LONGEST]}, but the model's files say {shown}; {CURE}"
            )


def _architecture(config: Config) -> str:
    model = config.model
    if isinstance(model, RNNConfig):
        score = [] if model.decoder == "plain" else [model.attention.score, *_normalizer(model.attention.normalizer)]
        return "-".join([model.decoder, *score, model.cell, str(model.hidden_size)])
    score = [model.cross_score, *_normalizer(model.normalizer)]
    return "-".join(["transformer", *score, f"{model.encoder_layers}+{model.decoder_layers}", str(model.width)])


def _normalizer(name: str) -> list[str]:
    """Named where it is not the usual one."""
    return [] if name == "softmax" else [name]


def _not_a_model(directory: Path) -> str:
    wanted = f"a directory with {MANIFEST}, {CONFIG}, {WEIGHTS} and {SHARED_SUBWORD[0]}"
    cure = "give the directory that `regard train --out` wrote"
    if not os.path.lexists(directory):
        return f"{directory}: there is no such model; expected {wanted}: {cure}"
    if not directory.is_dir():
        return f"{directory}: expected a model, which is {wanted}, but this is a file: {cure}"
    try:
        names = sorted(os.listdir(directory))
    except OSError as error:
        return f"{directory}: cannot be read: {error.strerror}; expected {wanted}: {cure}"
    cure = identify(directory, names) or cure
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    return f"{directory}: not a model: expected {wanted}, but there is {shown or 'nothing'}: {cure}"
