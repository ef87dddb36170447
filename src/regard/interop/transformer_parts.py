"""Checks that a Transformer consists of known modules before its weights are exported to another toolkit."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from regard.attention.kernels import masked_softmax
from regard.attention.multi import MultiHeadAttention
from regard.attention.scores import ScaledDotScore
from regard.config.schema import EngineName, TransformerConfig
from regard.interop.activations import activation_function, check_gelu
from regard.interop.part_table import PartTable, entry_of, exact
from regard.model.embed import Embedder, LearnedPositions, NoPositions, Positions, SinusoidalPositions
from regard.model.seq2seq import Seq2Seq
from regard.model.sublayers import RESIDUALS, FeedForward, Residual, SwiGLU
from regard.model.transformer import DecoderLayer, EncoderLayer, TransformerDecoder, TransformerEncoder
from regard.native.dropout import ReLUDropout
from regard.native.linear import Linear

_POSITIONS: dict[str, type[Positions]] = {
    "sinusoidal": SinusoidalPositions,
    "learned": LearnedPositions,
    "rotary": NoPositions,
}
_LAST_NORMS: dict[str, type[nn.Module]] = {"pre": nn.LayerNorm, "post": nn.Identity}
_ACTIVATIONS: dict[str, type[nn.Module] | None] = {
    "relu": ReLUDropout,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "swiglu": None,
}
"""Class of the activation function in a feed-forward network, by `model.activation`; None for a gated network."""


@dataclass(frozen=True, slots=True)
class TransformerParts:
    """Encoder, decoder and layers of a Transformer, each checked to be of the class named here, not of a subclass.

    Attributes:
        encoder: The encoder, a `TransformerEncoder`.
        decoder: The decoder, a `TransformerDecoder`.
        encoder_layers: Layers of the encoder, each an `EncoderLayer`; the first reads the embeddings.
        decoder_layers: Layers of the decoder, each a `DecoderLayer`; the first reads the embeddings.
    """

    encoder: TransformerEncoder
    decoder: TransformerDecoder
    encoder_layers: tuple[EncoderLayer, ...]
    decoder_layers: tuple[DecoderLayer, ...]


def transformer_parts(encoder: nn.Module, decoder: nn.Module, *, engine: EngineName) -> TransformerParts:
    """Checks the classes of a Transformer's encoder, decoder and layers, and returns these modules.

    Args:
        encoder: Encoder of the model.
        decoder: Decoder of the model.
        engine: Engine that is to run the model, for messages.

    Returns:
        Encoder, decoder and layers.

    Raises:
        ConfigError: The class of a module is not exactly `TransformerEncoder`, `TransformerDecoder`, `EncoderLayer` or
            `DecoderLayer`; subclasses are refused too, because they may compute something else.
    """
    own_encoder = exact(encoder, TransformerEncoder, engine=engine, family="encoder")
    own_decoder = exact(decoder, TransformerDecoder, engine=engine, family="decoder")
    return TransformerParts(
        own_encoder,
        own_decoder,
        tuple(exact(layer, EncoderLayer, engine=engine, family="encoder layer") for layer in own_encoder.layers),
        tuple(exact(layer, DecoderLayer, engine=engine, family="decoder layer") for layer in own_decoder.layers),
    )


def check_transformer(model: Seq2Seq, config: TransformerConfig, *, engine: EngineName) -> TransformerParts:
    """Checks that a Transformer consists of exactly the modules that its configuration describes.

    Another engine gets only weights and configuration, so it would replace any other module by a standard one.

    Args:
        model: The model.
        config: The `[model]` section of the model's configuration, which must name scaled-dot attention and softmax.
        engine: Engine to which the weights will be exported, for messages.

    Returns:
        Encoder, decoder and layers.

    Raises:
        ConfigError: A module is of another class, or of a subclass; the message names the class.
    """
    exact(model, Seq2Seq, engine=engine, family="model")
    parts = transformer_parts(model.encoder, model.decoder, engine=engine)
    check = _Check(config, engine)
    for side in (parts.encoder, parts.decoder):
        check.embedder(side.embedder)
        exact(side.norm, check.last_norm, engine=engine, family="last normalization")
    for encoder_layer in parts.encoder_layers:
        check.attention(encoder_layer.self_attention)
        check.residuals(encoder_layer.around_attention, encoder_layer.around_feed_forward)
        check.feed_forward(encoder_layer.feed_forward)
    for layer in parts.decoder_layers:
        check.attention(layer.self_attention)
        check.attention(layer.cross_attention)
        check.residuals(layer.around_self, layer.around_cross, layer.around_feed_forward)
        check.feed_forward(layer.feed_forward)
    return parts


class _Check:
    """Expected types of one configuration."""

    def __init__(self, config: TransformerConfig, engine: EngineName) -> None:
        self._engine = engine
        self._positions = entry_of(_POSITIONS, config.position, engine=engine, option="position")
        self._residual = entry_of(RESIDUALS, config.norm, engine=engine, option="norm")
        self.last_norm = entry_of(_LAST_NORMS, config.norm, engine=engine, option="norm")
        self._function = entry_of(_ACTIVATIONS, config.activation, engine=engine, option="activation")

    def embedder(self, embedder: nn.Module) -> None:
        own = exact(embedder, Embedder, engine=self._engine, family="embedder")
        exact(own.embedding, nn.Embedding, engine=self._engine, family="embedding")
        exact(own.positions, self._positions, engine=self._engine, family="position encoding")

    def attention(self, attention: nn.Module) -> None:
        own = exact(attention, MultiHeadAttention, engine=self._engine, family="attention")
        exact(own.score, ScaledDotScore, engine=self._engine, family="score")
        PartTable(self._engine, "normalizer", {masked_softmax: None}).find(own.normalizer)
        self._linears(own.query_map, own.key_map, own.value_map, own.output_map)

    def residuals(self, *residuals: Residual) -> None:
        for residual in residuals:
            own = exact(residual, self._residual, engine=self._engine, family="residual connection")
            exact(own.norm, nn.LayerNorm, engine=self._engine, family="normalization")

    def feed_forward(self, network: nn.Module) -> None:
        if self._function is None:
            gated = exact(network, SwiGLU, engine=self._engine, family="feed-forward network")
            self._linears(gated.gate, gated.widen, gated.narrow)
            return
        plain = exact(network, FeedForward, engine=self._engine, family="feed-forward network")
        self._linears(plain.widen, plain.narrow)
        function = activation_function(plain.activation)
        check_gelu(exact(function, self._function, engine=self._engine, family="activation"), engine=self._engine)

    def _linears(self, *modules: nn.Module) -> None:
        for module in modules:
            PartTable(self._engine, "linear layer", {Linear: None, nn.Linear: None}).find(module)
