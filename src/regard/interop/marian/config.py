"""Reads configuration files of Hugging Face's MarianMT, and converts them to regard's configuration."""

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
"""Activation functions: regard's name by MarianMT's name."""
MAX_POSITIONS = 1_000_000
"""Largest accepted max_position_embeddings; position encodings are computed, so the size of no tensor limits it."""
NATIVE = (
    "an .npz file is a model of Marian itself: convert it with convert_marian_to_pytorch.py of transformers, and give "
    "the directory that it writes"
)
"""What to do with a model in Marian's own format; ends error messages."""
_MAX_FAULTS = 5
_MAX_BYTES = 1 << 20

SettingsT = TypeVar("SettingsT", bound=BaseModel)


class MarianSearch(BaseModel):
    """Default search options of a MarianMT model.

    Attributes:
        num_beams: Beam width; newer models have it in generation_config.json.
        length_penalty: Exponent p of the length by which scores are divided, `score / length ** p`.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True, allow_inf_nan=False)

    num_beams: int = Field(4, ge=1, le=1000)
    length_penalty: float = Field(1.0, ge=0, le=10)


class MarianConfig(MarianSearch):
    """The options of config.json that regard reads; defaults are those of transformers.

    Attributes:
        model_type: Always `marian`.
        vocab_size: Number of source ids; number of all ids if source and target share a vocabulary.
        decoder_vocab_size: Number of target ids; None = `vocab_size`.
        d_model: Width of the hidden states.
        encoder_layers: Number of encoder layers.
        decoder_layers: Number of decoder layers.
        encoder_attention_heads: Number of attention heads per encoder layer.
        decoder_attention_heads: Number of attention heads per decoder layer.
        encoder_ffn_dim: Width of the encoder's feed-forward networks.
        decoder_ffn_dim: Width of the decoder's feed-forward networks.
        activation_function: Activation function of the feed-forward networks.
        scale_embedding: Whether embeddings are multiplied by the square root of `d_model`.
        tie_word_embeddings: Whether the output matrix is the target embedding.
        share_encoder_decoder_embeddings: Whether source and target share one embedding.
        max_position_embeddings: Length of the longest sentence in subwords, including eos.
        pad_token_id: Id of padding.
        eos_token_id: Id of eos.
        decoder_start_token_id: Id of the decoder's first input; None = `pad_token_id`.
        dropout: Dropout probability in training.
        attention_dropout: Dropout probability of attention weights in training.
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
    max_position_embeddings: int = Field(1024, ge=2, le=MAX_POSITIONS)
    pad_token_id: int = Field(58100, ge=0)
    eos_token_id: int = Field(0, ge=0)
    decoder_start_token_id: int | None = Field(None, ge=0)
    dropout: float = Field(0.1, ge=0, lt=1)
    attention_dropout: float = Field(0.0, ge=0, lt=1)

    @property
    def tgt_vocab_size(self) -> int:
        """Number of target ids."""
        return self.vocab_size if self.decoder_vocab_size is None else self.decoder_vocab_size

    @property
    def start(self) -> int:
        """Id of the decoder's first input."""
        return self.pad_token_id if self.decoder_start_token_id is None else self.decoder_start_token_id


def read_config(directory: Path) -> tuple[MarianConfig, MarianSearch]:
    """Reads config.json and, if it exists, generation_config.json of a MarianMT model.

    Args:
        directory: Directory of the model.

    Returns:
        Configuration of the model, and default search options.

    Raises:
        CheckpointError: A file is missing, damaged or contradictory, or belongs to another kind of model.
        ConfigError: The model has an option that regard does not support.
    """
    path, generation_path = directory / CONFIG, directory / GENERATION
    _check_directory(directory)
    tree = read_object(path, expected="the configuration of a MarianMT model", max_bytes=_MAX_BYTES)
    config = _parsed(MarianConfig, tree, path, "the configuration of a MarianMT model")
    _check(config, path)
    search: MarianSearch = config
    if generation_path.exists() or generation_path.is_symlink():
        expected = "the search options of a MarianMT model"
        options = read_object(generation_path, expected=expected, max_bytes=_MAX_BYTES)
        defaults = {"num_beams": config.num_beams, "length_penalty": config.length_penalty}
        search = _parsed(MarianSearch, {**defaults, **_without_nulls(options)}, generation_path, expected)
    return config, search


def to_model_config(marian: MarianConfig) -> TransformerConfig:
    """Converts a MarianMT configuration to the `[model]` section of regard.

    Args:
        marian: Configuration from `read_config`.

    Returns:
        `[model]` section of a post-norm Transformer with sinusoidal positions.
    """
    return TransformerConfig.model_validate(
        {
            "width": marian.d_model,
            "ff_size": marian.encoder_ffn_dim,
            "heads": marian.encoder_attention_heads,
            "encoder_layers": marian.encoder_layers,
            "decoder_layers": marian.decoder_layers,
            "norm": "post",
            "position": "sinusoidal",
            "activation": ACTIVATIONS[marian.activation_function],
            "dropout": marian.dropout,
            "attention_dropout": marian.attention_dropout,
            # Without scale_embedding, the import divides the embeddings by that factor, and the output layer differs.
            "tie_embeddings": marian.tie_word_embeddings and marian.scale_embedding,
        }
    )


def _check_directory(directory: Path) -> None:
    expected = f"a directory of transformers with a MarianMT model and its {CONFIG}"
    if not directory.is_dir():
        found = "a file" if directory.exists() else "nothing"
        advice = NATIVE if directory.suffix == ".npz" else "check the name"
        raise CheckpointError(f"{directory}: expected {expected}, found {found}: {advice}")
    path = directory / CONFIG
    if not (path.exists() or path.is_symlink()):
        is_native = any(file.name.endswith(".npz") for file in directory.iterdir())
        advice = NATIVE if is_native else "check the name, or copy the whole directory"
        raise CheckpointError(f"{path}: no such file: expected {expected}: {advice}")


def _without_nulls(tree: dict[str, object]) -> dict[str, object]:
    """Drops null values, which stand for defaults."""
    return {key: value for key, value in tree.items() if value is not None}


def _parsed(kind: type[SettingsT], tree: dict[str, object], path: Path, expected: str) -> SettingsT:
    try:
        return kind.model_validate(_without_nulls(tree))
    except ValidationError as error:
        found = validation_messages(error)
        more = f"; and {len(found) - _MAX_FAULTS} more" if len(found) > _MAX_FAULTS else ""
        message = "; ".join(found[:_MAX_FAULTS]) + more
        raise CheckpointError(
            f"{path}: expected {expected}: {message}; copy the model directory again from its source"
        ) from None


def _check(marian: MarianConfig, path: Path) -> None:
    """Refuses contradictions and options that regard does not have."""
    for option, encoder_value, decoder_value in (
        ("number of heads", marian.encoder_attention_heads, marian.decoder_attention_heads),
        ("feed-forward width", marian.encoder_ffn_dim, marian.decoder_ffn_dim),
    ):
        if encoder_value != decoder_value:
            raise ConfigError(
                f"{path}: expected the same {option} in encoder and decoder, got {encoder_value} and {decoder_value}: "
                "regard cannot import this model"
            )
    function = marian.activation_function
    if function not in ACTIVATIONS:
        raise ConfigError(
            f"{path}: expected activation_function to be one of {', '.join(ACTIVATIONS)}, got {function[:40]!r}: "
            "regard cannot import this model"
        )
    if marian.d_model % marian.encoder_attention_heads:
        raise CheckpointError(
            f"{path}: expected d_model to be a multiple of encoder_attention_heads, got d_model {marian.d_model} and "
            f"encoder_attention_heads {marian.encoder_attention_heads}; copy the model directory again from its source"
        )
    if marian.share_encoder_decoder_embeddings and marian.tgt_vocab_size != marian.vocab_size:
        raise CheckpointError(
            f"{path}: a shared embedding needs equal vocabulary sizes, but vocab_size is {marian.vocab_size} and "
            f"decoder_vocab_size {marian.tgt_vocab_size}; copy the model directory again from its source"
        )
