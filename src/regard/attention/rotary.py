"""Rotary positions: rotation of queries and keys by their positions (Su et al. 2021, eq. 34)."""

from __future__ import annotations

import torch
from torch import Tensor


def rotate(x: Tensor, *, start: int = 0, base: float = 10_000.0) -> Tensor:
    """Encodes positions in queries or keys by rotation (Su et al. 2021, eq. 34).

    At position p, each pair of dimensions `(j, j + K/2)` is rotated by the angle `p · base^(-2j/K)`.

    Args:
        x: Queries or keys of all heads, `(B, H, T, K)`, K even.
        start: Position of the first of the T vectors.
        base: Sets the wavelengths of the rotation, which lie between 2π and `base · 2π` positions.

    Returns:
        The rotated queries or keys, `(B, H, T, K)`.
    """
    half = x.shape[-1] // 2
    frequency = base ** (-torch.arange(half, device=x.device, dtype=torch.float32) / half)
    positions = torch.arange(start, start + x.shape[-2], device=x.device, dtype=torch.float32)
    angle = positions[:, None] * frequency  # (T, K/2)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    first, second = x[..., :half], x[..., half:]
    return torch.cat((first * cos - second * sin, first * sin + second * cos), dim=-1)
