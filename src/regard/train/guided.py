"""Guided attention: word alignment links supervise cross-attention (Chen et al. 2016; Garg et al. 2019)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from regard.config.model_sections import guided_layer
from regard.config.schema import TrainConfig
from regard.values import AlignmentTargets

_MIN_WEIGHT = 1e-30
"""Smaller attention weights are clamped to this value, so that the loss of a masked position is high but finite, and
its gradient 0. Weights from a softmax are rarely so small; the gradient at this value is still finite."""


@dataclass(frozen=True, slots=True)
class GuidedAttention:
    """Supervision of one cross-attention head, or of the mean of a layer's heads, by word alignment links.

    Attributes:
        weight: λ, factor of the attention's cross entropy in the training loss.
        layer: 0-based number of the layer; None = the last but one, or the only layer.
        head: 0-based number of the head; None = the mean of all heads of the layer.
        shifted: Whether the links of a target word supervise the decoding step after the one that predicts the word.
            At that later step the word is the decoder's input (Chen et al. 2020, §3). The step always exists, because
            the last step predicts the end symbol.
    """

    weight: float
    layer: int | None = None
    head: int | None = 0
    shifted: bool = False

    @classmethod
    def of(cls, config: TrainConfig) -> GuidedAttention | None:
        """The supervision that a configuration asks for; None if `train.guided_weight` is 0."""
        if not config.guided_weight:
            return None
        return cls(config.guided_weight, config.guided_layer, config.guided_head, config.guided_shift)

    def loss(self, weights: tuple[Tensor, ...], guide: AlignmentTargets) -> Tensor:
        """Cross entropy of the attention α, `-Σ_t Σ_s G_{t,s} ln α_{t,s}`, over a batch (Garg et al. 2019, eq. 3).

        α is the attention of the layer `layer` and the head `head`; if `head` is None, the mean of that layer's heads.

        Args:
            weights: Cross-attention weights of each layer, `(B, H, T, S)`.
            guide: Links of the batch as a sparse matrix G; the row of each target subword sums to 1, or is empty if the
                subword has no links.

        Returns:
            The sum over all linked target subwords in nats, a scalar, not yet multiplied by λ.
        """
        layer = weights[guided_layer(self.layer, len(weights))]
        # (B, H, T, S) -> (B, T, S)
        chosen = layer.mean(dim=1) if self.head is None else layer[:, self.head]
        rows, steps, columns = guide.indices.unbind(0)
        linked = chosen[rows, steps + self.shifted, columns].float().clamp_min(_MIN_WEIGHT)
        return -(guide.values * linked.log()).sum()
