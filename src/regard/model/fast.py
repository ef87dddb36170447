"""A model as a search wants it: the same numbers, weights laid out once for many small products."""

from __future__ import annotations

import copy

import torch
from torch import nn

from regard.attention.heads import HeadLinear
from regard.dropout import ReLUDropout
from regard.errors import SearchError
from regard.model.cells import RecurrentLayer
from regard.model.seq2seq import Seq2Seq
from regard.model.stepping import SteppingDecoder
from regard.model.sublayers import FeedForward
from regard.model.transformer import TransformerDecoder
from regard.native.packed import PRECISIONS, PackedLinear
from regard.native.products import Linear


@torch.no_grad()
def for_search(model: Seq2Seq, precision: str = "float32") -> Seq2Seq:
    """Lays out a model's weights for decoding.

    Args:
        model: Any model; it stays as it is. Later changes of its weights do not reach the result.
        precision: `float32`, or `bfloat16` for the matrix products alone; all else stays as it was.

    Returns:
        A model in evaluation mode, for inference alone, that shares with the given one what is not laid out anew.

    Raises:
        SearchError: When there is no such precision.
    """
    if precision not in PRECISIONS:
        raise SearchError(f"expected a precision among {', '.join(PRECISIONS)}, got {precision!r}")
    shared = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    fast = copy.deepcopy(model, shared)
    fast.eval()
    if isinstance(fast.decoder, TransformerDecoder) and SteppingDecoder.fits(fast.decoder):
        fast.decoder = SteppingDecoder(fast.decoder)
    for module in list(fast.modules()):
        if isinstance(module, FeedForward) and isinstance(module.activation, ReLUDropout):
            widen = PackedLinear(module.widen.weight, module.widen.bias, precision=precision, rectify=True)
            module.add_module("widen", widen)
            module.activation = nn.Identity()
        for name, child in module.named_children():
            module.add_module(name, _packed(child, precision))
        if isinstance(module, RecurrentLayer):
            module.pack(precision)
    fast.output_map = PackedLinear(fast.output_weight, fast.output_bias, precision=precision)
    return fast


def _packed(part: nn.Module, precision: str) -> nn.Module:
    """A part of a model; if it is one matrix and no user's own kind, packed."""
    if type(part) in (nn.Linear, Linear):
        return PackedLinear(part.weight, part.bias, precision=precision)  # type: ignore[arg-type]
    if isinstance(part, HeadLinear) and len(part.weight) == 1:
        bias = None if part.bias is None else part.bias[0, 0]
        return PackedLinear(part.weight[0], bias, precision=precision)
    return part
