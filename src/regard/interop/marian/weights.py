"""Where each of our tensors lies in Hugging Face's MarianMT, and in which order.

Marian keeps the sines of its positions in the first half of the width and the cosines in the second; regard
interleaves them (Vaswani 2017, §3.5). Nothing else in a Transformer depends on the order of the width, so that all
that is added to the stream of states is put in the other order, and every number comes out the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from regard.config.schema import TransformerConfig
from regard.interop.marian.config import MarianConfig

LAYER = re.compile(r"model\.(encoder|decoder)\.layers\.(\d{1,6})\.")
"""How names of tensors in a layer begin."""
SRC_TABLE, TGT_TABLE = "encoder.embedder.embedding.weight", "decoder.embedder.embedding.weight"
OUTPUT, OUTPUT_BIAS = "output_weight", "output_bias"

_ATTENTION = {"query_map": "q_proj", "key_map": "k_proj", "value_map": "v_proj"}
_ENCODER = ((("self_attention", "around_attention"), ("self_attn", "self_attn_layer_norm")),)
_DECODER = (
    (("self_attention", "around_self"), ("self_attn", "self_attn_layer_norm")),
    (("cross_attention", "around_cross"), ("encoder_attn", "encoder_attn_layer_norm")),
)


@dataclass(frozen=True, slots=True)
class Place:
    """A tensor of ours and its place in MarianMT.

    Attributes:
        ours: Its name in regard.
        theirs: Its name in MarianMT.
        dim: The dimension that runs over the width of the states; None if none does.
    """

    ours: str
    theirs: str
    dim: int | None


def places(config: TransformerConfig) -> Iterator[Place]:
    """All tensors but the embeddings and the output layer, which may be shared in several ways.

    Args:
        config: The `[model]` section.

    Yields:
        One place a tensor.
    """
    for side, depth, attentions in (
        ("encoder", config.encoder_layers, _ENCODER),
        ("decoder", config.decoder_layers, _DECODER),
    ):
        for number in range(depth):
            ours, theirs = f"{side}.layers.{number}.", f"model.{side}.layers.{number}."
            for (attention, around), (their_attention, norm) in attentions:
                yield from _attention(f"{ours}{attention}.", f"{theirs}{their_attention}.")
                yield from _norm(f"{ours}{around}.norm.", f"{theirs}{norm}.")
            yield Place(f"{ours}feed_forward.widen.weight", f"{theirs}fc1.weight", 1)
            yield Place(f"{ours}feed_forward.widen.bias", f"{theirs}fc1.bias", None)
            yield Place(f"{ours}feed_forward.narrow.weight", f"{theirs}fc2.weight", 0)
            yield Place(f"{ours}feed_forward.narrow.bias", f"{theirs}fc2.bias", 0)
            yield from _norm(f"{ours}around_feed_forward.norm.", f"{theirs}final_layer_norm.")


def their_shapes(theirs: MarianConfig) -> Iterator[tuple[str, tuple[int, ...]]]:
    """What `places` lists, as MarianMT has it.

    Args:
        theirs: Its configuration.

    Yields:
        Names of MarianMT with shapes.
    """
    width, ff_size = theirs.d_model, theirs.encoder_ffn_dim
    sizes = {"fc1.weight": (ff_size, width), "fc1.bias": (ff_size,), "fc2.weight": (width, ff_size)}
    for side, depth, attentions in (
        ("encoder", theirs.encoder_layers, _ENCODER),
        ("decoder", theirs.decoder_layers, _DECODER),
    ):
        for number in range(depth):
            layer = f"model.{side}.layers.{number}."
            for _, (attention, norm) in attentions:
                for part in (*_ATTENTION.values(), "out_proj"):
                    yield f"{layer}{attention}.{part}.weight", (width, width)
                    yield f"{layer}{attention}.{part}.bias", (width,)
                yield from ((f"{layer}{norm}.{part}", (width,)) for part in ("weight", "bias"))
            for name in ("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"):
                yield layer + name, sizes.get(name, (width,))
            yield from ((f"{layer}final_layer_norm.{part}", (width,)) for part in ("weight", "bias"))


def to_ours(tensor: Tensor, dim: int | None) -> Tensor:
    """Puts a dimension in regard's order.

    Args:
        tensor: `(...)`, in Marian's order.
        dim: The dimension; None leaves the tensor as it is.

    Returns:
        `(...)`, in regard's.
    """
    return tensor if dim is None else tensor.index_select(dim, _order(tensor.shape[dim]))


def to_theirs(tensor: Tensor, dim: int | None) -> Tensor:
    """Puts a dimension in Marian's order.

    Args:
        tensor: `(...)`, in regard's order.
        dim: The dimension; None leaves the tensor as it is.

    Returns:
        `(...)`, in Marian's.
    """
    return tensor if dim is None else tensor.index_select(dim, _order(tensor.shape[dim]).argsort())


def _order(width: int) -> Tensor:
    """`(D,)`: regard's place 2j is Marian's place j, and 2j + 1 is D/2 + j."""
    return torch.stack((torch.arange(width // 2), torch.arange(width // 2, width)), dim=1).flatten()


def _attention(ours: str, theirs: str) -> Iterator[Place]:
    for mine, their in _ATTENTION.items():
        yield Place(f"{ours}{mine}.weight", f"{theirs}{their}.weight", 1)
        yield Place(f"{ours}{mine}.bias", f"{theirs}{their}.bias", None)
    yield Place(f"{ours}output_map.weight", f"{theirs}out_proj.weight", 0)
    yield Place(f"{ours}output_map.bias", f"{theirs}out_proj.bias", 0)


def _norm(ours: str, theirs: str) -> Iterator[Place]:
    yield Place(f"{ours}weight", f"{theirs}weight", 0)
    yield Place(f"{ours}bias", f"{theirs}bias", 0)
