"""A model as a search wants it: the same numbers, weights laid out once for many small products."""

from __future__ import annotations

import copy

import torch
from torch import nn

from regard.attention.heads import HeadLinear
from regard.errors import SearchError
from regard.model.cells import RecurrentLayer
from regard.model.packed_decoder import PackedDecoder
from regard.model.rnn_encoder import RNNEncoder
from regard.model.seq2seq import Seq2Seq
from regard.model.sublayers import FeedForward
from regard.model.transformer import TransformerDecoder
from regard.native.dropout import ReLUDropout
from regard.native.int8 import Int8Linear, has_int8
from regard.native.linear import Linear
from regard.native.packed import PRECISIONS, pack_linear


@torch.no_grad()
def for_search(model: Seq2Seq, precision: str = "float32") -> Seq2Seq:
    """Lays out a model's weights for decoding.

    Args:
        model: Any model; it stays as it is. Later changes of its weights do not reach the result.
        precision: `float32`, or `bfloat16` or `int8` for the matrix products alone; all else stays as it was.

    Returns:
        A model in evaluation mode, for inference alone, that shares with the given one what is not laid out anew. In
        `int8` it holds no other form of a matrix that was rounded.

    Raises:
        SearchError: When there is no such precision, or it cannot be computed here.
    """
    _check(precision, model.output_weight.device)
    shared = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    fast = copy.deepcopy(model, shared)
    fast.eval()
    if isinstance(fast.decoder, TransformerDecoder) and PackedDecoder.fits(fast.decoder):
        fast.decoder = PackedDecoder(fast.decoder)
    for module in list(fast.modules()):
        if isinstance(module, FeedForward) and isinstance(module.activation, ReLUDropout):
            widen = pack_linear(module.widen.weight, module.widen.bias, precision=precision, relu=True)
            module.add_module("widen", widen)
            module.activation = nn.Identity()
        for name, child in module.named_children():
            module.add_module(name, _packed(child, precision))
        if isinstance(module, RecurrentLayer | RNNEncoder):
            module.pack(precision)
    fast.output_map = pack_linear(fast.output_weight, fast.output_bias, precision=precision)
    if isinstance(fast.output_map, Int8Linear):
        fast.output_weight = nn.Parameter(fast.output_weight[:0].clone(), requires_grad=False)
    return fast


def _check(precision: str, device: torch.device) -> None:
    if precision not in PRECISIONS:
        raise SearchError(f"expected a precision among {', '.join(PRECISIONS)}, got {precision!r}")
    if precision != "int8":
        return
    if device.type != "cpu":
        raise SearchError(
            f"expected a model on the CPU for int8, which has no other kernel, but it is on {device}: choose the "
            "device cpu (--device cpu), or float32 or bfloat16"
        )
    if not has_int8():
        raise SearchError(
            "expected compiled kernels for int8, but regard was installed without any that can be used here (`regard "
            "info --machine` says why): choose float32 or bfloat16, or export the model to onnx or ctranslate2"
        )


def _packed(part: nn.Module, precision: str) -> nn.Module:
    """A part of a model; if it is one matrix and no user's own kind, packed."""
    if type(part) in (nn.Linear, Linear):
        return pack_linear(part.weight, part.bias, precision=precision)  # type: ignore[arg-type]
    if isinstance(part, HeadLinear) and len(part.weight) == 1:
        bias = None if part.bias is None else part.bias[0, 0]
        return pack_linear(part.weight[0], bias, precision=precision)
    return part
