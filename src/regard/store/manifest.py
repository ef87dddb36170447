"""What a model's directory says about itself: format, hashes, vocabularies, and a signature to print beside scores."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from regard.config.dump import dump_config
from regard.config.schema import Config, RNNConfig
from regard.errors import CheckpointError

FORMAT = "regard-model"
FORMAT_VERSION = 1
MANIFEST = "manifest.json"
CONFIG = "config.toml"
WEIGHTS = "weights.safetensors"
SHARED_SUBWORD = ("subword.model",)
SEPARATE_SUBWORDS = ("subword.src.model", "subword.tgt.model")
KNOWN_FILES = (CONFIG, WEIGHTS, *SHARED_SUBWORD, *SEPARATE_SUBWORDS)

Details = dict[str, str | float | int]
"""What was measured in training, for people to read."""

_LARGEST_MANIFEST = 4 << 20


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
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: str = FORMAT
    format_version: int = FORMAT_VERSION
    regard_version: str
    files: dict[str, str]
    src_vocabulary: str
    tgt_vocabulary: str
    num_parameters: int
    signature: str
    details: Details = {}

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
    if not path.is_file():
        raise CheckpointError(_not_a_model(directory))
    try:
        text = path.read_bytes()[:_LARGEST_MANIFEST].decode("utf-8")
        tree = json.loads(text)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: not valid JSON ({error}): copy the model again, or train again") from None
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
        faults = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise CheckpointError(f"{where}: damaged: {faults}; copy the model again, or train again") from None
    names = set(manifest.files)
    if names not in ({CONFIG, WEIGHTS, *SHARED_SUBWORD}, {CONFIG, WEIGHTS, *SEPARATE_SUBWORDS}):
        raise CheckpointError(
            f"{where}: lists the files {', '.join(sorted(names))}, but a model has {CONFIG}, {WEIGHTS} and "
            f"{SHARED_SUBWORD[0]} (or {' and '.join(SEPARATE_SUBWORDS)}); copy the model again, or train again"
        )
    return manifest


def write_signature(config: Config, *, vocab_sizes: tuple[int, int], num_parameters: int, weights_sha256: str) -> str:
    """Says which model a score belongs to, in the manner of sacreBLEU's signatures.

    Args:
        config: The resolved configuration.
        vocab_sizes: Subwords of source and target.
        num_parameters: Trained numbers.
        weights_sha256: Hash of the weights' file.

    Returns:
        `key:value` parts joined by `|`; `c` and `w` begin the hashes of configuration and weights.
    """
    sizes = str(vocab_sizes[0]) if config.subword.shared else f"{vocab_sizes[0]}-{vocab_sizes[1]}"
    parts = {
        "regard": version("regard"),
        "model": _architecture(config),
        "params": str(num_parameters),
        "vocab": f"{config.subword.kind}-{sizes}",
        "seed": str(config.train.seed),
        "c": hashlib.sha256(dump_config(config).encode()).hexdigest()[:8],
        "w": weights_sha256[:8],
    }
    return "|".join(f"{key}:{value}" for key, value in parts.items())


def _architecture(config: Config) -> str:
    model = config.model
    if isinstance(model, RNNConfig):
        score = [] if model.decoder == "plain" else [model.attention.score, *_normaliser(model.attention.normaliser)]
        return "-".join([model.decoder, *score, model.cell, str(model.hidden_size)])
    score = [model.cross_score, *_normaliser(model.normaliser)]
    return "-".join(["transformer", *score, f"{model.encoder_layers}+{model.decoder_layers}", str(model.width)])


def _normaliser(name: str) -> list[str]:
    """Named where it is not the usual one."""
    return [] if name == "softmax" else [name]


def _not_a_model(directory: Path) -> str:
    wanted = f"a directory with {MANIFEST}, {CONFIG}, {WEIGHTS} and {SHARED_SUBWORD[0]}"
    cure = "give the directory that `regard train --out` wrote"
    if not directory.exists():
        return f"{directory}: there is no such model; expected {wanted}: {cure}"
    if not directory.is_dir():
        return f"{directory}: expected a model, which is {wanted}, but this is a file: {cure}"
    names = sorted(path.name for path in directory.iterdir())
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    return f"{directory}: not a model: expected {wanted}, but there is {shown or 'nothing'}: {cure}"
