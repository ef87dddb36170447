"""Beam search with constraints compared with enumeration, for vocabularies in which texts have many spellings."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import pytest
import torch
from toy_vocabularies import LETTERS, MIXED, UNSPACED, random_constraints, satisfied, text_of, vocabulary

from regard.model.decoder import StepModel
from regard.search.beam import BeamOptions
from regard.search.constrained_beam import constrained_beam_search
from regard.search.constraints import Constraints
from regard.search.term_automaton import TermAutomaton
from regard.search.term_batch import SearchConstraints
from regard.text.tokenizers import Surface
from regard.values import Hypothesis, Specials

Make = Callable[..., Any]
"""Makes a table model; see `conftest.py`."""


class TableModel(StepModel, Protocol):
    """A model whose probabilities are tables; see `conftest.py`."""

    def log_probs(self, word: int, before: int, last: int) -> list[float]: ...


def search(
    model: TableModel,
    surfaces: Sequence[Surface],
    constraints: Sequence[Constraints],
    limits: Sequence[int],
    options: BeamOptions,
) -> list[list[Hypothesis]]:
    batch = SearchConstraints(vocabulary(surfaces), constraints).batch(range(len(constraints)))
    max_len = torch.tensor(limits)
    src_ids = torch.tensor([[word, 3] for word in range(len(constraints))])
    return constrained_beam_search(
        model,
        src_ids,
        torch.full((len(constraints),), 2),
        max_len=max_len,
        specials=Specials(),
        constraints=batch.prepare(None, max_len, []),
        options=options,
    )


def enumerated(
    model: TableModel, surfaces: Sequence[Surface], word: int, constraints: Constraints, limit: int, alpha: float
) -> list[tuple[float, tuple[int, ...]]]:
    """All finished translations that satisfy the constraints, by recursion, the best first."""
    found: list[tuple[float, tuple[int, ...]]] = []

    def walk(prefix: tuple[int, ...], log_prob: float) -> None:
        history = (0, 2, *prefix)
        for token, token_log_prob in enumerate(model.log_probs(word, history[-2], history[-1])):
            longer, total = (*prefix, token), log_prob + token_log_prob
            if token == 3 and satisfied(constraints, text_of(surfaces, prefix)):
                found.append((total / ((5 + len(longer)) / 6) ** alpha, longer))
            elif token not in (1, 2, 3) and len(longer) < limit:
                walk(longer, total)

    walk((), 0.0)
    return sorted(found, reverse=True)


def fits(surfaces: Sequence[Surface], constraints: Constraints, limit: int) -> bool:
    """Whether all terms fit into the length limit, one after another."""
    return sum(TermAutomaton(vocabulary(surfaces), constraints).costs) <= limit


@pytest.mark.parametrize("alpha", [0.0, 1.0])
@pytest.mark.parametrize(
    ("surfaces", "characters"),
    [(LETTERS, "ab ab"), (MIXED, "aAé -"), (UNSPACED, "日本a ")],
    ids=["letters", "mixed", "unspaced"],
)
def test_a_wide_beam_equals_enumeration(
    table_model: Make, surfaces: list[Surface], characters: str, alpha: float
) -> None:
    choose, limit, compared = random.Random(1), 4, 0
    for seed in range(2):
        model = table_model(vocab=len(surfaces), seed=seed)
        constraints = [random_constraints(choose, characters) for _ in range(8)]
        found = search(
            model, surfaces, constraints, [limit] * 8, BeamOptions(beam=1000, n_best=5, length_penalty=alpha)
        )
        for word, terms in enumerate(constraints):
            expected = enumerated(model, surfaces, word, terms, limit, alpha)[:5]
            if len(expected) == 5 and fits(surfaces, terms, limit):
                compared += 1
                assert [hypothesis.ids for hypothesis in found[word]] == [ids for _, ids in expected], terms
                for hypothesis, (score, _) in zip(found[word], expected, strict=True):
                    assert hypothesis.score == pytest.approx(score, abs=1e-5)
                    assert hypothesis.finished
    assert compared > 5
