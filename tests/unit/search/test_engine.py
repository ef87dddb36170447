"""The engine searches any number of sentences in batches and returns results in order."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from regard.model.decoder import StepModel
from regard.search import batching as module
from regard.search.batching import length_sorted
from regard.search.beam import BeamOptions
from regard.search.engine import StepEngine
from regard.search.log_probs import NotFiniteError
from regard.values import Specials

Make = Callable[..., Any]
"""Makes a table model; see `conftest.py`."""
SOURCES = [[4 + number % 4] * (1 + number * 7 % 11) for number in range(60)]
SPECIALS = Specials()


def _engine(model: StepModel) -> StepEngine:
    return StepEngine(model, src_specials=SPECIALS, tgt_specials=SPECIALS)


@pytest.mark.parametrize("beam", [1, 3])
def test_results_do_not_depend_on_batches(beam: int, table_model: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    options, limits = BeamOptions(beam=beam), [3 + number % 5 for number in range(60)]
    together = _engine(table_model()).search(SOURCES, limits, options, need_weights=True)
    monkeypatch.setattr(module, "MAX_POSITIONS", 20)
    small_batches = _engine(table_model()).search(SOURCES, limits, options, need_weights=True)
    for source, limit, [found], [other] in zip(SOURCES, limits, together, small_batches, strict=True):
        [[alone]] = _engine(table_model()).search([source], [limit], options, need_weights=True)
        assert found.ids == other.ids == alone.ids
        assert found.score == pytest.approx(alone.score, abs=1e-5)
        assert len(alone.ids) <= limit
        assert found.weights[0].shape == (2, len(alone.ids), len(source) + 1)


def test_greedy_search_gives_the_scores_of_a_beam_of_one(table_model: Make) -> None:
    greedy, beam_of_1 = (
        _engine(table_model()).search(
            SOURCES, [6] * 60, BeamOptions(beam=1, coverage_penalty=penalty), need_weights=False
        )
        for penalty in (0.0, 1e-9)  # a coverage penalty needs beam search
    )
    for [found], [expected] in zip(greedy, beam_of_1, strict=True):
        assert found.ids == expected.ids
        assert found.score == pytest.approx(expected.score, abs=1e-5)


def test_forced_pairs_are_returned_in_order(table_model: Make) -> None:
    targets = [[4 + number % 2] * (1 + number % 3) for number in range(60)]
    hypotheses = _engine(table_model()).force(SOURCES, targets)
    for source, target, hypothesis in zip(SOURCES, targets, hypotheses, strict=True):
        [alone] = _engine(table_model()).force([source], [target])
        assert hypothesis.ids == alone.ids == (*target, SPECIALS.eos)
        assert hypothesis.score == pytest.approx(alone.score, abs=1e-5)


def test_errors_name_the_number_among_all_sentences(table_model: Make) -> None:
    model = table_model()
    model.logits[7] = math.nan
    sources = [[4], [5, 4], [7], [6, 4, 4]]
    with pytest.raises(NotFiniteError) as caught:
        _engine(model).search(sources, [4] * 4, BeamOptions(), need_weights=False)
    assert caught.value.sentence == 2


@pytest.mark.parametrize(("beam", "max_positions"), [(1, module.MAX_POSITIONS), (5, 300)])
def test_batches_contain_every_row_once_within_their_limits(
    beam: int, max_positions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_POSITIONS", max_positions)
    lengths = torch.randint(1, 90, (500,), generator=torch.Generator().manual_seed(3)).tolist()
    batches = length_sorted(lengths, beam=beam)
    assert sorted(row for rows in batches for row in rows) == list(range(500))
    for rows in batches:
        assert len(rows) <= module.MAX_ROWS
        assert len(rows) == 1 or len(rows) * max(lengths[row] for row in rows) * beam <= max_positions
    longest = [lengths[rows[0]] for rows in batches]
    peak = longest.index(max(longest))
    assert longest == [*sorted(longest[:peak]), *sorted(longest[peak:], reverse=True)]
    assert abs(peak - len(longest) / 2) <= len(longest) / 8
    assert length_sorted([], beam=1) == []
