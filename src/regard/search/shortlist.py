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
    """Lexical shortlist: for each source subword, the target subwords that its translation may contain.

    `V_src` and `V_tgt` are the sizes of the vocabularies.

    Attributes:
        candidates: Per source subword, the ids of at most L target subwords that are often aligned to it,
            `(V_src, L)` int64; if there are fewer than L, an id is repeated.
        ranking: Ids of all target subwords, the most frequent first, `(V_tgt,)` int64; shortlists are filled up in this
            order.
        num_always: Number of target subwords, from the start of `ranking`, that every shortlist contains.

    Raises:
        SearchError: `candidates` contains an id that is not in the target vocabulary, `ranking` does not contain each
            target id once, or `num_always` is out of range.
    """

    candidates: Tensor
    ranking: Tensor
    num_always: int

    def __post_init__(self) -> None:
        size = len(self.ranking)
        if self.candidates.dim() != 2:
            raise SearchError(
                "shortlist: expected a table with a row of target ids for each source subword, got a tensor with "
                f"{self.candidates.dim()} dimensions"
            )
        if not torch.equal(self.ranking.sort().values, torch.arange(size)):
            raise SearchError(
                f"shortlist: expected each of the {size} target ids once in the ranking by frequency, but an id is "
                "missing or repeated: make the shortlist again with the vocabulary of this model"
            )
        if self.candidates.numel() and not 0 <= int(self.candidates.min()) <= int(self.candidates.max()) < size:
            raise SearchError(
                f"shortlist: expected target ids from 0 to {size - 1} for each source subword, got ids from "
                f"{int(self.candidates.min())} to {int(self.candidates.max())}: make the shortlist again for this model"
            )
        if not 0 <= self.num_always <= size:
            raise SearchError(
                f"shortlist: expected from 0 to {size} as `num_always`, the number of target subwords in every "
                f"shortlist, got {self.num_always}"
            )

    def allowed(self, src_ids: Tensor) -> Tensor:
        """Finds the target subwords that the translation of each sentence of a batch may contain.

        Args:
            src_ids: Source tokens of the sentences, `(B, S)` int64.

        Returns:
            Per sentence and target subword, whether the subword is allowed, `(B, V_tgt)` bool.
        """
        allowed = torch.zeros(len(src_ids), len(self.ranking), dtype=torch.bool)
        allowed[:, self.ranking[: self.num_always]] = True
        return allowed.scatter_(1, self.candidates[src_ids.cpu()].flatten(1), True)

    def token_ids(self, allowed: Tensor) -> Tensor:
        """Chooses the K target subwords for which the output layer is computed for a batch.

        These are the subwords that are allowed in any sentence of the batch, and further ones from `ranking`, which
        round K up to one of few sizes, so that oneDNN compiles few kernels.

        Args:
            allowed: Whether each subword is allowed in each sentence, `(B, V_tgt)` bool, from the method `allowed`.

        Returns:
            Ids of the subwords in ascending order, `(K,)` int64.
        """
        in_vocabulary = allowed.any(0)
        count = int(in_vocabulary.sum())
        rest = self.ranking[~in_vocabulary[self.ranking]]
        in_vocabulary[rest[: round_up(count) - count]] = True
        return in_vocabulary.nonzero()[:, 0]


@dataclass(frozen=True)
class ShortlistedState(State):
    """State of a `ShortlistedModel` between two decoding steps.

    Attributes:
        model: State of the model with the full vocabulary.
        sentences: Index of each row's sentence in the batch, `(R,)` int64, R = number of rows (hypotheses).
    """

    model: State
    sentences: Tensor


class ShortlistedModel:
    """A model restricted to the K target subwords of a shortlist, for the search over one batch.

    To the search this is a model with a target vocabulary of K tokens: token i stands for the subword `token_ids[i]` of
    the full vocabulary.

    Args:
        model: The model with the full target vocabulary.
        token_ids: Ids of the K subwords in the full vocabulary, `(K,)` int64.
        allowed: Whether each subword of the full vocabulary is allowed in each sentence, `(B, V)` bool.
    """

    def __init__(self, model: Seq2Seq, token_ids: Tensor, allowed: Tensor) -> None:
        device = model.output_bias.device
        self.model = model
        self.token_ids = token_ids.to(device)
        self.forbidden = ~allowed[:, token_ids].to(device)
        self.output_layer = _output_rows(model, self.token_ids)

    def start(self, src_ids: Tensor, src_len: Tensor) -> ShortlistedState:
        """Encodes source sentences, and makes the state before the first decoding step. See `StepModel.start`."""
        return ShortlistedState(self.model.start(src_ids, src_len), torch.arange(len(src_ids), device=src_ids.device))

    def step(self, ids: Tensor, state: State, *, need_weights: bool = False) -> tuple[StepOutput, State]:
        """Runs one decoding step for R hypotheses, with the K tokens of the shortlist as the vocabulary.

        The ids, `(R,)`, and the logits, `(R, K)`, refer to these tokens. Logits of tokens that are not allowed in a
        hypothesis's sentence are -inf. See `StepModel.step`.
        """
        if not isinstance(state, ShortlistedState):
            raise AssertionError(f"expected a state of this model, a ShortlistedState, got {type(state).__name__}")
        output, after = self.model.decoder.step(self.token_ids[ids], state.model, need_weights=need_weights)
        weights = tuple(layer[:, :, 0] for layer in output.weights)  # (R, H, 1, S) -> (R, H, S)
        logits = self.output_layer(output.hidden[:, 0]).masked_fill(self.forbidden[state.sentences], -torch.inf)
        return StepOutput(logits, weights), ShortlistedState(after, state.sentences)


def with_shortlist(model: StepModel, token_ids: Tensor, allowed: Tensor) -> StepModel:
    """Restricts a model or an ensemble to the target subwords of a shortlist, for the search over one batch.

    Args:
        model: A model of regard, or an ensemble of such models.
        token_ids: Ids of the K subwords in the full target vocabulary, `(K,)` int64.
        allowed: Whether each subword of the full vocabulary is allowed in each sentence, `(B, V)` bool.

    Returns:
        A model with a target vocabulary of K tokens; token i stands for the subword `token_ids[i]`.

    Raises:
        SearchError: The model is not a model of regard, but one of another inference engine.
    """
    if isinstance(model, Ensemble):
        return Ensemble([with_shortlist(member, token_ids, allowed) for member in model.models])
    if not isinstance(model, Seq2Seq):
        raise SearchError(
            "a shortlist works only with regard's own engine, whose output layer it shortens: use that engine, or "
            "leave out the shortlist"
        )
    return ShortlistedModel(model, token_ids, allowed)


def shortlist_specials(specials: Specials, token_ids: Tensor) -> Specials:
    """Converts the ids of the special tokens to the vocabulary of a shortlist.

    Args:
        specials: Ids of the special tokens in the full vocabulary; all must be among `token_ids`.
        token_ids: Ids of the K subwords of the shortlist in the full vocabulary, ascending, `(K,)` int64.

    Returns:
        The index of each special token in `token_ids`.
    """
    unk, pad, bos, eos = torch.searchsorted(
        token_ids, torch.tensor([specials.unk, specials.pad, specials.bos, specials.eos])
    ).tolist()
    return Specials(unk, pad, bos, eos)


def full_ids(hypotheses: list[list[Hypothesis]], token_ids: Tensor) -> list[list[Hypothesis]]:
    """Converts the token ids of hypotheses from the vocabulary of a shortlist to the full vocabulary.

    Args:
        hypotheses: Hypotheses of each sentence, whose ids are indices into `token_ids`.
        token_ids: Ids of the K subwords of the shortlist in the full vocabulary, `(K,)` int64.

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
