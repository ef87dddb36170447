"""Prefixes in the engine: batches, penalties, samples and errors; `tests/oracle` compares results with enumeration."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch

from regard.errors import SearchError
from regard.search import batching as module
from regard.search.beam import BeamOptions
from regard.search.engine import StepEngine
from regard.search.log_probs import NotFiniteError
from regard.search.prefix import PrefixError, WordEnd
from regard.search.sample import SampleOptions
from regard.values import Hypothesis, Specials

Make = Callable[..., Any]
"""Makes a table model; see `conftest.py`."""
SPECIALS = Specials()
COUNT = 40
SOURCES = [[4 + number % 4] * (1 + number * 7 % 9) for number in range(COUNT)]
PREFIXES = [[4 + (number + place) % 2 for place in range(number * 5 % 4)] for number in range(COUNT)]
LIMITS = [5 + number % 4 for number in range(COUNT)]
WORD_END = WordEnd(torch.tensor([False] * 5 + [True]), torch.tensor([False] * 4 + [True, False]))
OPTIONS = [
    BeamOptions(beam=1),
    BeamOptions(beam=1, min_len=4),
    BeamOptions(beam=4, n_best=3, length_penalty=0.7),
    BeamOptions(beam=3, n_best=2, coverage_penalty=0.4, min_len=3),
]


def _engine(model: Any) -> StepEngine:  # noqa: ANN401
    return StepEngine(model, src_specials=SPECIALS, tgt_specials=SPECIALS)


def _search(model: Any, rows: range, options: BeamOptions | SampleOptions) -> list[list[Hypothesis]]:  # noqa: ANN401
    return _engine(model).search(
        [SOURCES[row] for row in rows],
        [LIMITS[row] for row in rows],
        options,
        need_weights=True,
        prefixes=[PREFIXES[row] for row in rows],
        word_end=WORD_END,
    )


@pytest.mark.parametrize("options", OPTIONS)
def test_prefixes_do_not_depend_on_the_batch(
    options: BeamOptions, table_model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = _search(table_model(), range(COUNT), options)
    monkeypatch.setattr(module, "MAX_POSITIONS", 20)
    small_batches = _search(table_model(), range(COUNT), options)
    for row, (found, other) in enumerate(zip(together, small_batches, strict=True)):
        [alone] = _search(table_model(), range(row, row + 1), options)
        assert [h.ids for h in found] == [h.ids for h in other] == [h.ids for h in alone]
        assert [h.score for h in found] == pytest.approx([h.score for h in alone], abs=1e-5)
        for hypothesis in found:
            prefix = PREFIXES[row]
            assert list(hypothesis.ids[: len(prefix)]) == prefix
            assert len(hypothesis.ids) <= LIMITS[row]
            assert len(hypothesis.ids) > min(options.min_len, LIMITS[row] - 1)
            if prefix[-1:] == [5]:
                assert hypothesis.ids[len(prefix)] != 4
            [forced] = _engine(table_model()).force([SOURCES[row]], [hypothesis.ids[:-1]])
            if hypothesis.finished:
                assert hypothesis.log_probs == pytest.approx(forced.log_probs, abs=1e-5)
                for layer, expected in zip(hypothesis.weights, forced.weights, strict=True):
                    torch.testing.assert_close(layer, expected)


def test_empty_prefixes_change_nothing(table_model: Make) -> None:
    every_options: list[BeamOptions | SampleOptions] = [*OPTIONS, SampleOptions(num_samples=3, seed=1)]
    no_prefixes: tuple[list[list[int]] | None, ...] = (None, [[]] * COUNT)
    for options in every_options:
        expected = _engine(table_model()).search(SOURCES, LIMITS, options, need_weights=False)
        for prefixes in no_prefixes:
            found = _engine(table_model()).search(
                SOURCES, LIMITS, options, need_weights=False, prefixes=prefixes, word_end=WORD_END
            )
            assert found == expected
        # Neither do the prefixes of other sentences.
        if isinstance(options, BeamOptions):
            mixed = _engine(table_model()).search(
                SOURCES, LIMITS, options, need_weights=False, prefixes=[[], *PREFIXES[1:]]
            )
            for number, prefix in enumerate([[], *PREFIXES[1:]]):
                if not prefix:
                    assert mixed[number] == expected[number]


def test_samples_begin_with_the_prefix(table_model: Make) -> None:
    options = SampleOptions(num_samples=5, temperature=2.0, top_k=2, top_p=0.9, seed=4)
    found = _search(table_model(), range(COUNT), options)
    again = _search(table_model(), range(COUNT), options)
    assert [[h.ids for h in samples] for samples in found] == [[h.ids for h in samples] for samples in again]
    for prefix, samples in zip(PREFIXES, found, strict=True):
        assert all(list(sample.ids[: len(prefix)]) == prefix for sample in samples)
    assert len({sample.ids for samples in found for sample in samples}) > COUNT


@pytest.mark.parametrize(
    ("prefixes", "sentence", "message"),
    [
        ([[4], [4] * 5], 1, "sentence 2: expected a prefix of fewer than 5 subwords, the length limit of the transl"),
        ([[4, SPECIALS.eos], []], 0, "sentence 1: its prefix contains the special token with id 3"),
        ([[], [SPECIALS.pad]], 1, "sentence 2: its prefix contains the special token with id 1"),
    ],
)
def test_prefixes_that_are_refused(prefixes: list[list[int]], sentence: int, message: str, table_model: Make) -> None:
    with pytest.raises(PrefixError, match=message) as caught:
        _engine(table_model()).search([[4], [5]], [5, 5], BeamOptions(), need_weights=False, prefixes=prefixes)
    assert caught.value.sentence == sentence


def test_a_prefix_for_every_sentence(table_model: Make) -> None:
    with pytest.raises(SearchError, match="a prefix for each of 2 sentences, empty for none, got 1"):
        _engine(table_model()).search([[4], [5]], [5, 5], BeamOptions(), need_weights=False, prefixes=[[4]])


@pytest.mark.parametrize("options", [BeamOptions(beam=1), BeamOptions(beam=3), SampleOptions()])
def test_numbers_that_are_not_finite_are_found_within_a_prefix(
    options: BeamOptions | SampleOptions, table_model: Make
) -> None:
    model = table_model()
    model.logits[5, 2, 4] = math.nan  # after bos and 4
    with pytest.raises(NotFiniteError) as caught:
        _engine(model).search([[4], [5]], [6, 6], options, need_weights=False, prefixes=[[4, 5], [4, 5]])
    assert (caught.value.sentence, caught.value.step) == (1, 2)


def test_a_prefix_of_low_probability_keeps_its_score(table_model: Make) -> None:
    model = table_model(sharpness=60.0)
    prefix = [4, 4, 5, 4]
    for options in (BeamOptions(beam=1, length_penalty=0.0), BeamOptions(beam=4, length_penalty=0.0)):
        [[found]] = _engine(model).search([[4, 5]], [9], options, need_weights=False, prefixes=[prefix])
        [forced] = _engine(model).force([[4, 5]], [found.ids[:-1]])
        assert found.log_probs[:4] == pytest.approx(forced.log_probs[:4], rel=1e-6)
        assert min(found.log_probs) < -50
