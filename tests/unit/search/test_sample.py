"""Samples follow the model's distribution, with temperature and truncation."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from regard.errors import SearchError
from regard.search.random_numbers import mix, uniform
from regard.search.sample import SampleOptions, draw_tokens, sample, truncate
from regard.values import Hypothesis, Specials

Make = Callable[..., Any]
"""Makes a table model; see `conftest.py`."""
DRAWS = 4000


def draw(model: Any, options: SampleOptions, *, seed: int = 1, limit: int = 3) -> list[list[Hypothesis]]:  # noqa: ANN401
    src_ids, src_len = torch.tensor([[2, 4, 3], [5, 3, 1]]), torch.tensor([3, 2])
    return sample(
        model,
        src_ids,
        src_len,
        max_len=torch.tensor([limit, limit]),
        specials=Specials(),
        options=replace(options, seed=seed),
        need_weights=True,
    )


def next_probabilities(row: list[float], options: SampleOptions) -> dict[int, float]:
    """Possible next tokens and their probabilities, by the definitions, in plain Python."""
    weights = {token: math.exp(row[token] / options.temperature) for token in (0, 3, 4, 5)}
    ranked = sorted(weights, key=lambda token: -weights[token])
    total = sum(weights.values())
    probable = [token for token in ranked if weights[token] / total >= options.epsilon]
    ranked = probable or ranked[:1]
    if options.top_k is not None:
        ranked = ranked[: options.top_k]
    total = sum(weights[token] for token in ranked)
    nucleus, reached = [], 0.0
    for token in ranked:
        if reached >= options.top_p:
            break
        nucleus.append(token)
        reached += weights[token] / total
    total = sum(weights[token] for token in nucleus)
    return {token: weights[token] / total for token in nucleus}


@pytest.mark.parametrize(
    "options",
    [
        SampleOptions(DRAWS),
        SampleOptions(DRAWS, temperature=0.5),
        SampleOptions(DRAWS, temperature=2.0),
        SampleOptions(DRAWS, top_k=2),
        SampleOptions(DRAWS, top_p=0.7),
        SampleOptions(DRAWS, epsilon=0.15),
        SampleOptions(DRAWS, epsilon=0.6),
        SampleOptions(DRAWS, temperature=2.0, epsilon=0.15, top_p=0.8),
        SampleOptions(DRAWS, temperature=1.5, top_k=3, top_p=0.8),
    ],
    ids=lambda options: f"t{options.temperature} k{options.top_k} p{options.top_p} e{options.epsilon}",
)
def test_frequencies_of_samples_match_their_probabilities(table_model: Make, options: SampleOptions) -> None:
    model = table_model(seed=2)
    for word, drawn in zip((2, 5), draw(model, options), strict=True):
        expected: dict[tuple[int, ...], float] = {}
        for ids in itertools.chain(*(itertools.product((0, 3, 4, 5), repeat=length) for length in (1, 2, 3))):
            if 3 in ids[:-1] or (len(ids) < 3 and ids[-1] != 3):
                continue
            history, probability = (0, 2, *ids), 1.0
            for step, token in enumerate(ids):
                allowed = next_probabilities(model.log_probs(word, *history[step : step + 2]), options)
                probability *= allowed.get(token, 0.0)
            if probability:
                expected[ids] = probability
        assert sum(expected.values()) == pytest.approx(1.0)
        counts = Counter(hypothesis.ids for hypothesis in drawn)
        assert set(counts) <= set(expected)
        for ids, probability in expected.items():
            # Five standard deviations of a binomial count.
            spread = 5 * math.sqrt(DRAWS * probability * (1 - probability))
            assert abs(counts[ids] - DRAWS * probability) < spread + 4, ids


def test_scores_are_those_of_the_model(table_model: Make) -> None:
    model = table_model(seed=2)
    options = SampleOptions(50, temperature=1.7, top_k=3)
    for word, length, drawn in zip((2, 5), (3, 2), draw(model, options, limit=6), strict=True):
        for hypothesis in drawn:
            ids = hypothesis.ids
            history = (0, 2, *ids)
            expected = [model.log_probs(word, *history[i : i + 2])[history[i + 2]] for i in range(len(ids))]
            assert hypothesis.log_probs == pytest.approx(expected, abs=1e-5)
            assert hypothesis.score == pytest.approx(sum(expected), abs=1e-5)
            assert hypothesis.finished == (ids[-1] == 3)
            assert hypothesis.weights[0].shape == (2, len(ids), length)


def test_samples_are_determined_by_the_seed(table_model: Make) -> None:
    model = table_model(seed=2)

    def ids(seed: int) -> list[tuple[int, ...]]:
        return [hypothesis.ids for drawn in draw(model, SampleOptions(20), seed=seed) for hypothesis in drawn]

    assert ids(1) == ids(1)
    assert ids(1) != ids(2)


def test_a_single_candidate_is_always_chosen(table_model: Make) -> None:
    model = table_model(seed=2)
    for options in (SampleOptions(30, top_k=1), SampleOptions(30, top_p=1e-6), SampleOptions(30, temperature=1e-3)):
        for drawn in draw(model, options):
            assert len({hypothesis.ids for hypothesis in drawn}) == 1


def test_truncation_of_a_small_distribution() -> None:
    scores = torch.tensor([[0.1, 0.4, 0.2, 0.3], [0.25, 0.25, 0.25, 0.25]]).log()

    def remaining(top_k: int | None = None, top_p: float = 1.0) -> list[list[int]]:
        return [row.isfinite().nonzero()[:, 0].tolist() for row in truncate(scores, top_k=top_k, top_p=top_p)]

    assert remaining() == [[0, 1, 2, 3], [0, 1, 2, 3]]
    assert remaining(top_k=2) == [[1, 3], [0, 1]]
    assert remaining(top_k=9) == [[0, 1, 2, 3], [0, 1, 2, 3]]
    assert remaining(top_p=0.39) == [[1], [0, 1]]
    assert remaining(top_p=0.69) == [[1, 3], [0, 1, 2]]
    assert remaining(top_p=0.71) == [[1, 2, 3], [0, 1, 2]]
    # 0.4 + 0.3 are 0.78 of the total probability of the three best.
    assert remaining(top_k=3, top_p=0.75) == [[1, 3], [0, 1, 2]]
    assert truncate(scores, epsilon=0.25).isfinite().tolist() == [[False, True, False, True], [True] * 4]
    assert truncate(scores, epsilon=0.41).isfinite().tolist() == [[False, True, False, False], [True] * 4]
    assert truncate(torch.zeros(1, 5000), top_k=3).isfinite().nonzero()[:, 1].tolist() == [0, 1, 2]
    truncated = truncate(scores, top_k=2)
    torch.testing.assert_close(truncated[0, [1, 3]], scores[0, [1, 3]])


def test_draws_invert_the_distribution_function() -> None:
    """A loop over the tokens, in float64; both ends of the range of random numbers are possible."""
    generator = torch.Generator().manual_seed(5)
    probabilities = torch.rand(200, 9, generator=generator) * (torch.rand(200, 9, generator=generator) > 0.4)
    probabilities[:, 4] = 0.3
    numbers = torch.rand(200, generator=generator, dtype=torch.float64)
    numbers[0], numbers[1] = 0.0, 1 - 2.0**-52
    expected = []
    for row, number in zip(probabilities.tolist(), numbers.tolist(), strict=True):
        totals = [sum(row[: token + 1]) for token in range(9)]
        expected.append(next(token for token in range(9) if row[token] and totals[token] > number * totals[-1]))
    assert draw_tokens(probabilities, numbers).tolist() == expected


def test_samples_do_not_depend_on_what_else_is_sampled(table_model: Make) -> None:
    model = table_model(seed=2)
    src_ids, src_len = torch.tensor([[2, 4, 3], [5, 3, 1], [6, 4, 3]]), torch.tensor([3, 2, 3])

    def ids(rows: list[int], num_samples: int) -> list[list[tuple[int, ...]]]:
        options = SampleOptions(num_samples, seed=9, streams=tuple(rows))
        drawn = sample(
            model, src_ids[rows], src_len[rows], max_len=torch.full((len(rows),), 9), specials=Specials(),
            options=options,
        )  # fmt: skip
        return [[hypothesis.ids for hypothesis in own] for own in drawn]

    together = ids([0, 1, 2], 12)
    assert [ids([row], 12)[0] for row in range(3)] == together
    assert ids([2, 0], 12) == [together[2], together[0]]
    assert [own[:5] for own in together] == ids([0, 1, 2], 5)
    with pytest.raises(SearchError, match="one stream of random numbers for each of 3 sentences, got 2"):
        sample(
            model, src_ids, src_len, max_len=torch.full((3,), 9), specials=Specials(),
            options=SampleOptions(streams=(1, 2)),
        )  # fmt: skip


def test_random_numbers_are_uniform_and_independent() -> None:
    keys = mix(torch.arange(2000))
    numbers = torch.stack([uniform(keys, step) for step in range(1, 21)])  # (20, 2000)
    assert numbers.dtype == torch.float64
    assert float(numbers.min()) >= 0
    assert float(numbers.max()) < 1
    counts = torch.histc(numbers, bins=20, min=0, max=1)
    assert float(((counts - 2000) ** 2 / 2000).sum()) < 44  # chi squared, 19 degrees of freedom: p = 0.001
    correlations = torch.corrcoef(numbers)
    assert float((correlations - torch.eye(20)).abs().max()) < 5 / math.sqrt(2000)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_samples": 0}, "num_samples of at least 1, got 0"),
        ({"temperature": 0.0}, "temperature above 0, got 0.0: for temperature 0, use greedy search"),
        ({"temperature": math.nan}, "temperature above 0, got nan"),
        ({"top_k": 0}, "top_k of at least 1, got 0"),
        ({"top_p": 0.0}, "top_p above 0 and at most 1, got 0.0"),
        ({"top_p": 1.5}, "top_p above 0 and at most 1, got 1.5"),
        ({"epsilon": -0.1}, "epsilon of at least 0 and below 1, got -0.1"),
        ({"epsilon": 1.0}, "epsilon of at least 0 and below 1, got 1.0"),
        ({"epsilon": math.nan}, "epsilon of at least 0 and below 1, got nan"),
        ({"seed": 1 << 63}, r"seed from -2\*\*63 to 2\*\*63 - 1, got 9223372036854775808"),
        ({"min_len": -1}, "min_len of at least 0, got -1"),
    ],
)
def test_impossible_options_are_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(SearchError, match=message):
        SampleOptions(**options)  # type: ignore[arg-type]


def test_options_have_defaults(table_model: Make) -> None:
    src_ids, src_len = torch.tensor([[2, 4, 3]]), torch.tensor([3])
    [drawn] = sample(table_model(), src_ids, src_len, max_len=torch.tensor([4]), specials=Specials())
    assert len(drawn) == 1
