"""Diverse beam search, compared with plain loops that follow the paper."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from regard.errors import SearchError
from regard.search.beam import BeamOptions, beam_search
from regard.search.diverse import diverse_beam_search
from regard.search.engine import StepEngine
from regard.search.log_probs import NotFiniteError
from regard.values import Hypothesis, Specials

Make = Callable[..., Any]
"""Makes a table model; see `conftest.py`."""
SPECIALS = Specials()
SOURCES = [[2, 4, 4], [5, 4], [6], [7, 5]]
LIMITS = [7, 6, 5, 7]


def search(model: Any, options: BeamOptions) -> list[list[Hypothesis]]:  # noqa: ANN401
    engine = StepEngine(model, src_specials=SPECIALS, tgt_specials=SPECIALS)
    return engine.search(SOURCES, LIMITS, options, need_weights=True)


def by_loops(model: Any, word: int, limit: int, options: BeamOptions) -> list[tuple[float, tuple[int, ...]]]:  # noqa: ANN401
    """Score and tokens of the hypotheses of all groups, in plain Python and float64, without early stopping."""
    size = options.beam // options.groups
    groups: list[list[tuple[float, tuple[int, ...]]]] = [[(0.0, ())] for _ in range(options.groups)]
    finished: list[list[tuple[float, tuple[int, ...]]]] = [[] for _ in range(options.groups)]
    unfinished = []
    for step in range(1, limit + 1):
        times: dict[int, int] = {}
        for number, prefixes in enumerate(groups):
            candidates = []
            for total, tokens in prefixes:
                log_probs = model.log_probs(word, *(0, SPECIALS.bos, *tokens)[-2:])
                candidates += [
                    (total + log_prob, (*tokens, token))
                    for token, log_prob in enumerate(log_probs)
                    if token not in (SPECIALS.pad, SPECIALS.bos)
                ]
            candidates.sort(key=lambda candidate: -(candidate[0] - options.diversity * times.get(candidate[1][-1], 0)))
            chosen = candidates[: size - len(finished[number])]
            for _, tokens in chosen:
                times[tokens[-1]] = times.get(tokens[-1], 0) + 1
            norm = ((5 + step) / 6) ** options.length_penalty
            finished[number] += [(total / norm, tokens) for total, tokens in chosen if tokens[-1] == SPECIALS.eos]
            groups[number] = [candidate for candidate in chosen if candidate[1][-1] != SPECIALS.eos]
            if step == limit:
                unfinished += [(total / norm, tokens) for total, tokens in groups[number]]
    everything = [entry for group in finished for entry in group] or unfinished
    return sorted({tokens: (score, tokens) for score, tokens in everything}.values(), reverse=True)


@pytest.mark.parametrize(("beam", "groups"), [(4, 2), (4, 4), (6, 2), (6, 3), (9, 3)])
@pytest.mark.parametrize("diversity", [0.0, 0.4, 3.0])
def test_search_follows_the_paper(table_model: Make, beam: int, groups: int, diversity: float) -> None:
    model = table_model(vocab=8, seed=3, sharpness=1.3)
    # n_best of a whole group, so that no group stops early.
    options = BeamOptions(beam, beam, length_penalty=0.8, groups=groups, diversity=diversity)
    for source, limit, hypotheses in zip(SOURCES, LIMITS, search(model, options), strict=True):
        expected = by_loops(model, source[0], limit, options)
        assert [hypothesis.ids for hypothesis in hypotheses] == [tokens for _, tokens in expected]
        assert [hypothesis.score for hypothesis in hypotheses] == pytest.approx(
            [score for score, _ in expected], abs=1e-4
        )
        for hypothesis in hypotheses:
            assert hypothesis.weights[0].shape == (2, len(hypothesis.ids), len(source) + 1)


def test_the_first_group_is_beam_search(table_model: Make) -> None:
    model = table_model(vocab=8, seed=5)
    narrow = search(model, BeamOptions(3, 1))
    for own, [best] in zip(search(model, BeamOptions(9, 9, groups=3, diversity=1.0)), narrow, strict=True):
        if best.finished:  # of unfinished ones, only those of groups without a finished one are returned
            assert best.ids in [hypothesis.ids for hypothesis in own]
    assert sum(best.finished for [best] in narrow) >= 3
    # Without diversity, all groups are equal.
    equal = search(model, BeamOptions(9, 3, groups=3, diversity=0.0))
    assert [[h.ids for h in own] for own in equal] == [[h.ids for h in own] for own in search(model, BeamOptions(3, 3))]


def test_groups_differ_more_with_more_diversity(table_model: Make) -> None:
    model = table_model(vocab=12, seed=1)

    def first_tokens(diversity: float) -> int:
        found = search(model, BeamOptions(6, 6, groups=6, diversity=diversity))
        return sum(len({hypothesis.ids[0] for hypothesis in own}) for own in found)

    assert first_tokens(0.1) < first_tokens(1.0) < first_tokens(50.0)


def test_results_do_not_depend_on_the_batch(table_model: Make) -> None:
    model, options = table_model(vocab=8, seed=3), BeamOptions(6, 6, groups=3, coverage_penalty=0.3, no_repeat_ngram=2)
    engine = StepEngine(model, src_specials=SPECIALS, tgt_specials=SPECIALS)
    for source, limit, together in zip(SOURCES, LIMITS, search(model, options), strict=True):
        [alone] = engine.search([source], [limit], options, need_weights=True)
        assert [h.ids for h in alone] == [h.ids for h in together]
        assert [h.score for h in alone] == pytest.approx([h.score for h in together], abs=1e-5)


def test_errors(table_model: Make) -> None:
    for groups in (0, 2, 4, -1, 10):
        with pytest.raises(SearchError, match=f"number of groups that divides the beam of 5, got {groups}"):
            BeamOptions(5, groups=groups)
    for diversity in (-0.1, 101.0, math.nan):
        with pytest.raises(SearchError, match=f"diversity from 0 to 100, got {diversity}"):
            BeamOptions(4, groups=2, diversity=diversity)
    model = table_model()
    model.logits[5] = math.nan
    with pytest.raises(NotFiniteError) as error:
        diverse_beam_search(
            model, torch.tensor([[2, 3], [5, 3]]), torch.tensor([2, 2]), max_len=torch.tensor([4, 4]),
            specials=SPECIALS, options=BeamOptions(6, groups=3),
        )  # fmt: skip
    assert error.value.sentence == 1
    none = torch.zeros(0, 1, dtype=torch.int64)
    options = BeamOptions(4, groups=2)
    assert diverse_beam_search(model, none, none[:, 0], max_len=none[:, 0], specials=SPECIALS, options=options) == []


def test_plain_beam_search_ignores_groups(table_model: Make) -> None:
    model, options = table_model(), BeamOptions(4, 4)
    arguments = torch.tensor([[2, 3]]), torch.tensor([2])
    found, other = (
        beam_search(model, *arguments, max_len=torch.tensor([6]), specials=SPECIALS, options=own)
        for own in (options, replace(options, groups=2))
    )
    assert found == other
