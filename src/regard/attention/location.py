"""Location features: scores depend on the previous weights around each position (Chorowski et al. 2015)."""

from __future__ import annotations

from torch import Tensor, nn

from regard.attention.heads import HeadLinear


class LocationFeatures(nn.Module):
    """`U f_{t,i}` with `f_t = F * α_{t-1}`, a convolution of the previous weights (eq. 8).

    Added to a projected key, the features give the additive score of the paper's eq. 9:
    `e_{t,i} = v · tanh(W s + V h_i + U f_{t,i} + b)`. In the dot family they give `s · (h_i + U f_{t,i})`,
    so the query decides which moves to prefer.

    Args:
        num_filters: k, the number of filters (rows of F).
        half_width: Positions to each side of a filter's center; its width r is 2 · half_width + 1.
        size: P, the width of a projected key.
        num_heads: H. Each head has its own U; F is shared.
    """

    def __init__(self, num_filters: int, half_width: int, size: int, *, num_heads: int = 1) -> None:
        super().__init__()
        self.filters = nn.Conv1d(1, num_filters, 2 * half_width + 1, padding=half_width, bias=False)
        self.feature_map = HeadLinear(num_heads, num_filters, size)

    def forward(self, previous: Tensor) -> Tensor:
        """Computes the features from the previous weights.

        Args:
            previous: `(B, H, 1, S)`, weights of the previous step.

        Returns:
            `(B, H, S, P)`, to be added to the projected keys.
        """
        batch, heads = previous.shape[:2]
        filtered = self.filters(previous.to(self.filters.weight.dtype).flatten(0, 1))  # (B, H, 1, S) -> (B H, k, S)
        # (B H, k, S) -> (B, H, k, S) -> (B, H, S, k) -> (B, H, S, P)
        features: Tensor = self.feature_map(filtered.unflatten(0, (batch, heads)).transpose(2, 3))
        return features
