"""Malformed and odd TMX, XLIFF and WMT files: the XML part of the table."""

from __future__ import annotations

from malformed_case import FIRST, LAST, Case, Pairs

from regard.data.corpora.unit import ReadOptions

HELLO: Pairs = (("Hello", "Bonjour"),)
AROUND: Pairs = (FIRST, LAST)
NO_LANGS = ReadOptions()
DEPTH = 100_000


def tu(src: str, tgt: str, langs: tuple[str, str] = ("en", "fr"), attribute: str = "xml:lang") -> str:
    """A unit of TMX on one line."""
    sides = zip(langs, (src, tgt), strict=True)
    return "<tu>" + "".join(f'<tuv {attribute}="{lang}"><seg>{text}</seg></tuv>' for lang, text in sides) + "</tu>"


def tmx(*units: str, prolog: str = '<?xml version="1.0"?>', srclang: str = "en") -> str:
    """A TMX file, whose units begin on line 3, one on each."""
    body = "\n".join(units)
    return f'{prolog}\n<tmx version="1.4"><header srclang="{srclang}"/><body>\n{body}\n</body></tmx>\n'


def around(unit: str) -> str:
    """A TMX file with a unit on line 4, between two others."""
    return tmx(tu(*FIRST), unit, tu(*LAST))


def declared(encoding: str, src: str, tgt: str, langs: tuple[str, str] = ("en", "fr")) -> str:
    """A TMX file with an encoding declared."""
    return tmx(tu(src, tgt, langs), prolog=f'<?xml version="1.0" encoding="{encoding}"?>')


def xliff(*units: str, attributes: str = 'source-language="en" target-language="fr"') -> str:
    """An XLIFF 1.2 file, whose units begin on line 2, one on each."""
    body = "\n".join(units)
    space = 'xmlns="urn:oasis:names:tc:xliff:document:1.2"'
    return f'<xliff version="1.2" {space}><file original="f" {attributes}><body>\n{body}\n</body></file></xliff>'


def trans(src: str, tgt: str, unit: str = "", target: str = "") -> str:
    """A unit of XLIFF 1.2."""
    return f'<trans-unit id="1" {unit}><source>{src}</source><target {target}>{tgt}</target></trans-unit>'


def xliff_2(*segments: str) -> str:
    """An XLIFF 2.0 file of one unit."""
    space = 'xmlns="urn:oasis:names:tc:xliff:document:2.0" version="2.0"'
    body = "".join(segments)
    return f'<xliff {space} srcLang="en" trgLang="fr"><file id="f"><unit id="u">{body}</unit></file></xliff>'


def wmt(*documents: str) -> str:
    """A test set of WMT, whose documents begin on line 2, one on each."""
    lines = "\n".join(documents)
    return f'<dataset id="d">\n{lines}\n</dataset>'


def doc(src: str, *refs: tuple[str, str]) -> str:
    """A document of WMT with one sentence and references by translators."""
    versions = "".join(
        f'<ref lang="fr" translator="{name}"><p><seg id="1">{text}</seg></p></ref>' for name, text in refs
    )
    return f'<doc id="a"><src lang="en"><p><seg id="1">{src}</seg></p></src>{versions}</doc>'


_HELLO = tu(*HELLO[0])
_BOMB = '<?xml version="1.0"?><!DOCTYPE t [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY c "&b;&b;">]>'

TMX = {
    "UTF-8 with a byte order mark": Case("\ufeff" + tmx(_HELLO), HELLO),
    "UTF-16LE with a byte order mark": Case(b"\xff\xfe" + declared("utf-16", *HELLO[0]).encode("utf-16-le"), HELLO),
    "UTF-16BE with a byte order mark": Case(b"\xfe\xff" + declared("utf-16", *HELLO[0]).encode("utf-16-be"), HELLO),
    "UTF-16LE without a mark": Case(declared("utf-16", *HELLO[0]).encode("utf-16-le"), HELLO),
    "UTF-16BE without a mark": Case(tmx(_HELLO).encode("utf-16-be"), HELLO),
    "UTF-16 declared, UTF-8 written": Case(
        declared("utf-16", *HELLO[0]), fault=("a.tmx:1:", "utf-16", "--encoding utf-8"), ends=True
    ),
    "UTF-8 declared, UTF-16 written": Case(
        declared("utf-8", *HELLO[0]).encode("utf-16"),
        fault=("a.tmx:1:", "UTF-16-LE", "--encoding utf-16-le"),
        ends=True,
    ),
    "Latin-1": Case(declared("iso-8859-1", "d\xe9j\xe0", "x").encode("latin-1"), (("déjà", "x"),)),
    "cp1252": Case(declared("windows-1252", "“d\xe9j\xe0”", "x").encode("cp1252"), (("“déjà”", "x"),)),
    "cp1252 bytes under UTF-8": Case(
        around(tu("d\xe9j\xe0", "x")).encode("cp1252"),
        AROUND,
        fault=("a.tmx:4:", "0xE9", "--encoding cp1252"),
        before=1,
    ),
    "cp1252 bytes under UTF-8, encoding given": Case(
        declared("utf-8", "d\xe9j\xe0", "x").encode("cp1252"),
        (("déjà", "x"),),
        options=ReadOptions(langs=("en", "fr"), encoding="cp1252"),
    ),
    "Shift_JIS": Case(
        declared("Shift_JIS", "一①", "x", ("ja", "fr")).encode("cp932"),
        (("一①", "x"),),
        options=ReadOptions(langs=("ja", "fr")),
    ),
    "EUC-KR": Case(
        declared("EUC-KR", "안녕", "x", ("ko", "fr")).encode("euc_kr"),
        (("안녕", "x"),),
        options=ReadOptions(langs=("ko", "fr")),
    ),
    "GB18030": Case(
        declared("GB18030", "你好€", "x", ("zh", "fr")).encode("gb18030"),
        (("你好€", "x"),),
        options=ReadOptions(langs=("zh", "fr")),
    ),
    "an unknown encoding": Case(
        declared("klingon", *HELLO[0]), fault=("a.tmx:1:", "'klingon'", "--encoding"), ends=True
    ),
    "a codec that is no encoding": Case(declared("rot13", *HELLO[0]), fault=("a.tmx:1:", "'rot13'"), ends=True),
    "TMX 1.1, lang in place of xml:lang": Case(tmx(tu(*HELLO[0], attribute="lang")), HELLO),
    "regions and other spellings": Case(
        tmx(tu("a", "b", ("en-US", "FR_ca")), tu("c", "d", ("EN_us", "fr")), tu("e", "f", ("eng", "fra"))),
        (("a", "b"), ("c", "d"), ("e", "f")),
    ),
    "Portuguese of two countries": Case(
        tmx(
            '<tu><tuv xml:lang="en"><seg>a</seg></tuv><tuv xml:lang="pt-BR"><seg>b</seg></tuv>'
            '<tuv xml:lang="pt-PT"><seg>c</seg></tuv></tu>'
        ),
        fault=("a.tmx:3:", "pt-BR, pt-PT", "--langs"),
        options=ReadOptions(langs=("en", "pt")),
    ),
    "Portuguese of two countries, one requested": Case(
        tmx(
            '<tu><tuv xml:lang="en"><seg>a</seg></tuv><tuv xml:lang="pt-BR"><seg>b</seg></tuv>'
            '<tuv xml:lang="pt-PT"><seg>c</seg></tuv></tu>'
        ),
        (("a", "c"),),
        options=ReadOptions(langs=("en", "pt-PT")),
    ),
    "Chinese in two scripts": Case(
        tmx(tu("a", "b", ("en", "zh-Hans")), tu("c", "d", ("en", "zh-TW"))),
        (("a", "b"),),
        fault=("a.tmx:4:", "zh-Hans", "--langs"),
        before=1,
        options=ReadOptions(langs=("en", "zh")),
    ),
    "languages that differ by a variant": Case(
        tmx(
            '<tu><tuv xml:lang="en"><seg>a</seg></tuv><tuv xml:lang="ca-ES-valencia"><seg>b</seg></tuv>'
            '<tuv xml:lang="ca-FR"><seg>c</seg></tuv></tu>'
        ),
        fault=("a.tmx:3:", "ca-ES-valencia, ca-FR", "--langs ca-ES-fr"),
        options=ReadOptions(langs=("en", "ca")),
    ),
    "several texts of one language": Case(
        tmx(
            '<tu><tuv xml:lang="en"><seg>a</seg></tuv><tuv xml:lang="fr"><seg>b</seg></tuv>'
            '<tuv xml:lang="fr"><seg>c</seg></tuv></tu>'
        ),
        (("a", "b"),),
        {"another fr text in the same unit": 1},
    ),
    "srclang=*all*, no languages requested": Case(tmx(_HELLO, srclang="*all*"), HELLO, options=NO_LANGS),
    "srclang that is no language": Case(tmx(_HELLO, srclang="klingon\ufffd"), HELLO, options=NO_LANGS),
    "the source language second": Case(tmx(tu("b", "a", ("fr", "en"))), (("a", "b"),), options=NO_LANGS),
    "three languages, none requested": Case(
        tmx(
            '<tu><tuv xml:lang="en"><seg>a</seg></tuv><tuv xml:lang="fr"><seg>b</seg></tuv>'
            '<tuv xml:lang="de"><seg>c</seg></tuv></tu>'
        ),
        fault=("a.tmx:3:", "de, en, fr", "--langs de-en"),
        options=NO_LANGS,
    ),
    "a unit without the language": Case(tmx(_HELLO, tu("a", "b", ("en", "de"))), HELLO, {"no fr text": 1}),
    "a text without a language": Case(
        around("<tu><tuv><seg>a</seg></tuv></tu>"), AROUND, fault=("a.tmx:4:", "xml:lang", "add the language"), before=1
    ),
    "paired and standalone codes": Case(
        tmx(tu('Click <bpt i="1">&lt;b&gt;</bpt>here<ept i="1">&lt;/b&gt;</ept> <it pos="begin">x</it>now', "y")),
        (("Click here now", "y"),),
    ),
    "hi is kept, sub is not": Case(
        tmx(tu('a <hi>b</hi> c<ph>&lt;img alt="<sub>a cat</sub>"&gt;</ph>', "y")), (("a b c", "y"),)
    ),
    "sub is kept on request": Case(
        tmx(tu("a <ph>x<sub>cat</sub>y</ph> b", "y")),
        (("a cat b", "y"),),
        options=ReadOptions(langs=("en", "fr"), inline_text=True),
    ),
    "ut": Case(tmx(tu("<ut>{\\b </ut>A<ut>}</ut> word", "y")), (("A word", "y"),)),
    "a code that was the only space": Case(tmx(tu('A<ph x="1" type="lb"/>word', "y")), (("A word", "y"),)),
    "codes of XLIFF in TMX": Case(tmx(tu('a <g id="1">b</g><x id="2"/> c', "y")), (("a b c", "y"),)),
    "CDATA": Case(tmx(tu("<![CDATA[x < y & z]]>", "y")), (("x < y & z", "y"),)),
    "text escaped twice": Case(tmx(tu("&amp;lt;b&amp;gt;", "y")), (("&lt;b&gt;", "y"),)),
    "line ends and tabs within a text": Case(tmx(tu("a\nb\tc&#10;d", "y")), (("a\nb\tc\nd", "y"),)),
    "the number of a control character": Case(
        around(tu("a&#x1F;b", "c")), AROUND, fault=("a.tmx:4:", "does not allow", "remove it"), before=1
    ),
    "a control character": Case(around(tu("a\x0bb", "c")), AROUND, fault=("a.tmx:4:", "U+000B", "remove"), before=1),
    "a null character": Case(around(tu("a\0b", "c")), AROUND, fault=("a.tmx:4:",), before=1),
    "an unescaped ampersand": Case(around(tu("AT&T", "c")), AROUND, fault=("a.tmx:4:", "&amp;"), before=1),
    "an unescaped less-than sign": Case(around(tu("a < b", "c")), AROUND, fault=("a.tmx:4:", "&lt;"), before=1),
    "an entity of HTML": Case(
        around(tu("a&nbsp;b", "c")), AROUND, fault=("a.tmx:4:", "&nbsp;", "its number"), before=1
    ),
    "half of a surrogate pair as a number": Case(around(tu("&#xD83D;", "c")), AROUND, fault=("a.tmx:4:",), before=1),
    "a closing tag that is missing": Case(
        around("<tu><tuv xml:lang='en'><seg>a</tuv></tu>"), AROUND, fault=("a.tmx:4:", "does not match"), before=1
    ),
    "a unit in a unit": Case(
        around("<tu><tuv xml:lang='en'><seg>a"), AROUND, fault=("a.tmx:5:", "another unit"), before=1
    ),
    "cut short within a unit": Case(
        tmx(_HELLO, tu("a", "b"))[:-40], HELLO, fault=("a.tmx:4:", "the end of the file", "copy the file"), before=1
    ),
    "cut short between units": Case(
        tmx(_HELLO).partition("</body>")[0], HELLO, fault=("a.tmx:", "cut short", "copy it again"), before=1
    ),
    "text behind the end": Case(tmx(_HELLO) + "x", HELLO, fault=("a.tmx:", "after the end", "remove"), before=1),
    "two files joined": Case(
        tmx(_HELLO) + tmx(tu(*LAST), prolog=""), (*HELLO, LAST), fault=("a.tmx:", "after the end", "split"), before=1
    ),
    "a DTD that is not there": Case(tmx(_HELLO, prolog='<!DOCTYPE tmx SYSTEM "http://x.invalid/tmx14.dtd">'), HELLO),
    "an entity bomb": Case(
        tmx(tu("&c;", "b"), prolog=_BOMB), fault=("a.tmx:1:", "&a;", "replace the entity"), ends=True
    ),
    "an external entity": Case(
        tmx(tu("&a;", "b"), prolog='<!DOCTYPE t [<!ENTITY a SYSTEM "file:///etc/passwd">]>'),
        fault=("a.tmx:1:", "&a;", "attacks"),
        ends=True,
    ),
    "a parameter entity": Case(
        tmx(_HELLO, prolog='<!DOCTYPE t [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]>'),
        fault=("a.tmx:1:", "attacks"),
        ends=True,
    ),
    "100,000 elements within each other": Case(
        around(tu("<hi>" * DEPTH + "a" + "</hi>" * DEPTH, "b")),
        AROUND,
        fault=("a.tmx:4:", "at most 64 nested elements", "remove some"),
        before=1,
    ),
    "a thousand groups around the units": Case(
        f"<tmx>{'<body>' * 1000}</tmx>", fault=("a.tmx:1:", "at most 64 nested elements"), num_faults=938
    ),
    "a text of 5 MB": Case(
        around(tu("a" * 5_000_000, "b")), AROUND, fault=("a.tmx:4:", "at most 1,048,576 bytes", "split"), before=1
    ),
    "an attribute of 5 MB": Case(
        around(f'<tu x="{"a" * 5_000_000}"></tu>'),
        AROUND,
        fault=("a.tmx:4:", "2,097,152 bytes"),
        before=1,
    ),
    "a tag of 50 MB": Case(
        tmx(_HELLO, "<tu " + "a" * 50_000_000),
        HELLO,
        fault=("a.tmx:4:", "2,097,152 bytes", "close it"),
        before=1,
    ),
    "a comment that does not end": Case(
        tmx(_HELLO, "<!-- x", tu("a", "b")), (*HELLO, ("a", "b")), fault=("a.tmx:4:", "a comment", "close it"), before=1
    ),
    "a prefix for the namespace": Case(
        '<t:tmx xmlns:t="urn:t"><t:body><t:tu><t:tuv xml:lang="en"><t:seg>Hello</t:seg></t:tuv>'
        '<t:tuv xml:lang="fr"><t:seg>Bonjour</t:seg></t:tuv></t:tu></t:body></t:tmx>',
        HELLO,
    ),
    "empty texts, and one that is only a code": Case(
        tmx('<tu><tuv xml:lang="en"><seg/></tuv><tuv xml:lang="fr"><seg><ph>x</ph></seg></tuv></tu>'), (("", ""),)
    ),
    "a unit without text": Case(tmx(_HELLO, "<tu/>"), HELLO, {"no en text": 1}),
    "an empty file": Case("", fault=("a.tmx:", "an empty file", "export it again"), ends=True),
    "another root": Case("<html><body/></html>", fault=("a.tmx:1:", "<tmx>", "check the format"), ends=True),
    "no XML": Case("Hello\n", fault=("a.tmx:1:", "<tmx>", "check the format")),
    "a zip archive": Case(b"PK\3\4" + bytes(100), fault=("a.tmx:", "found a .zip"), ends=True),
}

XLIFF = {
    "states and approval": Case(
        xliff(
            trans("a", "b", target='state="final"'),
            trans("c", "d", target='state="needs-translation"'),
            trans("e", "f", unit='approved="no"'),
            trans("g", "h"),
        ),
        (("a", "b"), ("g", "h")),
        {"state=needs-translation": 1, "approved=no": 1},
    ),
    "unfinished translations on request": Case(
        xliff(trans("c", "d", target='state="new"')),
        (("c", "d"),),
        options=ReadOptions(langs=("en", "fr"), include_fuzzy=True),
    ),
    "translate=no, of a unit and of a group": Case(
        xliff(trans("a", "b", unit='translate="no"'), f'<group translate="no">{trans("c", "d")}</group>'),
        (),
        {"translate=no": 2},
    ),
    "alt-trans": Case(
        xliff(
            "<trans-unit id='1'><source>a</source><target>b</target><alt-trans><source>x</source><target>y</target>"
            "</alt-trans></trans-unit>"
        ),
        (("a", "b"),),
    ),
    "segments by mrk": Case(
        xliff(
            "<trans-unit id='1'><source>a b</source><seg-source><mrk mtype='seg' mid='1'>a</mrk> <mrk mtype='seg' "
            "mid='2'>b</mrk></seg-source><target><mrk mtype='seg' mid='2'>d</mrk> <mrk mtype='seg' mid='1'>c</mrk>"
            "</target></trans-unit>"
        ),
        (("a", "c"), ("b", "d")),
    ),
    "no target": Case(
        xliff("<trans-unit id='1'><source>a</source></trans-unit>", trans(*LAST)), (LAST,), {"no fr text": 1}
    ),
    "files of different languages": Case(
        '<xliff version="1.2"><file source-language="en" target-language="fr"><body>'
        + trans("a", "b")
        + '</body></file><file source-language="en" target-language="de"><body>'
        + trans("c", "d")
        + "</body></file></xliff>",
        (("a", "b"),),
        {"no fr text": 1},
    ),
    "the other direction": Case(
        xliff(trans("b", "a"), attributes='source-language="fr-FR" target-language="en-US"'), (("a", "b"),)
    ),
    "no target language": Case(xliff(trans("a", "b"), attributes='source-language="en"'), (("a", "b"),)),
    "inline codes": Case(xliff(trans('a <g id="1">b</g><ph id="2">&lt;br&gt;</ph>c', "d")), (("a b c", "d"),)),
    "segments of 2.0": Case(
        xliff_2(
            "<segment state='final'><source>a</source><target>b</target></segment><ignorable><source> </source>"
            "</ignorable><segment state='initial'><source>c</source><target>d</target></segment>"
        ),
        (("a", "b"),),
        {"state=initial": 1},
    ),
    "codes of 2.0": Case(
        xliff_2("<segment><source><pc id='1'>a</pc><ph id='2'/>b<cp hex='001F'/></source><target>c</target></segment>"),
        (("a b", "c"),),
    ),
    "a broken unit": Case(
        xliff(trans(*FIRST), trans("a & b", "c"), trans(*LAST)), AROUND, fault=("a.xliff:3:", "&amp;"), before=1
    ),
    "a unit in a unit": Case(
        xliff(trans(*FIRST), "<trans-unit id='2'><source>a", trans(*LAST)), AROUND, fault=("a.xliff:4:",), before=1
    ),
    "cut short": Case(
        xliff(trans(*FIRST), trans("a", "b"))[:-60], (FIRST,), fault=("a.xliff:3:", "the end of the file"), before=1
    ),
    "an external entity": Case(
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + xliff(trans("&a;", "b")),
        fault=("a.xliff:1:", "attacks"),
        ends=True,
    ),
    "UTF-16": Case(xliff(trans("d\xe9", "b")).encode("utf-16"), (("dé", "b"),)),
}

WMT = {
    "several references": Case(
        wmt(doc("a", ("A", "b"), ("B", "c"))),
        (("a", "b"),),
        {"another reference": 1},
        name="a.xml",
    ),
    "a reference by name": Case(
        wmt(doc("a", ("A", "b"), ("B", "c"))),
        (("a", "c"),),
        {"another reference": 1},
        name="a.xml",
        options=ReadOptions(langs=("en", "fr"), columns=("src", "ref:B")),
    ),
    "no reference": Case(wmt(doc("a"), doc("c", ("A", "d"))), (("c", "d"),), {"no fr text": 1}, name="a.xml"),
    "no source": Case(
        wmt('<doc id="a"><ref lang="fr"><p><seg id="1">x</seg></p></ref></doc>', doc("c", ("A", "d"))),
        (("c", "d"),),
        {"no source text": 1},
        name="a.xml",
    ),
    "a sentence that only the reference has": Case(
        wmt(
            '<doc id="a"><src lang="en"><seg id="1">a</seg></src><ref lang="fr"><seg id="1">b</seg><seg id="2">c</seg>'
            "</ref></doc>"
        ),
        (("a", "b"),),
        {"no source text": 1},
        name="a.xml",
    ),
    "a broken sentence": Case(
        wmt(doc(FIRST[0], ("A", FIRST[1])), doc("a & b", ("A", "c")), doc(LAST[0], ("A", LAST[1]))),
        AROUND,
        {"no source text": 1},
        fault=("a.xml:3:", "&amp;"),
        before=1,
        name="a.xml",
    ),
    "cut short": Case(
        wmt(doc(FIRST[0], ("A", FIRST[1])), doc("a", ("A", "b")))[:-60],
        (FIRST,),
        {"no fr text": 1},
        fault=("a.xml:3:", "the end of the file", "copy the file"),
        num_faults=2,
        before=1,
        name="a.xml",
    ),
}
