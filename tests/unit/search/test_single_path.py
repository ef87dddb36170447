"""Greedy search and forced decoding, with one path per sentence."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from regard.errors import SearchError
from regard.search.greedy import greedy_search
from regard.search.score import force_decode
from regard.values import Specials

Make = Callable[..., Any]
"""Makes a table model; see `conftest.py`."""


def sources(lengths: list[int]) -> tuple[Tensor, Tensor]:
    rows = torch.ones(len(lengths), max(lengths), dtype=torch.int64)
    for number, length in enumerate(lengths):
        rows[number, :length] = torch.tensor([number, *[4] * (length - 2), 3][-length:])
    return rows, torch.tensor(lengths)


LENGTHS = [3, 5, 2, 7, 4, 4, 6, 2]
LIMITS = [9, 8, 7, 6, 5, 12, 1, 3]


def test_greedy_search_chooses_the_most_probable_tokens(table_model: Make, specials: Specials) -> None:
    model = table_model(sharpness=0.7, seed=3)
    src_ids, src_len = sources(LENGTHS)
    found = greedy_search(model, src_ids, src_len, max_len=torch.tensor(LIMITS), specials=specials)
    for word, (hypothesis, limit) in enumerate(zip(found, LIMITS, strict=True)):
        history, log_probs = [0, 2], []
        while len(history) < limit + 2 and history[-1] != 3:
            row = model.log_probs(word, history[-2], history[-1])
            best = max((0, 3, 4, 5), key=lambda token: row[token])
            history.append(best)
            log_probs.append(row[best])
        assert list(hypothesis.ids) == history[2:]
        assert hypothesis.log_probs == pytest.approx(log_probs, abs=1e-5)
        assert hypothesis.score == pytest.approx(sum(log_probs), abs=1e-5)
        assert hypothesis.finished == (history[-1] == 3)
        assert hypothesis.weights == ()
    assert {hypothesis.finished for hypothesis in found} == {True, False}


def test_a_length_penalty_divides_the_score(table_model: Make, specials: Specials) -> None:
    src_ids, src_len = sources(LENGTHS)
    limits = torch.tensor(LIMITS)
    undivided = greedy_search(table_model(), src_ids, src_len, max_len=limits, specials=specials)
    divided = greedy_search(table_model(), src_ids, src_len, max_len=limits, specials=specials, length_penalty=0.7)
    for before, after in zip(undivided, divided, strict=True):
        assert after.ids == before.ids
        assert after.score == pytest.approx(before.score / ((5 + len(before.ids)) / 6) ** 0.7)


def test_a_batch_gives_the_results_of_single_sentences(table_model: Make, specials: Specials) -> None:
    model = table_model(sharpness=0.7)
    src_ids, src_len = sources(LENGTHS)
    limits = torch.tensor(LIMITS)
    together = greedy_search(model, src_ids, src_len, max_len=limits, specials=specials, need_weights=True)
    for row, length in enumerate(LENGTHS):
        rows = slice(row, row + 1)
        [alone] = greedy_search(
            model, src_ids[rows, :length], src_len[rows], max_len=limits[rows], specials=specials, need_weights=True
        )
        found = together[row]
        assert (found.ids, found.finished) == (alone.ids, alone.finished)
        assert found.score == pytest.approx(alone.score, abs=1e-5)
        assert [layer.shape for layer in found.weights] == [(2, len(found.ids), length), (1, len(found.ids), length)]
        for layer, expected in zip(found.weights, alone.weights, strict=True):
            torch.testing.assert_close(layer, expected)


def test_finished_hypotheses_are_removed_from_the_batch(table_model: Make, specials: Specials) -> None:
    model = table_model()
    model.logits[..., specials.eos] = -torch.inf
    src_ids, src_len = sources([3] * 8)
    limits = torch.tensor([2, 2, 2, 2, 2, 2, 4, 6])
    found = greedy_search(model, src_ids, src_len, max_len=limits, specials=specials)
    assert model.rows == [8, 8, 2, 2, 1, 1]
    assert [len(hypothesis.ids) for hypothesis in found] == limits.tolist()


def test_padding_and_bos_are_never_chosen(table_model: Make, specials: Specials) -> None:
    model = table_model()
    model.logits[..., specials.pad] = 9.0
    model.logits[..., specials.bos] = 8.0
    src_ids, src_len = sources(LENGTHS)
    found = greedy_search(model, src_ids, src_len, max_len=torch.tensor(LIMITS), specials=specials)
    assert {specials.pad, specials.bos} & {token for hypothesis in found for token in hypothesis.ids} == set()


def test_greedy_search_names_the_sentence_with_nan(table_model: Make, specials: Specials) -> None:
    model = table_model()
    model.logits[..., specials.eos] = -torch.inf
    model.logits[6, 2] = math.nan
    src_ids, src_len = sources([3] * 8)
    limits = torch.tensor([1, 1, 1, 1, 1, 1, 5, 5])  # the others have been removed from the batch by then
    with pytest.raises(SearchError, match="sentence 7 of the batch at step 2"):
        greedy_search(model, src_ids, src_len, max_len=limits, specials=specials)


def test_no_sentences_no_hypotheses(table_model: Make, specials: Specials) -> None:
    nothing = torch.zeros(0, dtype=torch.int64)
    assert greedy_search(table_model(), nothing.view(0, 3), nothing, max_len=nothing, specials=specials) == []
    assert force_decode(table_model(), nothing.view(0, 3), nothing, [], specials=specials) == []


@pytest.mark.parametrize("alpha", [0.0, 0.9])
def test_a_forced_target_is_scored_token_by_token(table_model: Make, specials: Specials, alpha: float) -> None:
    model = table_model(seed=4)
    src_ids, src_len = sources(LENGTHS[:5])
    targets = [[4, 5, 0], [], [5], [1, 2, 4, 4, 4, 4, 5], [4]]  # includes tokens that no search would choose
    found = force_decode(model, src_ids, src_len, targets, specials=specials, length_penalty=alpha, need_weights=True)
    for word, (hypothesis, target) in enumerate(zip(found, targets, strict=True)):
        history = [0, 2, *target, 3]
        log_probs = [model.log_probs(word, *history[i : i + 2])[history[i + 2]] for i in range(len(target) + 1)]
        assert hypothesis.ids == (*target, 3)
        assert hypothesis.log_probs == pytest.approx(log_probs, abs=1e-5)
        assert hypothesis.score == pytest.approx(sum(log_probs) / ((5 + len(log_probs)) / 6) ** alpha, abs=1e-5)
        assert hypothesis.finished
        assert [layer.shape for layer in hypothesis.weights] == [
            (2, len(target) + 1, src_len[word]),
            (1, len(target) + 1, src_len[word]),
        ]
        for step in range(len(target) + 1):
            before, last = history[step : step + 2]
            scores = model.attention[last, : src_len[word]] + 0.3 * before * torch.arange(int(src_len[word]))
            torch.testing.assert_close(hypothesis.weights[0][0, step], scores.softmax(0))


def test_forcing_the_result_of_greedy_search_gives_the_same_score(table_model: Make, specials: Specials) -> None:
    model = table_model(sharpness=0.9)
    src_ids, src_len = sources(LENGTHS)
    limits = torch.full((8,), 30)
    found = greedy_search(model, src_ids, src_len, max_len=limits, specials=specials, need_weights=True)
    finished = [number for number, hypothesis in enumerate(found) if hypothesis.finished]
    assert len(finished) > 3
    forced = force_decode(
        model,
        src_ids[finished],
        src_len[finished],
        [found[number].ids[:-1] for number in finished],
        specials=specials,
        need_weights=True,
    )
    for number, hypothesis in zip(finished, forced, strict=True):
        assert hypothesis.log_probs == pytest.approx(found[number].log_probs, abs=1e-5)
        for layer, expected in zip(hypothesis.weights, found[number].weights, strict=True):
            torch.testing.assert_close(layer, expected)


def test_impossible_targets_are_refused(table_model: Make, specials: Specials) -> None:
    src_ids, src_len = sources([3, 3])
    with pytest.raises(SearchError, match="a target for each of 2 source sentences, got 1"):
        force_decode(table_model(), src_ids, src_len, [[4]], specials=specials)
    with pytest.raises(SearchError, match=r"target 2 contains eos \(id 3\)"):
        force_decode(table_model(), src_ids, src_len, [[4], [4, 3]], specials=specials)


def test_ended_paths_stay_unchanged_until_they_are_removed(table_model: Make, specials: Specials) -> None:
    model, copies = table_model(sharpness=0.7), 4
    src_ids, src_len = sources(LENGTHS)
    limits = torch.tensor([2 + (5 * row) % 23 for row in range(copies * len(LENGTHS))])  # few end at the same step
    together = greedy_search(
        model, src_ids.repeat(copies, 1), src_len.repeat(copies), max_len=limits, specials=specials
    )
    for row, found in enumerate(together):
        source = slice(row % len(LENGTHS), row % len(LENGTHS) + 1)
        [alone] = greedy_search(
            model, src_ids[source], src_len[source], max_len=limits[row : row + 1], specials=specials
        )
        assert (found.ids, found.finished) == (alone.ids, alone.finished)
        assert found.score == pytest.approx(alone.score, abs=1e-5)
