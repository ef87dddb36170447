"""Location features: scores depend on the previous weights around each position (Chorowski et al. 2015)."""

from __future__ import annotations

from torch import Tensor, nn

from regard.attention.heads import HeadLinear


class LocationFeatures(nn.Module):
    """Location features `U f_{t,i}` of the previous step's attention weights (Chorowski et al. 2015, eq. 8).

    `f_t = F * α_{t-1}` is a convolution of the previous step's weights α with the filters F. If the features are added
    to a projected key, the additive score becomes that of the paper's eq. 9, `v · tanh(W s + V h_i + U f_{t,i} + b)`.
    Dot-product scores become `s · (h_i + U f_{t,i})`, so the query s decides in which direction to move.

    Args:
        num_filters: k, the number of filters (rows of F).
        half_width: Number of positions to each side of a filter's center; a filter covers 2 · half_width + 1 positions.
        size: P, the width of a projected key.
        num_heads: H, the number of heads. Each head has its own U; all heads use the same F.
    """

    def __init__(self, num_filters: int, half_width: int, size: int, *, num_heads: int = 1) -> None:
        super().__init__()
        self.filters = nn.Conv1d(1, num_filters, 2 * half_width + 1, padding=half_width, bias=False)
        self.feature_map = HeadLinear(num_heads, num_filters, size)

    def forward(self, previous: Tensor) -> Tensor:
        """Computes the features of each source position from the previous step's attention weights.

        Args:
            previous: Attention weights of the previous step, `(B, H, 1, S)`.

        Returns:
            Features to add to the projected keys, `(B, H, S, P)`, P = width of a projected key.
        """
        batch, heads = previous.shape[:2]
        filtered = self.filters(previous.to(self.filters.weight.dtype).flatten(0, 1))  # (B, H, 1, S) -> (B H, k, S)
        # (B H, k, S) -> (B, H, k, S) -> (B, H, S, k) -> (B, H, S, P)
        features: Tensor = self.feature_map(filtered.unflatten(0, (batch, heads)).transpose(2, 3))
        return features
