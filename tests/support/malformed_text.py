"""Malformed and odd text files: lines, tables, JSON lines, PO catalogs and SGM; the text part of the table."""

from __future__ import annotations

import json

from malformed_case import FIRST, LAST, Case, Pairs

from regard.data.corpora.unit import ReadOptions

HELLO: Pairs = (("Hello", "Bonjour"),)
AROUND: Pairs = (FIRST, LAST)
LONG = 5_000_000
LINE_LIMIT = "at most 1,048,576 bytes"
CP1252 = ReadOptions(langs=("en", "fr"), encoding="cp1252")
NO_LANGS = ReadOptions()


def tsv(*rows: str) -> str:
    """Lines of a table between two valid ones."""
    return "".join(f"{row}\n" for row in ("\t".join(FIRST), *rows, "\t".join(LAST)))


def csv(*rows: str) -> str:
    """Records of a table with a header between two valid ones."""
    return "".join(f"{row}\n" for row in ("source,target", ",".join(FIRST), *rows, ",".join(LAST)))


def jsonl(*lines: str) -> str:
    """Lines of JSON between two valid ones."""
    ends = [json.dumps({"en": src, "fr": tgt}) for src, tgt in AROUND]
    return "".join(f"{line}\n" for line in (ends[0], *lines, ends[1]))


def entry(src: str, tgt: str, before: str = "") -> str:
    """An entry of a catalog."""
    return f'{before}msgid "{src}"\nmsgstr "{tgt}"\n\n'


def po(*entries: str, charset: str = "UTF-8", fields: str = "Language: fr\\n") -> str:
    """A catalog, whose entries begin on line 5."""
    header = f'msgid ""\nmsgstr "Content-Type: text/plain; charset={charset}\\n"\n"{fields}"\n\n'
    return header + "".join(entries)


def po_around(text: str, charset: str = "UTF-8") -> str:
    """A catalog with an entry on line 8, between two others."""
    return po(entry(*FIRST), text, entry(*LAST), charset=charset)


def sgm(*segments: str, docid: str = "d") -> str:
    """A file of WMT with one document, whose sentences begin on line 3."""
    body = "\n".join(f'<seg id="{number}">{text}</seg>' for number, text in enumerate(segments, start=1))
    return f'<srcset setid="s">\n<doc docid="{docid}">\n{body}\n</doc>\n</srcset>\n'


def _utf16(text: str) -> bytes:
    return text.encode("utf-16")


_SENTENCES, _PHRASES = "first\nlast\n", "premier\ndernier\n"

PLAIN = {
    "unequal numbers of lines": Case(
        "first\nlast\nx\n", AROUND, fault=("a.plain has 3 lines but ", "b.plain has 2"), before=2, target=_PHRASES
    ),
    "empty lines on one side": Case("first\n\nlast\n", (FIRST, ("", "x"), LAST), target="premier\nx\ndernier\n"),
    "separators of Unicode within lines": Case(
        "a\u0085b\u2028c\x0bd\x1ce\nlast\n", (("a\u0085b\u2028c\x0bd\x1ce", "premier"), LAST), target=_PHRASES
    ),
    "CRLF on one side, a byte order mark": Case("\ufefffirst\r\nlast\r\n", AROUND, target=_PHRASES),
    "CR alone": Case("a\rb\rc", fault=("a.plain", "CR alone", "tr '\\r' '\\n'"), ends=True, target=_PHRASES),
    "no line end at the end": Case("first\nlast", AROUND, target="premier\ndernier"),
    "a byte that is not UTF-8": Case(
        b"first\ncaf\xe9\nlast\n",
        AROUND,
        fault=("a.plain:2:", "0xe9", "--encoding cp1252"),
        before=1,
        target="premier\nx\ndernier\n",
    ),
    "cp1252, as requested": Case(b"caf\xe9\n", (("café", "x"),), target="x\n", options=CP1252),
    "UTF-16": Case(_utf16(_SENTENCES), fault=("a.plain", "UTF-16", "--encoding utf-16"), ends=True, target=_PHRASES),
    "UTF-16, as requested": Case(
        _utf16("déjà\n"),
        (("déjà", "é"),),
        target=_utf16("é\n"),
        options=ReadOptions(langs=("en", "fr"), encoding="utf-16"),
    ),
    "UTF-16 without a mark, as requested": Case(
        "first\n".encode("utf-16-le"),
        fault=("a.plain", "found no mark", "--encoding utf-16-le"),
        target=_PHRASES.encode("utf-16-le"),
        options=ReadOptions(langs=("en", "fr"), encoding="utf-16"),
    ),
    "a null byte": Case(
        b"first\na\0b\nlast\n", AROUND, fault=("a.plain:2:", "NUL", "binary"), before=1, target="premier\nx\ndernier\n"
    ),
    "a line of 5 MB": Case(
        "first\n" + "a" * LONG + "\nlast\n",
        AROUND,
        fault=("a.plain:2:", LINE_LIMIT),
        before=1,
        target="premier\nx\ndernier\n",
    ),
    "a zip archive": Case(b"PK\3\4" + bytes(60), fault=("a.plain", "unpack"), ends=True, target=_PHRASES),
    "empty files": Case("", target=""),
    "speakers and markers of Europarl": Case(
        '<SPEAKER ID="1">\n<s>\nlast\n', (('<SPEAKER ID="1">', "x"), ("<s>", ""), LAST), target="x\n\ndernier\n"
    ),
}

MOSES = {
    "entities, once": Case("it &apos;s &amp;lt; &#124;\n", (("it 's &lt; |", "b"),), format="moses", target="b\n"),
    "hyphens": Case("twenty @-@ first\n", (("twenty-first", "b"),), format="moses", target="b\n"),
    "unequal numbers of lines": Case(
        "first\n",
        (FIRST,),
        fault=("a.moses has 1 lines but ", "b.moses has 2"),
        before=1,
        format="moses",
        target=_PHRASES,
    ),
}

TSV = {
    "a quote that is not closed": Case(tsv('a "b\tc'), (FIRST, ('a "b', "c"), LAST)),
    "a field that begins with a quote": Case(tsv('"a\tb'), (FIRST, ('"a', "b"), LAST)),
    "a header by names": Case("Source\tTarget\nHello\tBonjour\n", HELLO),
    "a header by languages, the other way round": Case("fr\ten\nBonjour\tHello\n", HELLO),
    "languages in the text, none requested": Case(
        "fr\ten\nBonjour\tHello\n", (("fr", "en"), ("Bonjour", "Hello")), options=NO_LANGS
    ),
    "a line without a tab": Case(tsv("a b"), AROUND, fault=("a.tsv:2:", "no tab", "one pair per line"), before=1),
    "an empty line, and an empty field": Case(tsv("", "a\t"), (FIRST, ("", ""), ("a", ""), LAST)),
    "columns by number": Case("x\ta\tb\n", (("a", "b"),), options=ReadOptions(langs=("en", "fr"), columns=("2", "3"))),
    "a column that is not there": Case(
        "a\tb\n", fault=("a.tsv:1:", "at least 5 columns", "same columns"), options=ReadOptions(columns=("1", "5"))
    ),
    "a column name that is not there": Case(
        "a\tb\n",
        fault=("a.tsv:1:", "a column named 'x'", "or give its number"),
        options=ReadOptions(columns=("x", "2")),
        ends=True,
    ),
    "control characters in a column name": Case(
        b"a\x0b\x1cb\tc\n", fault=("a.tsv:1:", "a\\x0b\\x1cb"), options=ReadOptions(columns=("x", "2")), ends=True
    ),
    "columns of codes before the texts": Case(
        "".join(f"en\tfr\tHello {number}\tBonjour\n" for number in range(20)),
        fault=("a.tsv:2:", "en, fr", "--columns 3,4"),
        ends=True,
    ),
    "columns of names before the texts": Case(
        "".join(f"Europarl\tbook\tHello {number}\tBonjour\n" for number in range(20)),
        (("Europarl", "book"),) * 20,
        fault=("a.tsv:", "'Europarl' in all 20 lines", "cut -f"),
        before=20,
        ends=True,
    ),
    "a line of 5 MB": Case(tsv("a\t" + "b" * LONG), AROUND, fault=("a.tsv:2:", LINE_LIMIT), before=1),
    "a file of one byte": Case("a", fault=("a.tsv:1:", "no tab")),
    "a pointer of Git LFS": Case(
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\n", fault=("a.tsv", "git lfs pull"), ends=True
    ),
    "a codec that is no encoding": Case(
        "a\tb\n", fault=("encoding:", "'punycode'", "cp1252"), ends=True, options=ReadOptions(encoding="punycode")
    ),
    "a codec that hides line ends": Case(
        "a+AAA-\tb\n", fault=("encoding:", "'utf-7'"), ends=True, options=ReadOptions(encoding="utf-7")
    ),
}

CSV = {
    "quotes, delimiters and line ends in fields": Case(csv('"a, ""b""","c\nd"'), (FIRST, ('a, "b"', "c\nd"), LAST)),
    "semicolons, with a header": Case("source;target\nHello;Bonjour\n", HELLO),
    "tabs": Case("source\ttarget\nHello\tBonjour\n", HELLO),
    "no header": Case("Hello,Bonjour\n", HELLO),
    "a header of languages": Case("id,fr,en\n1,Bonjour,Hello\n", HELLO),
    "a quote that is not closed": Case(
        csv('"a,b'), AROUND, fault=("a.csv:3:", "closing quote", "double quotes"), before=1
    ),
    "text behind a closing quote": Case(
        csv('"a"b,c'), AROUND, fault=("a.csv:3:", "delimiter after a closing quote", "'b,c'"), before=1
    ),
    "a quote within a field": Case(csv('a "b" c,d'), (FIRST, ('a "b" c', "d"), LAST)),
    "one field": Case(csv("a"), AROUND, fault=("a.csv:3:", "at least 2 columns", "--columns"), before=1),
    "a field of 200,000 characters": Case(csv(f"{'a' * 200_000},b"), (FIRST, ("a" * 200_000, "b"), LAST)),
    "a field of 5 MB": Case(csv(f'"{"a" * LONG}",b'), AROUND, fault=("a.csv:3:", LINE_LIMIT), before=1),
    "a quoted field of 2 MB in short lines": Case(
        csv('"' + ("a" * 19 + "\n") * 60_000 + "b"),
        AROUND,
        fault=("a.csv:3", "closing quote"),
        num_faults=60_001,
        before=1,
    ),
    "a column name with a line end": Case(
        '"a\nb",c\n', fault=("a.csv:1:", "a\\nb, c"), options=ReadOptions(columns=("x", "2")), ends=True
    ),
    "a byte order mark, CRLF": Case("\ufeffsource,target\r\nHello,Bonjour\r\n", HELLO),
    "UTF-16, as Excel writes it": Case(
        _utf16("source\ttarget\r\nHello\tBonjour\r\n"), HELLO, options=ReadOptions(encoding="utf-16")
    ),
    "a byte that is not UTF-8 within quotes": Case(
        b'source,target\nfirst,premier\n"a\n\xe9",b\nlast,dernier\n',
        AROUND,
        fault=("a.csv:3:",),
        num_faults=2,
        before=1,
    ),
}

JSONL = {
    "a missing key": Case(jsonl('{"en": "a"}'), AROUND, {"no fr text": 1}),
    "null": Case(jsonl('{"en": "a", "fr": null}'), AROUND, {"no fr text": 1}),
    "a number": Case(
        jsonl('{"en": 1, "fr": "b"}'), AROUND, fault=("a.jsonl:2:", "field 'en'", "write a string"), before=1
    ),
    "a list": Case(jsonl('{"en": ["a"], "fr": "b"}'), AROUND, fault=("a.jsonl:2:", "field 'en'", '["a"]'), before=1),
    "a list nested just below the limit of Python": Case(
        jsonl('{"en": ' + "[" * 900 + "]" * 900 + ', "fr": "b"}'), AROUND, fault=("a.jsonl:2:",), before=1
    ),
    "nested under translation": Case(
        jsonl('{"id": 1, "translation": {"en": "a", "fr": "b"}}'), (FIRST, ("a", "b"), LAST)
    ),
    "other languages": Case(
        jsonl('{"de": "a", "it": "b"}'), AROUND, fault=("a.jsonl:2:", "en and fr", "de, it", "--columns"), before=1
    ),
    "half of a surrogate pair": Case(jsonl('{"en": "a\\ud800", "fr": "b"}'), (FIRST, ("a\ud800", "b"), LAST)),
    "a byte order mark": Case("\ufeff" + jsonl(), AROUND),
    "a key twice": Case(
        jsonl('{"en": "a", "en": "b", "fr": "c"}'), AROUND, fault=("a.jsonl:2:", "'en' occurs twice"), before=1
    ),
    "100,000 keys, the last twice": Case(
        jsonl("{" + ",".join(f'"{n}":1' for n in range(80_000)) + ',"x":1,"x":1}'),
        AROUND,
        fault=("a.jsonl:2:", "'x' occurs twice"),
        before=1,
    ),
    "200,000 brackets": Case(jsonl("[" * 200_000), AROUND, fault=("a.jsonl:2:", "deeply nested"), before=1),
    "a number of 5,000 digits": Case(
        jsonl('{"en": "a", "fr": "b", "n": ' + "9" * 5000 + "}"),
        AROUND,
        fault=("a.jsonl:2:", "no valid JSON"),
        before=1,
    ),
    "NaN beside the texts": Case(jsonl('{"en": "a", "fr": "b", "score": NaN}'), (FIRST, ("a", "b"), LAST)),
    "a list of objects": Case('[{"en": "a", "fr": "b"}]\n', fault=("a.jsonl:1:", "jq -c '.[]'")),
    "an object on several lines": Case(
        '{\n"en": "a", "fr": "b"\n}\n', fault=("a.jsonl:1:", "one JSON object per line"), num_faults=3
    ),
    "two objects on a line": Case(
        jsonl('{"en": "a"} {"fr": "b"}'), AROUND, fault=("a.jsonl:2:", "Extra data"), before=1
    ),
    "cut short": Case(jsonl()[:-10], (FIRST,), fault=("a.jsonl:2:", "no valid JSON"), before=1),
    "blank lines": Case(jsonl("", " "), AROUND, {"blank line": 2}),
    "a null character as an escape": Case(jsonl('{"en": "a\\u0000", "fr": "b"}'), (FIRST, ("a\0", "b"), LAST)),
    "a line of 5 MB": Case(jsonl('{"en": "' + "a" * LONG + '"}'), AROUND, fault=("a.jsonl:2:", LINE_LIMIT), before=1),
    "languages that are alike": Case(
        jsonl('{"en-GB": "a", "en-US": "b", "fr": "c"}'),
        AROUND,
        fault=("a.jsonl:2:", "en-GB, en-US", "--langs"),
        before=1,
    ),
}

PO = {
    "fuzzy, obsolete and untranslated": Case(
        po(entry("a", "b", "#, c-format, fuzzy\n"), '#~ msgid "c"\n#~ msgstr "d"\n\n', entry("e", ""), entry(*LAST)),
        (LAST,),
        {"fuzzy": 1, "obsolete": 1, "untranslated": 1},
    ),
    "contexts with different translations": Case(
        po(entry("Open", "Ouvrir", 'msgctxt "verb"\n'), entry("Open", "Ouvert", 'msgctxt "state"\n')),
        (("Open", "Ouvrir"), ("Open", "Ouvert")),
    ),
    "two plural forms": Case(
        po('msgid "%d file"\nmsgid_plural "%d files"\nmsgstr[0] "%d fichier"\nmsgstr[1] "%d fichiers"\n'),
        (("%d file", "%d fichier"), ("%d files", "%d fichiers")),
    ),
    "one plural form": Case(
        po(
            'msgid "a file"\nmsgid_plural "%d files"\nmsgstr[0] "%d x"\n',
            fields="Plural-Forms: nplurals=1; plural=0;\\n",
        ),
        (("%d files", "%d x"),),
        {"singular without the placeholders of the only form": 1},
    ),
    "six plural forms, one for one, one for two": Case(
        po(
            'msgid "%d file"\nmsgid_plural "%d files"\n' + "".join(f'msgstr[{n}] "%d {n}"\n' for n in range(6)),
            fields="Plural-Forms: nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : "
            "n%100>=11 ? 4 : 5);\\n",
        ),
        (("%d file", "%d 1"), ("%d files", "%d 3"), ("%d files", "%d 4"), ("%d files", "%d 5")),
        {"plural form for a single number": 2},
    ),
    "a rule of plural forms that divides by zero": Case(
        po(entry(*LAST), fields="Plural-Forms: nplurals=2; plural=n/0;\\n"), (LAST,)
    ),
    "a rule of plural forms that is code": Case(
        po(entry(*LAST), fields="Plural-Forms: nplurals=2; plural=__import__('os').abort();\\n"), (LAST,)
    ),
    "accelerators are kept": Case(po(entry("&File", "_Fichier")), (("&File", "_Fichier"),)),
    "accelerators are removed on request": Case(
        po(entry("&File", "&Fichier")),
        (("File", "Fichier"),),
        options=ReadOptions(langs=("en", "fr"), accelerators=True),
    ),
    "source and target alike": Case(po(entry("OK", "OK")), (("OK", "OK"),)),
    "escapes and several strings": Case(
        po('msgid ""\n"a\\n"\n"\\"b\\""\nmsgstr "\\303\\251" "c"\n'), (('a\n"b"', "éc"),)
    ),
    "a string without a closing quote": Case(
        po_around('msgid "a\nmsgstr "b"\n\n'), AROUND, fault=("a.po:8:", "closing quotation mark", "close it"), before=1
    ),
    "a quote within a string": Case(po_around(entry('a "b" c', "d")), AROUND, fault=("a.po:8:", '\\"'), before=1),
    "a comment sign before msgid": Case(
        po_around('#msgid "a"\nmsgstr "b"\n\n'), AROUND, fault=("a.po:9:", "no msgid"), before=1
    ),
    "a keyword that is misspelled": Case(
        po_around('msgid "a"\nmsgst "b"\n\n'), AROUND, fault=("a.po:9:", "msgst"), before=1
    ),
    "two translations": Case(
        po_around('msgid "a"\nmsgstr "b"\nmsgstr "c"\n\n'),
        AROUND,
        fault=("a.po:10:", "found two", "remove one"),
        before=1,
    ),
    "a plural without forms": Case(
        po_around('msgid "a"\nmsgid_plural "b"\nmsgstr "c"\n\n'), AROUND, fault=("a.po:10:", "msgstr[0]"), before=1
    ),
    "forms without a plural": Case(
        po_around('msgid "a"\nmsgstr[0] "c"\n\n'), AROUND, fault=("a.po:9:", "msgid_plural"), before=1
    ),
    "no translation at all": Case(po_around('msgid "a"\n\n'), AROUND, fault=("a.po:8:", "msgstr"), before=1),
    "Latin-1, as the header says": Case(po(entry("a", "é"), charset="ISO-8859-1").encode("latin-1"), (("a", "é"),)),
    "Latin-1 under UTF-8": Case(
        po_around(entry("a", "é")).encode("latin-1"), AROUND, fault=("a.po:9:", "0xe9", "--encoding latin-1"), before=1
    ),
    "charset=CHARSET, as in a template": Case(po(entry("a", "é"), charset="CHARSET"), (("a", "é"),)),
    "an unknown encoding": Case(
        po(entry(*LAST), charset="klingon"), (LAST,), fault=("a.po:1:", "klingon", "--encoding")
    ),
    "an encoding of two bytes, in a header of one": Case(
        po(entry(*LAST), charset="UTF-16"), (LAST,), fault=("a.po:1:", "UTF-16", "correct it")
    ),
    "a name of an encoding of 100,000 characters": Case(
        po(entry(*LAST), charset="x" * 100_000), (LAST,), fault=("a.po:1:", "--encoding")
    ),
    "UTF-16 with a byte order mark": Case(_utf16(po(entry("a", "é"), charset="UTF-16")), (("a", "é"),)),
    "half of a surrogate pair in UTF-16": Case(
        b"\xff\xfe" + po_around(entry("a", "@")).encode("utf-16-le").replace(b"@\0", b"\x3d\xd8"),
        AROUND,
        fault=("a.po:9:", "UTF-16"),
        before=1,
    ),
    "UTF-32": Case(po().encode("utf-32"), fault=("a.po", "UTF-32", "iconv")),
    "a byte order mark, CRLF, no line end at the end": Case(
        ("\ufeff" + po(entry(*LAST)).rstrip()).replace("\n", "\r\n"), (LAST,)
    ),
    "no header": Case(entry(*LAST), (LAST,)),
    "null bytes at the end": Case(po(entry(*LAST)) + "\0" * 10, (LAST,), fault=("a.po:8:",), before=1),
    "a line of 5 MB": Case(po_around(entry("a", "b" * LONG)), AROUND, fault=("a.po:9:", LINE_LIMIT, "CRLF"), before=1),
    "a comment of 5 MB": Case(po_around(entry("a", "b", "# " + "x" * LONG + "\n")), (FIRST, ("a", "b"), LAST)),
    "an entry of 62,000 lines": Case(
        po_around('msgid "a"\nmsgstr ""\n' + '"bcd"\n' * 62_000 + "\n"),
        AROUND,
        fault=("a.po:8:", "entry of at most"),
        before=1,
    ),
    "50,000 lines of flags": Case(po_around("#, x\n" * 50_000 + entry("a", "b")), (FIRST, ("a", "b"), LAST)),
    "a catalog of another language": Case(
        po(entry("a", "b"), fields="Language: de\\n"), fault=("a.po", "Language: de", "--langs"), before=0
    ),
    "an empty file": Case(""),
    "obsolete previous strings, comments without a space": Case(
        po('#~| msgid "x"\n#~ msgid "c"\n#~ msgstr "d"\n\n', entry("e", "f", '#comment\n#|msgid "old"\n')),
        (("e", "f"),),
        {"obsolete": 1},
    ),
}

SGM = {
    "unescaped ampersands, entities": Case(
        sgm("AT&T &amp; Co", "x &lt; &#233; &#xD800;"),
        (("AT&T & Co", "a"), ("x < é &#xD800;", "b")),
        target=sgm("a", "b"),
    ),
    "upper case, no quotes": Case("<DOC docid=d>\n<SEG id=1> a </SEG>\n</DOC>\n", (("a", "b"),), target=sgm("b")),
    "a sentence that the reference lacks": Case(sgm("a", "b"), (("a", "c"),), {"no fr text": 1}, target=sgm("c")),
    "other documents": Case(
        sgm("a", docid="x"), fault=("b.sgm:2:", "'x'", "belong together"), target=sgm("b", docid="y")
    ),
    "a sentence without an end": Case(
        '<doc docid="d">\n<seg id="1">a\n<seg id="2">b</seg>\n</doc>',
        (("b", "d"),),
        {"no en text": 1},
        fault=("a.sgm:2:", "another <seg> on line 3", "closing tag"),
        target=sgm("c", "d"),
    ),
    "cut short": Case(
        sgm("a", "b")[:-32],
        (("a", "c"),),
        {"no en text": 1},
        fault=("a.sgm:", "cut short"),
        before=1,
        target=sgm("c", "d"),
    ),
    "a byte that is not UTF-8": Case(
        sgm("a", "\xe9", "c").encode("latin-1"),
        (("a", "a"), ("c", "c")),
        {"no en text": 1},
        fault=("a.sgm:4:", "0xE9", "--encoding cp1252"),
        before=1,
        target=sgm("a", "b", "c"),
    ),
    "several references": Case(
        sgm("a"),
        (("a", "b"),),
        {"another reference": 1},
        target='<doc sysid="A" docid="d"><seg id="1">b</seg></doc>\n<doc sysid="B" docid="d"><seg id="1">c</seg></doc>',
    ),
    "a sentence of 110,000 lines": Case(
        '<doc docid="d">\n<seg id="1">' + "123456789\n" * 110_000 + '</seg>\n<seg id="2">b</seg>\n</doc>',
        (("b", "d"),),
        {"no en text": 1},
        fault=("a.sgm:2:", "1 MiB"),
        target=sgm("c", "d"),
    ),
    "a line of 5 MB": Case(
        f'<doc docid="d">\n<seg id="1">{"a" * LONG}</seg>\n<seg id="2">b</seg>\n</doc>',
        (("b", "d"),),
        {"no en text": 1},
        fault=("a.sgm:2:", LINE_LIMIT),
        num_faults=4,
        target=sgm("c", "d"),
    ),
}

TABLE = {"plain": PLAIN, "moses": MOSES, "tsv": TSV, "csv": CSV, "jsonl": JSONL, "po": PO, "sgm": SGM}
"""The cases by format."""
