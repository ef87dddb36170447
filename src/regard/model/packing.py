"""Converts the weights of a model to layouts and data types that make decoding fast."""

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
from regard.native.dropout import Dropout, ReLUDropout
from regard.native.int8 import Int8Linear, has_int8
from regard.native.linear import Linear
from regard.native.packed import PRECISIONS, pack_linear


@torch.no_grad()
def pack_for_search(model: Seq2Seq, precision: str = "float32") -> Seq2Seq:
    """Makes a copy of a model for fast search, with weights in layouts and types that make decoding fast.

    Args:
        model: The model to copy; it is not changed. Do not change its weights while the copy is in use.
        precision: Type of the matrix products: `float32`, `bfloat16` or `int8`; other operations keep their type.

    Returns:
        A model in evaluation mode, for inference only. Weights that are not converted are shared with `model`, not
        copied. With `int8`, quantized matrices are kept in 8 bits only.

    Raises:
        SearchError: The precision is unknown, or not supported on this machine or device.
    """
    _check_precision(precision, model.output_weight.device)
    shared = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    packed = copy.deepcopy(model, shared)
    packed.eval()
    if isinstance(packed.decoder, TransformerDecoder) and PackedDecoder.supports(packed.decoder):
        packed.decoder = PackedDecoder(packed.decoder)
    for module in list(packed.modules()):
        if isinstance(module, FeedForward) and isinstance(module.activation, ReLUDropout):
            widen = pack_linear(module.widen.weight, module.widen.bias, precision=precision, relu=True)
            module.add_module("widen", widen)
            module.activation = nn.Identity()
        for name, child in module.named_children():
            module.add_module(name, nn.Identity() if type(child) is Dropout else _pack_module(child, precision))
        if isinstance(module, RecurrentLayer | RNNEncoder):
            module.pack(precision)
    packed.output_map = pack_linear(packed.output_weight, packed.output_bias, precision=precision)
    if isinstance(packed.output_map, Int8Linear):
        packed.output_weight = nn.Parameter(packed.output_weight[:0].clone(), requires_grad=False)
    return packed


def _check_precision(precision: str, device: torch.device) -> None:
    if precision not in PRECISIONS:
        raise SearchError(f"precision: expected one of {', '.join(PRECISIONS)}, got {precision!r}")
    if precision != "int8":
        return
    if device.type != "cpu":
        raise SearchError(
            f"expected a model on the CPU for int8, which has kernels for CPUs only, but the model is on {device}: use "
            "the device cpu (--device cpu), or the precision float32 or bfloat16"
        )
    if not has_int8():
        raise SearchError(
            "expected compiled kernels for int8, but this installation of regard has none that this machine can use "
            "(`regard info --machine` says why): choose float32 or bfloat16, or export the model to onnx or ctranslate2"
        )


def _pack_module(module: nn.Module, precision: str) -> nn.Module:
    """The packed form of a module that is a single matrix; other modules, and subclasses of users, are unchanged."""
    if type(module) in (nn.Linear, Linear):
        return pack_linear(module.weight, module.bias, precision=precision)  # type: ignore[arg-type]
    if isinstance(module, HeadLinear) and len(module.weight) == 1:
        bias = None if module.bias is None else module.bias[0, 0]
        return pack_linear(module.weight[0], bias, precision=precision)
    return module
