"""The training objective: the translation loss of a batch, with everything that is added to it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from regard.config.schema import TrainConfig
from regard.model.seq2seq import Seq2Seq
from regard.train.consistency import consistent_cross_entropy, repeated
from regard.train.guided import GuidedAttention
from regard.train.loss import chunked_cross_entropy
from regard.train.precision import Precision
from regard.train.word_dropout import drop_words
from regard.values import Batch, DecoderOutput


@dataclass(frozen=True, slots=True)
class BatchLosses:
    """Losses of a batch, each summed over its target tokens, scalars in nats.

    Attributes:
        total: The loss to minimize: `loss` plus the weighted loss of guided attention, if it is used.
        loss: Label-smoothed cross entropy; with R-Drop, plus the divergence of both predictions.
        nll: Negative log-likelihood.
    """

    total: Tensor
    loss: Tensor
    nll: Tensor


@dataclass(frozen=True, slots=True)
class Objective:
    """What a training minimizes.

    Attributes:
        label_smoothing: ε of the target distribution.
        guided: Supervision of attention by word links; with None, batches need no links.
        r_drop: α, factor of the divergence in R-Drop; 0 = no R-Drop, so every batch is computed once.
        word_dropout: Probability that an input token is replaced by the unknown token.
    """

    label_smoothing: float = 0.0
    guided: GuidedAttention | None = None
    r_drop: float = 0.0
    word_dropout: float = 0.0

    @classmethod
    def of(cls, config: TrainConfig) -> Objective:
        """The objective that a configuration asks for."""
        return cls(config.label_smoothing, GuidedAttention.of(config), config.r_drop, config.word_dropout)

    def losses(self, model: Seq2Seq, batch: Batch, precision: Precision) -> BatchLosses:
        """Runs the model over a batch and computes the losses.

        With R-Drop, the losses are means over both predictions, so that gradients are as large as without R-Drop.

        Args:
            model: Model on the device of the batch.
            batch: Sentence pairs, with alignment targets if attention is guided.
            precision: Number format of the matrix products.

        Returns:
            The losses, summed over the target tokens of the batch.
        """
        if self.r_drop:
            batch = repeated(batch)
        if self.word_dropout:
            batch = drop_words(batch, self.word_dropout, model.specials)
        # Attention weights are requested only where links supervise them: attention is faster without them.
        guide = None if self.guided is None else batch.alignment_targets
        with precision.context():
            output = model(batch, need_weights=guide is not None)
            loss, nll = self._translation_loss(model, batch, output)
        total = loss
        if self.guided is not None and guide is not None:
            total = loss + self.guided.weight * self.guided.loss(output.weights, guide)
        if self.r_drop:
            total, loss, nll = total / 2, loss / 2, nll / 2
        return BatchLosses(total, loss.detach(), nll)

    def _translation_loss(self, model: Seq2Seq, batch: Batch, output: DecoderOutput) -> tuple[Tensor, Tensor]:
        tensors = output.hidden, model.output_weight, model.output_bias, batch.tgt_out_ids
        smoothing, pad, count = self.label_smoothing, model.specials.pad, batch.num_tgt_tokens
        if self.r_drop:
            return consistent_cross_entropy(
                *tensors, alpha=self.r_drop, label_smoothing=smoothing, ignore_index=pad, num_tokens=count
            )
        return chunked_cross_entropy(*tensors, label_smoothing=smoothing, ignore_index=pad, num_tokens=count)
