"""Greedy search: the most probable token at every step."""

from __future__ import annotations

import dataclasses

from torch import Tensor

from regard.model.decoder import StepModel
from regard.search.attention_filter import KEEP_ALL
from regard.search.log_probs import forbidden_ids, top_log_probs
from regard.search.penalties import length_penalty as penalty
from regard.search.single_path import run_single_path
from regard.values import Hypothesis, Specials


def greedy_search(
    model: StepModel,
    src_ids: Tensor,
    src_len: Tensor,
    *,
    max_len: Tensor,
    specials: Specials,
    length_penalty: float = 0.0,
    min_len: int = 0,
    need_weights: bool = False,
) -> list[Hypothesis]:
    """Translates source sentences by greedy search: chooses the most probable token at each step, until eos.

    Args:
        model: The model, in evaluation mode.
        src_ids: Source tokens, `(B, S)` int64; each row ends with eos, then padding.
        src_len: Source lengths with eos, without padding, `(B,)` int64.
        max_len: Largest number of tokens of a hypothesis, eos included, per sentence, `(B,)` int64.
        specials: Ids of the special tokens.
        length_penalty: α of Wu et al. 2016, eq. 14; it changes the score, not the translation.
        min_len: Smallest number of tokens of a translation, eos not counted.
        need_weights: Whether to return attention weights.

    Returns:
        One hypothesis per sentence.

    Raises:
        SearchError: `max_len` is below 1, or the model's logits are not finite.
    """

    def most_probable(logits: Tensor, sentences: Tensor, paths: Tensor, step: int) -> tuple[Tensor, Tensor]:
        forbidden = forbidden_ids(specials, unfinished=step <= min_len)
        log_probs, ids = top_log_probs(logits, 1, forbidden=forbidden, sentences=sentences, step=step)
        return log_probs[:, 0], ids[:, 0]

    hypotheses = run_single_path(
        model,
        src_ids,
        src_len,
        most_probable,
        max_len=max_len,
        specials=specials,
        attention_filter=KEEP_ALL.apply if need_weights else None,
    )
    return [
        dataclasses.replace(hypothesis, score=hypothesis.score / penalty(float(len(hypothesis.ids)), length_penalty))
        for hypothesis in hypotheses
    ]
