"""Properties that hold for any document and any translator, judged by Python's own HTML parser."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from translators import Translate, capitals, emptied, noisy, shuffled, translations, unaligned, unchanged

from regard.translation.markup.document import parse
from regard.translation.markup.tokens import TokenKind, tokenize

WORDS = [
    "Go.",
    "the",
    "red",
    "fox?",
    "caf&eacute;",
    "a&lt;b",
    "10&nbsp;km",
    "(so)",
    "他来了。",
    "l'eau",
    "R&amp;D",
    "B,",
    "x-y",
]
PLACEHOLDERS = ["{name}", "[X4X]", "%(n)s", "{{ a.b }}", "http://a.example/b_(c)?d=e"]
POINTS = ["<br>", "<br/>", "<img src='a.png'>", "<!-- a <b> c -->", "<wbr>", "<code>f(x)  g</code>",
          "<i translate=no>Mr <u>Z</u></i>", "<script>a<b</script>", "<input value='>'>"]  # fmt: skip
INLINE = ["b", "i", "a href='u?a=1&amp;b'", 'span class="x"', "EM"]
BLOCKS = ["p", "div", "li", "td", "H1"]
SPACES = [" ", " ", " ", "\n  ", "&nbsp;", ""]


def tags(text: str) -> Counter[str]:
    return Counter(token.raw for token in tokenize(text) if token.kind is not TokenKind.TEXT)


class Judge(HTMLParser):
    """Collects raw tags, and counts tags without a partner.

    Attributes:
        tags: How often each tag, comment or declaration occurs, as written.
        num_wrong: Number of end tags that do not match the innermost open element, and of elements without end tag.
    """

    VOID = frozenset({"br", "img", "wbr", "input"})

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=False)
        self.tags: Counter[str] = Counter()
        self.num_wrong = 0
        self._open: list[str] = []
        self.feed(text)
        self.close()
        self.num_wrong += len(self._open)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags[self.get_starttag_text() or ""] += 1
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.tags[self.get_starttag_text() or ""] += 1

    def handle_endtag(self, tag: str) -> None:
        self.tags[f"</{tag}>"] += 1
        if self._open and self._open[-1] == tag:
            self._open.pop()
        else:
            self.num_wrong += 1

    def handle_comment(self, data: str) -> None:
        self.tags[data] += 1


def _element(names: list[str], content: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(lambda name, inner: f"<{name}>{inner}</{name.split()[0]}>", st.sampled_from(names), content)


def _joined(items: st.SearchStrategy[str], size: int) -> st.SearchStrategy[str]:
    pairs = st.lists(st.tuples(items, st.sampled_from(SPACES)), max_size=size)
    return pairs.map(lambda found: "".join(item + space for item, space in found))


ATOMS = st.one_of(
    st.sampled_from(WORDS),
    st.sampled_from(WORDS),
    st.sampled_from(POINTS),
    st.sampled_from(PLACEHOLDERS).map(" {} ".format),
)
INLINES = st.recursive(ATOMS, lambda inner: _element(INLINE, _joined(inner, 4)), max_leaves=12)
DOCUMENTS = st.recursive(
    _joined(INLINES, 6), lambda inner: _joined(st.one_of(_element(BLOCKS, inner), inner), 4), max_leaves=5
)
FRAGMENTS = [
    *WORDS,
    *POINTS,
    *SPACES,
    *(f" {text} " for text in PLACEHOLDERS),
    "<b>",
    "</b>",
    "</i>",
    "<p>",
    "</p>",
    "<a>",
    "</a>",
    "<",
    ">",
    "<!--",
    "<td",
    "'",
    '"',
    "&",
    "</",
    "<![CDATA[",
    "]]>",
    "<code>",
    "</textarea>",
    "\u200b",
    "<p translate=no>",
]
SOUP = st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("".join)
TRANSLATORS: dict[str, Callable[[int], Translate]] = {
    "unchanged": lambda seed: unchanged,
    "capitals": lambda seed: capitals,
    "unaligned": lambda seed: unaligned,
    "emptied": lambda seed: emptied,
    "shuffled": shuffled,
    "shuffled and changed": lambda seed: shuffled(seed, "s"),
    "noisy": noisy,
}


@settings(deadline=None, max_examples=200)
@given(st.one_of(DOCUMENTS, SOUP), st.sampled_from(["html", "xml", "text"]))
def test_unchanged_sentences_give_the_same_bytes(text: str, format: str) -> None:
    document = parse(text, format)
    assert document.render(translations(document, unchanged)) == text


@settings(deadline=None, max_examples=200)
@given(DOCUMENTS, st.integers(0, 10**6), st.sampled_from(sorted(TRANSLATORS)))
def test_tags_and_placeholders_come_back_once_and_well_nested(text: str, seed: int, name: str) -> None:
    document = parse(text, "html")
    output = document.render(translations(document, TRANSLATORS[name](seed)))
    before, after = Judge(text), Judge(output)
    assert after.tags == before.tags
    assert after.num_wrong == before.num_wrong == 0
    assert [output.count(placeholder) for placeholder in PLACEHOLDERS] == [text.count(item) for item in PLACEHOLDERS]


@settings(deadline=None, max_examples=200)
@given(SOUP, st.integers(0, 10**6), st.sampled_from(sorted(TRANSLATORS)))
def test_broken_markup_loses_and_gains_no_tag(text: str, seed: int, name: str) -> None:
    document = parse(text, "html")
    output = document.render(translations(document, TRANSLATORS[name](seed)))
    assert tags(output) == tags(text)


@settings(deadline=None, max_examples=100)
@given(DOCUMENTS, st.integers(0, 10**6))
def test_the_words_of_the_translation_are_what_a_reader_sees(text: str, seed: int) -> None:
    text = text.replace("10&nbsp;km", "ten")  # a quantity is written as in the source
    document = parse(text, "html")
    translated = translations(document, shuffled(seed, "s"))
    output = document.render(translated)
    again = parse(output, "html")
    expected = [word for sentence in translated for word in sentence.text.split()]
    assert Counter("".join(expected)) == Counter("".join(again.sentences).replace(" ", ""))


@pytest.mark.parametrize("name", sorted(TRANSLATORS))
def test_one_changed_sentence_leaves_the_others_as_they_were(name: str) -> None:
    text = "<p>Keep&nbsp;<b> this <!-- x --></b>\n  caf&eacute; {a}, <i></i>as it is. <u>Change</u> me!  </p>"
    document = parse(text, "html")
    first, second = document.sentences
    output = document.render([unchanged(first), TRANSLATORS[name](1)(second)])
    start = text.index(" <u>")
    assert output[:start] == text[:start]
