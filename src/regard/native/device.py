"""The device that `auto` stands for."""

from __future__ import annotations

import torch


def resolve_device(name: str) -> str:
    """Resolves `auto`: the GPU if there is one, otherwise the CPU.

    Args:
        name: `auto`, or the name of a device, such as `cpu` or `cuda:1`.

    Returns:
        A device name for PyTorch; a name other than `auto` is unchanged, and not checked.
    """
    if name != "auto":
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"
