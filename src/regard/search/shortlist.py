"""A lexical shortlist: a search that may only say what the words of its sources are ever translated by.

The output layer is the one part of a step whose cost grows with the vocabulary. A table made beforehand says for every
source subword which target subwords it is linked to most often. These and the most frequent ones are all that a
sentence can say; only the rows of the output layer that a batch needs are multiplied (Jean et al. 2015, §3.2). To the
search this is a model with a small vocabulary. Each softmax is over the words of its own sentence: neighbors change
nothing, and scores are a little higher than over all words.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from regard.errors import SearchError
from regard.model.decoder import State, StepModel
from regard.model.rounded import rounded
from regard.model.seq2seq import Seq2Seq
from regard.native.int8 import Int8Linear
from regard.native.packed import PackedLinear
from regard.search.ensemble import Ensemble
from regard.values import Hypothesis, Specials, StepOutput


@dataclass(frozen=True, eq=False)
class Shortlist:
    """What may be said when a source is translated.

    Attributes:
        candidates: `(V_src, L)` int64, for each source subword target subwords that are linked to it; the last is repeated
            where there are fewer.
        ranking: `(V_tgt,)` int64, all target subwords, those first that are to be there first.
        num_always: How many of these are in every shortlist.

    Raises:
        SearchError: Where a number is no target subword.
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
        """What each sentence of a batch may say.

        Args:
            src_ids: `(B, S)` int64.

        Returns:
            `(B, V_tgt)` bool.
        """
        allowed = torch.zeros(len(src_ids), len(self.ranking), dtype=torch.bool)
        allowed[:, self.ranking[: self.num_always]] = True
        return allowed.scatter_(1, self.candidates[src_ids.cpu()].flatten(1), True)

    def words(self, allowed: Tensor) -> Tensor:
        """The vocabulary of a batch.

        Args:
            allowed: `(B, V_tgt)` bool.

        Returns:
            `(K,)` int64, ascending. K is a round number, so that few different products are compiled.
        """
        taken = allowed.any(0)
        count = int(taken.sum())
        rest = self.ranking[~taken[self.ranking]]
        taken[rest[: rounded(count) - count]] = True
        return taken.nonzero()[:, 0]


@dataclass(frozen=True)
class ShortlistedState(State):
    """The model's state, and whose it is.

    Attributes:
        model: The model's.
        sentences: `(R,)` int64, the sentence of each row.
    """

    model: State
    sentences: Tensor


class ShortlistedModel:
    """A step model for one batch, whose vocabulary is a few words of another's: its ids are their places.

    Args:
        model: A whole model.
        words: `(K,)` int64, ids of the words.
        allowed: `(B, V)` bool, which of all words each sentence may say.
    """

    def __init__(self, model: Seq2Seq, words: Tensor, allowed: Tensor) -> None:
        device = model.output_bias.device
        self.model = model
        self.words = words.to(device)
        self.barred = ~allowed[:, words].to(device)
        self.product = _rows(model, self.words)

    def start(self, src_ids: Tensor, src_len: Tensor) -> ShortlistedState:
        """See `StepModel.start`."""
        return ShortlistedState(self.model.start(src_ids, src_len), torch.arange(len(src_ids), device=src_ids.device))

    def step(self, ids: Tensor, state: State, *, need_weights: bool = False) -> tuple[StepOutput, State]:
        """See `StepModel.step`; ids `(R,)` and logits `(R, K)` count the words."""
        if not isinstance(state, ShortlistedState):
            raise AssertionError("the state comes from another model")
        output, after = self.model.decoder.step(self.words[ids], state.model, need_weights=need_weights)
        weights = tuple(layer[:, :, 0] for layer in output.weights)  # (R, H, 1, S) -> (R, H, S)
        logits = self.product(output.hidden[:, 0]).masked_fill(self.barred[state.sentences], -torch.inf)
        return StepOutput(logits, weights), ShortlistedState(after, state.sentences)


def with_shortlist(model: StepModel, words: Tensor, allowed: Tensor) -> StepModel:
    """A model, or an ensemble of several, that can say only a few words.

    Args:
        model: Of regard's own.
        words: `(K,)` int64, ids of the words.
        allowed: `(B, V)` bool, which of all words each sentence may say.

    Returns:
        A step model over K ids.

    Raises:
        SearchError: Where the output layer is another engine's.
    """
    if isinstance(model, Ensemble):
        return Ensemble([with_shortlist(one, words, allowed) for one in model.models])
    if not isinstance(model, Seq2Seq):
        raise SearchError("a shortlist takes rows of a model's output layer: use regard's own engine, or no shortlist")
    return ShortlistedModel(model, words, allowed)


def shortlist_specials(specials: Specials, words: Tensor) -> Specials:
    """The ids that are not text, as places among some words.

    Args:
        specials: Their ids; they must be among the words.
        words: `(K,)` int64, ascending.

    Returns:
        Their places.
    """
    unk, pad, bos, eos = torch.searchsorted(
        words, torch.tensor([specials.unk, specials.pad, specials.bos, specials.eos])
    ).tolist()
    return Specials(unk, pad, bos, eos)


def full_ids(found: list[list[Hypothesis]], words: Tensor) -> list[list[Hypothesis]]:
    """Hypotheses in the ids of the whole vocabulary.

    Args:
        found: With places among some words.
        words: `(K,)` int64.

    Returns:
        The same otherwise.
    """
    ids = words.tolist()
    return [[replace(one, ids=tuple(ids[place] for place in one.ids)) for one in each] for each in found]


def _rows(model: Seq2Seq, words: Tensor) -> PackedLinear | Int8Linear:
    """The output layer of a few words, in what the whole one is multiplied in."""
    parts = [] if model.output_map is None else list(model.output_map.modules())
    for part in parts:
        if isinstance(part, Int8Linear):
            return part.select_outputs(words)
    weight, bias = model.output_weight[words], model.output_bias[words]
    types = {part.dtype for part in parts if isinstance(part, PackedLinear)}
    return PackedLinear(weight, bias, precision="bfloat16" if torch.bfloat16 in types else "float32")
