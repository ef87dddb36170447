"""The search over one batch, chosen by its options: greedy, beam, diverse or constrained beam, or sampling."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from regard.search.beam import BeamOptions, beam_search
from regard.search.constrained_beam import MIN_BEAM, TermConstraints, constrained_beam_search
from regard.search.diverse import diverse_beam_search
from regard.search.greedy import greedy_search
from regard.search.restricted import RestrictedModel
from regard.search.sample import SampleOptions, sample
from regard.values import Batch, Hypothesis


def search_batch(
    restricted: RestrictedModel,
    batch: Batch,
    max_len: Tensor,
    options: BeamOptions | SampleOptions,
    *,
    need_weights: bool,
    terms: TermConstraints | None = None,
) -> list[list[Hypothesis]]:
    """Translates the sentences of a batch.

    Args:
        restricted: The model.
        batch: Source sentences; S tokens each with padding.
        max_len: Largest number of tokens of a hypothesis, eos included, per sentence, `(B,)` int64.
        options: Options of beam search (a beam of 1 is greedy search), or of sampling.
        need_weights: Whether to return attention weights.
        terms: Constraints of the sentences; None = no constraints.

    Returns:
        The hypotheses of each sentence, with the model's ids.
    """
    model, specials = restricted.model, restricted.specials
    sources = batch.src_ids, batch.src_len
    if isinstance(options, SampleOptions):
        return sample(model, *sources, max_len=max_len, specials=specials, options=options, need_weights=need_weights)
    if terms is not None:
        wide = replace(options, beam=max(options.beam, MIN_BEAM))
        return constrained_beam_search(
            model, *sources, max_len=max_len, specials=specials, constraints=terms, options=wide,
            need_weights=need_weights,
        )  # fmt: skip
    if options.beam == 1 and not options.coverage_penalty:
        hypotheses = greedy_search(
            model, *sources, max_len=max_len, specials=specials, length_penalty=options.length_penalty,
            min_len=options.min_len, need_weights=need_weights,
        )  # fmt: skip
        return [[hypothesis] for hypothesis in hypotheses]
    search = beam_search if options.groups == 1 else diverse_beam_search
    return search(model, *sources, max_len=max_len, specials=specials, options=options, need_weights=need_weights)
