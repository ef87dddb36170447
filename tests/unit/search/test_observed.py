"""A function before each step: it sees every step, may search itself, and may end the search."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from random_translators import ENGLISH, FRENCH, random_model

from regard.model.decoder import StepModel
from regard.model.packing import pack_for_search
from regard.search.beam import BeamOptions
from regard.search.engine import StepEngine
from regard.search.ensemble import Ensemble
from regard.search.sample import SampleOptions
from regard.search.shortlist import Shortlist
from regard.text.subword import Subword
from regard.values import Hypothesis, Specials

Make = Callable[..., Any]
"""Makes a table model; see `conftest.py`."""
Search = Callable[[list[list[int]]], list[list[Hypothesis]]]
SPECIALS = Specials()
SOURCES = [[4 + number % 4] * (1 + number * 7 % 11) for number in range(130)]
OPTIONS: list[BeamOptions | SampleOptions] = [
    BeamOptions(beam=1),
    BeamOptions(beam=3, n_best=2, coverage_penalty=0.2),
    SampleOptions(num_samples=2, seed=3),
]


@pytest.fixture(scope="module")
def subword() -> Subword:
    return Subword.train((ENGLISH + FRENCH) * 5, vocab_size=320)


def _engine(model: StepModel) -> StepEngine:
    return StepEngine(model, src_specials=SPECIALS, tgt_specials=SPECIALS, workers=2)


def _assert_same(found: list[list[Hypothesis]], expected: list[list[Hypothesis]]) -> None:
    assert [[h.ids for h in n_best] for n_best in found] == [[h.ids for h in n_best] for n_best in expected]
    assert [[h.score for h in n_best] for n_best in found] == [[h.score for h in n_best] for n_best in expected]
    for n_best, other in zip(found, expected, strict=True):
        for hypothesis, twin in zip(n_best, other, strict=True):
            assert all(map(torch.equal, hypothesis.weights, twin.weights))


@pytest.mark.parametrize("options", OPTIONS)
def test_the_function_is_called_before_each_step_in_the_calling_thread(
    options: BeamOptions | SampleOptions, table_model: Make
) -> None:
    model, calls = table_model(), []

    def hook() -> None:
        calls.append((len(model.rows), threading.get_ident()))

    engine = _engine(model)
    expected = engine.search(SOURCES, [6] * len(SOURCES), options, need_weights=True)
    model.rows.clear()
    found = engine.observed(hook).search(SOURCES, [6] * len(SOURCES), options, need_weights=True)
    assert calls == [(step, threading.get_ident()) for step in range(len(model.rows))]
    _assert_same(found, expected)
    calls.clear()
    engine.search(SOURCES, [6] * len(SOURCES), options, need_weights=True)
    assert calls == []


def test_forced_decoding_is_observed_too(table_model: Make) -> None:
    calls: list[int] = []
    _engine(table_model()).observed(lambda: calls.append(1)).force([[4, 5]], [[4, 4, 5]])
    assert len(calls) == 4


@pytest.mark.parametrize("options", OPTIONS)
def test_an_exception_ends_the_search(options: BeamOptions | SampleOptions, table_model: Make) -> None:
    class LeftError(Exception):
        pass

    model = table_model()

    def hook() -> None:
        if len(model.rows) == 2:
            raise LeftError

    with pytest.raises(LeftError):
        _engine(model).observed(hook).search([[4, 5, 4]] * 3, [9] * 3, options, need_weights=False)
    assert len(model.rows) == 2


@pytest.mark.parametrize("kind", ["bahdanau", "learned"])
@pytest.mark.parametrize("precision", ["float32", "int8"])
@pytest.mark.parametrize("shortlisted", [False, True])
def test_the_function_may_search_with_the_same_model(
    kind: str, precision: str, shortlisted: bool, subword: Subword
) -> None:
    """With packed models, alone and in an ensemble, with a shortlist and without."""
    models = [pack_for_search(random_model(kind, subword, seed=seed).model, precision) for seed in (1, 2)]
    sources = subword.encode_ids(ENGLISH)
    for engine, options in zip((_engine(models[0]), _engine(Ensemble(models))), OPTIONS[:2], strict=True):
        search = partial(_search, engine.with_shortlist(_shortlist(len(subword))) if shortlisted else engine, options)
        expected, inner_expected = search(sources), search(sources[1:])
        inner: list[list[list[Hypothesis]]] = []

        def hook(search: Search = search, inner: list[list[list[Hypothesis]]] = inner) -> None:
            inner.append(search(sources[1:]))

        _assert_same(search(sources, hook=hook), expected)
        assert len(inner) > 3
        for result in inner:
            _assert_same(result, inner_expected)


def _search(
    engine: StepEngine,
    options: BeamOptions | SampleOptions,
    sources: list[list[int]],
    *,
    hook: Callable[[], None] | None = None,
) -> list[list[Hypothesis]]:
    observed = engine if hook is None else engine.observed(hook)
    return observed.search(sources, [8] * len(sources), options, need_weights=True)


def _shortlist(size: int) -> Shortlist:
    candidates = torch.randint(4, size, (size, 9), generator=torch.Generator().manual_seed(2))
    return Shortlist(candidates, torch.arange(size), 60)
