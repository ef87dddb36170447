"""Synchronous phrases: word order, links, and the effect of spelling on links."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.text.links import pharaoh
from regard_phrasebook.engine.phrase import (
    EMPTY,
    Phrase,
    Piece,
    attach,
    capitalize,
    join,
    pair,
    realize,
    rule,
    unaligned,
)

WORDS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3).map(" ".join)
LEAVES = st.builds(pair, WORDS, WORDS)


def as_words(phrase: Phrase) -> list[tuple[str, str]]:
    return sorted((phrase.src[i], phrase.tgt[j]) for i, j in phrase.links)


def test_a_leaf_links_everything_with_everything() -> None:
    assert as_words(pair("potato", "pomme de terre")) == [("potato", "de"), ("potato", "pomme"), ("potato", "terre")]


def test_links_follow_words_into_another_order() -> None:
    car = join(pair("red", "rouge"), pair("car", "voiture"), order=(1, 0))
    assert car.tgt == ("voiture", "rouge")
    assert as_words(car) == [("car", "voiture"), ("red", "rouge")]


def test_a_rule_moves_slots_and_links_tags() -> None:
    phrase = rule("<who> not/n <act>", "ne/n <act> pas/n <who>", who=pair("I", "je"), act=pair("run", "cours"))
    assert phrase.tgt == ("ne", "cours", "pas", "je")
    assert as_words(phrase) == [("I", "je"), ("not", "ne"), ("not", "pas"), ("run", "cours")]


def test_a_slot_as_a_whole_may_carry_a_tag() -> None:
    assert as_words(rule("to/t <a>", "<a>/t", a=unaligned("x", "y z"))) == [("to", "y"), ("to", "z")]


def test_a_slot_missing_on_one_side_is_unaligned() -> None:
    assert rule("<a>", "b", a=pair("x", "y")) == Phrase(("x",), ("b",))


def test_empty_phrases_have_no_effect() -> None:
    assert join(EMPTY, pair("x", "y"), EMPTY) == pair("x", "y")
    assert rule("<a> <b>", "<b> <a>", a=EMPTY, b=pair("x", "y")) == pair("x", "y")


def test_the_order_must_be_a_permutation() -> None:
    with pytest.raises(ValueError, match=r"permutation of 2 phrases, got \(0, 0\)"):
        join(EMPTY, EMPTY, order=(0, 0))


@given(st.lists(LEAVES, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_no_word_and_no_link_is_lost(leaves: list[Phrase], random: object) -> None:
    order = list(range(len(leaves)))
    random.shuffle(order)  # type: ignore[attr-defined]
    whole = join(*leaves, order=order)
    assert whole.src == tuple(word for leaf in leaves for word in leaf.src)
    assert sorted(whole.tgt) == sorted(word for leaf in leaves for word in leaf.tgt)
    assert as_words(whole) == sorted(link for leaf in leaves for link in as_words(leaf))


def test_joining_tokens_merges_their_links() -> None:
    phrase = rule("how/h was/w it/i +?/p", "c'+/i était/w comment/h ?/p")
    written = realize(phrase, lambda pieces: capitalize(attach(pieces)), lambda pieces: capitalize(attach(pieces)))
    assert (written.src, written.tgt) == ("How was it?", "C'était comment ?")
    assert written.links == ((0, 1), (1, 0), (2, 0), (2, 2))
    assert pharaoh(written.links) == "0-1 1-0 2-0 2-2"


def test_attach_at_either_side() -> None:
    pieces = [Piece("x+", (0,)), Piece("y", (1,)), Piece("z", (2,)), Piece("+.", (3,))]
    assert attach(pieces) == [Piece("xy", (0, 1)), Piece("z.", (2, 3))]


def test_capitalizing_an_empty_sentence() -> None:
    assert capitalize([]) == []
