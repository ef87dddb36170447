"""Runs PyTorch's recurrent layers under autocast, in a data type in which they can be trained."""

from __future__ import annotations

from functools import cache
from typing import TypeAlias, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

T = TypeVar("T")
Sequence = TypeVar("Sequence", Tensor, PackedSequence)
FinalState: TypeAlias = "Tensor | tuple[Tensor, ...]"
"""The final state of a layer: h, or h and c of an LSTM."""


def run_rnn(layer: nn.RNNBase, x: Sequence, initial: FinalState | None = None) -> tuple[Sequence, FinalState]:
    """Runs a recurrent layer of PyTorch over whole sentences, under autocast in a data type in which training works.

    Under autocast on a GPU, PyTorch runs recurrent layers with cuDNN in float16, even if autocast's type is bfloat16
    (`AutocastRNN.cpp` in PyTorch), and without loss scaling the gradients underflow. On a CPU that lacks instructions
    for autocast's type, oneDNN cannot train an LSTM in this type. In both cases this function runs the layer in the
    type of its weights, and casts the results to autocast's type.

    Args:
        layer: The recurrent layer.
        x: Inputs of all time steps, `(B, T, input_size)`, or a `PackedSequence`.
        initial: Initial state h, or h and c for an LSTM, `(num_directions, B, hidden_size)` each; None = zeros.

    Returns:
        The outputs, `(B, T, num_directions * hidden_size)`, or a `PackedSequence` if x is one; and the final state, in
        the form of `initial`.
    """
    device = x.data.device.type  # `data` of a tensor is the tensor itself
    if not torch.is_autocast_enabled(device) or (device == "cpu" and _can_autocast_on_cpu(layer)):
        y, final = layer(x, initial)
        return y, final
    autocast_dtype, weight_dtype = torch.get_autocast_dtype(device), layer.get_parameter("weight_hh_l0").dtype
    with torch.autocast(device, enabled=False):
        y, final = layer(_cast(x, weight_dtype), None if initial is None else _cast(initial, weight_dtype))
    return _cast(y, autocast_dtype), _cast(final, autocast_dtype)


def _can_autocast_on_cpu(layer: nn.RNNBase) -> bool:
    return not isinstance(layer, nn.LSTM) or can_train_lstm(torch.get_autocast_dtype("cpu"))


@cache
def can_train_lstm(dtype: torch.dtype) -> bool:
    """Whether PyTorch can train an LSTM under autocast on this CPU; a tiny LSTM is trained to find out.

    oneDNN, which runs LSTMs, lacks some types on some CPUs. Elman layers and GRUs are PyTorch's own code, which
    supports all types.

    Args:
        dtype: Autocast's type, such as `torch.bfloat16`.

    Returns:
        True if an LSTM can be trained under autocast with this type.
    """
    layer = nn.LSTM(1, 1, device="meta").to_empty(device="cpu")  # draws no random weights
    try:
        with torch.inference_mode(mode=False), torch.enable_grad(), torch.autocast("cpu", dtype=dtype):
            layer(torch.zeros(1, 1, 1))[0].sum().backward()
    except RuntimeError:  # oneDNN: could not create a primitive descriptor
        return False
    return True


def _cast(value: T, dtype: torch.dtype) -> T:
    """A tensor, a packed sequence or a tuple of tensors in another type."""
    if isinstance(value, PackedSequence):
        return PackedSequence(value.data.to(dtype), *value[1:])  # type: ignore[return-value]
    if isinstance(value, tuple):
        return tuple(_cast(part, dtype) for part in value)  # type: ignore[return-value]
    return value.to(dtype)  # type: ignore[attr-defined, no-any-return]
