"""Options of the `[model]` section, one class per kind of model, and properties of the model computed from them."""

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
    """Options of the section `[model.attention]`: attention of recurrent decoders to the source."""

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
    """Base class of `[model]` sections, with properties of the model that other packages need.

    These properties are computed from the options. They are not options themselves: they are neither written to TOML
    nor part of a model's fingerprint.
    """

    @property
    @abstractmethod
    def attending_layers(self) -> int:
        """Number of decoder layers that attend to the source; 0 for a model without attention."""

    @property
    @abstractmethod
    def attention_heads(self) -> int:
        """Number of attention heads in each decoder layer that attends to the source."""

    @property
    @abstractmethod
    def score_name(self) -> ScoreName:
        """Name of the score function with which the decoder attends to the source, such as `additive`."""

    @property
    @abstractmethod
    def normalizer_option(self) -> tuple[str, NormalizerName]:
        """The option that selects how scores become attention weights: its key within `[model]`, and its value."""

    @property
    @abstractmethod
    def num_positions(self) -> int:
        """Largest source or target length, in subwords with eos; `UNLIMITED` without learned positions."""

    @property
    @abstractmethod
    def max_source_len(self) -> int:
        """Number of source positions, eos included, that can be attended to; `UNLIMITED` without a location score."""

    @property
    @abstractmethod
    def state_width(self) -> int:
        """Width of the decoder's hidden states."""

    @property
    @abstractmethod
    def uses_lstm(self) -> bool:
        """Whether the model has LSTM layers, which some CPUs cannot run in bfloat16."""

    @property
    @abstractmethod
    def default_batch_tokens(self) -> int:
        """Default of `train.batch_tokens`, the largest batch in tokens with padding; halved for small corpora."""

    @property
    @abstractmethod
    def architecture(self) -> str:
        """Short description of the model, such as `bahdanau-additive-gru-512`, for the signature of a stored model."""

    @abstractmethod
    def product_rows(self, batch_tokens: int) -> int:
        """Number of input rows of a typical matrix product in training, for a speed test.

        Before training, products of this size are timed in float32 and in bfloat16, to choose the faster type.

        Args:
            batch_tokens: Batch size in tokens, with padding.

        Returns:
            Number of rows.
        """

    @property
    def has_attention(self) -> bool:
        """Whether the decoder attends to the source at all."""
        return self.attending_layers > 0

    @property
    def num_attention_matrices(self) -> int:
        """Number of attention matrices (target x source) per sentence pair: one per head of each attending layer."""
        return self.attending_layers * self.attention_heads


class RNNConfig(ModelSection):
    """Options of recurrent models, without attention or with that of Bahdanau et al. 2015 or Luong et al. 2015."""

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
        """Number of decoder layers that attend to the source: 1, or 0 for the plain decoder."""
        return 0 if self.decoder == "plain" else 1

    @property
    def attention_heads(self) -> int:
        """Number of attention heads, the option `attention.heads`. See `ModelSection.attention_heads`."""
        return self.attention.heads

    @property
    def score_name(self) -> ScoreName:
        """Name of the attention's score function, the option `attention.score`. See `ModelSection.score_name`."""
        return self.attention.score

    @property
    def normalizer_option(self) -> tuple[str, NormalizerName]:
        """Key `attention.normalizer` and its value, such as `softmax`: how scores become attention weights."""
        return "attention.normalizer", self.attention.normalizer

    @property
    def num_positions(self) -> int:
        """Largest sentence length: `UNLIMITED`, since recurrent models have no position embeddings."""
        return UNLIMITED

    @property
    def max_source_len(self) -> int:
        """Number of source positions that the attention covers: `attention.max_source` with a location-based score.

        `UNLIMITED` with any other score. See `ModelSection.max_source_len`.
        """
        return self.attention.max_source if self.attention.score == "location" else UNLIMITED

    @property
    def state_width(self) -> int:
        """Width of the decoder's hidden states, the option `hidden_size`. See `ModelSection.state_width`."""
        return self.hidden_size

    @property
    def uses_lstm(self) -> bool:
        """Whether the option `cell` is `lstm`. See `ModelSection.uses_lstm`."""
        return self.cell == "lstm"

    @property
    def default_batch_tokens(self) -> int:
        """Default batch size of recurrent models, 2,048 tokens. See `ModelSection.default_batch_tokens`."""
        return 2_048

    @property
    def architecture(self) -> str:
        """Short description of the model: decoder, attention score, normalizer unless it is softmax, cell and width."""
        attention = _attention_names(self) if self.has_attention else []
        return "-".join([self.decoder, *attention, self.cell, str(self.hidden_size)])

    def product_rows(self, batch_tokens: int) -> int:
        """Number of rows of one time step's matrix product, for a speed test: one per sentence of the batch.

        A sentence is taken to have 16 tokens, and a batch at least 32 sentences. See `ModelSection.product_rows`.
        """
        return max(32, batch_tokens // 16)


class TransformerConfig(ModelSection):
    """Options of Transformer models (Vaswani et al. 2017)."""

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
        """Number of decoder layers that attend to the source: all of them, the option `decoder_layers`."""
        return self.decoder_layers

    @property
    def attention_heads(self) -> int:
        """Number of attention heads per layer, the option `heads`. See `ModelSection.attention_heads`."""
        return self.heads

    @property
    def score_name(self) -> ScoreName:
        """Name of the score function of cross-attention, the option `cross_score`. See `ModelSection.score_name`."""
        return self.cross_score

    @property
    def normalizer_option(self) -> tuple[str, NormalizerName]:
        """Key `normalizer` and its value, such as `softmax`: how scores become attention weights."""
        return "normalizer", self.normalizer

    @property
    def num_positions(self) -> int:
        """Largest sentence length: `max_positions` with learned position embeddings, otherwise `UNLIMITED`.

        See `ModelSection.num_positions`.
        """
        return self.max_positions if self.position == "learned" else UNLIMITED

    @property
    def max_source_len(self) -> int:
        """Number of source positions that cross-attention covers: 256 (`LOCATION_REACH`) with a location-based score.

        `UNLIMITED` with any other score. See `ModelSection.max_source_len`.
        """
        return LOCATION_REACH if self.cross_score == "location" else UNLIMITED

    @property
    def state_width(self) -> int:
        """Width of the decoder's hidden states, the option `width`. See `ModelSection.state_width`."""
        return self.width

    @property
    def uses_lstm(self) -> bool:
        """False: a Transformer has no LSTM layers."""
        return False

    @property
    def default_batch_tokens(self) -> int:
        """Default batch size of Transformers: 4,096 tokens with padding.

        This is larger than for recurrent models, because Transformers learn badly from small batches.
        """
        return 4_096

    @property
    def architecture(self) -> str:
        """Short description of the model: attention score, normalizer unless it is softmax, layers and width."""
        layers = f"{self.encoder_layers}+{self.decoder_layers}"
        return "-".join(["transformer", *_attention_names(self), layers, str(self.width)])

    def product_rows(self, batch_tokens: int) -> int:
        """Number of input rows for the speed test of matrix products: all tokens of a batch, but at most 2048.

        A test with more rows would give the same time per row. See `ModelSection.product_rows`.
        """
        return min(batch_tokens, 2_048)


def _attention_names(model: ModelSection) -> list[str]:
    """Score and normalizer as they appear in a signature; softmax is not named."""
    _, normalizer = model.normalizer_option
    return [model.score_name] if normalizer == "softmax" else [model.score_name, normalizer]


ModelConfig = Annotated[RNNConfig | TransformerConfig, Field(discriminator="kind")]


def guided_layer(configured: int | None, num_layers: int) -> int:
    """Finds the decoder layer in which an attention head is trained to attend along given word links.

    Args:
        configured: Value of the option `train.guided_layer`; None = use the default.
        num_layers: Number of decoder layers with cross-attention.

    Returns:
        0-based index of the layer: `configured`, or by default the second-to-last layer (0 if there is only one layer).
    """
    return max(0, num_layers - 2) if configured is None else configured
