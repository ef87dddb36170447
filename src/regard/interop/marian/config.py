"""The settings of Hugging Face's MarianMT: what is read of them, and what regard makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from regard.config.schema import TransformerConfig
from regard.errors import CheckpointError, ConfigError
from regard.files.json_text import validation_messages
from regard.interop.foreign_json import read_object

CONFIG, GENERATION = "config.json", "generation_config.json"
ACTIVATIONS = {"relu": "relu", "gelu": "gelu", "swish": "silu", "silu": "silu"}
"""Regard's names of their curves."""
LONGEST = 1_000_000
"""Positions that a model may say it has: they are computed, so that no file would contradict more."""
NATIVE = (
    "an .npz holds a model of Marian itself: convert it with convert_marian_to_pytorch.py of transformers, and give "
    "what that wrote"
)
"""What to do about a model that transformers does not read either."""
_SHOWN = 5
_MOST = 1 << 20

SettingsT = TypeVar("SettingsT", bound=BaseModel)


class MarianSearch(BaseModel):
    """How a MarianMT translates where nobody says.

    Attributes:
        num_beams: Width of the beam that its authors chose; newer ones say so in generation_config.json.
        length_penalty: Theirs, an exponent of the length.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, allow_inf_nan=False)

    num_beams: int = Field(4, ge=1, le=1000)
    length_penalty: float = Field(1.0, ge=0, le=10)


class MarianConfig(MarianSearch):
    """What is read of a MarianMT's config.json; defaults are those of transformers.

    Attributes:
        vocab_size: Source ids; both sides' where they share one vocabulary.
        decoder_vocab_size: Target ids; as many as of the source when not given.
        d_model: Width of the states.
        encoder_layers: Layers of the encoder.
        decoder_layers: Layers of the decoder.
        encoder_attention_heads: Heads of the encoder.
        decoder_attention_heads: Heads of the decoder.
        encoder_ffn_dim: Width of the encoder's feed-forward networks.
        decoder_ffn_dim: Width of the decoder's.
        activation_function: Their curve.
        scale_embedding: Whether embeddings are multiplied with the root of the width.
        tie_word_embeddings: Whether the output layer is the target embedding.
        share_encoder_decoder_embeddings: Whether there is one embedding for both sides.
        max_position_embeddings: Longest text, with its eos.
        pad_token_id: Id of the padding.
        eos_token_id: Id of the end.
        decoder_start_token_id: Id that a translation begins with; the padding when not given.
        dropout: As it was trained.
        attention_dropout: As it was trained.
    """

    model_type: Literal["marian"]
    vocab_size: int = Field(ge=4)
    decoder_vocab_size: int | None = Field(None, ge=4)
    d_model: int = Field(1024, ge=2, multiple_of=2)
    encoder_layers: int = Field(12, ge=1)
    decoder_layers: int = Field(12, ge=1)
    encoder_attention_heads: int = Field(16, ge=1)
    decoder_attention_heads: int = Field(16, ge=1)
    encoder_ffn_dim: int = Field(4096, ge=1)
    decoder_ffn_dim: int = Field(4096, ge=1)
    activation_function: str = "gelu"
    scale_embedding: bool = False
    tie_word_embeddings: bool = True
    share_encoder_decoder_embeddings: bool = True
    max_position_embeddings: int = Field(1024, ge=2, le=LONGEST)
    pad_token_id: int = Field(58100, ge=0)
    eos_token_id: int = Field(0, ge=0)
    decoder_start_token_id: int | None = Field(None, ge=0)
    dropout: float = Field(0.1, ge=0, lt=1)
    attention_dropout: float = Field(0.0, ge=0, lt=1)

    @property
    def tgt_vocab_size(self) -> int:
        """Target ids."""
        return self.vocab_size if self.decoder_vocab_size is None else self.decoder_vocab_size

    @property
    def start(self) -> int:
        """Id that a translation begins with."""
        return self.pad_token_id if self.decoder_start_token_id is None else self.decoder_start_token_id


def read_config(directory: Path) -> tuple[MarianConfig, MarianSearch]:
    """Reads both files of settings.

    Args:
        directory: Where config.json is, and perhaps generation_config.json.

    Returns:
        The model's settings, and how it searches.

    Raises:
        CheckpointError: A file is missing, damaged, contradicts itself, or is not a MarianMT's.
    """
    path, searching = directory / CONFIG, directory / GENERATION
    _check_directory(directory)
    tree = read_object(path, wanted="the configuration of a MarianMT model", most=_MOST)
    config = _parsed(MarianConfig, tree, path, "the configuration of a MarianMT model")
    _check(config, path)
    search: MarianSearch = config
    if searching.exists() or searching.is_symlink():
        wanted = "how a MarianMT model searches"
        said = read_object(searching, wanted=wanted, most=_MOST)
        known = {"num_beams": config.num_beams, "length_penalty": config.length_penalty}
        search = _parsed(MarianSearch, {**known, **_given(said)}, searching, wanted)
    return config, search


def to_model_config(theirs: MarianConfig) -> TransformerConfig:
    """The `[model]` section of regard's.

    Args:
        theirs: What was read, and found possible.

    Returns:
        A post-norm Transformer with sinusoidal positions.
    """
    return TransformerConfig.model_validate(
        {
            "width": theirs.d_model,
            "ff_size": theirs.encoder_ffn_dim,
            "heads": theirs.encoder_attention_heads,
            "encoder_layers": theirs.encoder_layers,
            "decoder_layers": theirs.decoder_layers,
            "norm": "post",
            "position": "sinusoidal",
            "activation": ACTIVATIONS[theirs.activation_function],
            "dropout": theirs.dropout,
            "attention_dropout": theirs.attention_dropout,
            # Without the factor on embeddings, ours are smaller by it and the output layer is not one of them.
            "tie_embeddings": theirs.tie_word_embeddings and theirs.scale_embedding,
        }
    )


def _check_directory(directory: Path) -> None:
    wanted = f"a directory of transformers with a MarianMT model, and {CONFIG} in it"
    if not directory.is_dir():
        found = "a file" if directory.exists() else "nothing"
        own = NATIVE if directory.suffix == ".npz" else "check the name"
        raise CheckpointError(f"{directory}: expected {wanted}, found {found}: {own}")
    path = directory / CONFIG
    if not (path.exists() or path.is_symlink()):
        names = sorted(one.name for one in directory.iterdir())
        own = NATIVE if any(name.endswith(".npz") for name in names) else "check the name, or copy the whole directory"
        raise CheckpointError(f"{path}: no such file: expected {wanted}: {own}")


def _given(tree: dict[str, object]) -> dict[str, object]:
    """What is said of a file: null stands for nothing."""
    return {key: value for key, value in tree.items() if value is not None}


def _parsed(kind: type[SettingsT], tree: dict[str, object], path: Path, wanted: str) -> SettingsT:
    try:
        return kind.model_validate(_given(tree))
    except ValidationError as error:
        found = validation_messages(error)
        more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        told = "; ".join(found[:_SHOWN]) + more
        raise CheckpointError(f"{path}: expected {wanted}: {told}; copy the directory again") from None


def _check(theirs: MarianConfig, path: Path) -> None:
    """Refuses what contradicts itself, and what regard has no place for."""
    for what, one, other in (
        ("number of heads", theirs.encoder_attention_heads, theirs.decoder_attention_heads),
        ("feed-forward width", theirs.encoder_ffn_dim, theirs.decoder_ffn_dim),
    ):
        if one != other:
            raise ConfigError(f"{path}: regard has one {what} for both sides, but this model has {one} and {other}")
    curve = theirs.activation_function
    if curve not in ACTIVATIONS:
        raise ConfigError(f"{path}: expected an activation_function of {', '.join(ACTIVATIONS)}, got {curve[:40]!r}")
    if theirs.d_model % theirs.encoder_attention_heads:
        raise CheckpointError(
            f"{path}: expected a d_model that encoder_attention_heads divides, got {theirs.d_model} and "
            f"{theirs.encoder_attention_heads}; copy the directory again"
        )
    if theirs.share_encoder_decoder_embeddings and theirs.tgt_vocab_size != theirs.vocab_size:
        raise CheckpointError(
            f"{path}: one embedding for both sides has one number of rows, but vocab_size is {theirs.vocab_size} and "
            f"decoder_vocab_size {theirs.tgt_vocab_size}; copy the directory again"
        )
