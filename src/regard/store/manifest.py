"""Manifest of a model directory: format, hashes, vocabularies, and a signature to print beside scores."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from regard.config.schema import Config, ModelSection
from regard.errors import CheckpointError
from regard.files.json_text import parse_json, validation_messages
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
"""Results of training by name, for people to read."""

_MAX_SHOWN, _MAX_MESSAGES = 200, 10
# Characters of a value in a message, and invalid entries that are listed.
LARGEST_MANIFEST = 1 << 20
"""Largest size of `manifest.json` in bytes."""
MAX_DETAILS = 1000
MAX_LAYERS = 1000
"""Largest number of a layer or head that a readout may name."""
REMEDY = "copy the model again, or train again"
"""Remedy for a damaged model, for messages."""


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
    layer: int | None = Field(default=None, ge=0, le=MAX_LAYERS)
    head: int | None = Field(default=None, ge=0, le=MAX_LAYERS)
    shifted: bool = False
    threshold: float | None = Field(default=None, ge=0, le=1)
    end: float = Field(default=0.5, ge=0, le=1)

    def __str__(self) -> str:
        """Such as `layer 1, head 3, shifted, rule threshold (0.4)`."""
        layer = "mean of layers" if self.layer is None else f"layer {self.layer}"
        head = "mean of heads" if self.head is None else f"head {self.head}"
        limit = "" if self.threshold is None else f" ({self.threshold:g})"
        return f"{layer}, {head}{', shifted' if self.shifted else ''}, rule {self.rule}{limit}"


class Manifest(BaseModel):
    """Content of `manifest.json`.

    Attributes:
        format: Always `regard-model`.
        format_version: Version of the directory layout; see `regard.store.migrations`.
        regard_version: Version of regard that wrote it.
        files: SHA-256 of each file, by name.
        src_vocabulary: Fingerprint of the source vocabulary.
        tgt_vocabulary: Fingerprint of the target vocabulary.
        num_parameters: Number of parameters; tied ones count once.
        signature: Identifies the architecture and the weights, in the style of sacreBLEU signatures.
        details: Results of training.
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
    details: Annotated[Details, Field(max_length=MAX_DETAILS)] = {}
    readout: StoredReadout | None = None

    def to_json(self) -> str:
        """Text of `manifest.json`."""
        return json.dumps(self.model_dump(), indent=2, ensure_ascii=False) + "\n"


def read_manifest_tree(directory: Path) -> dict[str, object]:
    """Reads `manifest.json` of any format version.

    Args:
        directory: Directory of a model.

    Returns:
        The JSON object.

    Raises:
        CheckpointError: This is not a model directory, or the manifest is damaged.
    """
    path = directory / MANIFEST
    if not os.path.lexists(path):
        raise CheckpointError(_not_a_model(directory))
    tree = parse_json(read_bytes(path, max_bytes=LARGEST_MANIFEST, remedy=REMEDY), where=str(path), remedy=REMEDY)
    if not isinstance(tree, dict) or tree.get("format") != FORMAT:
        raise CheckpointError(f"{path}: not the manifest of a regard model: its 'format' should be {FORMAT!r}")
    return tree


def parse_manifest(tree: dict[str, object], *, where: Path) -> Manifest:
    """Checks a manifest of the current format.

    Args:
        tree: The JSON object.
        where: Path of the file, for messages.

    Returns:
        The manifest; it lists exactly the files of a model.

    Raises:
        CheckpointError: An entry is missing, unknown or of the wrong type.
    """
    try:
        manifest = Manifest.model_validate(tree)
    except ValidationError as error:
        messages = validation_messages(error)
        more = [f"and {len(messages) - _MAX_MESSAGES} more"] if len(messages) > _MAX_MESSAGES else []
        reasons = "; ".join([*messages[:_MAX_MESSAGES], *more])
        raise CheckpointError(f"{where}: damaged: {reasons}; {REMEDY}") from None
    names = set(manifest.files)
    if names not in ({CONFIG, WEIGHTS, *SHARED_SUBWORD}, {CONFIG, WEIGHTS, *SEPARATE_SUBWORDS}):
        raise CheckpointError(
            f"{where}: lists the files {', '.join(sorted(names))}, but a model consists of {CONFIG}, {WEIGHTS} and "
            f"{SHARED_SUBWORD[0]} (or {' and '.join(SEPARATE_SUBWORDS)}); {REMEDY}"
        )
    return manifest


def check_readout(readout: StoredReadout | None, model: ModelSection, *, where: Path, remedy: str = REMEDY) -> None:
    """Checks that a model has the layer and head of a stored readout.

    Args:
        readout: The readout, if one is stored.
        model: The model's section of the configuration.
        where: Path of the manifest, for messages.
        remedy: What to do about it, for messages.

    Raises:
        CheckpointError: The model has no such layer or head.
    """
    if readout is None:
        return
    counts = {
        "layer": (readout.layer, model.attending_layers),
        "head": (readout.head, model.attention_heads if model.has_attention else 0),
    }
    for name, (number, count) in counts.items():
        if number is not None and number >= count:
            numbers = f"{name}s 0 to {count - 1}" if count > 1 else f"only {name} 0" if count else "no attention"
            raise CheckpointError(f"{where}: readout.{name} is {number}, but the model has {numbers}; {remedy}")


def write_signature(
    config: Config,
    *,
    vocab_sizes: tuple[int, int],
    num_parameters: int,
    files: Mapping[str, str],
    regard_version: str | None = None,
) -> str:
    """Signature that identifies a model beside a score, in the style of sacreBLEU.

    Args:
        config: The resolved configuration.
        vocab_sizes: Number of source and of target subwords.
        num_parameters: Number of parameters.
        files: SHA-256 of the model's files, by name.
        regard_version: Version of regard that wrote the files; by default, this version.

    Returns:
        `key:value` parts joined by `|`; `c` and `w` are the first digits of the hashes of configuration and weights.
    """
    sizes = str(vocab_sizes[0]) if config.subword.shared else f"{vocab_sizes[0]}-{vocab_sizes[1]}"
    parts = {
        "regard": regard_version or version("regard"),
        "model": config.model.architecture,
        "params": str(num_parameters),
        "vocab": f"{config.subword.kind}-{sizes}",
        "seed": str(config.train.seed),
        "c": files[CONFIG][:8],
        "w": files[WEIGHTS][:8],
    }
    return "|".join(f"{key}:{value}" for key, value in parts.items())


def check_claims(manifest: Manifest, expected: Manifest, *, where: Path) -> None:
    """Compares a manifest with the files that it describes.

    Args:
        manifest: The manifest that was read.
        expected: The manifest that would be written for the files.
        where: Path of the manifest, for messages.

    Raises:
        CheckpointError: The manifest does not describe the files.
    """
    for name in ("num_parameters", "src_vocabulary", "tgt_vocabulary", "signature"):
        claimed, actual = getattr(manifest, name), getattr(expected, name)
        if claimed != actual:
            raise CheckpointError(
                f"{where}: damaged: {name} is {str(claimed)[:_MAX_SHOWN]}, but its files give {actual}; {REMEDY}"
            )


def _not_a_model(directory: Path) -> str:
    expected = f"a directory with {MANIFEST}, {CONFIG}, {WEIGHTS} and {SHARED_SUBWORD[0]}"
    remedy = "give the directory that `regard train --out` wrote"
    if not os.path.lexists(directory):
        return f"{directory}: no such model; expected {expected}: {remedy}"
    if not directory.is_dir():
        return f"{directory}: expected a model, which is {expected}, found a file: {remedy}"
    try:
        names = sorted(os.listdir(directory))
    except OSError as error:
        return f"{directory}: cannot be read: {error.strerror}; expected {expected}: {remedy}"
    remedy = identify(directory, names) or remedy
    listing = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "") or "nothing"
    return f"{directory}: not a model: expected {expected}, found {listing}: {remedy}"
