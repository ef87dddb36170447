"""The `[model]` section: one class per kind of model, and what other packages derive from it."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Literal

from pydantic import Field

from regard.config.section import ADDED_LATER, NUMBER, Fraction, Heads, Layers, Section, Subwords, Switch, Width

ScoreName = Literal["dot", "scaled-dot", "general", "additive", "concat", "location", "cosine"]
WindowName = Literal["global", "local-m", "local-p", "median", "mean"]
NormalizerName = Literal["softmax", "sparsemax", "entmax15", "smooth"]
CellName = Literal["rnn", "gru", "lstm"]
DecoderName = Literal["plain", "luong", "bahdanau"]
EngineName = Literal["ctranslate2", "marian", "onnx"]

UNLIMITED = 1_000_000_000
"""A number of positions without a limit: more than any sentence has."""
LOCATION_REACH = 256
"""Source positions, eos included, that location-based cross-attention of a Transformer reaches."""


class AttentionConfig(Section):
    """Options of attention in recurrent decoders."""

    score: ScoreName = "general"
    """Score function; `concat` is Luong's name for `additive`."""
    heads: Heads = 1
    size: Width | None = None
    """Width of the additive score's hidden layer; by default, the query's width."""
    window: WindowName = "global"
    window_size: Subwords = 10
    """D of Luong et al. 2015, §3.2: every window but `global` covers D positions to each side of its center."""
    coverage: Switch = False
    """Coverage model: attention of earlier steps enters the scores (Tu et al. 2016)."""
    max_source: Subwords = 256
    """Source positions that a location-based score covers; later ones get no weight (Luong et al. 2015, eq. 7)."""
    dropout: Fraction = 0.0
    normalizer: Annotated[NormalizerName, ADDED_LATER] = "softmax"
    """Turns scores into weights; `sparsemax` and `entmax15` give most positions a weight of exactly zero."""
    sharpness: Annotated[float, NUMBER, Field(gt=0, le=1000), ADDED_LATER] = 1.0
    """β of Chorowski et al. 2015, §2.3: factor on the scores before normalization."""
    location_filters: Annotated[int, NUMBER, Field(ge=0, le=1024), ADDED_LATER] = 0
    """k of Chorowski et al. 2015, eq. 8: number of filters over the previous step's weights; 0 = none."""
    location_reach: Annotated[int, NUMBER, Field(ge=1, le=1024), ADDED_LATER] = 5
    """Positions that such a filter covers to each side."""


class ModelSection(Section):
    """Base class of `[model]` sections: the facts about a model that other packages ask for.

    Properties are not options: they are neither written to TOML nor part of a fingerprint.
    """

    @property
    @abstractmethod
    def attending_layers(self) -> int:
        """Decoder layers that attend to the source; 0 for a model without attention."""

    @property
    @abstractmethod
    def attention_heads(self) -> int:
        """Heads per attending layer."""

    @property
    @abstractmethod
    def score_name(self) -> ScoreName:
        """Score of the attention to the source."""

    @property
    @abstractmethod
    def normalizer_option(self) -> tuple[str, NormalizerName]:
        """Key, within `[model]`, and value of the option that normalizes the scores."""

    @property
    @abstractmethod
    def num_positions(self) -> int:
        """Longest sentence on either side, in subwords with eos; `UNLIMITED` without learned positions."""

    @property
    @abstractmethod
    def max_source_len(self) -> int:
        """Source positions, eos included, that can be attended to; `UNLIMITED` without a location-based score."""

    @property
    @abstractmethod
    def state_width(self) -> int:
        """Width of the decoder's states."""

    @property
    @abstractmethod
    def uses_lstm(self) -> bool:
        """Whether layers are LSTMs, which some CPUs cannot run in bfloat16."""

    @property
    @abstractmethod
    def default_batch_tokens(self) -> int:
        """Padded tokens per batch for a corpus that is large enough."""

    @property
    @abstractmethod
    def architecture(self) -> str:
        """Short name for signatures, such as `bahdanau-additive-gru-512`."""

    @abstractmethod
    def product_rows(self, batch_tokens: int) -> int:
        """Rows of a typical matrix product in training.

        Args:
            batch_tokens: Padded tokens per batch.

        Returns:
            Number of rows, for timing products of this size.
        """

    @property
    def has_attention(self) -> bool:
        """Whether the decoder attends to the source at all."""
        return self.attending_layers > 0

    @property
    def num_attention_matrices(self) -> int:
        """Attention matrices per sentence pair: one per head of each attending layer."""
        return self.attending_layers * self.attention_heads


class RNNConfig(ModelSection):
    """Recurrent encoder-decoder without attention, or with attention of Bahdanau et al. 2015 or Luong et al. 2015."""

    kind: Literal["rnn"] = "rnn"
    decoder: DecoderName = "luong"
    cell: CellName = "lstm"
    embed_size: Width = 256
    hidden_size: Width = 512
    """Width of the decoder, and of the encoder (both directions together)."""
    encoder_layers: Layers = 1
    decoder_layers: Layers = 1
    bidirectional: Switch = True
    residual: Switch = False
    """Residual connections from the second layer on."""
    dropout: Fraction = 0.2
    input_feeding: Switch = False
    """Luong: the attentional state is part of the next step's input (Luong et al. 2015, §3.3)."""
    combine: Switch = True
    """Luong: feed `tanh(W_c [a; s])` to the output layer (Luong et al. 2015, eq. 5); otherwise `[a; s]` itself."""
    deep_output: Switch = True
    """Bahdanau: predict from state, context and previous word (appendix A.2.2), not from the state alone."""
    tie_embeddings: Switch = True
    """Use the target embedding as the output layer's weight matrix."""
    export: EngineName | None = None
    """Engine that must be able to run the model; options that it does not support are refused before training."""
    attention: AttentionConfig = AttentionConfig()

    @property
    def attending_layers(self) -> int:
        """One, or none for the plain decoder."""
        return 0 if self.decoder == "plain" else 1

    @property
    def attention_heads(self) -> int:
        """Heads of the only attention; see `ModelSection.attention_heads`."""
        return self.attention.heads

    @property
    def score_name(self) -> ScoreName:
        """`attention.score`; see `ModelSection.score_name`."""
        return self.attention.score

    @property
    def normalizer_option(self) -> tuple[str, NormalizerName]:
        """`attention.normalizer`; see `ModelSection.normalizer_option`."""
        return "attention.normalizer", self.attention.normalizer

    @property
    def num_positions(self) -> int:
        """Unlimited: recurrent models have no positions."""
        return UNLIMITED

    @property
    def max_source_len(self) -> int:
        """`attention.max_source` for a location-based score; see `ModelSection.max_source_len`."""
        return self.attention.max_source if self.attention.score == "location" else UNLIMITED

    @property
    def state_width(self) -> int:
        """`hidden_size`; see `ModelSection.state_width`."""
        return self.hidden_size

    @property
    def uses_lstm(self) -> bool:
        """Whether `cell` is `lstm`; see `ModelSection.uses_lstm`."""
        return self.cell == "lstm"

    @property
    def default_batch_tokens(self) -> int:
        """2,048; see `ModelSection.default_batch_tokens`."""
        return 2_048

    @property
    def architecture(self) -> str:
        """Decoder, score, normalizer unless it is softmax, cell and width."""
        attention = _attention_names(self) if self.has_attention else []
        return "-".join([self.decoder, *attention, self.cell, str(self.hidden_size)])

    def product_rows(self, batch_tokens: int) -> int:
        """One product per step, with one row per sentence."""
        return max(32, batch_tokens // 16)


class TransformerConfig(ModelSection):
    """Transformer (Vaswani et al. 2017)."""

    kind: Literal["transformer"] = "transformer"
    width: Width = 256
    ff_size: Annotated[int, NUMBER, Field(ge=1, le=1_048_576)] = 1024
    heads: Heads = 4
    encoder_layers: Layers = 3
    decoder_layers: Layers = 3
    norm: Literal["pre", "post"] = "pre"
    position: Literal["sinusoidal", "learned", "rotary"] = "sinusoidal"
    max_positions: Subwords = 1024
    """Longest sentence, in subwords with eos, for learned positions."""
    activation: Literal["relu", "gelu", "silu", "swiglu"] = "relu"
    """Activation of the feed-forward networks; `silu` is Marian's swish, `swiglu` is a gated linear unit with it."""
    dropout: Fraction = 0.1
    attention_dropout: Fraction = 0.0
    tie_embeddings: Switch = True
    """Use the target embedding as the output layer's matrix, and as source embedding if the vocabulary is shared."""
    cross_score: ScoreName = "scaled-dot"
    """Score of cross-attention; self-attention always uses the scaled dot product."""
    normalizer: Annotated[NormalizerName, ADDED_LATER] = "softmax"
    """Turns scores into weights, in cross-attention and self-attention."""
    export: EngineName | None = None
    """Engine that must be able to run the model; options that it does not support are refused before training."""
    recompute: Switch = False
    """Activation checkpointing: training recomputes each layer's activations in the backward pass, which saves memory
    and takes about a third more time (Chen et al. 2016, "sublinear memory cost")."""

    @property
    def attending_layers(self) -> int:
        """All decoder layers."""
        return self.decoder_layers

    @property
    def attention_heads(self) -> int:
        """`heads`; see `ModelSection.attention_heads`."""
        return self.heads

    @property
    def score_name(self) -> ScoreName:
        """Score of cross-attention."""
        return self.cross_score

    @property
    def normalizer_option(self) -> tuple[str, NormalizerName]:
        """`normalizer`; see `ModelSection.normalizer_option`."""
        return "normalizer", self.normalizer

    @property
    def num_positions(self) -> int:
        """`max_positions` for learned positions; see `ModelSection.num_positions`."""
        return self.max_positions if self.position == "learned" else UNLIMITED

    @property
    def max_source_len(self) -> int:
        """`LOCATION_REACH` for a location-based score; see `ModelSection.max_source_len`."""
        return LOCATION_REACH if self.cross_score == "location" else UNLIMITED

    @property
    def state_width(self) -> int:
        """`width`; see `ModelSection.state_width`."""
        return self.width

    @property
    def uses_lstm(self) -> bool:
        """Never."""
        return False

    @property
    def default_batch_tokens(self) -> int:
        """Larger than for recurrent models: Transformers learn badly from small batches."""
        return 4_096

    @property
    def architecture(self) -> str:
        """Score, normalizer unless it is softmax, layers and width."""
        layers = f"{self.encoder_layers}+{self.decoder_layers}"
        return "-".join(["transformer", *_attention_names(self), layers, str(self.width)])

    def product_rows(self, batch_tokens: int) -> int:
        """All tokens of a batch, up to a number beyond which the time per row is constant."""
        return min(batch_tokens, 2_048)


def _attention_names(model: ModelSection) -> list[str]:
    """Score and normalizer as they appear in a signature; softmax is not named."""
    _, normalizer = model.normalizer_option
    return [model.score_name] if normalizer == "softmax" else [model.score_name, normalizer]


ModelConfig = Annotated[RNNConfig | TransformerConfig, Field(discriminator="kind")]


def guided_layer(configured: int | None, num_layers: int) -> int:
    """Number of the layer that links guide.

    Args:
        configured: Number in the configuration, or None.
        num_layers: Number of layers with cross-attention.

    Returns:
        The configured number; by default the last layer but one, or the only layer.
    """
    return max(0, num_layers - 2) if configured is None else configured
