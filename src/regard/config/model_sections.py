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
    """How a query meets the keys; the same options serve every decoder."""

    score: ScoreName = "general"
    """`concat` is Luong's name of `additive`."""
    heads: Heads = 1
    size: Width | None = None
    """Width of the additive score's hidden layer; the query's width when not given."""
    window: WindowName = "global"
    window_size: Subwords = 10
    """D of Luong 2015 §3.2: any window but `global` reaches D words to each side."""
    coverage: Switch = False
    """Let past attention influence present scores (Tu et al. 2016)."""
    max_source: Subwords = 256
    """Positions that a location-based score can reach; later ones get no weight (Luong 2015, §3.1)."""
    dropout: Fraction = 0.0
    normalizer: Annotated[NormalizerName, ADDED_LATER] = "softmax"
    """What makes a distribution of the scores; `sparsemax` and `entmax15` give most positions exactly nothing."""
    sharpness: Annotated[float, NUMBER, Field(gt=0, le=1000), ADDED_LATER] = 1.0
    """β of Chorowski et al. 2015 §2.3: scores are multiplied by it before they are normalized."""
    location_filters: Annotated[int, NUMBER, Field(ge=0, le=1024), ADDED_LATER] = 0
    """k of Chorowski et al. 2015, eq. 8: filters through which the last step's weights enter the scores; 0 = none."""
    location_reach: Annotated[int, NUMBER, Field(ge=1, le=1024), ADDED_LATER] = 5
    """Positions to each side that such a filter sees."""


class ModelSection(Section):
    """What other parts of regard derive from a `[model]` section, whichever kind of model it describes.

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
        """Whether layers are LSTMs, which not every processor runs in bfloat16."""

    @property
    @abstractmethod
    def default_batch_tokens(self) -> int:
        """Padded target tokens per batch where there is plenty of text."""

    @property
    @abstractmethod
    def architecture(self) -> str:
        """Short name for signatures, such as `bahdanau-additive-gru-512`."""

    @abstractmethod
    def product_rows(self, batch_tokens: int) -> int:
        """Rows of a typical matrix product in training.

        Args:
            batch_tokens: Padded target tokens per batch.

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
    """Recurrent encoder-decoders: S1, S3-S8."""

    kind: Literal["rnn"] = "rnn"
    decoder: DecoderName = "luong"
    cell: CellName = "lstm"
    embed_size: Width = 256
    hidden_size: Width = 512
    """Width of the decoder, and of the encoder's two directions together."""
    encoder_layers: Layers = 1
    decoder_layers: Layers = 1
    bidirectional: Switch = True
    residual: Switch = False
    """Add each layer's input to its output, from the second layer on."""
    dropout: Fraction = 0.2
    input_feeding: Switch = False
    """Luong: the attentional state joins the next step's input (Luong 2015 §3.3)."""
    combine: Switch = True
    """Luong: `tanh(W_c [a; s])` before the output layer (S3); without it `[a; s]` itself (S3b)."""
    deep_output: Switch = True
    """Bahdanau: predict from state, context and last word (appendix A.2.2) rather than from the state alone."""
    tie_embeddings: Switch = True
    """Use the target embedding as the output layer's matrix."""
    export: EngineName | None = None
    """An engine that must be able to run the model: options that it lacks are refused before training."""
    attention: AttentionConfig = AttentionConfig()

    @property
    def attending_layers(self) -> int:
        """Always one, after or within the recurrence; none for the plain decoder."""
        return 0 if self.decoder == "plain" else 1

    @property
    def attention_heads(self) -> int:
        """See `ModelSection.attention_heads`."""
        return self.attention.heads

    @property
    def score_name(self) -> ScoreName:
        """See `ModelSection.score_name`."""
        return self.attention.score

    @property
    def normalizer_option(self) -> tuple[str, NormalizerName]:
        """See `ModelSection.normalizer_option`."""
        return "attention.normalizer", self.attention.normalizer

    @property
    def num_positions(self) -> int:
        """Unlimited: a recurrence has no positions."""
        return UNLIMITED

    @property
    def max_source_len(self) -> int:
        """See `ModelSection.max_source_len`."""
        return self.attention.max_source if self.attention.score == "location" else UNLIMITED

    @property
    def state_width(self) -> int:
        """See `ModelSection.state_width`."""
        return self.hidden_size

    @property
    def uses_lstm(self) -> bool:
        """See `ModelSection.uses_lstm`."""
        return self.cell == "lstm"

    @property
    def default_batch_tokens(self) -> int:
        """See `ModelSection.default_batch_tokens`."""
        return 2_048

    @property
    def architecture(self) -> str:
        """Decoder, score, normalizer if not softmax, cell and width."""
        attention = _attention_names(self) if self.has_attention else []
        return "-".join([self.decoder, *attention, self.cell, str(self.hidden_size)])

    def product_rows(self, batch_tokens: int) -> int:
        """One product per step, with one row per sentence."""
        return max(32, batch_tokens // 16)


class TransformerConfig(ModelSection):
    """The Transformer (Vaswani et al. 2017): S11."""

    kind: Literal["transformer"] = "transformer"
    width: Width = 256
    ff_size: Annotated[int, NUMBER, Field(ge=1, le=1_048_576)] = 1024
    heads: Heads = 4
    encoder_layers: Layers = 3
    decoder_layers: Layers = 3
    norm: Literal["pre", "post"] = "pre"
    position: Literal["sinusoidal", "learned", "rotary"] = "sinusoidal"
    max_positions: Subwords = 1024
    """Longest sentence that learned positions can hold."""
    activation: Literal["relu", "gelu", "silu", "swiglu"] = "relu"
    """Curve of the feed-forward networks; `silu` is Marian's swish, `swiglu` multiplies it with a second map."""
    dropout: Fraction = 0.1
    attention_dropout: Fraction = 0.0
    tie_embeddings: Switch = True
    """Use the target embedding as the output layer's matrix; with a shared vocabulary the source's too."""
    cross_score: ScoreName = "scaled-dot"
    """How target queries meet source keys; self-attention is always scaled dot."""
    normalizer: Annotated[NormalizerName, ADDED_LATER] = "softmax"
    """What makes a distribution of the scores, in cross-attention and self-attention."""
    export: EngineName | None = None
    """An engine that must be able to run the model: options that it lacks are refused before training."""
    recompute: Switch = False
    """Training computes each layer's activations a second time in the backward pass instead of keeping them: less
    memory for about a third more time (Chen et al. 2016, "sublinear memory cost")."""

    @property
    def attending_layers(self) -> int:
        """Every decoder layer attends."""
        return self.decoder_layers

    @property
    def attention_heads(self) -> int:
        """See `ModelSection.attention_heads`."""
        return self.heads

    @property
    def score_name(self) -> ScoreName:
        """Score of cross-attention; self-attention is always scaled dot."""
        return self.cross_score

    @property
    def normalizer_option(self) -> tuple[str, NormalizerName]:
        """See `ModelSection.normalizer_option`."""
        return "normalizer", self.normalizer

    @property
    def num_positions(self) -> int:
        """See `ModelSection.num_positions`."""
        return self.max_positions if self.position == "learned" else UNLIMITED

    @property
    def max_source_len(self) -> int:
        """See `ModelSection.max_source_len`."""
        return LOCATION_REACH if self.cross_score == "location" else UNLIMITED

    @property
    def state_width(self) -> int:
        """See `ModelSection.state_width`."""
        return self.width

    @property
    def uses_lstm(self) -> bool:
        """Never."""
        return False

    @property
    def default_batch_tokens(self) -> int:
        """Larger than for recurrent models: a Transformer learns badly from small batches."""
        return 4_096

    @property
    def architecture(self) -> str:
        """Score, normalizer if not softmax, layers and width."""
        layers = f"{self.encoder_layers}+{self.decoder_layers}"
        return "-".join(["transformer", *_attention_names(self), layers, str(self.width)])

    def product_rows(self, batch_tokens: int) -> int:
        """All tokens of a batch at once; more rows than these take the same time per row."""
        return min(batch_tokens, 2_048)


def _attention_names(model: ModelSection) -> list[str]:
    """Score and normalizer as a signature names them: softmax is not named."""
    _, normalizer = model.normalizer_option
    return [model.score_name] if normalizer == "softmax" else [model.score_name, normalizer]


ModelConfig = Annotated[RNNConfig | TransformerConfig, Field(discriminator="kind")]
