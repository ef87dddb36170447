"""Windows: which part of the source a query may look at.

Those of Luong (2015, §3.2) know the query and its position; those of Chorowski (2015, §2.3) know where the last look
went, and move on from there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn


class Window(nn.Module, ABC):
    """Base of Luong's windows: a mask, and a bias that is added to the scores.

    Args:
        half_width: D, the number of positions the window spans to each side of its center.
    """

    def __init__(self, half_width: int) -> None:
        super().__init__()
        self.half_width = half_width

    @abstractmethod
    def center(self, query: Tensor, src_len: Tensor, *, start: int) -> Tensor:
        """The aligned position `p_t` of each query.

        Args:
            query: `(B, T, Q)`.
            src_len: `(B, 1)`, number of real source positions.
            start: Target position of the first query.

        Returns:
            `(B or 1, T)`, between 0 and `src_len - 1`.
        """

    def forward(self, query: Tensor, mask: Tensor, *, start: int = 0) -> tuple[Tensor, Tensor | None]:
        """Marks the window of each query.

        Args:
            query: `(B, T, Q)`.
            mask: `(B, 1, 1, S)` bool, the real source positions.
            start: Target position of the first query.

        Returns:
            The window's mask `(B, 1, T, S)`, padding excluded, and its bias `(B, 1, T, S)` or None.
        """
        positions = torch.arange(mask.shape[-1], device=mask.device, dtype=torch.float32)
        center = self.center(query, mask.sum(-1).view(-1, 1), start=start)
        distance = positions - center.float()[..., None]  # (B, T, S)
        inside = (distance.abs() <= self.half_width)[:, None]
        return inside & mask, self.bias(distance[:, None])

    def bias(self, distance: Tensor) -> Tensor | None:
        """What distance from the center adds to a score; nothing by default.

        Args:
            distance: `(B, 1, T, S)`, source position minus center.

        Returns:
            `(B, 1, T, S)`, or None.
        """
        return None


class MonotonicWindow(Window):
    """local-m: source and target run in step, `p_t = t` (kept on the last word once the source has ended).

    Args:
        half_width: D.
    """

    def center(self, query: Tensor, src_len: Tensor, *, start: int) -> Tensor:
        """`min(t, N - 1)`; shapes as in `Window.center`."""
        steps = torch.arange(start, start + query.shape[1], device=query.device)
        return torch.minimum(steps[None], src_len - 1)


class PredictiveWindow(Window):
    """local-p: `p_t = (N - 1) · sigmoid(v_p · tanh(W_p s_t))`, favored by a Gaussian of deviation D/2 (eq. 9-10).

    The paper multiplies the softmax with the Gaussian, so that weights no longer sum to 1. Here its
    logarithm is added to the scores: the same preference, and the weights remain a distribution.

    Args:
        half_width: D.
        query_size: Q.
    """

    def __init__(self, half_width: int, query_size: int) -> None:
        super().__init__(half_width)
        self.hidden_map = nn.Linear(query_size, query_size, bias=False)
        self.v = nn.Linear(query_size, 1, bias=False)

    def center(self, query: Tensor, src_len: Tensor, *, start: int) -> Tensor:
        """`(N - 1) · sigmoid(v_p · tanh(W_p s_t))`; shapes as in `Window.center`."""
        share = torch.sigmoid(self.v(torch.tanh(self.hidden_map(query))).float()).squeeze(-1)
        return share * (src_len - 1)

    def bias(self, distance: Tensor) -> Tensor | None:
        """`-(i - p_t)² / (2 (D/2)²)`; see `Window.bias`."""
        return distance.square() * (-2.0 / self.half_width**2)


class HistoryWindow(nn.Module, ABC):
    """Base of the windows around where the last look went (Chorowski 2015, §2.3).

    The paper's window takes w positions before its center and w - 1 behind; here it takes as many on both sides.

    Args:
        half_width: w, the number of positions the window spans to each side of its center.
    """

    def __init__(self, half_width: int) -> None:
        super().__init__()
        self.half_width = half_width

    @abstractmethod
    def center(self, last: Tensor) -> Tensor:
        """The position around which the next look may go.

        Args:
            last: `(B, H, 1, S)`, weights of the last look.

        Returns:
            `(B, H, 1, 1)` float32, a position that `last` gives weight to or lies around.
        """

    def forward(self, last: Tensor) -> Tensor:
        """Marks the window.

        Args:
            last: `(B, H, 1, S)`, weights of the last look; zero at padding.

        Returns:
            `(B, H, 1, S)` bool; may half_width into padding, which the memory's own mask excludes.
        """
        positions = torch.arange(last.shape[-1], device=last.device, dtype=torch.float32)
        return (positions - self.center(last)).abs() <= self.half_width


class MedianWindow(HistoryWindow):
    """Around the median of the last weights: the first position up to which they hold half of their sum."""

    def center(self, last: Tensor) -> Tensor:
        """`min {i : Σ_{j≤i} α_{t-1,j} ≥ ½}`; shapes as in `HistoryWindow.center`."""
        half = last.sum(-1, keepdim=True) / 2
        return (last.cumsum(-1) < half).sum(-1, keepdim=True).float()


class MeanWindow(HistoryWindow):
    """Around the expected position of the last look; the center may lie between two positions."""

    def center(self, last: Tensor) -> Tensor:
        """`Σ_i i α_{t-1,i}`; shapes as in `HistoryWindow.center`."""
        positions = torch.arange(last.shape[-1], device=last.device, dtype=torch.float32)
        return (last.detach().float() * positions).sum(-1, keepdim=True)
