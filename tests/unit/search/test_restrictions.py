"""Minimum lengths and repetitions, compared with plain loops and with enumeration of all translations."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch

from regard.errors import SearchError
from regard.model.decoder import State
from regard.search.beam import BeamOptions
from regard.search.engine import StepEngine
from regard.search.restrictions import RestrictedTokens, Restrictions, repeating_ids
from regard.search.sample import SampleOptions
from regard.search.shortlist import Shortlist
from regard.values import Hypothesis, Specials

Make = Callable[..., Any]
"""Makes a table model; see `conftest.py`."""
SPECIALS = Specials()
SOURCES = [[2], [5, 4], [6, 4, 4], [7, 5, 5, 4, 4, 4, 5]]
LIMITS = [5, 6, 6, 6]


def allowed_tokens(log_probs: list[float], tokens: Sequence[int], options: Restrictions, minimum: int) -> list[float]:
    """Log-probabilities of the next token by the definitions, in plain Python; padding and bos are impossible."""
    restricted = list(log_probs)
    for token in range(len(log_probs)):
        size = options.no_repeat_ngram
        ngram = (*tokens[len(tokens) - size + 1 :], token) if size else ()
        earlier = [tuple(tokens[start : start + size]) for start in range(len(tokens) - size + 1)]
        if size and len(ngram) == size and ngram in earlier:
            restricted[token] = -math.inf
        elif token in tokens:
            restricted[token] *= options.repetition_penalty
    if len(tokens) < minimum:
        restricted[SPECIALS.eos] = -math.inf
    others = [token for token in range(len(log_probs)) if token not in (SPECIALS.pad, SPECIALS.bos)]
    if all(restricted[token] == -math.inf for token in others):
        restricted = list(log_probs)
    restricted[SPECIALS.pad] = restricted[SPECIALS.bos] = -math.inf
    return restricted


def enumerate_translations(
    model: Any,  # noqa: ANN401
    source: Sequence[int],
    limit: int,
    options: BeamOptions,
) -> list[tuple[float, tuple[int, ...]]]:
    """Score and tokens of every finished translation, best first."""
    minimum = max(options.min_len, min(math.ceil(options.min_len_ratio * len(source) - 1e-6), limit - 1))
    found = []
    prefixes: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    for _ in range(limit):
        longer = []
        for total, tokens in prefixes:
            before = (0, SPECIALS.bos, *tokens)[-2:]
            log_probs = allowed_tokens(model.log_probs(source[0], *before), tokens, options, minimum)
            for token, log_prob in enumerate(log_probs):
                if log_prob > -math.inf:
                    longer.append((total + log_prob, (*tokens, token)))
        found += [(total, tokens) for total, tokens in longer if tokens[-1] == SPECIALS.eos]
        prefixes = [(total, tokens) for total, tokens in longer if tokens[-1] != SPECIALS.eos]
    scored = [(total / ((5 + len(tokens)) / 6) ** options.length_penalty, tokens) for total, tokens in found]
    return sorted(scored, reverse=True)


def search(
    model: Any,  # noqa: ANN401
    options: BeamOptions | SampleOptions,
    prefixes: list[list[int]] | None = None,
    shortlist: Shortlist | None = None,
) -> list[list[Hypothesis]]:
    engine = StepEngine(model, src_specials=SPECIALS, tgt_specials=SPECIALS)
    if shortlist is not None:
        engine = engine.with_shortlist(shortlist)
    return engine.search(SOURCES, LIMITS, options, need_weights=False, prefixes=prefixes)


ALL = 1000
RESTRICTIONS: list[dict[str, Any]] = [
    {},
    {"no_repeat_ngram": 1},
    {"no_repeat_ngram": 2},
    {"no_repeat_ngram": 3},
    {"repetition_penalty": 1.7},
    {"repetition_penalty": 3.0, "no_repeat_ngram": 2},
    {"min_len_ratio": 1.5},
    {"min_len_ratio": 0.7, "min_len": 1, "repetition_penalty": 1.3, "no_repeat_ngram": 2},
]


@pytest.mark.parametrize("restrictions", RESTRICTIONS, ids=str)
def test_a_beam_of_all_prefixes_finds_the_best(table_model: Make, restrictions: dict[str, Any]) -> None:
    model = table_model(seed=4, sharpness=1.5)
    options = BeamOptions(ALL, 20, length_penalty=0.6, **restrictions)
    for source, limit, hypotheses in zip(SOURCES, LIMITS, search(model, options), strict=True):
        expected = enumerate_translations(model, source, limit, options)[:20]
        assert [hypothesis.ids for hypothesis in hypotheses] == [tokens for _, tokens in expected]
        assert [hypothesis.score for hypothesis in hypotheses] == pytest.approx(
            [score for score, _ in expected], abs=1e-4
        )


@pytest.mark.parametrize("restrictions", RESTRICTIONS[1:], ids=str)
def test_greedy_search_follows_the_restrictions(table_model: Make, restrictions: dict[str, Any]) -> None:
    model = table_model(seed=4, sharpness=1.5)
    options = BeamOptions(1, **restrictions)
    for source, limit, [hypothesis] in zip(SOURCES, LIMITS, search(model, options), strict=True):
        minimum = max(options.min_len, min(math.ceil(options.min_len_ratio * len(source) - 1e-6), limit - 1))
        tokens: list[int] = []
        while len(tokens) < limit and SPECIALS.eos not in tokens:
            before = (0, SPECIALS.bos, *tokens)[-2:]
            log_probs = allowed_tokens(model.log_probs(source[0], *before), tokens, options, minimum)
            tokens.append(max(range(len(log_probs)), key=log_probs.__getitem__))
        assert list(hypothesis.ids) == tokens
    assert [h.ids for [h] in search(model, options)] != [h.ids for [h] in search(model, BeamOptions(1))]


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4])
def test_ids_that_would_repeat_an_ngram(size: int) -> None:
    tokens = torch.randint(3, (50, 12), generator=torch.Generator().manual_seed(2))
    rows, ids = repeating_ids(tokens, size)
    expected = set()
    for row, own in enumerate(tokens.tolist()):
        ngrams = {tuple(own[start : start + size]) for start in range(12 - size + 1)} if size else set()
        expected |= {(row, token) for token in range(3) if (*own[12 - size + 1 :], token) in ngrams}
    assert set(zip(rows.tolist(), ids.tolist(), strict=True)) == expected
    assert bool(expected) == bool(size)
    assert [len(part) for part in repeating_ids(tokens[:, : max(0, size - 1)], size)] == [0, 0]


def test_probabilities_sum_to_one_and_others_stay(table_model: Make) -> None:
    """What excluded and penalized tokens lose is at padding, so scores of the others are those of the model."""
    model = table_model(vocab=9)
    restricted = RestrictedTokens(
        model, Restrictions(no_repeat_ngram=2, repetition_penalty=1.4), minima=torch.tensor([2, 0]), specials=SPECIALS
    )
    src_ids, src_len = torch.tensor([[2, 3], [5, 3]]), torch.tensor([2, 2])
    state: State = restricted.start(src_ids, src_len)
    own: State = model.start(src_ids, src_len)
    history: list[list[int]] = []
    for ids in ([2, 2], [4, 6], [7, 4], [4, 6], [7, 6]):
        output, state = restricted.step(torch.tensor(ids), state)
        plain, own = model.step(torch.tensor(ids), own)
        log_probs, before = output.logits.log_softmax(-1), plain.logits.double().log_softmax(-1)
        for row in range(2):
            tokens = [step[row] for step in history[1:]] + [ids[row]] if history else []
            expected = allowed_tokens(before[row].tolist(), tokens, restricted.restrictions, (2, 0)[row])
            others = [token for token in range(9) if token not in (SPECIALS.pad, SPECIALS.bos)]
            assert log_probs[row, others].tolist() == pytest.approx([expected[token] for token in others], abs=1e-5)
        history.append(ids)


def test_a_prefix_may_repeat_what_the_rest_may_not(table_model: Make) -> None:
    prefixes = [[4, 4, 4], [5, 4, 5, 4], [], [4]]
    for beam in (1, 4):
        found = search(table_model(), BeamOptions(beam, no_repeat_ngram=1, repetition_penalty=2.0), prefixes)
        for prefix, [best] in zip(prefixes, found, strict=True):
            rest = [token for token in best.ids[len(prefix) :] if token != SPECIALS.eos]
            assert list(best.ids[: len(prefix)]) == prefix
            assert len(set(rest) | set(prefix)) == len(rest) + len(set(prefix))
            assert best.score > -math.inf


def test_tokens_that_a_constraint_needs_are_exempt(table_model: Make) -> None:
    model, src_len = table_model(), torch.tensor([1, 1])
    restricted = RestrictedTokens(
        model, Restrictions(no_repeat_ngram=1), minima=torch.tensor([0, 0]), specials=SPECIALS, exempt=[[4], []]
    )
    state: State = restricted.start(torch.tensor([[2], [2]]), src_len)
    for token in (SPECIALS.bos, 4):
        _, state = restricted.step(torch.tensor([token, token]), state)
    output, _ = restricted.step(torch.tensor([5, 5]), state)
    assert (output.logits == -torch.inf).tolist() == [[False] * 5 + [True], [False] * 4 + [True, True]]


@pytest.mark.parametrize(
    ("restrictions", "message"),
    [
        ({"min_len": -1}, "min_len of at least 0, got -1"),
        ({"min_len_ratio": -0.5}, "min_len_ratio from 0 to 100, got -0.5"),
        ({"min_len_ratio": math.nan}, "min_len_ratio from 0 to 100, got nan"),
        ({"no_repeat_ngram": -1}, r"no_repeat_ngram from 0 \(off\) to 100, got -1"),
        ({"no_repeat_ngram": 101}, r"no_repeat_ngram from 0 \(off\) to 100, got 101"),
        ({"repetition_penalty": 0.9}, r"repetition_penalty from 1 \(off\) to 100, got 0.9"),
        ({"repetition_penalty": math.inf}, r"repetition_penalty from 1 \(off\) to 100, got inf"),
    ],
)
def test_impossible_values_are_refused(restrictions: dict[str, Any], message: str) -> None:
    for options in (BeamOptions, SampleOptions, Restrictions):
        with pytest.raises(SearchError, match=message):
            options(**restrictions)


def test_samples_follow_the_restrictions(table_model: Make) -> None:
    model = table_model(seed=4)
    for hypotheses, source in zip(
        search(model, SampleOptions(50, no_repeat_ngram=2, min_len_ratio=1.0)), SOURCES, strict=True
    ):
        for hypothesis in hypotheses:
            pairs = list(itertools.pairwise(hypothesis.ids))
            assert len(set(pairs)) == len(pairs)
            assert len(hypothesis.ids) > min(len(source), 5)
    drawn = search(model, SampleOptions(50, min_len=3))
    assert min(len(hypothesis.ids) for hypotheses in drawn for hypothesis in hypotheses) == 4


def test_without_restrictions_the_model_is_not_wrapped(table_model: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise AssertionError("wrapped")

    monkeypatch.setattr("regard.search.restricted.RestrictedTokens", fail)
    search(table_model(), BeamOptions(min_len=2))
    with pytest.raises(AssertionError, match="wrapped"):
        search(table_model(), BeamOptions(no_repeat_ngram=4))
