"""Diverse beam search (Vijayakumar et al. 2018): a beam in groups that avoid each other's tokens.

The beam of N hypotheses is divided into G groups of N / G. At each step the groups choose their continuations one after
another. A token loses λ nats for each hypothesis of an earlier group that chose it at this step (Hamming diversity).
The loss has an effect on the choice only: log-probabilities and scores are those of the model, and the loss is not
carried to later steps. The first group is a beam search with a beam of N / G.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from regard.model.decoder import State, StepModel
from regard.search.beam import BeamOptions, BeamSearch
from regard.search.log_probs import NotFiniteError
from regard.search.single_path import check_limits
from regard.values import Hypothesis, Specials, StepOutput


def diverse_beam_search(
    model: StepModel,
    src_ids: Tensor,
    src_len: Tensor,
    *,
    max_len: Tensor,
    specials: Specials,
    options: BeamOptions,
    need_weights: bool = False,
) -> list[list[Hypothesis]]:
    """Finds different good translations of source sentences by diverse beam search.

    Args:
        model: The model, in evaluation mode.
        src_ids: Source tokens, `(B, S)` int64; each row ends with eos, then padding.
        src_len: Source lengths with eos, without padding, `(B,)` int64.
        max_len: Largest number of tokens of a hypothesis, eos included, per sentence, `(B,)` int64.
        specials: Ids of the special tokens.
        options: Beam size, groups and penalties.
        need_weights: Whether to return attention weights.

    Returns:
        The hypotheses of all groups of each sentence, best first: at most `n_best` different finished hypotheses; if
        none is finished within `max_len`, unfinished hypotheses.

    Raises:
        SearchError: `max_len` is below 1, the model's logits are not finite, or a coverage penalty is set and the model
            has no attention.
    """
    check_limits(src_ids, max_len)
    if not len(src_ids):
        return []
    copies = torch.arange(len(src_ids), device=src_ids.device).repeat_interleave(options.groups)
    search = _DiverseBeamSearch(
        _GroupedModel(model, options.groups), src_len[copies], max_len[copies], specials, options, need_weights
    )
    try:
        with torch.inference_mode():
            found = search.run(src_ids[copies])
    except NotFiniteError as error:
        raise NotFiniteError(error.sentence // options.groups, error.step) from None
    groups = [found[start : start + options.groups] for start in range(0, len(found), options.groups)]
    return [_best([hypothesis for group in own for hypothesis in group], options.n_best) for own in groups]


def _best(hypotheses: Sequence[Hypothesis], count: int) -> list[Hypothesis]:
    """The best of one sentence's hypotheses, without duplicates; unfinished ones only if none is finished."""
    any_finished = any(hypothesis.finished for hypothesis in hypotheses)
    different = {hypothesis.ids: hypothesis for hypothesis in hypotheses if hypothesis.finished or not any_finished}
    return sorted(different.values(), key=lambda hypothesis: -hypothesis.score)[:count]


class _GroupedModel:
    """Encodes every sentence once, and gives each of its groups a copy of the state."""

    def __init__(self, model: StepModel, groups: int) -> None:
        self.model = model
        self.groups = groups

    def start(self, src_ids: Tensor, src_len: Tensor) -> State:
        """Encodes B sentences, given as `(B * G, S)`, each G times in a row. See `StepModel.start`."""
        state = self.model.start(src_ids[:: self.groups], src_len[:: self.groups])
        sentences = torch.arange(len(src_ids) // self.groups, device=src_ids.device)
        return state.select(sentences.repeat_interleave(self.groups))

    def step(self, ids: Tensor, state: State, *, need_weights: bool = False) -> tuple[StepOutput, State]:
        """Runs one decoding step for the R unfinished prefixes of all groups; `ids` is `(R,)`. See `StepModel.step`."""
        return self.model.step(ids, state, need_weights=need_weights)


class _DiverseBeamSearch(BeamSearch):
    """Beam search that treats each group as a sentence of its own, with a beam of N / G."""

    def __init__(
        self,
        model: StepModel,
        src_len: Tensor,
        max_len: Tensor,
        specials: Specials,
        options: BeamOptions,
        need_weights: bool,
    ) -> None:
        size = options.beam // options.groups
        own = replace(options, beam=size, n_best=min(options.n_best, size), groups=1)
        super().__init__(model, src_len, max_len, specials, own, need_weights)
        self.groups = options.groups
        self.diversity = options.diversity
        # Of the best continuations of a prefix, at most as many lose as there are hypotheses in earlier groups.
        self.max_continuations = options.beam

    def best_continuations(self, totals: Tensor, slots: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Chooses the continuations of one group after the other. See `BeamSearch.best_continuations`.

        Each group counts as a sentence: `totals` is `(B * G, N / G * K)`, and the results are `(B * G, N / G)` each.
        """
        size = self.options.beam
        tokens = ids.new_zeros(len(self.open_slots) * size, ids.shape[1])
        tokens[slots] = ids
        by_group = totals.view(-1, self.groups, totals.shape[1])  # (B, G, N / G * K)
        tokens = tokens.view_as(by_group)
        counts = totals.new_zeros(len(by_group), int(ids.max()) + 1)  # how often each token was chosen
        chosen = []
        for group in range(self.groups):
            scores = by_group[:, group] - self.diversity * counts.gather(1, tokens[:, group])
            index = scores.topk(size).indices  # (B, N / G)
            chosen.append(index)
            is_used = self.ranks < self.open_slots.view(-1, self.groups)[:, group, None]
            is_used &= scores.gather(1, index) > -torch.inf
            counts.scatter_add_(1, tokens[:, group].gather(1, index), is_used.to(counts.dtype))
        index = torch.stack(chosen, dim=1).view(-1, size)
        return totals.gather(1, index), index
