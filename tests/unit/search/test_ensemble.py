"""An ensemble is a model whose probabilities are the mean of those of its members."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from regard.errors import SearchError
from regard.model.decoder import State
from regard.search.beam import BeamOptions, beam_search
from regard.search.ensemble import Ensemble
from regard.search.greedy import greedy_search
from regard.values import Specials

Make = Callable[..., Any]
"""Makes a table model; see `conftest.py`."""
SRC_IDS, SRC_LEN = torch.tensor([[2, 4, 4, 3], [5, 3, 1, 1], [1, 4, 3, 1]]), torch.tensor([4, 2, 3])
LIMITS = torch.tensor([9, 7, 12])


def test_two_equal_members_equal_one_model(table_model: Make, specials: Specials) -> None:
    options = BeamOptions(beam=4, n_best=3, coverage_penalty=0.2)
    alone, both = (
        beam_search(model, SRC_IDS, SRC_LEN, max_len=LIMITS, specials=specials, options=options, need_weights=True)
        for model in (table_model(seed=1), Ensemble([table_model(seed=1), table_model(seed=1)]))
    )
    for expected_n_best, n_best in zip(alone, both, strict=True):
        assert len(expected_n_best) == len(n_best) > 0
        for expected, found in zip(expected_n_best, n_best, strict=True):
            assert expected.ids == found.ids
            assert expected.score == pytest.approx(found.score, abs=1e-5)
            assert expected.log_probs == pytest.approx(found.log_probs, abs=1e-5)
            assert len(found.weights) == 4
            for layer, first, second in zip(expected.weights, found.weights[:2], found.weights[2:], strict=True):
                torch.testing.assert_close(layer, first)
                torch.testing.assert_close(layer, second)


def test_probabilities_are_averaged(table_model: Make, specials: Specials) -> None:
    members = [table_model(seed=seed, sharpness=2.0) for seed in range(3)]
    ensemble = Ensemble(members)
    state: State = ensemble.start(SRC_IDS, SRC_LEN)
    output, state = ensemble.step(torch.full((3,), specials.bos), state)
    for row, word in enumerate((2, 5, 1)):
        mean = sum(member.logits[word, 0, 2].double().softmax(-1) for member in members) / 3
        torch.testing.assert_close(output.logits[row].softmax(-1), mean.float())
    assert output.weights == ()
    # The states of all members are selected together: the second step, for rows in another order.
    output, _ = ensemble.step(torch.tensor([4, 5]), state.select(torch.tensor([2, 0])))
    mean = sum(member.logits[1, 2, 4].double().softmax(-1) for member in members) / 3
    torch.testing.assert_close(output.logits[0].softmax(-1), mean.float())


def test_one_member_changes_nothing(table_model: Make, specials: Specials) -> None:
    alone = greedy_search(table_model(), SRC_IDS, SRC_LEN, max_len=LIMITS, specials=specials)
    in_ensemble = greedy_search(Ensemble([table_model()]), SRC_IDS, SRC_LEN, max_len=LIMITS, specials=specials)
    assert [hypothesis.ids for hypothesis in alone] == [hypothesis.ids for hypothesis in in_ensemble]


def test_impossible_ensembles_are_refused(table_model: Make, specials: Specials) -> None:
    with pytest.raises(SearchError, match="at least one model"):
        Ensemble([])
    mixed = Ensemble([table_model(vocab=6), table_model(vocab=7)])
    with pytest.raises(SearchError, match=r"same target vocabulary, but their vocabularies have \[6, 7\]"):
        greedy_search(mixed, SRC_IDS, SRC_LEN, max_len=LIMITS, specials=specials)
