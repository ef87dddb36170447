"""Forced decoding: log-probabilities and attention for given translations."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import torch
from torch import Tensor

from regard.errors import SearchError
from regard.model.decoder import StepModel
from regard.search.log_probs import log_probabilities
from regard.search.penalties import length_penalty as penalty
from regard.search.single_path import FilterAttention, run_single_path
from regard.values import Hypothesis, Specials


def force_decode(
    model: StepModel,
    src_ids: Tensor,
    src_len: Tensor,
    targets: Sequence[Sequence[int]],
    *,
    specials: Specials,
    length_penalty: float = 0.0,
    need_weights: bool = False,
    attention_filter: FilterAttention = lambda weights: weights,
) -> list[Hypothesis]:
    """Computes log-probabilities and attention weights of given translations (forced decoding).

    Args:
        model: The model, in evaluation mode.
        src_ids: Source tokens, `(B, S)` int64; each row ends with eos, then padding.
        src_len: Source lengths with eos, without padding, `(B,)` int64.
        targets: Token ids of each sentence's translation, without bos and eos; eos is scored as the last token.
        specials: Ids of the special tokens.
        length_penalty: α of Wu et al. 2016, eq. 14, for scores comparable to those of a search; 0 = no penalty.
        need_weights: Whether to return attention weights.
        attention_filter: Function that selects which attention weights of each step to return; by default all.

    Returns:
        One finished hypothesis per sentence, with the tokens of its target and eos.

    Raises:
        SearchError: The numbers of targets and sources differ, a target contains eos, or the model's logits are not
            finite.
    """
    if len(targets) != len(src_ids):
        raise SearchError(f"expected a target for each of {len(src_ids)} source sentences, got {len(targets)} targets")
    for number, target in enumerate(targets, start=1):
        if specials.eos in target:
            raise SearchError(
                f"target {number} contains eos (id {specials.eos}): leave out eos, which is added automatically"
            )
    lengths = [len(target) + 1 for target in targets]
    longest = max(lengths, default=0)
    rows = [[*target, *[specials.eos] * (longest - len(target))] for target in targets]
    target_ids = torch.tensor(rows, dtype=torch.int64, device=src_ids.device).view(len(rows), longest)

    def next_target(logits: Tensor, sentences: Tensor, paths: Tensor, step: int) -> tuple[Tensor, Tensor]:
        ids = target_ids[paths, step - 1]
        return log_probabilities(logits, sentences, step=step).gather(1, ids[:, None])[:, 0], ids

    limits = torch.tensor(lengths, dtype=torch.int64, device=src_ids.device)
    hypotheses = run_single_path(
        model,
        src_ids,
        src_len,
        next_target,
        max_len=limits,
        specials=specials,
        attention_filter=attention_filter if need_weights else None,
    )
    return [
        dataclasses.replace(hypothesis, score=hypothesis.score / penalty(float(len(hypothesis.ids)), length_penalty))
        for hypothesis in hypotheses
    ]
