"""XLIFF and TMX: what is filled in, where, and what is refused."""

from __future__ import annotations

import pytest
from lxml import etree
from translators import backward, capitals, table, translations, unaligned, unchanged

from regard.errors import DataError
from regard.translation.markup.file_options import FileOptions
from regard.translation.markup.files import FileDocument, open_file
from regard.translation.markup.inline_codes import parse_segment
from regard.translation.markup.tokens import tokenize

LANGS = FileOptions("en", "fr")
FILE = (
    '<xliff version="1.2">\n <file source-language="en" original="a" datatype="plaintext" target-language="fr-FR">\n'
    "  <body>{}</body>\n </file>\n</xliff>\n"
)
MEMORY = '<tmx version="1.4"><header srclang="en-US"/><body>{}</body></tmx>'


def filled(name: str, text: str, translate: object = capitals, options: FileOptions = LANGS) -> str:
    file = open_file(name, text.encode(), options)
    return file.render(translations(file, translate)).decode()  # type: ignore[arg-type]


def in_unit(content: str) -> str:
    """The translated content of a unit of XLIFF 1.2."""
    output = filled("a.xlf", FILE.format(f"<trans-unit id='1'>{content}</trans-unit>"))
    before, after = FILE.split("{}")
    assert output.startswith(before)
    assert output.endswith(after)
    return output[len(before) : -len(after)].removeprefix("<trans-unit id='1'>").removesuffix("</trans-unit>")


DIVIDED = (
    "<source>One. Bo.</source><seg-source><mrk mid='1' mtype='seg'>One.</mrk> <g id='1'><mrk mid='2' mtype='seg'>Bo."
    "</mrk></g></seg-source>"
)
NEW = '<target state="translated" state-qualifier="mt-suggestion">{}</target>'


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("<source>Hi</source>", "<source>Hi</source>" + NEW.format("HI")),
        ("\n   <source>Hi</source>\n", "\n   <source>Hi</source>\n   " + NEW.format("HI") + "\n"),
        ("<source>Hi</source><target/>", "<source>Hi</source>" + NEW.format("HI")),
        ("<source>Hi</source><target ></target>", "<source>Hi</source>" + NEW.format("HI").replace('">', '" >', 1)),
        (
            '<source>Hi</source><target  xml:lang="fr" state="new">Hi</target><note>n</note>',
            "<source>Hi</source>" + NEW.format("HI").replace(" state", '  xml:lang="fr" state', 1) + "<note>n</note>",
        ),
        (
            "<source>Hi</source><alt-trans><target>x</target></alt-trans>",
            "<source>Hi</source>" + NEW.format("HI") + "<alt-trans><target>x</target></alt-trans>",
        ),
        ("<source>1 &lt; 2</source>", "<source>1 &lt; 2</source>" + NEW.format("1 &lt; 2")),
        ("<source><![CDATA[a < b]]></source>", "<source><![CDATA[a < b]]></source>" + NEW.format("<![CDATA[A < B]]>")),
        (
            "<source>&lt;b&gt;Hi&lt;/b&gt; R&amp;D</source>",
            "<source>&lt;b&gt;Hi&lt;/b&gt; R&amp;D</source>" + NEW.format("&lt;b&gt;HI&lt;/b&gt; R&amp;D"),
        ),
        (
            DIVIDED,
            DIVIDED
            + NEW.format("<mrk mid='1' mtype='seg'>ONE.</mrk> <g id='1'><mrk mid='2' mtype='seg'>BO.</mrk></g>"),
        ),
        (
            DIVIDED + "<target><mrk mid='1' mtype='seg'>X.</mrk><mrk mid='2' mtype='seg'/></target>",
            DIVIDED + "<target><mrk mid='1' mtype='seg'>X.</mrk><mrk mid='2' mtype='seg'>BO.</mrk></target>",
        ),
    ],
)
def test_units_of_xliff_1_are_filled(content: str, expected: str) -> None:
    assert in_unit(content) == expected


@pytest.mark.parametrize(
    "unit",
    [
        "<trans-unit id='1'><source>Hi</source><target>Salut</target></trans-unit>",
        "<trans-unit id='1'><source>Hi</source><target state='new'>Salut</target></trans-unit>",
        "<trans-unit id='1'><source>Hi</source><target>Hi</target></trans-unit>",
        "<trans-unit id='1' approved='yes'><source>Hi</source><target/></trans-unit>",
        "<trans-unit id='1' translate='no'><source>Hi</source></trans-unit>",
        "<group translate='no'><trans-unit id='1'><source>Hi</source><target/></trans-unit></group>",
        "<trans-unit id='1'><source> </source><target/></trans-unit>",
        "<bin-unit id='1' mime-type='x'><bin-source/></bin-unit>",
    ],
)
def test_units_of_xliff_1_that_stay(unit: str) -> None:
    text = FILE.format(unit)
    assert open_file("a.xliff", text.encode(), LANGS).sentences == ()
    assert filled("a.xliff", text) == text


def test_a_unit_within_a_group_that_is_not_translated_may_be() -> None:
    unit = "<group translate='no'><trans-unit id='1' translate='yes'><source>Hi</source></trans-unit></group>"
    assert open_file("a.xlf", FILE.format(unit).encode(), LANGS).sentences == ("Hi",)


def test_codes_follow_the_words_and_stay_in_pairs() -> None:
    source = 'See <bpt id="1">&lt;i&gt;</bpt>the<ept id="1">&lt;/i&gt;</ept> <g id="2">red</g> fox<x id="3"/>.'
    text = FILE.format(f"<trans-unit id='1'><source>{source}</source></trans-unit>")
    entries = {"See the red fox.": ("Voir renard rouge le.", "0-0 1-3 2-2 3-1")}
    output = filled("a.xlf", text, table(entries))
    assert (
        NEW.format(
            'Voir renard<x id="3"/> <g id="2">rouge</g> <bpt id="1">&lt;i&gt;</bpt>le.<ept id="1">&lt;/i&gt;</ept>'
        )
        in output
    )


def test_overlapping_codes_keep_their_order() -> None:
    source = "a <bx id='1' rid='1'/>b <bx id='2' rid='2'/>c<ex id='3' rid='1'/> d<ex id='4' rid='2'/>"
    output = filled("a.xlf", FILE.format(f"<trans-unit id='1'><source>{source}</source></trans-unit>"), backward)
    target = output[output.index("<target") :]
    places = [target.index(f"x id='{number}'") for number in range(1, 5)]
    assert places == sorted(places)
    assert [target.count(f"x id='{number}'") for number in range(1, 5)] == [1, 1, 1, 1]


def test_codes_without_partner_keep_their_order() -> None:
    source = "x <it id='1' pos='open'/>y z v<it id='2' pos='close'/> w"
    output = filled("a.xlf", FILE.format(f"<trans-unit id='1'><source>{source}</source></trans-unit>"), backward)
    target = output[output.index("<target") :]
    assert target.index("id='1'") < target.index("id='2'")


def test_codes_without_alignment_are_marked_for_review() -> None:
    text = FILE.format("<trans-unit id='1'><source>a <g id='1'>b</g></source></trans-unit>")
    assert 'state="needs-review-translation"' in filled("a.xlf", text, unaligned)
    assert 'state="translated"' in filled("a.xlf", text, capitals)
    plain = FILE.format("<trans-unit id='1'><source>a b</source></trans-unit>")
    assert 'state="translated"' in filled("a.xlf", plain, unaligned)
    marked = FILE.format(
        "<trans-unit id='1'><source>A</source><seg-source><mrk mid='1' mtype='seg'>a <x id='1'/>b</mrk></seg-source>"
        "<target><mrk mid='0' mtype='seg'>C</mrk><mrk mid='1' mtype='seg'/></target></trans-unit>"
    )
    assert '<target state="needs-review-translation">' in filled("a.xlf", marked, unaligned)
    assert "<target><mrk" in filled("a.xlf", marked, capitals)
    unit = '<unit id="u"><segment><source>a <ph id="1"/>b</source></segment></unit>'
    second = f'<xliff version="2.0" srcLang="en" trgLang="fr"><file id="f">{unit}</file></xliff>'
    assert '<segment state="initial" subState="regard:needs-review">' in filled("a.xlf", second, unaligned)
    memory = MEMORY.format('<tu><tuv xml:lang="en"><seg>a <hi>b</hi></seg></tuv></tu>')
    assert '<tuv xml:lang="fr"><prop type="x-needs-review">inline codes</prop><seg>' in filled(
        "a.tmx", memory, unaligned
    )


def test_xliff_2() -> None:
    before = (
        '<?xml version="1.0"?>\n<xliff xmlns="urn:oasis:names:tc:xliff:document:2.1" version="2.1" srcLang="en">\n'
        '<file id="f"><unit id="1">\n <segment id="a">\n  <source>Go <pc id="1">home</pc> <sc id="2"/>now<ec '
        'startRef="2"/></source>\n </segment>\n <ignorable><source> </source></ignorable>\n'
        ' <segment state="initial"><source>Bye</source><target>Bye</target></segment>\n'
        " <segment><source>Yes</source><target>Oui</target></segment></unit>\n"
        '<unit id="2" translate="no"><segment><source>No</source></segment></unit></file></xliff>'
    )
    expected = (
        before.replace('srcLang="en"', 'srcLang="en" trgLang="fr"')
        .replace('<segment id="a">', '<segment id="a" state="translated">')
        .replace(
            "</source>\n </segment>",
            '</source>\n  <target>GO <pc id="1">HOME</pc> <sc id="2"/>NOW<ec startRef="2"/></target>\n </segment>',
        )
        .replace('state="initial"', 'state="translated"')
        .replace("<target>Bye", "<target>BYE")
    )
    assert filled("a.xlf", before) == expected
    assert filled("a.xlf", expected) == expected


def test_tmx_gets_a_variant_like_that_of_the_source() -> None:
    unit = '\n <tu>\n  <tuv xml:lang="EN-US">\n   <seg>Hi <ph>{x}</ph> you</seg>\n  </tuv>\n </tu>\n'
    added = '\n  <tuv xml:lang="fr">\n   <seg>HI <ph>{x}</ph> YOU</seg>\n  </tuv>'
    text = MEMORY.format(unit)
    expected = text.replace("</tuv>", "</tuv>" + added)
    assert filled("a.tmx", text) == expected
    assert filled("a.tmx", expected) == expected
    old = '<t:tmx xmlns:t="x"><t:header srclang="en"/><t:tu><t:tuv lang="en"><t:seg>Hi</t:seg></t:tuv></t:tu></t:tmx>'
    assert '</t:tuv><t:tuv lang="fr"><t:seg>HI</t:seg></t:tuv></t:tu>' in filled("a.tmx", old)


def test_tmx_fills_empty_variants_only() -> None:
    unit = '<tu><tuv xml:lang="en"><seg>Hi</seg></tuv><tuv xml:lang="fr"><note>x</note><seg{}</tuv></tu>'
    for empty in ("/>", " />", "></seg>"):
        assert filled("a.tmx", MEMORY.format(unit.format(empty))) == MEMORY.format(unit.format(">HI</seg>"))
    full = MEMORY.format(unit.format(">Salut</seg>"))
    assert filled("a.tmx", full) == full
    other = MEMORY.format('<tu><tuv xml:lang="de"><seg>Hallo</seg></tuv></tu><tu><tuv xml:lang="en"><seg/></tuv></tu>')
    assert filled("a.tmx", other) == other


def test_the_source_of_tmx_is_that_of_the_header() -> None:
    text = MEMORY.format('<tu><tuv xml:lang="en-US"><seg>Hi</seg></tuv></tu>')
    assert open_file("a.tmx", text.encode(), FileOptions(None, "fr")).sentences == ("Hi",)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "a.xlf",
            "<xliff version='1.2'>\n<file>\n</xliff>",
            r"a\.xlf:3:3: expected well-formed XML, found .*mismatched tag",
        ),
        ("a.tmx", "<tmx>\n AT&T</tmx>", r"a\.tmx:2:6: expected well-formed XML, found an error \(not well-formed"),
        ("a.xlf", "", r"a\.xlf:1:1: .*no element found"),
        ("a.xlf", "<!DOCTYPE x [<!ENTITY a 'b'>]>\n<x/>", r"a\.xlf:1: declares the entity 'a', which is not supported"),
        ("a.xlf", "<html/>", r"expected XLIFF 1\.2 or 2\.0 to 2\.2, found no root element <xliff>"),
        ("a.xlf", "<xliff version='3.0'/>", "found version '3.0'"),
        ("a.xlf", FILE.format("").replace('"en"', '"de"'), "expected source-language en, found de: choose a model"),
        ("a.xlf", FILE.format("").replace("fr-FR", "de"), "expected target-language fr, found de"),
        ("a.xlf", "<xliff version='2.0' srcLang='en' trgLang='de'/>", "expected trgLang fr, found de"),
        ("a.tmx", "<xliff/>", "expected a TMX document"),
        (
            "a.tmx",
            MEMORY.format(
                '<tu/>\n<tu><tuv xml:lang="en-GB"><seg>a</seg></tuv><tuv xml:lang="en-US"><seg>a</seg></tuv></tu>'
            ),
            r"a\.tmx:2: expected one language that matches en, found en-GB, en-US",
        ),
        ("a.xlf", "<?xml version='1.0' encoding='klingon'?><a/>", "unknown encoding 'klingon'"),
    ],
)
def test_documents_that_are_refused(name: str, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        open_file(name, text.encode(), LANGS)


@pytest.mark.parametrize("options", [FileOptions("en", None), FileOptions()])
def test_tmx_needs_a_target_language(options: FileOptions) -> None:
    with pytest.raises(DataError, match="expected a target language, which TMX files do not name: add --langs"):
        open_file("a.tmx", MEMORY.format("").encode(), options)
    with pytest.raises(DataError, match=r"expected a language in srclang, found '\*all\*'"):
        open_file("a.tmx", b"<tmx><header srclang='*all*'/></tmx>", FileOptions(None, "fr"))


def test_other_encodings_come_back() -> None:
    unit = "<trans-unit id='1'><source>caf\u00e9</source></trans-unit>"
    for encoding in ("iso-8859-1", "utf-16", "utf-8-sig"):
        text = f"<?xml version='1.0' encoding='{encoding.replace('-sig', '')}'?>{FILE.format(unit)}"
        file = open_file("a.xlf", text.encode(encoding), LANGS)
        output = file.render(translations(file, capitals))
        assert output.decode(encoding) == text.replace("</source>", "</source>" + NEW.format("CAF\u00c9"))
        assert etree.fromstring(output).xpath("string(//target)") == "CAF\u00c9"


def test_a_long_segment_and_deep_codes_take_little_time() -> None:
    deep = "<g id='1'>" * 2000 + "Hi there" + "</g>" * 2000
    output = filled("a.xlf", FILE.format(f"<trans-unit id='1'><source>{deep}</source></trans-unit>"))
    assert output.count("</g>") == 4000


def test_segments_know_whether_they_have_codes() -> None:
    for text, has_codes, is_empty in [
        ("Hi", False, False),
        ("a <x/>", True, False),
        ("<x/>", True, False),
        (" ", False, True),
        ("", False, True),
        ("<![CDATA[<b>x</b>]]>", True, False),
        ("&lt;b&gt;x", True, False),
        ("<!-- c -->a", True, False),
    ]:
        segment = parse_segment(tokenize(text, xml=True))
        assert (segment.has_codes, segment.is_empty) == (has_codes, is_empty), text


def test_identical_translations_are_filled_in() -> None:
    text = FILE.format("<trans-unit id='1'><source>Linux  <x id='1'/>kernel</source></trans-unit>")
    file: FileDocument = open_file("a.xlf", text.encode(), LANGS)
    assert NEW.format("Linux  <x id='1'/>kernel") in file.render(translations(file, unchanged)).decode()
