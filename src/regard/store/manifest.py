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
from regard.files.installed_models import is_name, name_hint
from regard.files.json_text import parse_json, validation_messages
from regard.files.reading import read_bytes
from regard.store.foreign import identify

FORMAT = "regard-model"
FORMAT_VERSION = 3
"""Newest version of the directory layout that this version of regard reads."""
FLOAT_VERSION = 2
"""Version of the layout that older versions of regard read too; see `oldest_version`."""
MANIFEST = "manifest.json"
CONFIG = "config.toml"
WEIGHTS = "weights.safetensors"
SHARED_SUBWORD = ("subword.model",)
SEPARATE_SUBWORDS = ("subword.src.model", "subword.tgt.model")
KNOWN_FILES = (CONFIG, WEIGHTS, *SHARED_SUBWORD, *SEPARATE_SUBWORDS)

Details = dict[str, str | float | int]
"""Results of training by name, such as the final loss; for information only."""

Quantization = Literal["int8"]
"""Number types of quantized weights."""

_MAX_SHOWN, _MAX_MESSAGES = 200, 10
# Characters of a value in a message, and invalid entries that are listed.
LARGEST_MANIFEST = 1 << 20
"""Largest size of `manifest.json` in bytes."""
MAX_DETAILS = 1000
MAX_LAYERS = 1000
"""Largest layer or head number that a stored readout may contain."""
REMEDY = "copy the model again, or train again"
"""What to do about a damaged model; ends error messages."""


class StoredReadout(BaseModel):
    """How word alignment links are derived from a model's cross-attention; see `regard.alignment.readout.Readout`.

    Attributes:
        rule: Which weights become links. `strongest`: the largest of each target word; `threshold`: all above a
            threshold; `shares`: each weight is divided by the total weight of its source word, and large shares count;
            `hmm`: a hidden Markov model also considers the links of the neighboring words.
        layer: 0-based number of the layer; None = mean over the layers.
        head: 0-based number of the head; None = mean over the heads.
        shifted: Whether the attention weights of a target word are those of the decoding step after the one that
            generated the word.
        threshold: Threshold of the rules `threshold`, `shares` and `hmm`; None = 0.25, 0.4 and 0.35.
        end: Attention weight on the source `</s>` above which a target word does not select a source word. With the
            rule `shares`, source words also select target words, so such a target word may still be linked.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    rule: Literal["hmm", "shares", "strongest", "threshold"] = "shares"
    layer: int | None = Field(default=None, ge=0, le=MAX_LAYERS)
    head: int | None = Field(default=None, ge=0, le=MAX_LAYERS)
    shifted: bool = False
    threshold: float | None = Field(default=None, ge=0, le=1)
    end: float = Field(default=0.5, ge=0, le=1)

    def __str__(self) -> str:
        """One line for people, such as `layer 1, head 3, shifted, rule threshold (0.4)`."""
        layer = "mean of layers" if self.layer is None else f"layer {self.layer}"
        head = "mean of heads" if self.head is None else f"head {self.head}"
        limit = "" if self.threshold is None else f" ({self.threshold:g})"
        return f"{layer}, {head}{', shifted' if self.shifted else ''}, rule {self.rule}{limit}"


class Manifest(BaseModel):
    """Content of `manifest.json`.

    Attributes:
        format: Always `regard-model`.
        format_version: Version of the directory layout; see `regard.store.migrations`. Models are written in the oldest
            version that can hold them; see `oldest_version`.
        regard_version: Version of regard that wrote the model.
        quantization: Number type of quantized weights, `int8`, see `regard.store.quantized`; None if all weights are
            floating-point numbers.
        files: SHA-256 of each other file of the model, by file name.
        src_vocabulary: Fingerprint (a hash) of the source vocabulary.
        tgt_vocabulary: Fingerprint (a hash) of the target vocabulary.
        num_parameters: Number of parameters; tied parameters count once.
        signature: Identifies the architecture and the weights, in the style of sacreBLEU signatures.
        details: Results of training by name, for information only.
        readout: How word links are derived from the attention; None if no readout was stored.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    format: str = FORMAT
    format_version: int = FLOAT_VERSION
    regard_version: str
    quantization: Quantization | None = None
    files: dict[str, str]
    src_vocabulary: str
    tgt_vocabulary: str
    num_parameters: int
    signature: str
    details: Annotated[Details, Field(max_length=MAX_DETAILS)] = {}
    readout: StoredReadout | None = None

    def to_json(self) -> str:
        """Serializes the manifest to the text of `manifest.json`."""
        # Versions of regard before format 3 refuse a manifest with an unknown key, even one without a value.
        absent = {"quantization"} if self.quantization is None else set()
        return json.dumps(self.model_dump(exclude=absent), indent=2, ensure_ascii=False) + "\n"


def read_manifest_tree(directory: Path) -> dict[str, object]:
    """Reads `manifest.json` of any format version, without checking its entries.

    Args:
        directory: Directory of a model.

    Returns:
        The JSON object of the manifest.

    Raises:
        CheckpointError: The directory is not a model, or the manifest is damaged.
    """
    path = directory / MANIFEST
    if not os.path.lexists(path):
        raise CheckpointError(_not_a_model(directory))
    tree = parse_json(read_bytes(path, max_bytes=LARGEST_MANIFEST, remedy=REMEDY), where=str(path), remedy=REMEDY)
    if not isinstance(tree, dict) or tree.get("format") != FORMAT:
        raise CheckpointError(
            f"{path}: expected the manifest of a regard model, with 'format' = {FORMAT!r}, found another file: {REMEDY}"
        )
    return tree


def parse_manifest(tree: dict[str, object], *, where: Path) -> Manifest:
    """Parses and checks a manifest of the current format version.

    Args:
        tree: The JSON object of `manifest.json`, migrated to the current format version.
        where: Path of the manifest, for messages.

    Returns:
        The manifest. Its `files` are exactly the files that a model consists of.

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
    if manifest.quantization is not None and manifest.format_version <= FLOAT_VERSION:
        raise CheckpointError(
            f"{where}: damaged: a model of format version {manifest.format_version} has no quantized weights, but "
            f"quantization is {manifest.quantization!r}; {REMEDY}"
        )
    names = set(manifest.files)
    if names not in ({CONFIG, WEIGHTS, *SHARED_SUBWORD}, {CONFIG, WEIGHTS, *SEPARATE_SUBWORDS}):
        raise CheckpointError(
            f"{where}: lists the files {', '.join(sorted(names))}, but a model consists of {CONFIG}, {WEIGHTS} and "
            f"{SHARED_SUBWORD[0]} (or {' and '.join(SEPARATE_SUBWORDS)}); {REMEDY}"
        )
    return manifest


def oldest_version(quantization: Quantization | None, readout: StoredReadout | None) -> int:
    """Finds the oldest version of the directory layout that can hold a model.

    Args:
        quantization: Number type of the model's quantized weights; None = all weights are floating-point numbers.
        readout: How word links are derived from the model's attention, if that is stored.

    Returns:
        3 if weights are quantized or links are read by the rule `hmm`, else 2.
    """
    uses_hmm = readout is not None and readout.rule == "hmm"
    return FLOAT_VERSION if quantization is None and not uses_hmm else FORMAT_VERSION


def check_readout(readout: StoredReadout | None, model: ModelSection, *, where: Path, remedy: str = REMEDY) -> None:
    """Checks that a model has the attention layer and head that a stored readout names.

    Args:
        readout: The stored readout; None is accepted.
        model: The `[model]` section of the model's configuration.
        where: Path of the manifest, for messages.
        remedy: What the user should do if the check fails, for messages.

    Raises:
        CheckpointError: The model does not have the layer or head of the readout.
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
            raise CheckpointError(
                f"{where}: for word alignment, readout.{name} is {number}, but the model has {numbers}; {remedy}"
            )


def write_signature(
    config: Config,
    *,
    vocab_sizes: tuple[int, int],
    num_parameters: int,
    files: Mapping[str, str],
    regard_version: str | None = None,
) -> str:
    """Makes the signature that identifies a model where a score is reported, in the style of sacreBLEU.

    Args:
        config: The resolved configuration.
        vocab_sizes: Number of source and of target subwords.
        num_parameters: Number of parameters.
        files: SHA-256 of the model's files, by name.
        regard_version: Version of regard that wrote the files; by default, the installed version.

    Returns:
        `key:value` parts joined by `|`; the values of `c` and `w` are the first eight digits of the hashes of
        configuration and weights.
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
    """Checks a manifest's parameter count, vocabularies and signature against the model's files.

    Args:
        manifest: The manifest that was read.
        expected: A manifest computed from the model's files.
        where: Path of the manifest, for messages.

    Raises:
        CheckpointError: `num_parameters`, `src_vocabulary`, `tgt_vocabulary` or `signature` differs.
    """
    for name in ("num_parameters", "src_vocabulary", "tgt_vocabulary", "signature"):
        claimed, actual = getattr(manifest, name), getattr(expected, name)
        if claimed != actual:
            raise CheckpointError(
                f"{where}: damaged: {name} is {str(claimed)[:_MAX_SHOWN]}, but the model's files give {actual}; "
                f"{REMEDY}"
            )


def _not_a_model(directory: Path) -> str:
    expected = f"a directory with {MANIFEST}, {CONFIG}, {WEIGHTS} and {SHARED_SUBWORD[0]}"
    remedy = "give the directory that `regard train --out` wrote"
    if not os.path.lexists(directory):
        expected += f", or {name_hint()}" if is_name(directory) else ""
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
