"""Checked log-probabilities from the logits of a step, and the most probable tokens."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from regard.errors import SearchError
from regard.native import kernel
from regard.values import Specials


class NotFiniteError(SearchError):
    """Error that a model computed logits with NaN or infinity.

    Args:
        sentence: Index of the sentence in its batch, from 0.
        step: Number of the decoding step, from 1.
        where: Name of the sentence in the message; by default its number in the batch.

    Attributes:
        sentence: Index of the sentence in its batch, from 0.
        step: Number of the decoding step, from 1.
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
    """Computes log-probabilities from logits by a log-softmax in float32, and refuses NaN and infinity.

    Args:
        logits: Logits of R rows (hypotheses), `(R, V)`, of any floating-point type; -inf excludes a token, but at least
            one token of each row must be possible.
        sentences: Index of each row's sentence in the batch, `(R,)` int64, for error messages.
        step: Number of the decoding step, from 1, for error messages.

    Returns:
        Natural logarithms of the probabilities, `(R, V)` float32; a new tensor, which may be modified.

    Raises:
        NotFiniteError: The logits of a row contain NaN or +inf, or only -inf.
    """
    log_probs = logits.float().log_softmax(-1)
    _check(log_probs, sentences, step)
    return log_probs


def forbid(log_probs: Tensor, forbidden: tuple[int, ...]) -> Tensor:
    """Sets the log-probabilities of forbidden tokens to -inf, in place.

    Args:
        log_probs: Log-probabilities of R rows, `(R, V)`, which are modified.
        forbidden: Ids of the forbidden tokens.

    Returns:
        The tensor `log_probs`, `(R, V)`.
    """
    for token in forbidden:
        log_probs[:, token] = -torch.inf
    return log_probs


def forbidden_ids(specials: Specials, *, unfinished: bool = False) -> tuple[int, ...]:
    """Lists the token ids that must not be the next token of a translation.

    Args:
        specials: Ids of the special tokens.
        unfinished: Whether the translation is still too short to end.

    Returns:
        The ids of padding and bos, which are never part of a translation; also the id of eos if `unfinished` is True.
    """
    return (specials.pad, specials.bos, *((specials.eos,) if unfinished else ()))


def top_log_probs(
    logits: Tensor, count: int, *, forbidden: tuple[int, ...], sentences: Tensor, step: int
) -> tuple[Tensor, Tensor]:
    """Finds the most probable tokens of each row, without storing log-probabilities of the whole vocabulary.

    Args:
        logits: Logits of R rows (hypotheses), `(R, V)`, of any floating-point type; -inf excludes a token.
        count: K, the number of tokens to find per row, at most V.
        forbidden: Ids of tokens that must not be chosen; they still count in the softmax.
        sentences: Index of each row's sentence in the batch, `(R,)` int64, for error messages.
        step: Number of the decoding step, from 1, for error messages.

    Returns:
        Log-probabilities of the tokens in descending order, `(R, K)` float32, and their ids, `(R, K)` int64. If fewer
        than K tokens are possible, the other log-probabilities are -inf.

    Raises:
        NotFiniteError: The logits of a row contain NaN or +inf, or only -inf.
    """
    run = kernel("top_log_probs", logits)
    if run is None or not logits.is_contiguous():
        return forbid(log_probabilities(logits, sentences, step=step), forbidden).topk(count)
    (rows, vocab_size), forbidden_tensor = logits.shape, _as_tensor(forbidden)
    log_probs = torch.empty(rows, count)
    ids = torch.empty(rows, count, dtype=torch.int64)
    run(
        logits.data_ptr(), rows, vocab_size, forbidden_tensor.data_ptr(), len(forbidden), count,
        log_probs.data_ptr(), ids.data_ptr(), torch.get_num_threads(),
    )  # fmt: skip
    _check(log_probs, sentences, step)
    return log_probs, ids


@cache
def _as_tensor(ids: tuple[int, ...]) -> Tensor:
    return torch.tensor(ids, dtype=torch.int64)


def _check(log_probs: Tensor, sentences: Tensor, step: int) -> None:
    """A logit that is not finite makes the softmax of its whole row NaN, so one column shows it."""
    is_nan = log_probs[:, 0].isnan()
    if bool(is_nan.any()):
        raise NotFiniteError(int(sentences[int(is_nan.nonzero()[0])]), step)
