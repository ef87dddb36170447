"""The automaton of constraints, and its tables, compared with a search in the whole text after each subword."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
import torch
from toy_vocabularies import LETTERS, MIXED, UNSPACED, contains, random_constraints, text_of, vocabulary

from regard.search.constraints import Constraints, Term
from regard.search.term_automaton import EXCLUDED, UNKNOWN, TermAutomaton
from regard.search.term_tables import TermTables
from regard.text.tokenizers import Surface

Found = tuple[frozenset[int], frozenset[int], bool]
"""Included terms that are complete, those that are if the text ends, and whether an excluded term is if it ends."""
WORDS: list[Surface] = [None] * 4 + ["▁new", "▁york", "▁", "new", "york", "n", "ew", "yor", "k", "-", "s", *"ewyor"]


def read(surfaces: Sequence[Surface], constraints: Constraints, ids: Sequence[int]) -> list[Found]:
    """What the automaton finds after each subword."""
    automaton = TermAutomaton(vocabulary(surfaces), constraints)
    number, complete, found = 0, 0, []
    for token in ids:
        move = automaton.move(number, token)
        automaton.expand()
        number, complete = move.state, complete | move.found
        at_end = complete | automaton.infos[number].at_end
        found.append((bits(complete), bits(at_end), bool(at_end & EXCLUDED)))
    return found


def bits(number: int) -> frozenset[int]:
    return frozenset(bit for bit in range(62) if number >> bit & 1)


def random_ids(choose: random.Random, surfaces: Sequence[Surface], length: int) -> list[int]:
    return choose.choices([0, *range(4, len(surfaces))], k=length)


@pytest.mark.parametrize(
    ("surfaces", "characters"),
    [(LETTERS, "ab ab"), (MIXED, "aAé -"), (UNSPACED, "日本a "), (WORDS, "newyork -s")],
    ids=["letters", "mixed", "unspaced", "words"],
)
def test_the_automaton_finds_the_terms_of_the_text(surfaces: list[Surface], characters: str) -> None:
    choose, num_found = random.Random(0), 0
    for _ in range(200):
        constraints, ids = random_constraints(choose, characters), random_ids(choose, surfaces, 8)
        for length, (complete, at_end, excluded) in enumerate(read(surfaces, constraints, ids), start=1):
            text = text_of(surfaces, ids[:length])
            expected = {number for number, term in enumerate(constraints.include) if contains(term, text)}
            assert at_end == expected, (text, constraints)
            assert complete <= expected
            broken = "\ufffd" in text or any(contains(term, text) for term in constraints.exclude)
            assert excluded == broken, (text, constraints)
            num_found += bool(expected)
    assert num_found > 100


@pytest.mark.parametrize(
    ("surfaces", "characters"),
    [(LETTERS, "ab ab"), (MIXED, "aAé -"), (WORDS, "newyork -s")],
    ids=["letters", "mixed", "words"],
)
@pytest.mark.parametrize("shortlist", [False, True])
def test_tables_agree_with_the_automata(surfaces: list[Surface], characters: str, shortlist: bool) -> None:
    choose = random.Random(3)
    automata = [TermAutomaton(vocabulary(surfaces), random_constraints(choose, characters)) for _ in range(12)]
    token_ids = torch.arange(len(surfaces))
    if shortlist:
        token_ids = torch.tensor([token for token in range(len(surfaces)) if token != 5])
    tables = TermTables(automata, token_ids if shortlist else None, torch.device("cpu"))
    tokens = torch.tensor([token for token in range(len(token_ids)) if token not in (1, 2, 3)])
    for number, automaton in enumerate(automata):
        start, states = tables.start(number), len(automaton.infos)
        for local in range(states):
            state = torch.tensor(start + local)
            after, found = tables.move(state, tokens)
            after = tables.resolve(state.expand_as(tokens), tokens, after)
            for own, next_state, bit in zip(tokens.tolist(), after.tolist(), found.tolist(), strict=True):
                move = automaton.move(local, int(token_ids[own]))
                assert bit == move.found
                assert tables._locals[next_state] == (number, move.state)


def test_a_phrase_that_is_broken_off_leaves_finished_ones_complete() -> None:
    terms = Constraints((Term(("new",)), Term(("york new",))))
    assert after_words(terms, ["▁new", "▁york", "▁york"])[-1][0] == {0}


def test_a_phrase_is_found_where_its_own_beginning_recurs() -> None:
    terms = Constraints((Term(("new york new s",)),))
    assert after_words(terms, ["▁new", "▁york", "▁new", "▁york", "▁new", "▁", "s"])[-1][1] == {0}


def test_terms_may_overlap_and_contain_each_other() -> None:
    terms = Constraints((Term(("new york",)), Term(("york new",)), Term(("york",)), Term(("new york new",))))
    assert after_words(terms, ["▁new", "▁york", "▁new"])[-1][1] == {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("excluded", "pieces"),
    [
        (("new york s", "york n"), ["▁new", "▁york", "▁", "n"]),
        (("n n s",), ["▁", "n", "▁", "n", "▁", "n", "▁", "s"]),
        (("new york",), ["▁", "n", "ew", "▁", "yor", "k"]),
        (("new york",), ["new", "▁", "▁", "york"]),
    ],
)
def test_excluded_phrases_do_not_leak(excluded: tuple[str, ...], pieces: list[str]) -> None:
    terms = Constraints((), tuple(Term((text,)) for text in excluded))
    found = after_words(terms, pieces)
    assert not any(at_end for _, _, at_end in found[:-1])
    assert found[-1][2]


def test_a_word_is_complete_only_where_it_ends() -> None:
    word, part = Constraints((), (Term(("york",)),)), Constraints((), (Term(("york",), whole_words=False),))
    assert [excluded for _, _, excluded in after_words(word, ["▁york", "s"])] == [True, False]
    assert [excluded for _, _, excluded in after_words(word, ["▁york", "-", "s"])] == [True, True, True]
    assert [excluded for _, _, excluded in after_words(part, ["▁york", "s"])] == [True, True]
    assert not after_words(word, ["▁new", "york"])[-1][2]


def after_words(constraints: Constraints, pieces: Sequence[str]) -> list[Found]:
    return read(WORDS, constraints, [WORDS.index(piece) for piece in pieces])


def test_unknown_states_are_computed_when_they_are_needed() -> None:
    automaton = TermAutomaton(vocabulary(MIXED), Constraints((Term(("a",)),)))
    tables = TermTables([automaton], None, torch.device("cpu"))
    start, lead = torch.tensor([tables.start(0)]), torch.tensor([MIXED.index(0xC3)])
    after, _ = tables.move(start, lead)
    assert after.tolist() == [UNKNOWN]
    resolved = tables.resolve(start, lead, after)
    after, _ = tables.move(resolved, torch.tensor([MIXED.index(0xA9)]))
    letter, _ = tables.move(tables.resolve(resolved, torch.tensor([MIXED.index(0xA9)]), after), torch.tensor([6]))
    assert bits(int(tables.at_end(letter))) == set()  # in `éa`, `a` is not a word
