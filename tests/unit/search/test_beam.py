"""Beam search compared with enumeration, greedy search and a plain implementation."""

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
"""Log-probabilities of the next token, by the first source word and the last two tokens."""


def sources(lengths: list[int], *, words: list[int] | None = None) -> tuple[Tensor, Tensor]:
    """Padded rows of the given lengths, eos included, which differ in their first word."""
    rows = torch.full((len(lengths), max(lengths)), 1)
    for number, length in enumerate(lengths):
        rows[number, :length] = 4
        rows[number, length - 1] = 3
        rows[number, 0] = words[number] if words else number % 8
    return rows, torch.tensor(lengths)


def enumerate_all(
    log_probs: LogProbs, word: int, max_len: int, alpha: float
) -> list[tuple[float, tuple[int, ...], bool]]:
    """All finished targets within the limit, and all unfinished ones at the limit, by recursion."""
    found: list[tuple[float, tuple[int, ...], bool]] = []

    def walk(prefix: tuple[int, ...], log_prob: float) -> None:
        history = (0, 2, *prefix)
        for token, token_log_prob in enumerate(log_probs(word, history[-2], history[-1])):
            if token in (1, 2):
                continue
            longer, total = (*prefix, token), log_prob + token_log_prob
            score = total / ((5 + len(longer)) / 6) ** alpha
            if token == 3:
                found.append((score, longer, True))
            elif len(longer) == max_len:
                found.append((score, longer, False))
            else:
                walk(longer, total)

    walk((), 0.0)
    return sorted(found, reverse=True)


def assert_same(found: Hypothesis, expected: Hypothesis) -> None:
    assert found.ids == expected.ids
    assert found.score == pytest.approx(expected.score, abs=1e-5)
    assert found.log_probs == pytest.approx(expected.log_probs, abs=1e-5)
    assert found.finished == expected.finished
    assert len(found.weights) == len(expected.weights)
    for layer, expected_layer in zip(found.weights, expected.weights, strict=True):
        torch.testing.assert_close(layer, expected_layer)


@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.0, 2.5])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_beam_of_all_prefixes_equals_enumeration(
    table_model: Make, specials: Specials, alpha: float, seed: int
) -> None:
    model, max_len = table_model(seed=seed, vocab=6), 4
    src_ids, src_len = sources([3, 5, 2])
    options = BeamOptions(beam=400, n_best=20, length_penalty=alpha)
    limits = torch.full((3,), max_len)
    found = beam_search(model, src_ids, src_len, max_len=limits, specials=specials, options=options)
    for word, hypotheses in enumerate(found):
        targets = enumerate_all(model.log_probs, word, max_len, alpha)
        expected = [(score, ids) for score, ids, finished in targets if finished][:20]
        assert [hypothesis.ids for hypothesis in hypotheses] == [ids for _, ids in expected]
        scores = [hypothesis.score for hypothesis in hypotheses]
        assert scores == pytest.approx([score for score, _ in expected], abs=1e-5)
        assert all(hypothesis.finished for hypothesis in hypotheses)


def test_without_finished_hypotheses_the_best_unfinished_ones_are_returned(
    table_model: Make, specials: Specials
) -> None:
    model = table_model()
    model.logits[..., specials.eos] = -torch.inf
    src_ids, src_len = sources([2, 2])
    options = BeamOptions(beam=200, n_best=3, length_penalty=0.5)
    found = beam_search(model, src_ids, src_len, max_len=torch.tensor([3, 2]), specials=specials, options=options)
    for word, (hypotheses, limit) in enumerate(zip(found, (3, 2), strict=True)):
        expected = enumerate_all(model.log_probs, word, limit, 0.5)[:3]
        assert [hypothesis.ids for hypothesis in hypotheses] == [ids for _, ids, _ in expected]
        scores = [hypothesis.score for hypothesis in hypotheses]
        assert scores == pytest.approx([score for score, _, _ in expected], abs=1e-5)
        assert not any(hypothesis.finished for hypothesis in hypotheses)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_beam_1_is_greedy(table_model: Make, specials: Specials, alpha: float) -> None:
    model = table_model(sharpness=0.7)
    src_ids, src_len = sources([3, 5, 2, 7, 4, 4, 6, 1])
    limits = torch.tensor([9, 8, 7, 6, 5, 12, 1, 3])
    beam_of_1 = beam_search(
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
    assert len({hypothesis.finished for hypothesis in greedy}) == 2
    for (found,), expected in zip(beam_of_1, greedy, strict=True):
        assert_same(found, expected)


@pytest.mark.parametrize("beam", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("coverage", [0.0, 0.4])
def test_a_batch_gives_the_results_of_single_sentences(
    table_model: Make, specials: Specials, beam: int, coverage: float
) -> None:
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
        for found, expected in zip(together[row], alone, strict=True):
            assert_same(found, expected)


def test_stopping_early_changes_nothing(table_model: Make, specials: Specials, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compares with a plain implementation, which never stops before all slots are filled."""
    saved = 0
    for seed, alpha, n_best in itertools.product(range(12), (0.0, 1.0), (1, 3)):
        model = table_model(seed=seed, sharpness=2.0)
        src_ids, src_len = sources([2])
        options = BeamOptions(beam=4, n_best=n_best, length_penalty=alpha)
        [found] = beam_search(model, src_ids, src_len, max_len=torch.tensor([15]), specials=specials, options=options)
        expected, steps = plain_beam_search(model.log_probs, 0, beam=4, max_len=15, alpha=alpha)
        assert [hypothesis.ids for hypothesis in found] == [ids for _, ids in expected[:n_best]]
        scores = [hypothesis.score for hypothesis in found]
        assert scores == pytest.approx([score for score, _ in expected[:n_best]], abs=1e-5)
        saved += steps - len(model.rows)
        assert len(model.rows) <= steps
    assert saved > 20


def plain_beam_search(
    log_probs: LogProbs, word: int, *, beam: int, max_len: int, alpha: float
) -> tuple[list[tuple[float, tuple[int, ...]]], int]:
    unfinished: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    finished: list[tuple[float, tuple[int, ...]]] = []
    steps = 0
    while unfinished and steps < max_len:
        steps += 1
        candidates = []
        for total, prefix in unfinished:
            history = (0, 2, *prefix)
            for token, log_prob in enumerate(log_probs(word, history[-2], history[-1])):
                if token not in (1, 2):
                    candidates.append((total + log_prob, (*prefix, token)))
        best = sorted(candidates, reverse=True)[: beam - len(finished)]
        finished += [(total / ((5 + steps) / 6) ** alpha, ids) for total, ids in best if ids[-1] == 3]
        unfinished = [(total, ids) for total, ids in best if ids[-1] != 3]
    return sorted(finished, reverse=True), steps


@pytest.mark.parametrize("beam", [2, 3, 7])
def test_n_best_hypotheses_are_sorted_distinct_and_scored_correctly(
    table_model: Make, specials: Specials, beam: int
) -> None:
    model = table_model(sharpness=0.8)
    src_ids, src_len = sources([3, 5, 2])
    options = BeamOptions(beam=beam, n_best=beam, length_penalty=0.8, coverage_penalty=0.3)
    limits = torch.tensor([12, 12, 12])
    found = beam_search(model, src_ids, src_len, max_len=limits, specials=specials, options=options, need_weights=True)
    assert sum(map(len, found)) > 3
    for word, hypotheses in enumerate(found):
        assert len({hypothesis.ids for hypothesis in hypotheses}) == len(hypotheses)
        scores = [hypothesis.score for hypothesis in hypotheses]
        assert scores == sorted(scores, reverse=True)
        for hypothesis in hypotheses:
            ids = hypothesis.ids
            assert set(ids) & {specials.pad, specials.bos} == set()
            history = (0, 2, *ids)
            expected = [model.log_probs(word, *history[i : i + 2])[history[i + 2]] for i in range(len(ids))]
            assert hypothesis.log_probs == pytest.approx(expected, abs=1e-5)
            first, second = hypothesis.weights
            assert first.shape == (2, len(ids), src_len[word])
            assert second.shape == (1, len(ids), src_len[word])
            torch.testing.assert_close(first.sum(-1), torch.ones(first.shape[:2]))
            # Wu et al. 2016, eq. 14, with p_ij the mean over layers and heads.
            attention = ((first[0] + first[1]) / 2 + second[0]) / 2
            coverage = sum(math.log(min(float(column.sum()), 1.0)) for column in attention.T)
            expected_score = sum(expected) / ((5 + len(expected)) / 6) ** 0.8 + 0.3 * coverage
            assert hypothesis.score == pytest.approx(expected_score, abs=1e-5)


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
    for length, hypotheses in zip(src_len.tolist(), found, strict=True):
        for hypothesis in hypotheses:
            history = (0, 2, *hypothesis.ids)
            for step in range(len(hypothesis.ids)):
                before, last = history[step : step + 2]
                scores = model.attention[last, :length] + 0.3 * before * torch.arange(length)
                torch.testing.assert_close(hypothesis.weights[0][0, step], scores.softmax(0))


def test_attention_is_not_returned_unless_requested(table_model: Make, specials: Specials) -> None:
    src_ids, src_len = sources([6, 4])
    limits = torch.tensor([10, 10])
    for coverage in (0.0, 0.5):
        options = BeamOptions(beam=3, coverage_penalty=coverage)
        found = beam_search(table_model(), src_ids, src_len, max_len=limits, specials=specials, options=options)
        assert all(hypothesis.weights == () for hypotheses in found for hypothesis in hypotheses)


def test_finished_hypotheses_are_removed_from_the_batch(table_model: Make, specials: Specials) -> None:
    model = table_model()
    src_ids, src_len = sources([3] * 8)
    beam_search(
        model, src_ids, src_len, max_len=torch.tensor([2] * 7 + [30]), specials=specials, options=BeamOptions(beam=4)
    )
    assert model.rows[0] == 8
    assert 8 < model.rows[1] <= 32
    assert max(model.rows[2:], default=0) <= 4


def test_a_sentence_with_infinite_logits_is_named(table_model: Make, specials: Specials) -> None:
    for value in (math.nan, math.inf):
        model = table_model(sharpness=0.1)
        model.logits[5, 2, :, 4] = value
        src_ids, src_len = sources([3] * 8)
        limits = torch.full((8,), 5)
        with pytest.raises(SearchError, match="sentence 6 of the batch at step 2"):
            beam_search(model, src_ids, src_len, max_len=limits, specials=specials)


def test_a_row_without_possible_tokens_is_an_error(table_model: Make, specials: Specials) -> None:
    model = table_model()
    model.logits[1, 0, 2] = -math.inf
    src_ids, src_len = sources([3, 3])
    with pytest.raises(SearchError, match="sentence 2 of the batch at step 1"):
        beam_search(model, src_ids, src_len, max_len=torch.tensor([4, 4]), specials=specials)


class WithoutAttention:
    """A model that never returns attention."""

    def __init__(self, model: StepModel) -> None:
        self.start = model.start
        self.inner = model

    def step(self, ids: Tensor, state: State, *, need_weights: bool = False) -> tuple[StepOutput, State]:
        return self.inner.step(ids, state)


def test_a_coverage_penalty_needs_attention(table_model: Make, specials: Specials) -> None:
    src_ids, src_len = sources([3, 3])
    with pytest.raises(SearchError, match="coverage_penalty to 0"):
        beam_search(
            WithoutAttention(table_model()),
            src_ids,
            src_len,
            max_len=torch.tensor([4, 4]),
            specials=specials,
            options=BeamOptions(coverage_penalty=0.1),
        )
    [[hypothesis], _] = beam_search(
        WithoutAttention(table_model()),
        src_ids,
        src_len,
        max_len=torch.tensor([4, 4]),
        specials=specials,
        need_weights=True,
    )
    assert hypothesis.weights == ()


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
    [
        ([3], r"one max_len for each of 2 sentences, got a tensor of shape \(1,\)"),
        ([3, 0], "at least 1 token .* got 0"),
    ],
)
def test_impossible_limits_are_refused(table_model: Make, specials: Specials, limits: list[int], message: str) -> None:
    src_ids, src_len = sources([3, 3])
    with pytest.raises(SearchError, match=message):
        beam_search(table_model(), src_ids, src_len, max_len=torch.tensor(limits), specials=specials)
