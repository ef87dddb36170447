"""Guided attention: word links teach where to look (Chen et al. 2016; Garg et al. 2019)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from regard.config.schema import TrainConfig
from regard.values import AlignmentTargets

_LEAST = 1e-30
"""Weights below this are taken for it, so that a position that is out of reach costs much but not infinitely much, and
has no gradient. A softmax seldom gets there; the gradient at this weight is still a finite number."""


def guided_layer(wanted: int | None, num_layers: int) -> int:
    """The layer that links guide.

    Args:
        wanted: As configured.
        num_layers: Layers that look at the source.

    Returns:
        Its number; the last but one, or the only one, where none was wanted.
    """
    return max(0, num_layers - 2) if wanted is None else wanted


@dataclass(frozen=True, slots=True)
class GuidedAttention:
    """What the links ask of one head of one layer, or of the mean of a layer's heads.

    Attributes:
        weight: λ, by which the cross entropy of the attention counts beside that of the translation.
        layer: Number of the layer; None = the last but one, or the only one.
        head: Number of the head; None = the mean of all.
        shifted: Whether a word's links guide the step after the one in which it is said, when its query has read the
            word (Chen et al. 2020, §3): there is always one, since the end is said last.
    """

    weight: float
    layer: int | None = None
    head: int | None = 0
    shifted: bool = False

    @classmethod
    def of(cls, config: TrainConfig) -> GuidedAttention | None:
        """What a configuration asks for; None where attention is not guided."""
        if not config.guided_weight:
            return None
        return cls(config.guided_weight, config.guided_layer, config.guided_head, config.guided_shift)

    def loss(self, weights: tuple[Tensor, ...], guide: AlignmentTargets) -> Tensor:
        """`-Σ_t Σ_s G_{t,s} ln α_{t,s}` over the target subwords of a batch that are linked (Garg 2019, eq. 3).

        Args:
            weights: Cross-attention, `(B, H, T, S)` a layer.
            guide: G, whose rows sum to 1 where they are not empty.

        Returns:
            A scalar, nats, without λ.
        """
        layer = weights[guided_layer(self.layer, len(weights))]
        # (B, H, T, S) -> (B, T, S)
        chosen = layer.mean(dim=1) if self.head is None else layer[:, self.head]
        rows, steps, columns = guide.indices.unbind(0)
        found = chosen[rows, steps + self.shifted, columns].float().clamp_min(_LEAST)
        return -(guide.values * found.log()).sum()
