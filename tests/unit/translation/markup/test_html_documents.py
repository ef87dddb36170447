"""Kinds of HTML that users send, one by one."""

from __future__ import annotations

import pytest
from translators import backward, capitals, shuffled, table, translations, unaligned, unchanged

from regard.translation.markup.document import parse


def rendered(text: str, entries: dict[str, tuple[str, str]], format: str = "html") -> str:
    document = parse(text, format)
    assert set(document.sentences) == set(entries)
    return document.render(translations(document, table(entries)))


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("<p>The rain\n   went on\n   all day.</p>", ["The rain went on all day."]),
        ("<p>Come in. Sit <b>down</b>.</p>", ["Come in.", "Sit down."]),
        ("<td>north</td><td>south</td>", ["north", "south"]),
        ("<ul><li>plum<li>fig</ul>", ["plum", "fig"]),
        ("Roses,<br>violets", ["Roses, violets"]),
        ("Dear Ms Ito<br><br>Thank you", ["Dear Ms Ito", "Thank you"]),
        ("<title>A &lt; <b></title>", ["A < <b>"]),
        ("half<i>way</i> <b>u</b>p", ["halfway up"]),
        ("<p><code>rm -r</code> deletes <kbd>all</kbd> files</p>", ["deletes files"]),
        ("<pre>not this</pre><textarea>nor this</textarea> only this", ["only this"]),
        ("<script>if (a<b) f('</p>')</script><p>Shown</p><style>p{}</style>", ["Shown"]),
        ("<div translate='no'>Acme <b>Ltd</b></div><p class='x notranslate'>No</p><p>Yes</p>", ["Yes"]),
        ("<p class='notranslate-not'>Yes</p>", ["Yes"]),
        ("<li translate=no>kept<li>moved", ["moved"]),
        ("12:30 <b>7</b> &ndash; <p>&nbsp;</p><hr>", []),
        ("<p></p><p> </p>", []),
        ("", []),
        ("<br><i></i><!-- nothing -->", []),
        ("Ask {name}. Then go.", ["Ask.", "Then go."]),
        ("Total: {sum}. Then go.", ["Total:", "Then go."]),
        ("{name}, come in", ["come in"]),
        ("Open (<code>x</code>) first", ["Open first"]),
        ("你好{name}，再见。<b>他来了。</b>", ["你好，再见。", "他来了。"]),
        ("<img src=i.png alt='a fox'> A fox", ["A fox"]),
        ("e<b>\u0301</b>te", ["\u00e9te"]),
    ],
)  # fmt: skip
def test_sentences(text: str, sentences: list[str]) -> None:
    document = parse(text, "html")
    assert list(document.sentences) == sentences
    assert document.render(translations(document, unchanged)) == text


def test_an_element_moves_with_its_words() -> None:
    text = "<p>Open the <b>blue</b> door.</p>"
    entries = {"Open the blue door.": ("Ouvrez la porte bleue.", "0-0 1-1 3-2 2-3")}
    assert rendered(text, entries) == "<p>Ouvrez la porte <b>bleue.</b></p>"


def test_an_element_covers_all_words_that_its_words_became() -> None:
    entries = {"Do not smoke": ("Ne pas fumer", "1-0 1-1 2-2")}
    assert rendered("Do <em>not</em> smoke", entries) == "<em>Ne pas</em> fumer"
    entries = {"He does not come": ("Il ne vient pas", "0-0 2-1 2-3 3-2")}
    assert rendered("He does <em>not</em> come", entries) == "Il <em>ne vient pas</em>"


def test_nested_elements_stay_nested_and_attributes_stay_as_written() -> None:
    text = "<i>Never</i> touch the <a HREF='/q?a=1&amp;b=%20' title=\">\">big <u>red</u></a> box!"
    entries = {"Never touch the big red box!": ("Rote große Kiste nie berühren!", "0-3 1-4 3-1 4-0 5-2")}
    expected = "<a HREF='/q?a=1&amp;b=%20' title=\">\"><u>Rote</u> große</a> Kiste <i>nie</i> berühren!"
    assert rendered(text, entries) == expected


def test_elements_whose_words_are_mixed_stay_apart() -> None:
    entries = {"one two three four": ("A B C D", "0-0 2-1 1-2 3-3")}
    assert rendered("<b>one two</b> <i>three four</i>", entries) == "<b>A</b> <i>B</i> C D"
    entries = {"one two three four": ("A B C D E", "0-0 2-1 1-2 1-3 3-4")}
    assert rendered("<b>one two</b> <i>three four</i>", entries) == "A <i>B</i> <b>C D</b> E"


def test_an_element_without_aligned_words_is_kept_empty_in_its_place() -> None:
    entries = {"Put it on now": ("Mets maintenant", "0-0 3-1")}
    assert rendered("Put <b>it</b> <i>on</i> now", entries) == "Mets <b></b><i></i>maintenant"


def test_entities_stay_as_written_and_new_text_is_escaped() -> None:
    text = "caf&eacute; &amp; <b>5</b> &lt; 7 &#8364;"
    entries = {"café & 5 < 7 €": ("R&D <x> 5 café < €", "0-3 1-0 2-2 3-4 4-1 5-5")}
    assert rendered(text, entries) == "R&amp;D &lt;x&gt; <b>5</b> caf&eacute; &lt; &#8364;"


def test_escaped_markup_never_becomes_markup() -> None:
    text = "Type &lt;script&gt;x()&lt;/script&gt; &amp;lt; here <b>now</b>"
    document = parse(text, "html")
    for translate in (capitals, backward, unaligned, *map(shuffled, range(9))):
        output = document.render(translations(document, translate)).lower()
        assert "<script" not in output and "</script" not in output
        assert "&amp;lt;" in output


def test_pieces_of_text_do_not_join_to_a_tag() -> None:
    text = "a <<!-- x -->script>b <i>c</i> &<u></u>lt; d"
    document = parse(text, "html")
    for translate in (capitals, backward, unaligned, *map(shuffled, range(30))):
        output = document.render(translations(document, translate)).lower()
        assert "<script>" not in output
        assert not output.count("&lt;") > output.count("&lt;script") + output.count("&lt;<!--")


def test_no_break_spaces_stay_between_their_words_and_are_not_lost() -> None:
    entries = {"it is 10 km far": ("c'est 10 km loin", "0-0 1-0 2-1 3-2 4-3")}
    assert rendered("it is 10&nbsp;km <b>far</b>", entries) == "c'est 10&nbsp;km <b>loin</b>"
    document = parse("it is 10&nbsp;km <b>far</b>", "html")
    for seed in range(20):
        assert document.render(translations(document, shuffled(seed, "s"))).count("&nbsp;") == 1


def test_spaces_are_outside_tags() -> None:
    entries = {"go to the red house now": ("maison rouge va", "0-2 3-1 4-0")}
    text = "go to the <b> red </b><i>house</i> now"
    assert rendered(text, entries) == "<i>maison</i> <b>rouge</b> va"


def test_line_breaks_keep_order_and_spelling() -> None:
    document = parse("red<br>green <b>blue<br/></b>gray<BR />", "html")
    for seed in range(20):
        output = document.render(translations(document, shuffled(seed, "s")))
        places = [output.index(tag) for tag in ("<br>", "<br/>", "<BR />")]
        assert places == sorted(places)


def test_tags_within_words() -> None:
    text = "an un<u>der</u>line and <b>C</b>at<i>s</i>."
    entries = {"an underline and Cats.": ("underline et chats.", "1-0 2-1 3-2")}
    assert rendered(text, entries) == "un<u>der</u>line et <b>chats</b><i></i>."
    entries = {"an underline and Cats.": ("souligné et Cats.", "1-0 2-1 3-2")}
    assert rendered(text, entries) == "<u>souligné</u> et <b>C</b>at<i>s</i>."


def test_punctuation_next_to_an_element_stays_outside() -> None:
    entries = {"Say (yes), Ann!": ("Anne ! Dis (oui),", "0-2 1-3 2-0 2-1")}
    assert rendered("Say (<b>yes</b>), <i>Ann</i>!", entries) == "<i>Anne</i> ! Dis (<b>oui</b>),"


def test_tags_without_a_partner_stay_in_place() -> None:
    entries = {"first stray last": ("bas premier dernier", "0-1 2-2")}
    assert rendered("first</b> stray <i>last", entries) == "bas premier</b> <i>dernier"
    document = parse("first</b> stray <i>last", "html")
    assert document.render(translations(document, capitals)) == "FIRST</b> STRAY <i>LAST"


def test_an_element_around_blocks() -> None:
    text = "<a href=x><p>Go <b>on</b></p>and <i>read</i></a>"
    document = parse(text, "html")
    assert document.render(translations(document, capitals)) == "<a href=x><p>GO <b>ON</b></p>AND <i>READ</i></a>"


@pytest.mark.parametrize(
    "text",
    [
        'Hi <span translate="no">Ms Poe</span>, sit!',
        'Hi <b class="big notranslate">Ms <i>Poe</i></b>, sit!',
        "<code>for (a &lt; b)</code> loops",
        "Run <code>make  all</code>.",
        "<!-- a <b>note</b> --> Hello <!--x-->there",
        "Look: <svg><text>no</text></svg> and <math><mi>x</mi></math>",
    ],
)
def test_what_is_not_translated_stays_as_it_is(text: str) -> None:
    document = parse(text, "html")
    output = document.render(translations(document, capitals))
    for part in ("Ms Poe</span>", "Ms <i>Poe</i></b>", "<code>for (a &lt; b)</code>", "<code>make  all</code>",
                 "<!-- a <b>note</b> -->", "<svg><text>no</text></svg>", "<math><mi>x</mi></math>"):  # fmt: skip
        assert output.count(part) == text.count(part)


def test_a_protected_element_is_placed_by_the_words_around_it() -> None:
    entries = {"Dear, the dinner is ready": ("Das Essen ist fertig, lieber", "0-4 1-0 2-1 3-2 4-3")}
    text = "Dear <span translate=no>Mr Poe</span>, the dinner is ready"
    assert rendered(text, entries) == "Das Essen ist fertig, lieber <span translate=no>Mr Poe</span>"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello {name}, you have {n} letters", "HELLO {name}, YOU HAVE {n} LETTERS"),
        ("%(user)s sent %d of %d files (%1$s).", "%(user)s SENT %d OF %d FILES (%1$s)."),
        ("{{ cart.total }} for ${items[0]} &amp; @@id@@", "{{ cart.total }} FOR ${items[0]} &amp; @@id@@"),
        ("Write to a.b@c.example or see <i>http://d.example/(e)?f=%20#g</i>.",
         "WRITE TO a.b@c.example OR SEE <i>http://d.example/(e)?f=%20#g</i>."),
        ("[X12X] opened [X34X]", "[X12X] OPENED [X34X]"),
        ("50 % more, 20% off, 5%less", "50 % MORE, 20% OFF, 5%LESS"),
        (r"Use \n or C:\new\dir", r"USE \n OR C:\new\dir"),
        ("{a}{b} x {c}", "{a}{b} X {c}"),
        ("({a}) \"{b}\" x", "({a}) \"{b}\" X"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("format", ["html", "text"])
def test_placeholders_stay_in_their_place(text: str, expected: str, format: str) -> None:
    if format == "text":
        text, expected = (
            part.replace("&amp;", "&").replace("<i>", "").replace("</i>", "") for part in (text, expected)
        )
    document = parse(text, format)
    assert document.render(translations(document, capitals)) == expected


def test_conversions_without_number_keep_their_order() -> None:
    document = parse("copied %d of <b>%s</b> files to %s", "html")
    for seed in range(20):
        output = document.render(translations(document, shuffled(seed, "x")))
        assert [word for word in output.replace("<b>", " ").replace("</b>", " ").split() if word[0] == "%"] == [
            "%d", "%s", "%s",
        ]  # fmt: skip


def test_punctuation_after_a_placeholder_follows_it() -> None:
    entries = {"Hello, you won": ("Bonjour, tu as gagné", "0-0 1-1 2-2 2-3")}
    assert rendered("Hello {name}, you won", entries) == "Bonjour {name}, tu as gagné"
    entries = {"Hello!": ("Bonjour !", "0-0 0-1")}
    assert rendered("Hello {name}!", entries) == "Bonjour {name} !"


def test_sentences_of_a_script_without_spaces_are_separated_in_the_translation() -> None:
    entries = {"他来了。": ("He came.", "0-0 0-1"), "我走了。": ("I left.", "0-1")}
    assert rendered("<p>他来了。<b>我走了。</b></p>", entries) == "<p>He came. <b>I left.</b></p>"
    entries = {"He came.": ("他来了。", "0-0"), "I left.": ("我走了。", "0-0")}
    assert rendered("<p>He came. I left.</p>", entries) == "<p>他来了。 我走了。</p>"


def test_right_to_left_and_mixed_scripts() -> None:
    text = "مرحبا <b>world</b> 안녕 <i>x</i>"
    document = parse(text, "html")
    assert document.sentences == ("مرحبا world 안녕 x",)
    assert document.render(translations(document, backward)) == "<i>x</i> 안녕 <b>world</b> مرحبا"


def test_without_alignment_tags_are_at_the_ends_of_the_sentence() -> None:
    text = "<b>See <i>it</i> now.</b> Then <u>go</u> {name} away."
    document = parse(text, "html")
    expected = "<b>SEE IT NOW.<i></i></b> THEN GO AWAY. <u></u>{name}"
    assert document.render(translations(document, unaligned)) == expected


def test_characters_that_are_no_text() -> None:
    text = "nul \0 <b>lone \ud800</b> \ufeff"
    document = parse(text, "html")
    assert document.sentences == ("nul lone \ufffd",)
    assert document.render(translations(document, unchanged)) == text
    assert "<b>" in document.render(translations(document, unaligned))


@pytest.mark.parametrize(
    ("text", "source", "translation", "links", "expected"),
    [
        # a placeholder that would be within an element that did not contain it
        ("one {x} <b>two three</b>", "one two three", "B A C", "0-1 1-0 2-2", "{x} <b>B A C</b>"),
        ("<b>one two</b> {x} three", "one two three", "A C B D", "0-0 1-2 2-1", "<b>A C B</b> {x} D"),
        # the word that a placeholder was joined to by a colon has no colon in the translation
        ("File:{x} now", "File: now", "Datei jetzt", "0-0 1-1", "Datei {x} jetzt"),
        ("File:{x} now", "File: now", "Datei: jetzt", "0-0 1-1", "Datei:{x} jetzt"),
        # tags without a partner whose words are mixed with those of an element
        ("one two</a> <b>three</b>", "one two three", "A B C D", "0-0 1-3 2-1", "A</a> <b>B</b> C D"),
        ("<b>one</b> <a>two three", "one two three", "A B C D", "0-2 1-0 2-3", "A B <b>C</b> <a>D"),
        # an unaligned word that equals an unaligned source word
        ("Ask <b>Ann</b> now", "Ask Ann now", "Frage Ann jetzt", "0-0 2-2", "Frage <b>Ann</b> jetzt"),
        # a comment directly before a word
        ("one <!--c-->two three", "one two three", "A C B", "0-0 1-2 2-1", "A C <!--c-->B"),
        ("one<!--c--> two three", "one two three", "A C B", "0-0 1-2 2-1", "A<!--c--> C B"),
    ],
)
def test_places(text: str, source: str, translation: str, links: str, expected: str) -> None:
    assert rendered(text, {source: (translation, links)}) == expected


def test_sentences_without_spaces_and_tags_between_them() -> None:
    entries = {"他来了。": ("He came.", "0-0 0-1"), "我走了。": ("I left.", "0-0 0-1")}
    assert rendered("<b>他来了。我走了。</b>", entries) == "<b>He came. I left.</b>"


@pytest.mark.parametrize("text", ["so fox <i>no</i> </", "so fox no <code>x </", "so <a>fox</a> 5 kg.</"])
def test_what_would_begin_a_tag_stays_at_the_end(text: str) -> None:
    document = parse(text, "html")
    for seed in range(20):
        assert document.render(translations(document, shuffled(seed, "z"))).endswith("</")
    assert document.render(translations(document, unchanged)) == text
