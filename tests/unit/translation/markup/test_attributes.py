"""Attributes are translated only if that is asked for."""

from __future__ import annotations

import pytest
from translators import capitals, shuffled, translations, unaligned, unchanged

from regard.translation.markup.document import parse
from regard.translation.markup.file_options import FileOptions
from regard.translation.markup.files import open_file
from regard.translation.markup.markup_options import MarkupOptions
from regard.translation.markup.sentence import TranslatedSentence

ALL = MarkupOptions(attributes=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('<img alt="a red house" src="h.png"> so', '<img alt="A RED HOUSE" src="h.png"> SO'),
        ("<a title = 'see {n}, so' href='title=\"x\"'>b</a>", "<a title = 'SEE {n}, SO' href='title=\"x\"'>B</a>"),
        ("<INPUT disabled PLACEHOLDER=name>", '<INPUT disabled PLACEHOLDER="NAME">'),
        ("<p title='a &amp; b&#39;s' data-title='c'>d</p>", "<p title='A &amp; B&#39;S' data-title='c'>D</p>"),
        ("<p translate=no title='a'>b</p><p class='notranslate'><b title='a'>x</b></p> c",
         "<p translate=no title='a'>b</p><p class='notranslate'><b title='a'>x</b></p> C"),
        ("<textarea placeholder='a'>b <i></textarea>", "<textarea placeholder='A'>b <i></textarea>"),
        ("<code title='a'><b title='c'>b</b></code>", "<code title='A'><b title='c'>b</b></code>"),
        ("<!-- <i alt='a'> --><script>'<p title=\"a\">'</script>",
         "<!-- <i alt='a'> --><script>'<p title=\"a\">'</script>"),
        ("<img alt='' title='12'>", "<img alt='' title='12'>"),
    ],
)  # fmt: skip
def test_attributes(text: str, expected: str) -> None:
    document = parse(text, "html", ALL)
    assert document.render(translations(document, capitals)) == expected
    assert document.render(translations(document, unchanged)) == text


def test_attributes_are_not_translated_unless_asked_for() -> None:
    text = "<img alt='a red house' title=b><p placeholder='c'>d</p>"
    document = parse(text, "html")
    assert document.sentences == ("d",)


def test_quotation_marks_of_a_translation_do_not_end_the_value() -> None:
    for text, expected in (
        ('<img alt="a b">', '<img alt="say &quot;x\' &lt;y&gt;&quot;">'),
        ("<img alt='a b'>", "<img alt='say \"x&#39; &lt;y&gt;\"'>"),
        ("<img alt=b>", '<img alt="say &quot;x\' &lt;y&gt;&quot;">'),
    ):
        document = parse(text, "html", ALL)
        assert document.render([TranslatedSentence(document.sentences[0], 'say "x\' <y>"')]) == expected


def test_attributes_in_files_and_messages() -> None:
    options = FileOptions("en", "fr", markup=ALL)
    for name, text, expected in (
        ("a.xml", "<a><b title='c'>d</b></a>", "<a><b title='C'>D</b></a>"),
        (
            "a.po",
            'msgid "<a title=\'c\'>d</a>"\nmsgstr ""\n',
            "msgid \"<a title='c'>d</a>\"\nmsgstr \"<a title='C'>D</a>\"\n",
        ),
    ):
        file = open_file(name, text.encode(), options)
        assert file.render(translations(file, capitals)).decode() == expected


def test_messages_within_attributes() -> None:
    text = "<p title='{n, plural, one {a day} other {# days}}'>x</p> {n, plural, other {<b title=\"y\">z</b>}}"
    document = parse(text, "html", ALL)
    assert document.render(translations(document, capitals)) == (
        "<p title='{n, plural, one {A DAY} other {# DAYS}}'>X</p> {n, plural, other {<b title=\"Y\">Z</b>}}"
    )
    for translate in (unaligned, shuffled(1, "s")):
        assert document.render(translations(document, translate)).count("plural") == 2
