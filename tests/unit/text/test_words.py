"""Words, and the mapping of subwords to words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from regard.text.normalize import normalize
from regard.text.subword import Subword
from regard.text.words import word_of_piece, word_spans
from regard.values import Encoding


@given(st.text())
def test_words_are_what_spaces_separate(text: str) -> None:
    text = normalize(text)
    assert [text[start:end] for start, end in word_spans(text)] == text.split()


def test_pieces_and_their_words() -> None:
    encoding = Encoding("a b", (1, 2, 3, 4), ("▁a", "▁", "b", "</s>"), ((0, 1), (2, 2), (2, 3), (3, 3)))
    assert word_of_piece(encoding) == (0, 1, 1, None)


def test_special_tokens_belong_to_no_word_at_any_position(unigram: Subword) -> None:
    a, b = unigram.encode("cat").ids, unigram.encode("dog").ids
    words = word_of_piece(unigram.decode([2, *a, 0, *b, 3, 1]))
    assert words == (None, *[0] * len(a), None, *[1] * len(b), None, None)


@given(text=st.text(st.sampled_from("ab é한▁\u0301") | st.characters()))
def test_every_piece_has_its_word_and_every_word_its_pieces(subword: Subword, text: str) -> None:
    text = normalize(text)
    words = word_of_piece(subword.encode(text))
    numbers = [word for word in words if word is not None]
    assert len(numbers) == len(words)
    assert sorted(set(numbers)) == list(range(len(text.split())))
    assert numbers == sorted(numbers)


def test_trailing_spaces_belong_to_no_word(unigram: Subword) -> None:
    assert word_of_piece(unigram.encode("cat  "))[-2:] == (None, None)
