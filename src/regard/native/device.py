"""Chooses the device if the user asks for `auto`."""

from __future__ import annotations

import torch


def resolve_device(name: str) -> str:
    """Replaces the device name `auto` by the GPU if there is one, otherwise by the CPU.

    Args:
        name: `auto`, or the name of a device, such as `cpu` or `cuda:1`.

    Returns:
        A device name for PyTorch; a name other than `auto` is unchanged, and not checked.
    """
    if name != "auto":
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"
