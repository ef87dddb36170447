"""Markdown: what is text, where marks go, and a parser of CommonMark that sees the same structure."""

from __future__ import annotations

from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from translators import capitals, shuffled, table, translations, unaligned, unchanged

from regard.translation.markup.files import open_file

ROOT = Path(__file__).parents[4]


def sentences(text: str) -> tuple[str, ...]:
    return open_file("a.md", text.encode()).sentences


def translated(text: str, translate: object = capitals) -> str:
    file = open_file("a.md", text.encode())
    assert file.render(translations(file, unchanged)).decode() == text
    return file.render(translations(file, translate)).decode()  # type: ignore[arg-type]


def test_characters_that_mark_emphasis_while_a_paragraph_is_written_stay() -> None:
    assert translated("One \ufdd0*two*\ufdd1.\n\nThree.\n").endswith("THREE.\n")


def structure(text: str) -> list[str]:
    """The blocks of a document, as another parser sees them, with the number of marks of each kind in each block."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    result = []
    for token in parser.parse(text):
        kinds = sorted(child.type for child in token.children or () if child.type not in ("text", "softbreak"))
        result.append(f"{token.type} {' '.join(kinds)}")
    return result


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# One #\n\nTwo\n===\n\nThree\n---\n***\n", ("One", "Two", "Three")),
        ("One\nis here. Two.\n", ("One is here.", "Two.")),
        ("- a b\n- [x] c\n  more\n1. d\n\n   e\n", ("a b", "c more", "d", "e")),
        ("> One\n> two\n>\n> > three\n", ("One two", "three")),
        ("a\n\n    code\n\n```py\ncode\n```\n~~~\ncode\n\n~~~\nb\n", ("a", "b")),
        ("- a\n\n    still a\n", ("a", "still a")),
        ("---\ntitle: x\n---\n\nText\n", ("Text",)),
        ("+++\ntitle = 'x'\n+++\nText\n", ("Text",)),
        ("| a | b `\\|` c |\n|---|:-:|\n| d | e \\| f |\n\nafter\n", ("a", "b c", "d", "e | f", "after")),
        ("See [here](a.md \"T\"), [there][x] and [x].\n\n[x]: b.md 'Title'\n", ("See here, there and.",)),
        ("A note[^1].\n\n[^1]: It says *so*.\n", ("A note.", "It says so.")),
        ("<div>\n<p>One <b>two</b></p>\n</div>\n\nThree <b>four</b>\n", ("One two", "Three four")),
        ("<!-- no -->\n\n<pre>\nno\n\nno\n</pre>\n\nYes\n", ("Yes",)),
        ("a \\*b\\* &copy; c\n", ("a *b* \u00a9 c",)),
        ("![alt](x.png) A `b` c <http://d.e>\n", ("A c",)),
        ("Where $x$ and $p_i = 2$ cost $5 or US$ 6, $$a = b$$.\n", ("Where and cost $5 or US$ 6,",)),
        ('!!! note "Title"\n\nText\n', ("Text",)),
        ("snake_case and 2 * 3 * 4 and **bold**\n", ("snake_case and 2 * 3 * 4 and bold",)),
        ("", ()),
    ],
)
def test_sentences(text: str, expected: tuple[str, ...]) -> None:
    assert sentences(text) == expected
    assert structure(translated(text)) == structure(text)


@pytest.mark.parametrize(
    ("text", "entries", "expected"),
    [
        (
            "a **red** [fox](u)!\n",
            {"a red fox!": ("un renard rouge !", "0-0 1-2 2-1 2-3")},
            "un [renard](u) **rouge** !\n",
        ),
        (
            "no mark\n",
            {"no mark": ("*a* _b_ `c` [d](e) <f> x_y &amp; \\*", "")},
            "\\*a\\* \\_b\\_ \\`c\\` \\[d\\](e) \\<f> x_y \\&amp; \\\\\\*\n",
        ),
        ("is first\n", {"is first": ("1. first", "")}, "1\\. first\n"),
        ("is first\n", {"is first": ("# first", "")}, "\\# first\n"),
        ("is first\n", {"is first": ("> - first", "")}, "\\> - first\n"),
        ("is first\n", {"is first": ("---", "")}, "\\---\n"),
        ("a\n2 b\n", {"a 2 b": ("a 2. b", "0-0 1-1 2-2")}, "a\n2\\. b\n"),
        ("a **b**.\n", {"a b.": ("c", "0-0")}, "c\n"),
        ("a\\\nb  \nc\n", {"a b c": ("c b a", "0-2 1-1 2-0")}, "c b\\\na\n"),
        ("> a\n> b\n", {"a b": ("B A", "0-1 1-0")}, "> B A\n"),
        ("| a b |\n|-|\n", {"a b": ("x | y", "")}, "| x \\| y |\n|-|\n"),
    ],
)
def test_translations(text: str, entries: dict[str, tuple[str, str]], expected: str) -> None:
    assert translated(text, table(entries)) == expected


PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_our_own_pages_keep_their_structure(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for translate in (capitals, shuffled(1)):
        assert structure(translated(text, translate)) == structure(text)


def test_an_exclamation_mark_before_a_link_does_not_make_it_an_image() -> None:
    translate = table({"so fox No!": ("FOX NO! SO", "0-2 1-0 2-1")})
    assert translated("[so](u) fox No!\n", translate) == "FOX NO! [SO](u)\n"
    assert translated("so ~~fox~~ [x](u) No!\n", unaligned).endswith("NO\\![](u)\n")


def test_a_heading_may_end_with_a_placeholder() -> None:
    assert sentences("# the ${x}\n\n# so {name}\n\n# no {#id .class}\n") == ("the", "so", "no")
    translate = table({"the": ("le", "0-0"), "so": ("si", "0-0"), "no": ("non", "0-0")})
    assert translated("# the ${x}\n\n# no {#id}\n", translate) == "# le ${x}\n\n# non {#id}\n"


def test_a_dollar_sign_of_a_placeholder_does_not_begin_a_formula() -> None:
    assert translated("so ${x} %1$s the $x_1$ no\n") == "SO ${x} %1$s THE $x_1$ NO\n"


def test_white_space_of_two_gaps_does_not_end_a_paragraph() -> None:
    text = "so [the red](u.html) <kbd>x</kbd>\n<br>\n`a b` the\n"
    for seed in range(50):
        assert "\n\n" not in translated(text, shuffled(seed, "z")).strip()
