"""Plain lines take a short path that gives what the general one gives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.translation.markup.dialects import PLAIN
from regard.translation.markup.document import parse
from regard.translation.markup.entities import SpelledText
from regard.translation.markup.markup_document import MarkupDocument, _build
from regard.translation.markup.pieces import text_pieces
from regard.translation.markup.plain import PlainLine, plain_line
from regard.translation.markup.sentence import TranslatedSentence

WORDS = st.sampled_from(["The cat", "sleeps.", "Why?", "他来了。", "Mr.", "Li", "3.5", "l'eau", "(so)", "…", "안녕."])
LINES = st.builds(
    lambda before, words, after: before + " ".join(words) + after,
    st.sampled_from(["", " ", "\t", "  "]),
    st.lists(WORDS, min_size=1, max_size=8),
    st.sampled_from(["", "\n", " \r\n", "  "]),
)


def general(text: str) -> MarkupDocument:
    """The document of a line by the general path."""
    return MarkupDocument([_build(text_pieces(SpelledText(text, text)), PLAIN)])


@given(LINES)
def test_sentences_and_translations_are_those_of_the_general_path(text: str) -> None:
    line = plain_line(text)
    assert line is not None
    short, long = MarkupDocument([line]), general(text)
    assert short.sentences == long.sentences
    assert not short.needs_alignment and long.needs_alignment
    for translate in (str, lambda sentence: f"<{sentence.upper()}>  x\ny"):
        results = [TranslatedSentence(sentence, translate(sentence), ()) for sentence in short.sentences]
        assert short.render(results) == long.render(results)


@pytest.mark.parametrize(
    "text", ["Hello {name}.", "50 %d", "see http://a.org", "a  b", "[X1X] a", "a\u00a0b", "e\u0301 a"]
)
def test_other_lines_take_the_general_path(text: str) -> None:
    assert plain_line(text) is None
    document = parse(text, "text")
    assert document.render([TranslatedSentence(s, s, ()) for s in document.sentences]) == text


def test_a_text_may_have_lines_of_both_kinds() -> None:
    document = parse("One. Two.\n\n Hi {name}!\nThree.", "text")
    assert document.needs_alignment
    assert document.sentences[:2] == ("One.", "Two.") and document.sentences[-1] == "Three."
    assert not parse("One. Two.\n", "text").needs_alignment
    assert isinstance(plain_line("One."), PlainLine)
