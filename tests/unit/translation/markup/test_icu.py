"""ICU MessageFormat: branches are translated, skeletons stay."""

from __future__ import annotations

import pytest
from translators import backward, capitals, shuffled, translations, unchanged

from regard.translation.markup.document import parse
from regard.translation.markup.file_options import FileOptions
from regard.translation.markup.files import open_file
from regard.translation.markup.icu import find_arguments
from regard.translation.markup.messages import parse_message

PLURAL = "{count, plural, =0 {no files} one {# file} other {# files in {dir}}}"


def in_capitals(text: str, format: str = "text") -> str:
    document = parse(text, format)
    return document.render(translations(document, capitals))


def test_branches_are_sentences_of_their_own() -> None:
    document = parse(f"You have {PLURAL} now.", "text")
    assert document.sentences == ("You have now.", "no files", "file", "files in")
    assert document.render(translations(document, backward)) == (
        "now. have {count, plural, =0 {files no} one {# file} other {in # {dir} files}} You"
    )
    assert document.render(translations(document, unchanged)) == f"You have {PLURAL} now."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PLURAL, "{count, plural, =0 {NO FILES} one {# FILE} other {# FILES IN {dir}}}"),
        (
            "{who,select,a{He sent {n,plural,offset:1 one{one}other{#}}}other{They\n did}} so",
            "{who,select,a{HE SENT {n,plural,offset:1 one{ONE}other{#}}}other{THEY\n DID}} SO",
        ),
        ("{n, selectordinal, one {#st} other {#th}} day", "{n, selectordinal, one {#ST} other {#TH}} DAY"),
        ("{0, choice, 0#no files|1#one} left", "{0, choice, 0#no files|1#one} LEFT"),
        ("a '{' quoted, {n, plural, other {it''s '{n}' x}}", "A '{' QUOTED, {n, plural, other {IT''S '{n}' X}}"),
        ("{n, plural, other {open}", "{N, PLURAL, OTHER {open}"),
        ("{n, plural, other} {n, plural, x y {a}}", "{N, PLURAL, OTHER} {N, PLURAL, X Y {a}}"),
    ],
)
def test_skeletons_stay(text: str, expected: str) -> None:
    assert in_capitals(text) == expected


def test_arguments_in_html() -> None:
    kept = "<code>{n, plural, other {no}}</code>"
    text = f"<p title='{{n, plural, other {{no}}}}'>See {{n, plural, one {{<b>it</b>}} other {{&lt; #}}}}</p>{kept}"
    assert in_capitals(text, "html") == (
        "<p title='{n, plural, other {no}}'>SEE {n, plural, one {<b>IT</b>} other {&lt; #}}</p>"
        "<code>{n, plural, other {no}}</code>"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("</ {n, plural, other {<b>#</b> a}}<!-- <b> --> e", "</ {n, plural, other {<b>#</b> A}}<!-- <b> --> E"),
        ("<a {n, plural, other {x > y}} z <!-- <b> -->", "<a {n, plural, other {x > Y}} Z <!-- <b> -->"),
        (f"<script>{PLURAL}</script> <p>a {PLURAL}</p>", f"<script>{PLURAL}</script> <p>A {in_capitals(PLURAL)}</p>"),
    ],
)  # fmt: skip
def test_an_argument_within_a_tag_does_not_hide_its_end(text: str, expected: str) -> None:
    assert in_capitals(text, "html") == expected


def test_braces_of_a_translation_do_not_break_the_message() -> None:
    document = parse("{n, plural, other {days}}", "text")
    (sentence,) = translations(document, unchanged)
    changed = type(sentence)(sentence.source, "jours } {", ((0, 0),))
    assert document.render([changed]) == "{n, plural, other {jours ) (}}"


def test_arguments_in_catalogs_and_xliff() -> None:
    document = parse_message(PLURAL)
    assert document.sentences == ("no files", "file", "files in")
    unit = "<trans-unit id='1'><source>{n, plural, one {<x id='1'/> day} other {# days}}</source></trans-unit>"
    text = f"<xliff version='1.2'><file source-language='en' target-language='fr'><body>{unit}</body></file></xliff>"
    file = open_file("a.xlf", text.encode(), FileOptions("en", "fr"))
    assert file.sentences == ("day", "days")
    output = file.render(translations(file, capitals)).decode()
    assert "{n, plural, one {<x id='1'/> DAY} other {# DAYS}}</target>" in output


def test_deep_nesting_is_bounded() -> None:
    text = "{n, plural, other {a " * 300 + "b" + "}}" * 300
    document = parse(text, "text")
    assert len(document.sentences) == 8
    assert document.render(translations(document, shuffled(1))) == text
    assert next(iter(find_arguments(text))).end == len(text)


def test_text_with_the_characters_of_marks_stays() -> None:
    text = "\ufdd20\ufdd3 {n, plural, other {days}}"
    document = parse(text, "text")
    assert document.render(translations(document, unchanged)) == text
