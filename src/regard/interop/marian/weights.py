"""Names of regard's tensors in Hugging Face's MarianMT, and the order of the elements of hidden states.

In Marian's position encodings the sines fill the first half of the width and the cosines the second half; regard
interleaves sines and cosines (Vaswani et al. 2017, §3.5). Nothing else in a Transformer depends on the order of the
width. So each tensor with a dimension over the width of the hidden states is permuted, and all results stay the same.
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
"""Matches the beginning of the names of a layer's tensors in MarianMT."""
SRC_TABLE, TGT_TABLE = "encoder.embedder.embedding.weight", "decoder.embedder.embedding.weight"
OUTPUT, OUTPUT_BIAS = "output_weight", "output_bias"

_ATTENTION = {"query_map": "q_proj", "key_map": "k_proj", "value_map": "v_proj"}
_ENCODER = ((("self_attention", "around_attention"), ("self_attn", "self_attn_layer_norm")),)
_DECODER = (
    (("self_attention", "around_self"), ("self_attn", "self_attn_layer_norm")),
    (("cross_attention", "around_cross"), ("encoder_attn", "encoder_attn_layer_norm")),
)


@dataclass(frozen=True, slots=True)
class TensorPair:
    """Names of the same tensor in regard and in MarianMT.

    Attributes:
        regard: Name of the tensor in regard.
        marian: Name of the tensor in MarianMT.
        dim: Dimension of the tensor that runs over the units of the hidden states, which regard and MarianMT have in
            different order (see `to_regard_order`); None if the tensor has no such dimension.
    """

    regard: str
    marian: str
    dim: int | None


def tensor_pairs(config: TransformerConfig) -> Iterator[TensorPair]:
    """Lists the names in regard and in MarianMT of all tensors except embeddings and output layer.

    Embeddings and output layer are left out because models tie them in different ways.

    Args:
        config: The `[model]` section of the configuration.

    Yields:
        Per tensor, its name in regard and its name in MarianMT.
    """
    for side, depth, attentions in (
        ("encoder", config.encoder_layers, _ENCODER),
        ("decoder", config.decoder_layers, _DECODER),
    ):
        for number in range(depth):
            own, layer = f"{side}.layers.{number}.", f"model.{side}.layers.{number}."
            for (attention, around), (marian_attention, norm) in attentions:
                yield from _attention(f"{own}{attention}.", f"{layer}{marian_attention}.")
                yield from _norm(f"{own}{around}.norm.", f"{layer}{norm}.")
            yield TensorPair(f"{own}feed_forward.widen.weight", f"{layer}fc1.weight", 1)
            yield TensorPair(f"{own}feed_forward.widen.bias", f"{layer}fc1.bias", None)
            yield TensorPair(f"{own}feed_forward.narrow.weight", f"{layer}fc2.weight", 0)
            yield TensorPair(f"{own}feed_forward.narrow.bias", f"{layer}fc2.bias", 0)
            yield from _norm(f"{own}around_feed_forward.norm.", f"{layer}final_layer_norm.")


def marian_shapes(marian: MarianConfig) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Lists the shapes of all tensors of a MarianMT model except embeddings and output layer.

    Args:
        marian: Configuration of the MarianMT model.

    Yields:
        Name of each tensor in MarianMT, and its shape.
    """
    width, ff_size = marian.d_model, marian.encoder_ffn_dim
    sizes = {"fc1.weight": (ff_size, width), "fc1.bias": (ff_size,), "fc2.weight": (width, ff_size)}
    for side, depth, attentions in (
        ("encoder", marian.encoder_layers, _ENCODER),
        ("decoder", marian.decoder_layers, _DECODER),
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


def to_regard_order(tensor: Tensor, dim: int | None) -> Tensor:
    """Permutes a tensor's dimension over the width from Marian's order to regard's.

    Marian's order has all sines of a position encoding before all cosines; regard's order interleaves them.

    Args:
        tensor: Tensor in Marian's order, of any shape `(...)`.
        dim: Dimension to permute; None = the tensor is returned unchanged.

    Returns:
        The tensor in regard's order, `(...)`.
    """
    return tensor if dim is None else tensor.index_select(dim, _order(tensor.shape[dim]))


def to_marian_order(tensor: Tensor, dim: int | None) -> Tensor:
    """Permutes a tensor's dimension over the width from regard's order to Marian's.

    Marian's order has all sines of a position encoding before all cosines; regard's order interleaves them.

    Args:
        tensor: Tensor in regard's order, of any shape `(...)`.
        dim: Dimension to permute; None = the tensor is returned unchanged.

    Returns:
        The tensor in Marian's order, `(...)`.
    """
    return tensor if dim is None else tensor.index_select(dim, _order(tensor.shape[dim]).argsort())


def _order(width: int) -> Tensor:
    """`(D,)`: regard's index 2j is Marian's index j, and 2j + 1 is D/2 + j."""
    return torch.stack((torch.arange(width // 2), torch.arange(width // 2, width)), dim=1).flatten()


def _attention(own: str, marian: str) -> Iterator[TensorPair]:
    for own_map, marian_map in _ATTENTION.items():
        yield TensorPair(f"{own}{own_map}.weight", f"{marian}{marian_map}.weight", 1)
        yield TensorPair(f"{own}{own_map}.bias", f"{marian}{marian_map}.bias", None)
    yield TensorPair(f"{own}output_map.weight", f"{marian}out_proj.weight", 0)
    yield TensorPair(f"{own}output_map.bias", f"{marian}out_proj.bias", 0)


def _norm(own: str, marian: str) -> Iterator[TensorPair]:
    yield TensorPair(f"{own}weight", f"{marian}weight", 0)
    yield TensorPair(f"{own}bias", f"{marian}bias", 0)
