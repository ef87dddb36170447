"""Lexical shortlists: restriction of a search to likely translations of the source subwords.

The output layer is the only part of a step whose cost grows with the vocabulary. A precomputed table contains, for each
source subword, the target subwords that it is aligned to most often. A translation can contain only these and the most
frequent target subwords, and only the rows of the output layer that a batch needs are computed (Jean et al. 2015,
§3.2). To the search this is a model with a small vocabulary. Each softmax is over the tokens of its own sentence, so
results do not depend on the batch; scores are a little higher than over the full vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from regard.errors import SearchError
from regard.model.decoder import State, StepModel
from regard.model.row_padding import round_up
from regard.model.seq2seq import Seq2Seq
from regard.native.int8 import Int8Linear
from regard.native.packed import PackedLinear
from regard.search.ensemble import Ensemble
from regard.values import Hypothesis, Specials, StepOutput


@dataclass(frozen=True, eq=False)
class Shortlist:
    """The target subwords allowed for each source subword.

    Attributes:
        candidates: `(V_src, L)` int64, target subwords aligned to each source subword; where there are fewer than L,
            one is repeated.
        ranking: `(V_tgt,)` int64, all target subwords in the order in which they are added to shortlists.
        num_always: Number of target subwords, from the start of `ranking`, that are in every shortlist.

    Raises:
        SearchError: An id is not a target subword.
    """

    candidates: Tensor
    ranking: Tensor
    num_always: int

    def __post_init__(self) -> None:
        size = len(self.ranking)
        if self.candidates.dim() != 2 or not torch.equal(self.ranking.sort().values, torch.arange(size)):
            raise SearchError("expected links for each source subword, and an order of all target subwords")
        if self.candidates.numel() and not 0 <= int(self.candidates.min()) <= int(self.candidates.max()) < size:
            raise SearchError(
                f"expected links to target subwords from 0 to {size - 1}, got {int(self.candidates.max())}"
            )
        if not 0 <= self.num_always <= size:
            raise SearchError(
                f"expected between 0 and {size} target subwords in every shortlist, got {self.num_always}"
            )

    def allowed(self, src_ids: Tensor) -> Tensor:
        """The target subwords allowed in each sentence of a batch.

        Args:
            src_ids: `(B, S)` int64.

        Returns:
            `(B, V_tgt)` bool, True = allowed.
        """
        allowed = torch.zeros(len(src_ids), len(self.ranking), dtype=torch.bool)
        allowed[:, self.ranking[: self.num_always]] = True
        return allowed.scatter_(1, self.candidates[src_ids.cpu()].flatten(1), True)

    def token_ids(self, allowed: Tensor) -> Tensor:
        """The vocabulary of a batch: all tokens allowed in any of its sentences, and more from `ranking`.

        Args:
            allowed: `(B, V_tgt)` bool, from `allowed`.

        Returns:
            `(K,)` int64, ascending. K is rounded up to one of few sizes, so that oneDNN compiles few products.
        """
        in_vocabulary = allowed.any(0)
        count = int(in_vocabulary.sum())
        rest = self.ranking[~in_vocabulary[self.ranking]]
        in_vocabulary[rest[: round_up(count) - count]] = True
        return in_vocabulary.nonzero()[:, 0]


@dataclass(frozen=True)
class ShortlistedState(State):
    """The state of a `ShortlistedModel`.

    Attributes:
        model: The state of the full model.
        sentences: `(R,)` int64, the sentence of each row.
    """

    model: State
    sentences: Tensor


class ShortlistedModel:
    """A step model for one batch with K tokens of another model's vocabulary; its ids are indices into these.

    Args:
        model: The full model.
        token_ids: `(K,)` int64, ids of the tokens in the full vocabulary.
        allowed: `(B, V)` bool, the tokens of the full vocabulary allowed in each sentence.
    """

    def __init__(self, model: Seq2Seq, token_ids: Tensor, allowed: Tensor) -> None:
        device = model.output_bias.device
        self.model = model
        self.token_ids = token_ids.to(device)
        self.forbidden = ~allowed[:, token_ids].to(device)
        self.output_layer = _output_rows(model, self.token_ids)

    def start(self, src_ids: Tensor, src_len: Tensor) -> ShortlistedState:
        """The model's state, with the sentence of each row; see `StepModel.start`."""
        return ShortlistedState(self.model.start(src_ids, src_len), torch.arange(len(src_ids), device=src_ids.device))

    def step(self, ids: Tensor, state: State, *, need_weights: bool = False) -> tuple[StepOutput, State]:
        """Computes logits of the K tokens only: ids are `(R,)`, logits `(R, K)`; see `StepModel.step`."""
        if not isinstance(state, ShortlistedState):
            raise AssertionError("the state comes from another model")
        output, after = self.model.decoder.step(self.token_ids[ids], state.model, need_weights=need_weights)
        weights = tuple(layer[:, :, 0] for layer in output.weights)  # (R, H, 1, S) -> (R, H, S)
        logits = self.output_layer(output.hidden[:, 0]).masked_fill(self.forbidden[state.sentences], -torch.inf)
        return StepOutput(logits, weights), ShortlistedState(after, state.sentences)


def with_shortlist(model: StepModel, token_ids: Tensor, allowed: Tensor) -> StepModel:
    """Restricts a model or an ensemble to the tokens of a shortlist.

    Args:
        model: A model of regard, or an ensemble of such models.
        token_ids: `(K,)` int64, ids of the tokens.
        allowed: `(B, V)` bool, the tokens of the full vocabulary allowed in each sentence.

    Returns:
        A step model over K ids.

    Raises:
        SearchError: The model belongs to another engine.
    """
    if isinstance(model, Ensemble):
        return Ensemble([with_shortlist(member, token_ids, allowed) for member in model.models])
    if not isinstance(model, Seq2Seq):
        raise SearchError(
            "a shortlist needs the output layer of a regard model: use regard's own engine, or no shortlist"
        )
    return ShortlistedModel(model, token_ids, allowed)


def shortlist_specials(specials: Specials, token_ids: Tensor) -> Specials:
    """The special tokens as indices into the tokens of a shortlist.

    Args:
        specials: Ids of the special tokens, which must be among the tokens.
        token_ids: `(K,)` int64, ascending.

    Returns:
        Their indices.
    """
    unk, pad, bos, eos = torch.searchsorted(
        token_ids, torch.tensor([specials.unk, specials.pad, specials.bos, specials.eos])
    ).tolist()
    return Specials(unk, pad, bos, eos)


def full_ids(hypotheses: list[list[Hypothesis]], token_ids: Tensor) -> list[list[Hypothesis]]:
    """Converts the ids of hypotheses to the full vocabulary.

    Args:
        hypotheses: Hypotheses of each sentence, with indices into `token_ids`.
        token_ids: `(K,)` int64.

    Returns:
        The same hypotheses with ids of the full vocabulary.
    """
    ids = token_ids.tolist()
    return [
        [replace(hypothesis, ids=tuple(ids[index] for index in hypothesis.ids)) for hypothesis in n_best]
        for n_best in hypotheses
    ]


def _output_rows(model: Seq2Seq, token_ids: Tensor) -> PackedLinear | Int8Linear:
    """The rows of the output layer for some tokens, in the precision of the full layer."""
    parts = [] if model.output_map is None else list(model.output_map.modules())
    for part in parts:
        if isinstance(part, Int8Linear):
            return part.select_outputs(token_ids)
    weight, bias = model.output_weight[token_ids], model.output_bias[token_ids]
    types = {part.dtype for part in parts if isinstance(part, PackedLinear)}
    return PackedLinear(weight, bias, precision="bfloat16" if torch.bfloat16 in types else "float32")
