"""Location-awareness: where the last look went enters the scores of the next (Chorowski et al. 2015)."""

from __future__ import annotations

from torch import Tensor, nn

from regard.attention.heads import HeadLinear


class LocationFeatures(nn.Module):
    """`U f_{t,i}` with `f_t = F * α_{t-1}`: each key learns what weight its surroundings had a step ago (eq. 8).

    Added to a projected key, it gives the additive score just what the paper has in eq. 9:
    `e_{t,i} = v · tanh(W s + V h_i + U f_{t,i} + b)`. To the dot family it gives `s · (h_i + U f_{t,i})`,
    a preference for moves that the query chooses.

    Args:
        num_filters: k, rows of F.
        half_width: A filter sees this many positions to each side; r = 2 · half_width + 1.
        size: P, the width of a projected key.
        num_heads: H, each with a U of its own; F is shared.
    """

    def __init__(self, num_filters: int, half_width: int, size: int, *, num_heads: int = 1) -> None:
        super().__init__()
        self.filters = nn.Conv1d(1, num_filters, 2 * half_width + 1, padding=half_width, bias=False)
        self.feature_map = HeadLinear(num_heads, num_filters, size)

    def forward(self, last: Tensor) -> Tensor:
        """What is added to the projected keys.

        Args:
            last: `(B, H, 1, S)`, weights of the last look.

        Returns:
            `(B, H, S, P)`.
        """
        batch, heads = last.shape[:2]
        features = self.filters(last.to(self.filters.weight.dtype).flatten(0, 1))  # (B, H, 1, S) -> (B H, k, S)
        # (B H, k, S) -> (B, H, k, S) -> (B, H, S, k) -> (B, H, S, P)
        added: Tensor = self.feature_map(features.unflatten(0, (batch, heads)).transpose(2, 3))
        return added
