"""Windows: which part of the source a query may look at (Luong 2015, §3.2)."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn


class Window(nn.Module, ABC):
    """Base of all windows: a mask, and a bias that is added to the scores.

    Args:
        reach: D, the number of positions the window spans to each side of its centre.
    """

    def __init__(self, reach: int) -> None:
        super().__init__()
        self.reach = reach

    @abstractmethod
    def centre(self, query: Tensor, src_len: Tensor, *, start: int) -> Tensor:
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
        centre = self.centre(query, mask.sum(-1).view(-1, 1), start=start)
        distance = positions - centre.float()[..., None]  # (B, T, S)
        inside = (distance.abs() <= self.reach)[:, None]
        return inside & mask, self.bias(distance[:, None])

    def bias(self, distance: Tensor) -> Tensor | None:
        """What distance from the centre adds to a score; nothing by default.

        Args:
            distance: `(B, 1, T, S)`, source position minus centre.

        Returns:
            `(B, 1, T, S)`, or None.
        """
        return None


class MonotonicWindow(Window):
    """local-m: source and target run in step, `p_t = t` (kept on the last word once the source has ended).

    Args:
        reach: D.
    """

    def centre(self, query: Tensor, src_len: Tensor, *, start: int) -> Tensor:
        """`min(t, N - 1)`; shapes as in `Window.centre`."""
        steps = torch.arange(start, start + query.shape[1], device=query.device)
        return torch.minimum(steps[None], src_len - 1)


class PredictiveWindow(Window):
    """local-p: `p_t = (N - 1) · sigmoid(v_p · tanh(W_p s_t))`, favoured by a Gaussian of deviation D/2 (eq. 9-10).

    The paper multiplies the softmax with the Gaussian, so that weights no longer sum to 1. Here its
    logarithm is added to the scores: the same preference, and the weights remain a distribution.

    Args:
        reach: D.
        query_size: Q.
    """

    def __init__(self, reach: int, query_size: int) -> None:
        super().__init__(reach)
        self.hidden_map = nn.Linear(query_size, query_size, bias=False)
        self.v = nn.Linear(query_size, 1, bias=False)

    def centre(self, query: Tensor, src_len: Tensor, *, start: int) -> Tensor:
        """`(N - 1) · sigmoid(v_p · tanh(W_p s_t))`; shapes as in `Window.centre`."""
        share = torch.sigmoid(self.v(torch.tanh(self.hidden_map(query))).float()).squeeze(-1)
        return share * (src_len - 1)

    def bias(self, distance: Tensor) -> Tensor | None:
        """`-(i - p_t)² / (2 (D/2)²)`; see `Window.bias`."""
        return distance.square() * (-2.0 / self.reach**2)
