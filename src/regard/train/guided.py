"""Guided attention: word links supervise cross-attention (Chen et al. 2016; Garg et al. 2019)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from regard.config.model_sections import guided_layer
from regard.config.schema import TrainConfig
from regard.values import AlignmentTargets

_MIN_WEIGHT = 1e-30
"""Lower attention weights are raised to this one, so that the loss of a masked position is high but finite, and its
gradient 0. A softmax rarely gets there; the gradient at this weight is still finite."""


@dataclass(frozen=True, slots=True)
class GuidedAttention:
    """Supervision of one attention head, or of the mean of a layer's heads, by word links.

    Attributes:
        weight: λ, weight of the attention's cross entropy in the training loss.
        layer: Number of the layer; None = the last but one, or the only one.
        head: Number of the head; None = the mean of all heads.
        shifted: Whether a word's links guide the step after the one that predicts it. That step's query has read the
            word (Chen et al. 2020, §3). There always is such a step, since the last step predicts the end symbol.
    """

    weight: float
    layer: int | None = None
    head: int | None = 0
    shifted: bool = False

    @classmethod
    def of(cls, config: TrainConfig) -> GuidedAttention | None:
        """The supervision in a configuration; None if attention is not guided."""
        if not config.guided_weight:
            return None
        return cls(config.guided_weight, config.guided_layer, config.guided_head, config.guided_shift)

    def loss(self, weights: tuple[Tensor, ...], guide: AlignmentTargets) -> Tensor:
        """`-Σ_t Σ_s G_{t,s} ln α_{t,s}` over the linked target subwords of a batch (Garg et al. 2019, eq. 3).

        Args:
            weights: Cross-attention weights, `(B, H, T, S)` per layer.
            guide: G; its rows sum to 1 unless they are empty.

        Returns:
            A scalar in nats, without λ.
        """
        layer = weights[guided_layer(self.layer, len(weights))]
        # (B, H, T, S) -> (B, T, S)
        chosen = layer.mean(dim=1) if self.head is None else layer[:, self.head]
        rows, steps, columns = guide.indices.unbind(0)
        linked = chosen[rows, steps + self.shifted, columns].float().clamp_min(_MIN_WEIGHT)
        return -(guide.values * linked.log()).sum()
