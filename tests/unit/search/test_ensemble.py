"""An ensemble is a model: the mean of its members' probabilities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from regard.errors import SearchError
from regard.search.beam import BeamOptions, beam_search
from regard.search.ensemble import Ensemble
from regard.search.greedy import greedy_search
from regard.values import Specials

Make = Callable[..., Any]
"""Makes a table model; see `conftest.py`."""
SRC_IDS, SRC_LEN = torch.tensor([[2, 4, 4, 3], [5, 3, 1, 1], [1, 4, 3, 1]]), torch.tensor([4, 2, 3])
LIMITS = torch.tensor([9, 7, 12])


def test_equal_members_are_one_model(table_model: Make, specials: Specials) -> None:
    options = BeamOptions(beam=4, n_best=3, coverage_penalty=0.2)
    alone, both = (
        beam_search(model, SRC_IDS, SRC_LEN, max_len=LIMITS, specials=specials, options=options, need_weights=True)
        for model in (table_model(seed=1), Ensemble([table_model(seed=1), table_model(seed=1)]))
    )
    for mine, theirs in zip(alone, both, strict=True):
        assert len(mine) == len(theirs) > 0
        for one, other in zip(mine, theirs, strict=True):
            assert one.ids == other.ids
            assert one.score == pytest.approx(other.score, abs=1e-5)
            assert one.log_probs == pytest.approx(other.log_probs, abs=1e-5)
            assert len(other.weights) == 4
            for layer, first, second in zip(one.weights, other.weights[:2], other.weights[2:], strict=True):
                torch.testing.assert_close(layer, first)
                torch.testing.assert_close(layer, second)


def test_probabilities_are_averaged(table_model: Make, specials: Specials) -> None:
    members = [table_model(seed=seed, sharpness=2.0) for seed in range(3)]
    ensemble = Ensemble(members)
    state = ensemble.start(SRC_IDS, SRC_LEN)
    output, state = ensemble.step(torch.full((3,), specials.bos), state)
    for row, word in enumerate((2, 5, 1)):
        mean = sum(member.logits[word, 0, 2].double().softmax(-1) for member in members) / 3
        torch.testing.assert_close(output.logits[row].softmax(-1), mean.float())
    assert output.weights == ()
    # States move together: the second step, for rows in another order.
    output, _ = ensemble.step(torch.tensor([4, 5]), state.select(torch.tensor([2, 0])))
    mean = sum(member.logits[1, 2, 4].double().softmax(-1) for member in members) / 3
    torch.testing.assert_close(output.logits[0].softmax(-1), mean.float())


def test_one_member_changes_nothing(table_model: Make, specials: Specials) -> None:
    alone = greedy_search(table_model(), SRC_IDS, SRC_LEN, max_len=LIMITS, specials=specials)
    within = greedy_search(Ensemble([table_model()]), SRC_IDS, SRC_LEN, max_len=LIMITS, specials=specials)
    assert [one.ids for one in alone] == [one.ids for one in within]


def test_impossible_ensembles_are_refused(table_model: Make, specials: Specials) -> None:
    with pytest.raises(SearchError, match="at least one model"):
        Ensemble([])
    mixed = Ensemble([table_model(vocab=6), table_model(vocab=7)])
    with pytest.raises(SearchError, match=r"same target vocabulary, but the sizes of theirs are \[6, 7\]"):
        greedy_search(mixed, SRC_IDS, SRC_LEN, max_len=LIMITS, specials=specials)
