"""From a step's logits to log-probabilities that a search may trust."""

from __future__ import annotations

import torch
from torch import Tensor

from regard.errors import SearchError
from regard.values import Specials


class NotFiniteError(SearchError):
    """A model gave numbers that no search can rank.

    Args:
        sentence: Number of the sentence in its batch, from 0.
        step: The step, from 1, which is also the number of the token that was to be chosen.
        where: What the user calls this sentence; its place in the batch when not given.

    Attributes:
        sentence: As given.
        step: As given.
    """

    def __init__(self, sentence: int, step: int, *, where: str | None = None) -> None:
        super().__init__(
            f"expected finite logits, got NaN or infinity for {where or f'sentence {sentence + 1} of the batch'} at "
            f"step {step}: the model's weights are damaged, or its training diverged; try an earlier checkpoint or a "
            "smaller train.learning_rate"
        )
        self.sentence = sentence
        self.step = step


def log_probabilities(logits: Tensor, sentences: Tensor, *, step: int) -> Tensor:
    """Log-softmax in float32. A logit of -inf is a token that the model rules out; a row may not be all of them.

    Args:
        logits: `(R, V)`, of any floating type.
        sentences: `(R,)` int64, the sentence of each row, for the message.
        step: Number of the step from 1, for the message.

    Returns:
        `(R, V)` float32, natural logarithms; a tensor of its own, which may be written to.

    Raises:
        NotFiniteError: A row holds NaN or +inf, or nothing but -inf.
    """
    log_probs = logits.float().log_softmax(-1)
    bad = log_probs[:, 0].isnan()  # one such number spoils the normaliser, and with it the whole row
    if bool(bad.any()):
        raise NotFiniteError(int(sentences[int(bad.nonzero()[0])]), step)
    return log_probs


def forbid(log_probs: Tensor, specials: Specials) -> Tensor:
    """Rules out padding and bos, which are never part of a target.

    Args:
        log_probs: `(R, V)`; written to.
        specials: Names the two.

    Returns:
        The same tensor, `(R, V)`.
    """
    log_probs[:, specials.pad] = -torch.inf
    log_probs[:, specials.bos] = -torch.inf
    return log_probs
