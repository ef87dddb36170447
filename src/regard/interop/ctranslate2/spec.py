"""Fills CTranslate2's specification of a model with the weights of a Transformer trained by regard."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from regard.attention.multi import MultiHeadAttention
from regard.config.engines import unsupported
from regard.config.schema import UNLIMITED, Config, TransformerConfig
from regard.errors import ConfigError
from regard.interop.part_table import PartTable, entry_of
from regard.interop.transformer_parts import TransformerParts, check_transformer
from regard.model.embed import Embedder, LearnedPositions, NoPositions, SinusoidalPositions
from regard.model.sublayers import FeedForward, SwiGLU
from regard.store import StoredModel
from regard.text.subword import Subword

if TYPE_CHECKING:
    from ctranslate2.specs import TransformerSpec
    from ctranslate2.specs.attention_spec import MultiHeadAttentionSpec
    from ctranslate2.specs.common_spec import LayerNormSpec, LinearSpec
    from ctranslate2.specs.transformer_spec import FeedForwardSpec, TransformerDecoderSpec, TransformerEncoderSpec

_FORBIDDEN_LOGIT = -1e4
"""Output bias of tokens that must never be generated; representable in float16."""
_MIN_POSITIONS = 512
"""Smallest number of positions in the table of sinusoidal encodings, for programs that translate longer sentences than
the model's configuration allows."""


def fill_spec(stored: StoredModel) -> TransformerSpec:
    """Converts a model to a CTranslate2 specification, which holds weights, vocabularies and settings.

    Args:
        stored: The model, on the CPU.

    Returns:
        A specification with all weights and both vocabularies, ready to be quantized and saved.

    Raises:
        ConfigError: CTranslate2 cannot run the model; the message names the unsupported options or module.
    """
    config, parts = runnable(stored)
    from ctranslate2.specs import TransformerSpec

    model = stored.model
    num_positions = max_positions(stored.config)
    encoder, decoder = empty_sides(config)
    _fill_encoder(encoder, parts, num_positions)
    _fill_decoder(decoder, parts, num_positions)
    decoder.projection.weight = model.output_weight.detach()
    # Padding and bos are never generated. Excluding them by the bias is free; in the search it costs a tenth of greedy.
    bias = model.output_bias.detach().clone()
    bias[[model.specials.pad, model.specials.bos]] = _FORBIDDEN_LOGIT
    decoder.projection.bias = bias
    spec = TransformerSpec(encoder, decoder)
    src_pieces, tgt_pieces = all_pieces(stored.src_subword), all_pieces(stored.tgt_subword)
    spec.register_source_vocabulary(list(src_pieces))
    spec.register_target_vocabulary(list(tgt_pieces))
    specials = stored.tgt_subword.specials
    spec.config.add_source_eos = True
    spec.config.bos_token, spec.config.eos_token = tgt_pieces[specials.bos], tgt_pieces[specials.eos]
    spec.config.unk_token = tgt_pieces[specials.unk]
    spec.config.decoder_start_token = tgt_pieces[specials.bos]
    spec.config.layer_norm_epsilon = 1e-5
    return spec


def runnable(stored: StoredModel) -> tuple[TransformerConfig, TransformerParts]:
    """Checks that CTranslate2 can run a model.

    Args:
        stored: The model.

    Returns:
        The model's `[model]` section, and its modules with their exact types.

    Raises:
        ConfigError: CTranslate2 cannot run the model; the message names the unsupported options or module.
    """
    config = stored.config.model
    obstacles = [f"model.{key}: {reason}" for key, reason in unsupported(config, "ctranslate2")]
    if obstacles or not isinstance(config, TransformerConfig):
        raise ConfigError(
            "CTranslate2 cannot run this model: translate with regard's own engine, or train a model with other values "
            "of these options:" + "".join(f"\n  {line}" for line in obstacles)
        )
    return config, check_transformer(stored.model, config, engine="ctranslate2")


def max_positions(config: Config) -> int:
    """Computes how many positions the exported table of position encodings needs.

    Args:
        config: The model's configuration.

    Returns:
        Length of the longest sentence that the model's search can read or generate, in subwords including bos or eos;
        at least 512 if position encodings are computed by a formula, not learned.
    """
    if config.model.num_positions < UNLIMITED:
        return config.model.num_positions
    longest = config.data.max_len + 1
    return max(_MIN_POSITIONS, longest, int(longest * config.search.max_len_ratio) + config.search.max_len_offset)


def all_pieces(subword: Subword) -> tuple[str, ...]:
    """All subwords of a vocabulary, in the order of their ids."""
    return subword.decode(range(len(subword))).pieces


def empty_sides(config: TransformerConfig) -> tuple[TransformerEncoderSpec, TransformerDecoderSpec]:
    """Makes CTranslate2 specifications of encoder and decoder, still without weights.

    Args:
        config: The `[model]` section of the configuration.

    Returns:
        The specifications of encoder and decoder.

    Raises:
        ConfigError: CTranslate2 does not support the value of an option.
    """
    return _empty_encoder(config), _empty_decoder(config)


def _empty_encoder(config: TransformerConfig) -> TransformerEncoderSpec:
    from ctranslate2.specs.transformer_spec import TransformerEncoderSpec

    return TransformerEncoderSpec(config.encoder_layers, config.heads, **_shared_options(config))


def _empty_decoder(config: TransformerConfig) -> TransformerDecoderSpec:
    from ctranslate2.specs.transformer_spec import TransformerDecoderSpec

    return TransformerDecoderSpec(
        config.decoder_layers,
        config.heads,
        **_shared_options(config),
        alignment_heads=config.heads,  # returned attention is the mean of all heads of the last layer
    )


def _shared_options(config: TransformerConfig) -> dict[str, Any]:
    activation, gated = entry_of(_ACTIVATIONS, config.activation, engine="ctranslate2", option="activation")
    return {
        "pre_norm": entry_of(_PRE_NORM, config.norm, engine="ctranslate2", option="norm"),
        "activation": _activation(activation),
        "ffn_glu": gated,
        "rotary_dim": entry_of(_ROTARY_DIM, config.position, engine="ctranslate2", option="position"),
        "rotary_interleave": False,
    }


_PRE_NORM = {"pre": True, "post": False}
_ROTARY_DIM = {"rotary": 0, "sinusoidal": None, "learned": None}
"""Number of dimensions of a head to which rotary encodings apply: 0 means all, None means none."""
_ACTIVATIONS = {"relu": ("RELU", False), "gelu": ("GELU", False), "silu": ("SWISH", False), "swiglu": ("SWISH", True)}
"""CTranslate2's name of the activation function, and whether the feed-forward network is gated."""


def _activation(name: str) -> int:
    from ctranslate2.specs.common_spec import Activation

    return int(Activation[name])


def _fill_encoder(spec: TransformerEncoderSpec, parts: TransformerParts, num_positions: int) -> None:
    encoder = parts.encoder
    spec.embeddings[0].weight = encoder.embedder.embedding.weight.detach()
    _fill_positions(spec, encoder.embedder, num_positions)
    _LAST_NORMS.find(encoder.norm)(spec, encoder.norm)
    for to, layer in zip(spec.layer, parts.encoder_layers, strict=True):
        _fill_attention(to.self_attention, layer.self_attention, over_itself=True)
        _fill_norm(to.self_attention.layer_norm, layer.around_attention.norm)
        _fill_feed_forward(to.ffn, layer.feed_forward)
        _fill_norm(to.ffn.layer_norm, layer.around_feed_forward.norm)


def _fill_decoder(spec: TransformerDecoderSpec, parts: TransformerParts, num_positions: int) -> None:
    decoder = parts.decoder
    spec.embeddings.weight = decoder.embedder.embedding.weight.detach()
    _fill_positions(spec, decoder.embedder, num_positions)
    _LAST_NORMS.find(decoder.norm)(spec, decoder.norm)
    for to, layer in zip(spec.layer, parts.decoder_layers, strict=True):
        _fill_attention(to.self_attention, layer.self_attention, over_itself=True)
        _fill_norm(to.self_attention.layer_norm, layer.around_self.norm)
        _fill_attention(to.attention, layer.cross_attention, over_itself=False)
        _fill_norm(to.attention.layer_norm, layer.around_cross.norm)
        _fill_feed_forward(to.ffn, layer.feed_forward)
        _fill_norm(to.ffn.layer_norm, layer.around_feed_forward.norm)


def _fill_positions(
    spec: TransformerEncoderSpec | TransformerDecoderSpec, embedder: Embedder, num_positions: int
) -> None:
    if _HAS_POSITION_TABLE.find(embedder.positions):
        zeros = torch.zeros(1, num_positions, embedder.embedding.embedding_dim)  # (1, T, D)
        spec.position_encodings.encodings = embedder.positions(zeros)[0].detach()  # zeros plus the table


_HAS_POSITION_TABLE: PartTable[bool] = PartTable(
    "ctranslate2",
    "position encoding",
    {SinusoidalPositions: True, LearnedPositions: True, NoPositions: False},
)


def _fill_attention(spec: MultiHeadAttentionSpec, attention: MultiHeadAttention, *, over_itself: bool) -> None:
    """Joins maps of the same input, as CTranslate2 stores them: all three `(3 D, D)`, or key and value `(2 D, D)`."""
    inputs = (attention.query_map, attention.key_map, attention.value_map)
    groups = [inputs] if over_itself else [inputs[:1], inputs[1:]]
    for linear, maps in zip(spec.linear, [*groups, (attention.output_map,)], strict=True):
        linear.weight = torch.cat([module.weight.detach() for module in maps])
        linear.bias = torch.cat([module.bias.detach() for module in maps])


def _fill_feed_forward(spec: FeedForwardSpec, network: nn.Module) -> None:
    _FEED_FORWARDS.find(network)(spec, network)


def _fill_plain(spec: FeedForwardSpec, network: FeedForward) -> None:
    _fill_linear(spec.linear_0, network.widen)
    _fill_linear(spec.linear_1, network.narrow)


def _fill_gated(spec: FeedForwardSpec, network: SwiGLU) -> None:
    _fill_linear(spec.linear_0, network.gate)
    _fill_linear(spec.linear_0_noact, network.widen)
    _fill_linear(spec.linear_1, network.narrow)


_FEED_FORWARDS: PartTable[Callable[..., None]] = PartTable(
    "ctranslate2", "feed-forward network", {FeedForward: _fill_plain, SwiGLU: _fill_gated}
)


def _fill_linear(spec: LinearSpec, linear: nn.Linear) -> None:
    spec.weight = linear.weight.detach()
    if linear.bias is not None:
        spec.bias = linear.bias.detach()


def _fill_norm(spec: LayerNormSpec, norm: nn.LayerNorm) -> None:
    spec.gamma, spec.beta = norm.weight.detach(), norm.bias.detach()


def _fill_last_norm(spec: TransformerEncoderSpec | TransformerDecoderSpec, norm: nn.LayerNorm) -> None:
    _fill_norm(spec.layer_norm, norm)


def _fill_no_norm(spec: TransformerEncoderSpec | TransformerDecoderSpec, norm: nn.Identity) -> None:
    """A post-norm side has no normalization of its own behind the last layer."""


_LAST_NORMS: PartTable[Callable[..., None]] = PartTable(
    "ctranslate2", "last normalization", {nn.LayerNorm: _fill_last_norm, nn.Identity: _fill_no_norm}
)
