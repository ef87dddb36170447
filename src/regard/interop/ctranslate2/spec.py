"""A Transformer of ours as CTranslate2's own description of one, weight by weight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn

from regard.attention.multi import MultiHeadAttention
from regard.attention.scores import ScaledDotScore
from regard.config.engines import unsupported
from regard.config.schema import UNLIMITED, Config, TransformerConfig
from regard.errors import ConfigError
from regard.model.embed import Embedder, LearnedPositions, SinusoidalPositions
from regard.model.sublayers import FeedForward, SwiGLU
from regard.model.transformer import DecoderLayer, EncoderLayer, TransformerDecoder, TransformerEncoder
from regard.store import StoredModel
from regard.text.subword import Subword

if TYPE_CHECKING:
    from ctranslate2.specs import TransformerSpec
    from ctranslate2.specs.attention_spec import MultiHeadAttentionSpec
    from ctranslate2.specs.common_spec import LayerNormSpec, LinearSpec
    from ctranslate2.specs.transformer_spec import FeedForwardSpec, TransformerDecoderSpec, TransformerEncoderSpec

_NEVER = -1e4
"""The logit of what is never said; float16 holds it."""
_FEWEST_POSITIONS = 512
"""Rows of a table of sinusoids, for programs that ask CTranslate2 for more than the model's own settings do."""


def fill_spec(stored: StoredModel) -> TransformerSpec:
    """Describes a model to CTranslate2.

    Args:
        stored: The model, on the CPU.

    Returns:
        A specification that holds all weights and both vocabularies, to be quantized and saved.

    Raises:
        ConfigError: CTranslate2 cannot run such a model; the message names every option that stands in the way.
    """
    config = runnable(stored)
    from ctranslate2.specs import TransformerSpec

    model = stored.model
    reach = max_positions(stored.config)
    encoder, decoder = empty_sides(config)
    _fill_encoder(encoder, cast("TransformerEncoder", model.encoder), reach)
    _fill_decoder(decoder, cast("TransformerDecoder", model.decoder), reach)
    decoder.projection.weight = model.output_weight.detach()
    # Padding and bos are no words. Ruled out here they cost nothing, later a tenth of a greedy search.
    bias = model.output_bias.detach().clone()
    bias[[model.specials.pad, model.specials.bos]] = _NEVER
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


def runnable(stored: StoredModel) -> TransformerConfig:
    """Makes sure that CTranslate2 can run a model.

    Args:
        stored: The model.

    Returns:
        Its `[model]` section.

    Raises:
        ConfigError: It cannot; the message names every option that stands in the way.
    """
    config = stored.config.model
    found = [f"model.{key}: {why}" for key, why in unsupported(config, "ctranslate2")]
    if found or not isinstance(config, TransformerConfig):
        raise ConfigError("CTranslate2 cannot run this model:" + "".join(f"\n  {one}" for one in found))
    for layer in _layers(cast("TransformerDecoder", stored.model.decoder)):
        if not isinstance(layer.cross_attention.score, ScaledDotScore):
            raise ConfigError("CTranslate2 cannot run this model: its score is one of your own, not scaled-dot")
    return config


def max_positions(config: Config) -> int:
    """Positions that a table must have for all that the model's own search would ever reach.

    Args:
        config: The model's configuration.

    Returns:
        Subwords with their bos or eos, on the longer side.
    """
    if config.model.num_positions < UNLIMITED:
        return config.model.num_positions
    longest = config.data.max_len + 1
    return max(_FEWEST_POSITIONS, longest, int(longest * config.search.max_len_ratio) + config.search.max_len_offset)


def all_pieces(subword: Subword) -> tuple[str, ...]:
    """How each id of a vocabulary is written, in the order of the ids."""
    return subword.decode(range(len(subword))).pieces


def empty_sides(config: TransformerConfig) -> tuple[TransformerEncoderSpec, TransformerDecoderSpec]:
    """Descriptions of both sides without weights.

    Args:
        config: The `[model]` section.

    Returns:
        The encoder's and the decoder's.
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
        alignment_heads=config.heads,  # attention is the mean of the last layer's heads, not the first head alone
    )


def _shared_options(config: TransformerConfig) -> dict[str, Any]:
    return {
        "pre_norm": config.norm == "pre",
        "activation": _activation(config),
        "ffn_glu": config.activation == "swiglu",
        "rotary_dim": 0 if config.position == "rotary" else None,
        "rotary_interleave": False,
    }


def _activation(config: TransformerConfig) -> int:
    from ctranslate2.specs.common_spec import Activation

    names = {"relu": Activation.RELU, "gelu": Activation.GELU, "silu": Activation.SWISH, "swiglu": Activation.SWISH}
    return int(names[config.activation])


def _fill_encoder(spec: TransformerEncoderSpec, encoder: TransformerEncoder, reach: int) -> None:
    spec.embeddings[0].weight = encoder.embedder.embedding.weight.detach()
    _fill_positions(spec, encoder.embedder, reach)
    if isinstance(encoder.norm, nn.LayerNorm):
        _fill_norm(spec.layer_norm, encoder.norm)
    for to, module in zip(spec.layer, encoder.layers, strict=True):
        layer = cast("EncoderLayer", module)
        _fill_attention(to.self_attention, layer.self_attention, over_itself=True)
        _fill_norm(to.self_attention.layer_norm, layer.around_attention.norm)
        _fill_feed_forward(to.ffn, layer.feed_forward)
        _fill_norm(to.ffn.layer_norm, layer.around_feed_forward.norm)


def _fill_decoder(spec: TransformerDecoderSpec, decoder: TransformerDecoder, reach: int) -> None:
    spec.embeddings.weight = decoder.embedder.embedding.weight.detach()
    _fill_positions(spec, decoder.embedder, reach)
    if isinstance(decoder.norm, nn.LayerNorm):
        _fill_norm(spec.layer_norm, decoder.norm)
    for to, layer in zip(spec.layer, _layers(decoder), strict=True):
        _fill_attention(to.self_attention, layer.self_attention, over_itself=True)
        _fill_norm(to.self_attention.layer_norm, layer.around_self.norm)
        _fill_attention(to.attention, layer.cross_attention, over_itself=False)
        _fill_norm(to.attention.layer_norm, layer.around_cross.norm)
        _fill_feed_forward(to.ffn, layer.feed_forward)
        _fill_norm(to.ffn.layer_norm, layer.around_feed_forward.norm)


def _layers(decoder: TransformerDecoder) -> list[DecoderLayer]:
    return [cast("DecoderLayer", layer) for layer in decoder.layers]


def _fill_positions(spec: TransformerEncoderSpec | TransformerDecoderSpec, embedder: Embedder, reach: int) -> None:
    if isinstance(embedder.positions, (SinusoidalPositions, LearnedPositions)):
        nothing = torch.zeros(1, reach, embedder.embedding.embedding_dim)  # (1, T, D)
        spec.position_encodings.encodings = embedder.positions(nothing)[0].detach()  # what is added to it


def _fill_attention(spec: MultiHeadAttentionSpec, attention: MultiHeadAttention, *, over_itself: bool) -> None:
    """CTranslate2 joins the maps that read the same states: (D, D) each to (3 D, D), or keys and values to (2 D, D)."""
    read = (attention.query_map, attention.key_map, attention.value_map)
    groups = [read] if over_itself else [read[:1], read[1:]]
    for linear, maps in zip(spec.linear, [*groups, (attention.output_map,)], strict=True):
        linear.weight = torch.cat([one.weight.detach() for one in maps])
        linear.bias = torch.cat([one.bias.detach() for one in maps])


def _fill_feed_forward(spec: FeedForwardSpec, network: nn.Module) -> None:
    if isinstance(network, SwiGLU):
        _fill_linear(spec.linear_0, network.gate)
        _fill_linear(spec.linear_0_noact, network.widen)
        _fill_linear(spec.linear_1, network.narrow)
    elif isinstance(network, FeedForward):
        _fill_linear(spec.linear_0, network.widen)
        _fill_linear(spec.linear_1, network.narrow)
    else:
        raise AssertionError(f"a feed-forward network of another kind: {type(network).__name__}")


def _fill_linear(spec: LinearSpec, linear: nn.Linear) -> None:
    spec.weight = linear.weight.detach()
    if linear.bias is not None:
        spec.bias = linear.bias.detach()


def _fill_norm(spec: LayerNormSpec, norm: nn.LayerNorm) -> None:
    spec.gamma, spec.beta = norm.weight.detach(), norm.bias.detach()
