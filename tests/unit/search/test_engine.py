"""Any number of sentences in, their hypotheses out: whatever the batches, in their order."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from regard.model.decoder import StepModel
from regard.search import engine as module
from regard.search.beam import BeamOptions
from regard.search.engine import StepEngine, length_sorted
from regard.search.log_probs import NotFiniteError
from regard.values import Specials

Make = Callable[..., Any]
"""Makes a table model; see `conftest.py`."""
SOURCES = [[4 + number % 4] * (1 + number * 7 % 11) for number in range(60)]
SPECIALS = Specials()


def _engine(model: StepModel) -> StepEngine:
    return StepEngine(model, src_specials=SPECIALS, tgt_specials=SPECIALS)


@pytest.mark.parametrize("beam", [1, 3])
def test_each_is_found_as_if_it_were_alone(beam: int, table_model: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    options, limits = BeamOptions(beam=beam), [3 + number % 5 for number in range(60)]
    together = _engine(table_model()).search(SOURCES, limits, options, need_weights=True)
    monkeypatch.setattr(module, "MAX_POSITIONS", 20)
    apart = _engine(table_model()).search(SOURCES, limits, options, need_weights=True)
    for source, limit, one, other in zip(SOURCES, limits, together, apart, strict=True):
        [[alone]] = _engine(table_model()).search([source], [limit], options, need_weights=True)
        assert one[0].ids == other[0].ids == alone.ids
        assert one[0].score == pytest.approx(alone.score, abs=1e-5)
        assert len(alone.ids) <= limit
        assert one[0].weights[0].shape == (2, len(alone.ids), len(source) + 1)


def test_greedy_scores_as_a_beam_of_one_does(table_model: Make) -> None:
    plain, charged = (
        _engine(table_model()).search(
            SOURCES, [6] * 60, BeamOptions(beam=1, coverage_penalty=penalty), need_weights=False
        )
        for penalty in (0.0, 1e-9)  # with a coverage penalty it is the beam search that looks
    )
    for [one], [other] in zip(plain, charged, strict=True):
        assert one.ids == other.ids
        assert one.score == pytest.approx(other.score, abs=1e-5)


def test_pairs_are_read_in_their_order(table_model: Make) -> None:
    targets = [[4 + number % 2] * (1 + number % 3) for number in range(60)]
    found = _engine(table_model()).force(SOURCES, targets)
    for source, target, one in zip(SOURCES, targets, found, strict=True):
        [alone] = _engine(table_model()).force([source], [target])
        assert one.ids == alone.ids == (*target, SPECIALS.eos)
        assert one.score == pytest.approx(alone.score, abs=1e-5)


def test_damage_is_named_by_its_place_among_all(table_model: Make) -> None:
    model = table_model()
    model.logits[7] = math.nan
    sources = [[4], [5, 4], [7], [6, 4, 4]]
    with pytest.raises(NotFiniteError) as caught:
        _engine(model).search(sources, [4] * 4, BeamOptions(), need_weights=False)
    assert caught.value.sentence == 2


@pytest.mark.parametrize(("beam", "most"), [(1, module.MAX_POSITIONS), (5, 300)])
def test_batches_hold_every_row_once_and_no_more_than_fits(
    beam: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_POSITIONS", most)
    lengths = torch.randint(1, 90, (500,), generator=torch.Generator().manual_seed(3)).tolist()
    batches = length_sorted(lengths, beam=beam)
    assert sorted(row for rows in batches for row in rows) == list(range(500))
    for rows in batches:
        assert len(rows) <= module.MAX_ROWS
        assert len(rows) == 1 or len(rows) * max(lengths[row] for row in rows) * beam <= most
    longest = [lengths[rows[0]] for rows in batches]
    top = longest.index(max(longest))
    assert longest == [*sorted(longest[:top]), *sorted(longest[top:], reverse=True)]
    assert abs(top - len(longest) / 2) <= len(longest) / 8
    assert length_sorted([], beam=1) == []
