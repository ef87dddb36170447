"""Windows: the part of the source that a query may attend to.

Luong's windows (2015, §3.2) depend on the query and its position, Chorowski's (2015, §2.3) on the weights of the
previous step.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn


class Window(nn.Module, ABC):
    """Base of Luong's windows: a mask, and a bias of the scores.

    Args:
        half_width: D, the number of positions to each side of the center.
    """

    def __init__(self, half_width: int) -> None:
        super().__init__()
        self.half_width = half_width

    @abstractmethod
    def center(self, query: Tensor, src_len: Tensor, *, start: int) -> Tensor:
        """The aligned position `p_t` of each query.

        Args:
            query: `(B, T, Q)`.
            src_len: `(B, 1)`, the number of real source positions.
            start: Target position of the first query.

        Returns:
            `(B or 1, T)`, between 0 and `src_len - 1`.
        """

    def forward(self, query: Tensor, mask: Tensor, *, start: int = 0) -> tuple[Tensor, Tensor | None]:
        """Computes the window of each query.

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
        """The bias of a score for its distance from the center; None by default.

        Args:
            distance: `(B, 1, T, S)`, source position minus center.

        Returns:
            `(B, 1, T, S)`, or None.
        """
        return None


class MonotonicWindow(Window):
    """Luong's local-m, centered at the target position: `p_t = t`.

    Beyond the end of the source the center stays at its last position.

    Args:
        half_width: D.
    """

    def center(self, query: Tensor, src_len: Tensor, *, start: int) -> Tensor:
        """`min(t, N - 1)`; shapes as in `Window.center`."""
        steps = torch.arange(start, start + query.shape[1], device=query.device)
        return torch.minimum(steps[None], src_len - 1)


class PredictiveWindow(Window):
    """Luong's local-p, centered at a predicted position: `p_t = (N - 1) · sigmoid(v_p · tanh(W_p s_t))` (eq. 9-10).

    A Gaussian with standard deviation D/2 favors positions near the center. The paper multiplies the softmax by the
    Gaussian, after which the weights no longer sum to 1. Here the logarithm of the Gaussian is added to the scores: the
    preference is the same, and the weights remain a distribution.

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
    """Base of windows centered by the weights of the previous step (Chorowski 2015, §2.3).

    The paper's window spans w positions before its center and w - 1 after it; here it spans w on both sides.

    Args:
        half_width: w, the number of positions to each side of the center.
    """

    def __init__(self, half_width: int) -> None:
        super().__init__()
        self.half_width = half_width

    @abstractmethod
    def center(self, previous: Tensor) -> Tensor:
        """The center of the next window.

        Args:
            previous: `(B, H, 1, S)`, weights of the previous step.

        Returns:
            `(B, H, 1, 1)` float32, a position, or a point between positions.
        """

    def forward(self, previous: Tensor) -> Tensor:
        """Source positions that this step may attend to: those near the center of the previous step's weights.

        Args:
            previous: `(B, H, 1, S)`, weights of the previous step; zero at padding.

        Returns:
            `(B, H, 1, S)` bool, True inside the window. Padding is not excluded here; the memory's own mask does that.
        """
        positions = torch.arange(previous.shape[-1], device=previous.device, dtype=torch.float32)
        return (positions - self.center(previous)).abs() <= self.half_width


class MedianWindow(HistoryWindow):
    """A window around the median of the previous weights.

    The median is the first position at which their cumulative sum reaches half of their total.
    """

    def center(self, previous: Tensor) -> Tensor:
        """`min {i : Σ_{j≤i} α_{t-1,j} ≥ ½}`; shapes as in `HistoryWindow.center`."""
        half = previous.sum(-1, keepdim=True) / 2
        return (previous.cumsum(-1) < half).sum(-1, keepdim=True).float()


class MeanWindow(HistoryWindow):
    """A window around the mean position under the previous weights, which may lie between two positions."""

    def center(self, previous: Tensor) -> Tensor:
        """`Σ_i i α_{t-1,i}`; shapes as in `HistoryWindow.center`."""
        positions = torch.arange(previous.shape[-1], device=previous.device, dtype=torch.float32)
        return (previous.detach().float() * positions).sum(-1, keepdim=True)
