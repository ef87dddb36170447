"""PyTorch's recurrent layers over whole sentences, in number types in which they can be trained."""

from __future__ import annotations

from functools import cache
from typing import TypeAlias, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

T = TypeVar("T")
Sequence = TypeVar("Sequence", Tensor, PackedSequence)
FinalState: TypeAlias = "Tensor | tuple[Tensor, ...]"
"""The last state of a layer: h, or h and c of an LSTM."""


def run_rnn(layer: nn.RNNBase, x: Sequence, initial: FinalState | None = None) -> tuple[Sequence, FinalState]:
    """Runs a layer over a sentence.

    On a GPU autocast hands recurrent layers to cuDNN in float16, whatever type it was given (`AutocastRNN.cpp` in
    PyTorch), and the gradients of a loss that nobody scales up vanish there. On a processor without instructions for
    autocast's type there is no LSTM in it. In both cases layers run in the type of their weights, and what they give is
    in autocast's type again.

    Args:
        layer: Of PyTorch's.
        x: `(B, T, input)`, or packed.
        initial: `(directions, B, hidden)`, one or several; zeros when not given.

    Returns:
        What the layer gives: `(B, T, directions * hidden)`, or packed, and the last state.
    """
    device = x.data.device.type  # a tensor's data is itself
    if not torch.is_autocast_enabled(device) or (device == "cpu" and _runs_narrow(layer)):
        y, last = layer(x, initial)
        return y, last
    narrow, own = torch.get_autocast_dtype(device), layer.get_parameter("weight_hh_l0").dtype
    with torch.autocast(device, enabled=False):
        y, last = layer(_as(x, own), None if initial is None else _as(initial, own))
    return _as(y, narrow), _as(last, narrow)


def _runs_narrow(layer: nn.RNNBase) -> bool:
    return not isinstance(layer, nn.LSTM) or can_train_lstm(torch.get_autocast_dtype("cpu"))


@cache
def can_train_lstm(dtype: torch.dtype) -> bool:
    """Whether oneDNN can train an LSTM in a narrow type on this processor; tried once, on a layer of a few numbers.

    Args:
        dtype: Of autocast.

    Returns:
        Whether it can. Elman's layers and the GRU are PyTorch's own and run everywhere.
    """
    layer = nn.LSTM(1, 1, device="meta").to_empty(device="cpu")  # without drawing weights
    try:
        with torch.inference_mode(mode=False), torch.enable_grad(), torch.autocast("cpu", dtype=dtype):
            layer(torch.zeros(1, 1, 1))[0].sum().backward()
    except RuntimeError:  # no primitive descriptor
        return False
    return True


def _as(value: T, dtype: torch.dtype) -> T:
    """A tensor, a packed sequence or a tuple of tensors in another type."""
    if isinstance(value, PackedSequence):
        return PackedSequence(value.data.to(dtype), *value[1:])  # type: ignore[return-value]
    if isinstance(value, tuple):
        return tuple(_as(part, dtype) for part in value)  # type: ignore[return-value]
    return value.to(dtype)  # type: ignore[attr-defined, no-any-return]
