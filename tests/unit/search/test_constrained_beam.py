"""Beam search with constraints compared with enumeration, for vocabularies in which texts have many spellings."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch

from regard.search.beam import BeamOptions
from regard.search.constrained_beam import constrained_beam_search
from regard.search.constraints import Constraints, Term
from regard.search.term_automaton import TermAutomaton
from regard.search.term_batch import SearchConstraints
from regard.text.term_vocabulary import TermVocabulary
from regard.text.tokenizers import Surface, join_pieces
from regard.values import Hypothesis, Specials

Make = Callable[..., Any]
"""Makes a table model; see `conftest.py`."""
LETTERS: list[Surface] = [None] * 4 + ["▁a", "b", "▁", "a", "▁ab"]
MIXED: list[Surface] = [None] * 4 + ["▁a", "A", "a", "-", "▁", 0xC3, 0xA9]
UNSPACED: list[Surface] = [None] * 4 + ["▁", "日", "日本", "本", "a", "本a"]


def vocabulary(surfaces: Sequence[Surface]) -> TermVocabulary:
    """A vocabulary that segments text from the left, into the longest subwords."""
    texts = {surface: token for token, surface in enumerate(surfaces) if isinstance(surface, str)}

    def encode(texts_to_encode: Sequence[str]) -> list[list[int]]:
        segmented = []
        for text in texts_to_encode:
            rest, ids = "▁" + text.replace(" ", "▁"), []
            while rest:
                end = next((end for end in range(len(rest), 0, -1) if rest[:end] in texts), 0)
                if end:
                    ids.append(texts[rest[:end]])
                else:
                    ids += [surfaces.index(value) for value in rest[0].encode()]
                rest = rest[max(end, 1) :]
            segmented.append(ids)
        return segmented

    return TermVocabulary(surfaces, Specials(), encode)


def text_of(surfaces: Sequence[Surface], ids: Sequence[int]) -> str:
    return join_pieces(surfaces[token] for token in ids)[0]


def satisfied(constraints: Constraints, text: str) -> bool:
    """Whether a text satisfies constraints, by a check that shares no code with the search."""
    return (
        "\ufffd" not in text
        and all(contains(term, text) for term in constraints.include)
        and not any(contains(term, text) for term in constraints.exclude)
    )


def contains(term: Term, text: str) -> bool:
    if term.ignore_case:
        text = text.lower()
    for alternative in term.alternatives:
        part = alternative.lower() if term.ignore_case else alternative
        for start in range(len(text) - len(part) + 1):
            if text[start : start + len(part)] == part:
                before, after = text[:start][-1:], text[start + len(part) :][:1]
                joined = is_spaced_letter(before) and is_spaced_letter(part[0])
                joined = joined or (is_spaced_letter(after) and is_spaced_letter(part[-1]))
                if not (term.whole_words and joined):
                    return True
    return False


def is_spaced_letter(character: str) -> bool:
    return character.isalpha() and character not in "日本"


def search(
    model: Any,
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
    model: Any, surfaces: Sequence[Surface], word: int, constraints: Constraints, limit: int, alpha: float
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


def random_constraints(choose: random.Random, characters: str) -> Constraints:
    def term() -> Term:
        texts = {
            "".join(choose.choices(characters, k=choose.randint(1, 3))).strip() for _ in range(choose.randint(1, 2))
        }
        alternatives = tuple(sorted(" ".join(text.split()) for text in texts if text.strip())) or (characters[0],)
        return Term(alternatives, ignore_case=choose.random() < 0.5, whole_words=choose.random() < 0.5)

    return Constraints(
        tuple(term() for _ in range(choose.randint(0, 2))), tuple(term() for _ in range(choose.randint(0, 2)))
    )


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
    for seed in range(4):
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
    assert compared > 10
