"""What the parts of a search refuse: states of other models, and inputs that contradict each other."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
import torch

from regard.config.schema import RNNConfig
from regard.errors import SearchError
from regard.model.build import build_model
from regard.model.decoder import State
from regard.search import parallel
from regard.search.attention_filter import KeepMatrix
from regard.search.beam import BeamOptions
from regard.search.constrained_beam import constrained_beam_search
from regard.search.constraints import Term
from regard.search.engine import StepEngine
from regard.search.ensemble import Ensemble
from regard.search.prefix import PrefixModel
from regard.search.restrictions import RestrictedTokens, Restrictions
from regard.search.shortlist import Shortlist, ShortlistedModel, with_shortlist
from regard.values import Specials

Make = Callable[..., Any]
"""Makes a table model; see `conftest.py`."""
SPECIALS = Specials()
WRAPPERS: dict[str, Callable[[Any], Any]] = {
    "Ensemble": lambda model: Ensemble([model]),
    "of this model with prefixes": lambda model: PrefixModel(model, [()], pad=SPECIALS.pad),
    "RestrictedState": lambda model: RestrictedTokens(
        model, Restrictions(), minima=torch.zeros(1, dtype=torch.int64), specials=SPECIALS
    ),
    "ShortlistedState": lambda _: ShortlistedModel(
        build_model(RNNConfig(embed_size=4, hidden_size=4), src_vocab=6, tgt_vocab=6, shared=True, specials=SPECIALS),
        torch.arange(6),
        torch.ones(1, 6, dtype=torch.bool),
    ),
}


class ForeignState(State):
    """A state of another model."""


@pytest.mark.parametrize("name", WRAPPERS)
def test_a_state_of_another_model_is_refused(table_model: Make, name: str) -> None:
    with pytest.raises(AssertionError, match=f"expected .*{name}"):
        WRAPPERS[name](table_model()).step(torch.tensor([SPECIALS.bos]), ForeignState())


def test_a_shortlist_needs_a_model_of_regard_and_a_table(table_model: Make) -> None:
    allowed = torch.ones(1, 6, dtype=torch.bool)
    for model in (table_model(), Ensemble([table_model()])):
        with pytest.raises(SearchError, match="only with regard's own engine"):
            with_shortlist(model, torch.arange(6), allowed)
    with pytest.raises(SearchError, match="a tensor with 1 dimensions"):
        Shortlist(torch.arange(6), torch.arange(6), 4)


def test_a_model_without_attention_has_no_matrix_to_keep() -> None:
    assert KeepMatrix(layer=0).apply(()) == ()


def test_the_alternatives_of_a_term_are_a_tuple() -> None:
    with pytest.raises(SearchError, match="expected a tuple of alternatives of a term, got the text 'chat'"):
        Term("chat")  # type: ignore[arg-type] # on purpose


def test_diverse_groups_cannot_be_combined_with_terms(table_model: Make) -> None:
    engine = StepEngine(table_model(), src_specials=SPECIALS, tgt_specials=SPECIALS, workers=1)
    with pytest.raises(SearchError, match=r"groups \(diverse beam search\) cannot use a glossary or terms"):
        engine._check(BeamOptions(beam=4, groups=2), 1, with_terms=True)
    engine._check(BeamOptions(beam=4, groups=2), 1, with_terms=False)


def test_no_sentences_have_no_translations(table_model: Make) -> None:
    none = torch.zeros(0, dtype=torch.int64)
    found = constrained_beam_search(
        table_model(),
        none[:, None],
        none,
        max_len=none,
        specials=SPECIALS,
        options=BeamOptions(),
        constraints=None,  # type: ignore[arg-type] # are those of no sentence
    )
    assert found == []


def test_a_forked_process_uses_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    monkeypatch.setattr(torch, "set_num_threads", threads.append)
    monkeypatch.setattr(os, "getpid", lambda: 2)
    parallel.limit_threads_after_fork(2)
    assert threads == []
    with pytest.warns(RuntimeWarning, match="this process was forked from the one that loaded the translator"):
        parallel.limit_threads_after_fork(1)
    assert threads == [1]
