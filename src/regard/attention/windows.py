"""Windows: the part of the source that a query may attend to.

The position of the window depends on the query and its target position (Luong 2015, §3.2), or on the attention weights
of the previous decoding step (Chorowski 2015, §2.3).
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn


class Window(nn.Module, ABC):
    """Base class of the windows of Luong et al. 2015, which restrict attention to positions around a center.

    The center depends on the query and its target position.

    Args:
        half_width: Number of source positions to each side of the center (D in the paper).
    """

    def __init__(self, half_width: int) -> None:
        super().__init__()
        self.half_width = half_width

    @abstractmethod
    def center(self, query: Tensor, src_len: Tensor, *, start: int) -> Tensor:
        """Computes the center of each query's window, the aligned source position `p_t`.

        Args:
            query: Decoder states, `(B, T, Q)`, Q = their width.
            src_len: Source lengths with eos, without padding, `(B, 1)`.
            start: Target position of the first query.

        Returns:
            The centers, `(B, T)` or `(1, T)`, between 0 and `src_len - 1`.
        """

    def forward(self, query: Tensor, mask: Tensor, *, start: int = 0) -> tuple[Tensor, Tensor | None]:
        """Computes the window of each query, as a mask and a bias of the attention scores.

        Args:
            query: Decoder states, `(B, T, Q)`, Q = their width.
            mask: `(B, 1, 1, S)` bool, True at real source tokens, False at padding.
            start: Target position of the first query.

        Returns:
            The mask, `(B, 1, T, S)` bool, True at real tokens in the window; and the bias to add to the scores,
            `(B, 1, T, S)`, or None.
        """
        positions = torch.arange(mask.shape[-1], device=mask.device, dtype=torch.float32)
        center = self.center(query, mask.sum(-1).view(-1, 1), start=start)
        distance = positions - center.float()[..., None]  # (B, T, S)
        inside = (distance.abs() <= self.half_width)[:, None]
        return inside & mask, self.bias(distance[:, None])

    def bias(self, distance: Tensor) -> Tensor | None:
        """Computes the bias of each score from the distance of its source position from the window's center.

        Args:
            distance: Source position minus center, `(B, 1, T, S)`.

        Returns:
            Bias to add to the scores, `(B, 1, T, S)`; None = no bias, as in this base class.
        """
        return None


class MonotonicWindow(Window):
    """Window of Luong's local-m attention: for target position t, it is centered at source position t.

    If the source is shorter, the center is its last position.

    Args:
        half_width: Number of source positions to each side of the center (D in the paper).
    """

    def center(self, query: Tensor, src_len: Tensor, *, start: int) -> Tensor:
        """Computes the centers `min(t, src_len - 1)` for target positions t. See `Window.center`."""
        steps = torch.arange(start, start + query.shape[1], device=query.device)
        return torch.minimum(steps[None], src_len - 1)


class PredictiveWindow(Window):
    """Window of Luong's local-p attention, centered at a source position that the query predicts (eq. 9-10).

    The center is `p_t = (N - 1) · sigmoid(v_p · tanh(W_p s_t))` for query `s_t` and source length N. A Gaussian with
    standard deviation D/2 favors positions near the center. The paper multiplies the softmax by the Gaussian, after
    which the weights no longer sum to 1. Here the logarithm of the Gaussian is added to the scores: the preference is
    the same, and the weights still sum to 1.

    Args:
        half_width: D, the number of source positions to each side of the center.
        query_size: Q, the width of the queries.
    """

    def __init__(self, half_width: int, query_size: int) -> None:
        super().__init__(half_width)
        self.hidden_map = nn.Linear(query_size, query_size, bias=False)
        self.v = nn.Linear(query_size, 1, bias=False)

    def center(self, query: Tensor, src_len: Tensor, *, start: int) -> Tensor:
        """Predicts the centers, `(src_len - 1) · sigmoid(v_p · tanh(W_p s_t))`. See `Window.center`."""
        share = torch.sigmoid(self.v(torch.tanh(self.hidden_map(query))).float()).squeeze(-1)
        return share * (src_len - 1)

    def bias(self, distance: Tensor) -> Tensor | None:
        """Computes the logarithm of a Gaussian, `-distance² / (2 (D/2)²)`, with D = `half_width`. See `Window.bias`."""
        return distance.square() * (-2.0 / self.half_width**2)


class HistoryWindow(nn.Module, ABC):
    """Base class of windows whose center depends on the previous step's attention weights (Chorowski 2015, §2.3).

    The paper's window covers w positions before its center and w - 1 after it; here it covers w on both sides.

    Args:
        half_width: w, the number of source positions to each side of the center.
    """

    def __init__(self, half_width: int) -> None:
        super().__init__()
        self.half_width = half_width

    @abstractmethod
    def center(self, previous: Tensor) -> Tensor:
        """Computes the center of the window from the previous step's attention weights.

        Args:
            previous: Attention weights of the previous step, `(B, H, 1, S)`.

        Returns:
            The center, `(B, H, 1, 1)` float32: a source position, or a point between two positions.
        """

    def forward(self, previous: Tensor) -> Tensor:
        """Computes the mask of the window for a decoding step, from the previous step's attention weights.

        Args:
            previous: Attention weights of the previous step, `(B, H, 1, S)`; zero at padding.

        Returns:
            `(B, H, 1, S)` bool, True inside the window. The window may include padding, which the source mask excludes.
        """
        positions = torch.arange(previous.shape[-1], device=previous.device, dtype=torch.float32)
        return (positions - self.center(previous)).abs() <= self.half_width


class MedianWindow(HistoryWindow):
    """A window around the median of the previous step's attention weights.

    The median is the first source position at which the cumulative sum of the weights reaches half of the total.

    Args:
        half_width: Number of source positions to each side of the median.
    """

    def center(self, previous: Tensor) -> Tensor:
        """Computes the median position, `min {i : Σ_{j≤i} α_{t-1,j} ≥ ½}`. See `HistoryWindow.center`."""
        half = previous.sum(-1, keepdim=True) / 2
        return (previous.cumsum(-1) < half).sum(-1, keepdim=True).float()


class MeanWindow(HistoryWindow):
    """A window around the mean source position, weighted by the previous step's attention weights.

    The mean may lie between two positions.

    Args:
        half_width: Number of source positions to each side of the mean.
    """

    def center(self, previous: Tensor) -> Tensor:
        """Computes the mean position, `Σ_i i α_{t-1,i}`. See `HistoryWindow.center`."""
        positions = torch.arange(previous.shape[-1], device=previous.device, dtype=torch.float32)
        return (previous.detach().float() * positions).sum(-1, keepdim=True)
