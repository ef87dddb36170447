from __future__ import annotations

import pytest
from translators import backward, capitals, emptied, translations, unchanged

from regard.errors import ConfigError
from regard.translation.markup.document import FORMATS, parse
from regard.translation.markup.sentence import TranslatedSentence


def test_formats() -> None:
    assert FORMATS == ("text", "html", "xml")
    with pytest.raises(ConfigError, match="expected one of text, html, xml, got 'xliff'"):
        parse("", "xliff")


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("<r><c>red</c><c>blue</c></r>", ["red", "blue"]),
        ("<r><p>A <b>big <i>red</i></b> fox.</p><p><q>Alone</q></p></r>", ["A big red fox.", "Alone"]),
        ("a fragment with <g id='1'>tags</g>", ["a fragment with tags"]),
        ("<p>one<br/>two</p><script>if (x)</script>", ["onetwo", "if (x)"]),
        ("<p translate='no'>A</p><p>B <x translate='no'>C</x></p>", ["B"]),
        ("<![CDATA[<b>no</b>]]><p>R&amp;D &eacute; &own; &lt;</p>", ["R&D é &own; <"]),
        ("<p>see <![CDATA[a < b]]> here</p>", ["see here"]),
        ("</x><p>a</y>b", ["ab"]),
    ],
)
def test_sentences_of_xml(text: str, sentences: list[str]) -> None:
    document = parse(text, "xml")
    assert list(document.sentences) == sentences
    assert document.render(translations(document, unchanged)) == text


def test_translations_in_xml_are_well_formed() -> None:
    document = parse("<p>a &lt; <b>b</b> &amp; c</p>", "xml")
    source = document.sentences[0]
    output = document.render([TranslatedSentence(source, "x<y & \x02 z ]]>", ((2, 0),))])
    assert output == "<p><b>x&lt;y</b> &amp;  z ]]&gt;</p>"


def test_plain_text_keeps_lines_and_white_space() -> None:
    text = "\n  One <b>line</b> &amp; so {x}.  Two.\r\n\r\n\tThree \u2028four\v"
    document = parse(text, "text")
    assert document.sentences == ("One <b>line</b> &amp; so.", "Two.", "Three", "four")
    assert document.render(translations(document, unchanged)) == text
    output = document.render(translations(document, capitals))
    assert output == "\n  ONE <B>LINE</B> &AMP; SO {x}.  TWO.\r\n\r\n\tTHREE \u2028FOUR\v"
    assert document.render(translations(document, emptied)) == "\n  {x}\r\n\r\n\t \u2028\v"


def test_links_to_missing_words_are_ignored() -> None:
    document = parse("go <b>on</b>", "html")
    links = ((-1, 0), (0, 7), (1, 0), (9, 9))
    assert document.render([TranslatedSentence("go on", "weiter", links)]) == "<b>weiter</b>"


def test_number_of_translations() -> None:
    with pytest.raises(ValueError, match="expected 2 translations, one per sentence, got 1"):
        parse("One.\nTwo.", "text").render([unchanged("One.")])


def test_white_space_of_the_translation_is_kept() -> None:
    document = parse("<i>Ready</i>?", "html")
    translated = TranslatedSentence("Ready?", "Prêt\u00a0?", ((0, 0), (0, 1)))
    assert document.render([translated]) == "<i>Prêt</i>\u00a0?"
    translated = TranslatedSentence("Ready?", "Prêt \n\u2028 ?", ((0, 0), (0, 1)))
    assert document.render([translated]) == "<i>Prêt</i> ?"


def test_sentences_are_translated_apart_and_elements_reach_over_them() -> None:
    document = parse("<p>See <b>this now. Or not</b> ever.</p>", "html")
    assert document.render(translations(document, backward)) == "<p><b>now. this See ever. not Or</b></p>"
    assert document.render(translations(document, capitals)) == "<p>SEE <b>THIS NOW. OR NOT</b> EVER.</p>"
