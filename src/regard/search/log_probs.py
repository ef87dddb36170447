"""From a step's logits to log-probabilities that a search may trust, and to the most probable tokens."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from regard.errors import SearchError
from regard.native import kernel
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
    _check(log_probs, sentences, step)
    return log_probs


def forbid(log_probs: Tensor, never: tuple[int, ...]) -> Tensor:
    """Rules out tokens.

    Args:
        log_probs: `(R, V)`; written to.
        never: Their ids.

    Returns:
        The same tensor, `(R, V)`.
    """
    for token in never:
        log_probs[:, token] = -torch.inf
    return log_probs


def forbidden_ids(specials: Specials, *, unfinished: bool = False) -> tuple[int, ...]:
    """What no translation may go on with.

    Args:
        specials: Ids that are not text.
        unfinished: Whether it is still too short to end.

    Returns:
        Padding and bos, which are never part of a target, and perhaps eos.
    """
    return (specials.pad, specials.bos, *((specials.eos,) if unfinished else ()))


def top_log_probs(
    logits: Tensor, count: int, *, never: tuple[int, ...], sentences: Tensor, step: int
) -> tuple[Tensor, Tensor]:
    """The most probable tokens of each row; no log-softmax over the whole vocabulary is kept.

    Args:
        logits: `(R, V)`, of any floating type; -inf is a token that the model rules out.
        count: K ≤ V, how many.
        never: Ids that are not to be chosen; they take part in the normalizer.
        sentences: `(R,)` int64, the sentence of each row, for the message.
        step: Number of the step from 1, for the message.

    Returns:
        Log-probabilities `(R, K)` float32 in falling order, -inf where nothing more is possible, and ids `(R, K)`.

    Raises:
        NotFiniteError: A row holds NaN or +inf, or nothing but -inf.
    """
    run = kernel("top_log_probs", logits)
    if run is None or not logits.is_contiguous():
        return forbid(log_probabilities(logits, sentences, step=step), never).topk(count)
    (rows, words), barred = logits.shape, _barred(never)
    log_probs = torch.empty(rows, count)
    ids = torch.empty(rows, count, dtype=torch.int64)
    run(
        logits.data_ptr(), rows, words, barred.data_ptr(), len(barred), count,
        log_probs.data_ptr(), ids.data_ptr(), torch.get_num_threads(),
    )  # fmt: skip
    _check(log_probs, sentences, step)
    return log_probs, ids


@cache
def _barred(never: tuple[int, ...]) -> Tensor:
    return torch.tensor(never, dtype=torch.int64)


def _check(log_probs: Tensor, sentences: Tensor, step: int) -> None:
    """One number that is not finite spoils a row's normalizer, and with it the whole row."""
    bad = log_probs[:, 0].isnan()
    if bool(bad.any()):
        raise NotFiniteError(int(sentences[int(bad.nonzero()[0])]), step)
