"""Beam search against enumeration, greedy search and its own promises."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from regard.errors import SearchError
from regard.model.decoder import State, StepModel
from regard.search.beam import BeamOptions, beam_search
from regard.search.greedy import greedy_search
from regard.values import Hypothesis, Specials, StepOutput

Make = Callable[..., Any]
"""Makes a table model; see `conftest.py`."""
LogProbs = Callable[[int, int, int], list[float]]
"""Of the next token, by the source's first word and the last two tokens."""


def sources(lengths: list[int], *, words: list[int] | None = None) -> tuple[Tensor, Tensor]:
    """Rows of the given lengths, eos included, padded; the first word tells rows apart."""
    rows = torch.full((len(lengths), max(lengths)), 1)
    for number, length in enumerate(lengths):
        rows[number, :length] = 4
        rows[number, length - 1] = 3
        rows[number, 0] = words[number] if words else number % 8
    return rows, torch.tensor(lengths)


def enumerate_all(
    log_probs: LogProbs, word: int, max_len: int, alpha: float
) -> list[tuple[float, tuple[int, ...], bool]]:
    """Every finished target within the limit, and every unfinished one at it, by plain recursion."""
    found: list[tuple[float, tuple[int, ...], bool]] = []

    def walk(prefix: tuple[int, ...], log_prob: float) -> None:
        history = (0, 2, *prefix)
        for token, more in enumerate(log_probs(word, history[-2], history[-1])):
            if token in (1, 2):
                continue
            longer, total = (*prefix, token), log_prob + more
            score = total / ((5 + len(longer)) / 6) ** alpha
            if token == 3:
                found.append((score, longer, True))
            elif len(longer) == max_len:
                found.append((score, longer, False))
            else:
                walk(longer, total)

    walk((), 0.0)
    return sorted(found, reverse=True)


def same(one: Hypothesis, other: Hypothesis) -> None:
    assert one.ids == other.ids
    assert one.score == pytest.approx(other.score, abs=1e-5)
    assert one.log_probs == pytest.approx(other.log_probs, abs=1e-5)
    assert one.finished == other.finished
    assert len(one.weights) == len(other.weights)
    for mine, theirs in zip(one.weights, other.weights, strict=True):
        torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.0, 2.5])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_beam_that_holds_everything_enumerates(
    table_model: Make, specials: Specials, alpha: float, seed: int
) -> None:
    model, max_len = table_model(seed=seed, vocab=6), 4
    src_ids, src_len = sources([3, 5, 2])
    options = BeamOptions(beam=400, n_best=20, length_penalty=alpha)
    limits = torch.full((3,), max_len)
    found = beam_search(model, src_ids, src_len, max_len=limits, specials=specials, options=options)
    for word, answers in enumerate(found):
        wanted = [one for one in enumerate_all(model.log_probs, word, max_len, alpha) if one[2]][:20]
        assert [one.ids for one in answers] == [ids for _, ids, _ in wanted]
        assert [one.score for one in answers] == pytest.approx([score for score, _, _ in wanted], abs=1e-5)
        assert all(one.finished for one in answers)


def test_where_nothing_finishes_the_best_unfinished_are_returned(table_model: Make, specials: Specials) -> None:
    model = table_model()
    model.logits[..., specials.eos] = -torch.inf
    src_ids, src_len = sources([2, 2])
    options = BeamOptions(beam=200, n_best=3, length_penalty=0.5)
    found = beam_search(model, src_ids, src_len, max_len=torch.tensor([3, 2]), specials=specials, options=options)
    for word, (answers, limit) in enumerate(zip(found, (3, 2), strict=True)):
        wanted = enumerate_all(model.log_probs, word, limit, 0.5)[:3]
        assert [one.ids for one in answers] == [ids for _, ids, _ in wanted]
        assert [one.score for one in answers] == pytest.approx([score for score, _, _ in wanted], abs=1e-5)
        assert not any(one.finished for one in answers)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_beam_1_is_greedy(table_model: Make, specials: Specials, alpha: float) -> None:
    model = table_model(sharpness=0.7)
    src_ids, src_len = sources([3, 5, 2, 7, 4, 4, 6, 1])
    limits = torch.tensor([9, 8, 7, 6, 5, 12, 1, 3])
    wide = beam_search(
        model,
        src_ids,
        src_len,
        max_len=limits,
        specials=specials,
        options=BeamOptions(beam=1, length_penalty=alpha),
        need_weights=True,
    )
    greedy = greedy_search(
        model, src_ids, src_len, max_len=limits, specials=specials, length_penalty=alpha, need_weights=True
    )
    assert len({one.finished for one in greedy}) == 2
    for (one,), other in zip(wide, greedy, strict=True):
        same(one, other)


@pytest.mark.parametrize("beam", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("coverage", [0.0, 0.4])
def test_a_batch_is_its_sentences_one_by_one(table_model: Make, specials: Specials, beam: int, coverage: float) -> None:
    model = table_model(sharpness=1.5, seed=beam)
    src_ids, src_len = sources([3, 5, 2, 7, 4, 4, 6, 1])
    limits = torch.tensor([9, 8, 7, 6, 5, 12, 1, 3])
    options = BeamOptions(beam=beam, n_best=min(beam, 3), coverage_penalty=coverage)
    together = beam_search(
        model, src_ids, src_len, max_len=limits, specials=specials, options=options, need_weights=True
    )
    for row, length in enumerate(src_len.tolist()):
        [alone] = beam_search(
            model,
            src_ids[row : row + 1, :length],
            src_len[row : row + 1],
            max_len=limits[row : row + 1],
            specials=specials,
            options=options,
            need_weights=True,
        )
        assert len(alone) == len(together[row]) >= 1
        for one, other in zip(together[row], alone, strict=True):
            same(one, other)


def test_stopping_early_changes_nothing(table_model: Make, specials: Specials, monkeypatch: pytest.MonkeyPatch) -> None:
    """The textbook's algorithm in plain Python, which never stops before all its places are taken."""
    saved = 0
    for seed, alpha, n_best in itertools.product(range(12), (0.0, 1.0), (1, 3)):
        model = table_model(seed=seed, sharpness=2.0)
        src_ids, src_len = sources([2])
        options = BeamOptions(beam=4, n_best=n_best, length_penalty=alpha)
        [found] = beam_search(model, src_ids, src_len, max_len=torch.tensor([15]), specials=specials, options=options)
        wanted, steps = textbook(model.log_probs, 0, beam=4, max_len=15, alpha=alpha)
        assert [one.ids for one in found] == [ids for _, ids in wanted[:n_best]]
        assert [one.score for one in found] == pytest.approx([score for score, _ in wanted[:n_best]], abs=1e-5)
        saved += steps - len(model.rows)
        assert len(model.rows) <= steps
    assert saved > 20


def textbook(
    log_probs: LogProbs, word: int, *, beam: int, max_len: int, alpha: float
) -> tuple[list[tuple[float, tuple[int, ...]]], int]:
    growing: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    finished: list[tuple[float, tuple[int, ...]]] = []
    steps = 0
    while growing and steps < max_len:
        steps += 1
        candidates = []
        for total, prefix in growing:
            history = (0, 2, *prefix)
            for token, more in enumerate(log_probs(word, history[-2], history[-1])):
                if token not in (1, 2):
                    candidates.append((total + more, (*prefix, token)))
        best = sorted(candidates, reverse=True)[: beam - len(finished)]
        finished += [(total / ((5 + steps) / 6) ** alpha, ids) for total, ids in best if ids[-1] == 3]
        growing = [one for one in best if one[1][-1] != 3]
    return sorted(finished, reverse=True), steps


@pytest.mark.parametrize("beam", [2, 3, 7])
def test_n_best_are_sorted_distinct_and_what_they_say(table_model: Make, specials: Specials, beam: int) -> None:
    model = table_model(sharpness=0.8)
    src_ids, src_len = sources([3, 5, 2])
    options = BeamOptions(beam=beam, n_best=beam, length_penalty=0.8, coverage_penalty=0.3)
    limits = torch.tensor([12, 12, 12])
    found = beam_search(model, src_ids, src_len, max_len=limits, specials=specials, options=options, need_weights=True)
    assert sum(map(len, found)) > 3
    for word, answers in enumerate(found):
        assert len({one.ids for one in answers}) == len(answers)
        assert [one.score for one in answers] == sorted((one.score for one in answers), reverse=True)
        for one in answers:
            assert set(one.ids) & {specials.pad, specials.bos} == set()
            history = (0, 2, *one.ids)
            wanted = [model.log_probs(word, *history[i : i + 2])[history[i + 2]] for i in range(len(one.ids))]
            assert one.log_probs == pytest.approx(wanted, abs=1e-5)
            first, second = one.weights
            assert first.shape == (2, len(one.ids), src_len[word])
            assert second.shape == (1, len(one.ids), src_len[word])
            torch.testing.assert_close(first.sum(-1), torch.ones(first.shape[:2]))
            # eq. 14 of Wu et al. 2016 by hand, p_ij the mean over layers and heads
            attention = ((first[0] + first[1]) / 2 + second[0]) / 2
            coverage = sum(math.log(min(float(column.sum()), 1.0)) for column in attention.T)
            assert one.score == pytest.approx(sum(wanted) / ((5 + len(wanted)) / 6) ** 0.8 + 0.3 * coverage, abs=1e-5)


def test_attention_belongs_to_its_token(table_model: Make, specials: Specials) -> None:
    model = table_model(sharpness=0.8, seed=5)
    src_ids, src_len = sources([6, 4])
    found = beam_search(
        model,
        src_ids,
        src_len,
        max_len=torch.tensor([10, 10]),
        specials=specials,
        options=BeamOptions(beam=4, n_best=4),
        need_weights=True,
    )
    for length, answers in zip(src_len.tolist(), found, strict=True):
        for one in answers:
            history = (0, 2, *one.ids)
            for step in range(len(one.ids)):
                before, last = history[step : step + 2]
                scores = model.attention[last, :length] + 0.3 * before * torch.arange(length)
                torch.testing.assert_close(one.weights[0][0, step], scores.softmax(0))


def test_attention_is_not_asked_for_in_vain(table_model: Make, specials: Specials) -> None:
    src_ids, src_len = sources([6, 4])
    limits = torch.tensor([10, 10])
    for coverage in (0.0, 0.5):
        options = BeamOptions(beam=3, coverage_penalty=coverage)
        found = beam_search(table_model(), src_ids, src_len, max_len=limits, specials=specials, options=options)
        assert all(one.weights == () for answers in found for one in answers)


def test_what_is_finished_leaves_the_batch(table_model: Make, specials: Specials) -> None:
    model = table_model()
    src_ids, src_len = sources([3] * 8)
    beam_search(
        model, src_ids, src_len, max_len=torch.tensor([2] * 7 + [30]), specials=specials, options=BeamOptions(beam=4)
    )
    assert model.rows[0] == 8
    assert 8 < model.rows[1] <= 32
    assert max(model.rows[2:], default=0) <= 4


def test_a_sentence_that_gives_no_number_is_named(table_model: Make, specials: Specials) -> None:
    for value in (math.nan, math.inf):
        model = table_model(sharpness=0.1)
        model.logits[5, 2, :, 4] = value
        src_ids, src_len = sources([3] * 8)
        limits = torch.full((8,), 5)
        with pytest.raises(SearchError, match="sentence 6 of the batch at step 2"):
            beam_search(model, src_ids, src_len, max_len=limits, specials=specials)


def test_one_row_ruled_out_entirely_is_an_error(table_model: Make, specials: Specials) -> None:
    model = table_model()
    model.logits[1, 0, 2] = -math.inf
    src_ids, src_len = sources([3, 3])
    with pytest.raises(SearchError, match="sentence 2 of the batch at step 1"):
        beam_search(model, src_ids, src_len, max_len=torch.tensor([4, 4]), specials=specials)


class Plain:
    """The same model, but nobody ever sees where it looks."""

    def __init__(self, model: StepModel) -> None:
        self.start = model.start
        self.inner = model

    def step(self, ids: Tensor, state: State, *, need_weights: bool = False) -> tuple[StepOutput, State]:
        return self.inner.step(ids, state)


def test_a_coverage_penalty_needs_attention(table_model: Make, specials: Specials) -> None:
    src_ids, src_len = sources([3, 3])
    with pytest.raises(SearchError, match="coverage_penalty to 0"):
        beam_search(
            Plain(table_model()),
            src_ids,
            src_len,
            max_len=torch.tensor([4, 4]),
            specials=specials,
            options=BeamOptions(coverage_penalty=0.1),
        )
    [[one], _] = beam_search(
        Plain(table_model()), src_ids, src_len, max_len=torch.tensor([4, 4]), specials=specials, need_weights=True
    )
    assert one.weights == ()


def test_no_sentences_no_hypotheses(table_model: Make, specials: Specials) -> None:
    nothing = torch.zeros(0, dtype=torch.int64)
    assert beam_search(table_model(), nothing.view(0, 3), nothing, max_len=nothing, specials=specials) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beam": 0}, "beam from 1 to 1,000, got 0"),
        ({"beam": 3, "n_best": 4}, "between 1 and the beam of 3, got 4"),
        ({"n_best": 0}, "between 1 and the beam of 5, got 0"),
        ({"length_penalty": -0.5}, "length_penalty from 0 to 10, got -0.5"),
        ({"coverage_penalty": math.nan}, "coverage_penalty from 0 to 100, got nan"),
        ({"length_penalty": math.inf}, "length_penalty from 0 to 10, got inf"),
        ({"length_penalty": 300.0}, "length_penalty from 0 to 10, got 300"),
        ({"beam": 10**20}, "beam from 1 to 1,000, got 1000000"),
    ],
)
def test_impossible_options_are_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(SearchError, match=message):
        BeamOptions(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("limits", "message"),
    [([3], r"one max_len for each of 2 sentences, got shape \(1,\)"), ([3, 0], "at least 1 token .* got 0")],
)
def test_impossible_limits_are_refused(table_model: Make, specials: Specials, limits: list[int], message: str) -> None:
    src_ids, src_len = sources([3, 3])
    with pytest.raises(SearchError, match=message):
        beam_search(table_model(), src_ids, src_len, max_len=torch.tensor(limits), specials=specials)
