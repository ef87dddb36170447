"""Gettext catalogs: entries, faults with their lines, encodings, and replacement of single strings."""

from __future__ import annotations

import io

import polib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.data.corpora.po import parse_po
from regard.data.corpora.po_parser import PoParser
from regard.data.corpora.po_syntax import classify, escape, format_string, parse_strings
from regard.errors import DataError

HEADER = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n"Language: fr\\n"\n\n'
CATALOG = (
    "# A comment\n"
    + HEADER
    + """#: a.c:3
#, c-format
#| msgid "Old"
msgid "Hello"
msgstr "Bonjour"

msgctxt "menu"
msgid "%d file"
msgid_plural "%d files"
msgstr[0] "%d fichier"
msgstr[1] ""
"%d "
"fichiers"

#, c-format, fuzzy
msgid "Maybe"
msgstr "Peut-être"

#~ msgid "Gone"
#~ msgstr ""
#~ "Parti"
"""
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=300)


def sources(data: bytes, encoding: str | None = None) -> list[str]:
    return [entry.msgid.text for entry in parse_po(data, "x.po", encoding=encoding).entries]


def faults_and_sources(text: str | bytes) -> tuple[list[str], list[str]]:
    faults: list[str] = []
    data = text.encode() if isinstance(text, str) else text
    parser = PoParser(io.BytesIO(data), "x.po", fault=faults.append)
    entries = [entry.msgid.text for entry in parser.entries() if not entry.is_header]
    return faults, entries


def test_entries_have_strings_flags_and_places() -> None:
    data = CATALOG.encode()
    header, hello, files, maybe, gone = parse_po(data, "x.po").entries
    assert header.is_header and not hello.is_header
    assert (hello.msgid.text, hello.msgstr[0].text, hello.flags) == ("Hello", "Bonjour", ("c-format",))
    assert files.msgctxt is not None and files.msgctxt.text == "menu"
    assert files.msgid_plural is not None and files.msgid_plural.text == "%d files"
    assert {form: string.text for form, string in files.msgstr.items()} == {0: "%d fichier", 1: "%d fichiers"}
    assert maybe.is_fuzzy and not hello.is_fuzzy
    assert gone.obsolete and (gone.msgid.text, gone.msgstr[0].text) == ("Gone", "Parti")
    string = files.msgstr[1]
    assert data[string.start : string.end] == b'msgstr[1] ""\n"%d "\n"fichiers"'
    assert data[: string.start].count(b"\n") + 1 == string.line
    assert data[hello.start : hello.end].startswith(b"#: a.c") and data[hello.start : hello.end].endswith(b'"Bonjour"')


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_strings_are_replaced_and_all_else_stays(encoding: str, newline: str) -> None:
    data = CATALOG.replace("\n", newline).encode(encoding)
    catalog = parse_po(data, "x.po")
    assert catalog.replace([]) == data
    _, hello, files, _, gone = catalog.entries
    new = catalog.replace([(hello.msgstr[0], "Salut"), (gone.msgstr[0], "Un\ndeux")], fuzzy=[hello, files])
    expected = (
        CATALOG.replace('"Bonjour"', '"Salut"')
        .replace("#, c-format\n#|", "#, c-format, fuzzy\n#|")
        .replace("msgctxt", "#, fuzzy\nmsgctxt")
        .replace('#~ "Parti"', '#~ "Un\\n"\n#~ "deux"')
    )
    assert new.decode(encoding) == expected.replace("\n", newline)


def test_a_flag_goes_before_the_previous_source_and_is_not_repeated() -> None:
    data = b'#| msgid "Old"\nmsgid "New"\nmsgstr "Neu"\n'
    catalog = parse_po(data, "x.po")
    fuzzy = catalog.replace([], fuzzy=catalog.entries)
    assert fuzzy == b"#, fuzzy\n" + data
    again = parse_po(fuzzy, "x.po")
    assert again.replace([], fuzzy=again.entries) == fuzzy


def test_a_text_that_the_encoding_lacks_is_refused() -> None:
    catalog = parse_po((HEADER.replace("UTF-8", "ISO-8859-1") + 'msgid "a"\nmsgstr ""\n').encode(), "x.po")
    with pytest.raises(DataError, match=r"x\.po:7: expected a translation in ISO-8859-1.*'日'.*msgconv"):
        catalog.replace([(catalog.entries[1].msgstr[0], "日")])


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("iso-8859-1", "déjà"),
        ("cp1251", "да"),
        ("shift_jis", "表示ソ"),
        ("gb18030", "中文𠀀"),
        ("euc-kr", "한국"),
        ("big5", "功能"),
    ],
)
def test_the_header_names_the_encoding(encoding: str, text: str) -> None:
    """In Shift_JIS and Big5, the second byte of some characters is that of a backslash."""
    data = (HEADER.replace("UTF-8", encoding) + f'msgid "a"\nmsgstr "{text}"\n').encode(encoding)
    catalog = parse_po(data, "x.po")
    assert catalog.entries[1].msgstr[0].text == text
    assert catalog.replace([(catalog.entries[1].msgstr[0], text)]) == data


def test_a_template_without_charset_is_utf_8_and_an_option_overrides_the_header() -> None:
    template = HEADER.replace("UTF-8", "CHARSET") + 'msgid "é"\nmsgstr ""\n'
    assert sources(template.encode()) == ["", "é"]
    assert sources(b'msgid "\xe9"\nmsgstr ""\n', encoding="latin-1") == ["é"]
    assert sources((HEADER + 'msgid "é"\nmsgstr ""\n').encode("latin-1"), encoding="latin-1") == ["", "é"]


def test_a_wrong_charset_costs_only_the_entries_that_do_not_fit() -> None:
    data = (HEADER + 'msgid "a"\nmsgstr "é"\n\nmsgid "b"\nmsgstr "c"\n').encode("latin-1")
    faults, entries = faults_and_sources(data)
    assert entries == ["b"]
    assert faults == [
        "x.po:7: expected UTF-8 as the header says, found byte 0xe9: name the true encoding, such as --encoding latin-1"
    ]


def test_an_unknown_charset_is_a_fault_of_the_header() -> None:
    faults, entries = faults_and_sources(HEADER.replace("UTF-8", "klingon") + 'msgid "a"\nmsgstr "b"\n')
    assert entries == ["a"]
    assert len(faults) == 1 and "x.po:1: expected the name of an encoding" in faults[0] and "klingon" in faults[0]


GOOD = 'msgid "before"\nmsgstr "x"\n\n'
AFTER = '\nmsgid "after"\nmsgstr "y"\n'


@pytest.mark.parametrize(
    ("entry", "line", "message"),
    [
        ('msgid "a\nmsgstr "b"\n', 4, "a string without a closing quotation mark"),
        ('msgid "a"\nmsgstr "b\n', 5, "a string without a closing quotation mark"),
        ('msgid "a\nb"\nmsgstr "b"\n', 4, "a string without a closing quotation mark"),
        ('msgid "a\\"\nmsgstr "b"\n', 4, "a string without a closing quotation mark"),
        ('msgid "say "hi""\nmsgstr "b"\n', 4, "'hi\"\"' after the closing quotation mark of a string"),
        ('msgid "a"\nmsgstr b\n', 5, "found 'msgstr b'"),
        ('msgid "a"\nnonsense\nmsgstr "b"\n', 5, "found 'nonsense'"),
        ('msgid "a"\nmsgtr "b"\n', 5, "found 'msgtr \"b\"'"),
        ('#msgid "a"\nmsgstr "b"\n', 5, "found no msgid"),
        ('msgid "a"\n', 4, "expected msgstr after msgid"),
        ('msgid "a"\nmsgid "c"\nmsgstr "b"\n', 4, "expected msgstr after msgid"),
        ('msgid "a"\nmsgstr "b"\nmsgstr "c"\n', 6, "expected one msgstr in an entry, found two"),
        ('msgid "a"\nmsgid_plural "b"\nmsgstr "c"\n', 6, r"expected msgstr\[0\]"),
        ('msgid "a"\nmsgstr[0] "c"\n', 5, "expected msgid_plural before"),
        ("\0\0\0\n", 4, "expected msgid, msgstr or a string"),
        (f'msgid "{"a" * 700000}"\nmsgstr "x"\n"{"b" * 600000}"\n"{"b" * 600000}"\n', 5, "at most 1,048,576 bytes"),
    ],
)  # fmt: skip
def test_a_faulty_entry_is_named_and_its_neighbors_are_kept(entry: str, line: int, message: str) -> None:
    faults, entries = faults_and_sources(GOOD + entry + AFTER)
    kept = ["before", "c", "after"] if 'msgid "c"' in entry else ["before", "after"]
    assert entries == kept
    assert len(faults) == 1
    with pytest.raises(DataError, match=f"^x.po:{line}: .*{message}"):
        parse_po((GOOD + entry + AFTER).encode(), "x.po")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("\n\n# only comments\n", []),
        ('msgid "a"\nmsgstr "b"', ["a"]),  # no final line end
        ('  msgid\t"a" "b"\n\t"c"\n\n msgstr""\n', ["abc"]),
        ('msgid "a"\n\nmsgstr "b"\n', ["a"]),
        ('msgid "a"\n# between\nmsgstr "b"\n', ["a"]),
        ('#~ msgid "a"\n#~ msgstr "b"\n#~| msgid "old"\n#~ msgid "c"\n#~ msgstr "d"\n', ["a", "c"]),
        ('#~msgid "a"\n#~msgstr "b"\n', ["a"]),
        ('#\n#.x\n#:y\n#,fuzzy\nmsgid "a"\nmsgstr "b"\n', ["a"]),
        ('msgid "a"\nmsgstr "b"\nmsgid "c"\nmsgstr "d"\n', ["a", "c"]),
    ],
)
def test_unusual_layouts_are_read(text: str, expected: list[str]) -> None:
    assert sources(text.encode()) == expected


def test_a_string_without_keyword_is_a_fault() -> None:
    faults, entries = faults_and_sources('"a"\nmsgstr "b"\n' + AFTER)
    assert entries == ["after"]
    assert faults == ["x.po:1: expected msgid or msgstr before a string, found none: add the keyword"]


def test_a_line_without_end_is_refused_with_its_number() -> None:
    with pytest.raises(DataError, match=r"x.po:2: expected lines of at most 1,048,576 bytes"):
        parse_po(b"\n" + b'msgid "' + b"a" * (1 << 21), "x.po")
    with pytest.raises(DataError, match="UTF-32"):
        parse_po(CATALOG.encode("utf-32"), "x.po")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_bytes_of_a_line_feed_across_two_characters_end_no_line(encoding: str) -> None:
    text = "\u0a41\u0100 \u0100\u0a00"
    assert sources(f'msgid "{text}"\nmsgstr ""\n'.encode(encoding)) == [text]


def test_broken_utf_16_is_a_fault_of_its_entry() -> None:
    data = (GOOD + 'msgid "a"\nmsgstr "b"\n' + AFTER).encode("utf-16-le").replace(b'b\0"\0', b'\0\xd8"\0')
    assert data[-2:] == b"\n\0"
    faults, entries = faults_and_sources(data)
    assert entries == ["before", "after"] and len(faults) == 1
    assert faults_and_sources((GOOD + AFTER.strip()).encode("utf-16-le")[:-1])[1] == ["before"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (r'"a\n\t\"\\"', 'a\n\t"\\'),
        (r'"\\n"', "\\n"),
        (r'"\\\n"', "\\\n"),
        (r'"\303\251\xc3\xa9"', "éé"),
        (r'"\\303"', "\\303"),
        (r'"\134n"', "\\n"),
        (r'"\q"', r"\q"),
        ('"a" "b"  ', "ab"),
        ('""', ""),
    ],
)
def test_escapes_are_resolved_once(content: str, expected: str) -> None:
    assert parse_strings(content, "utf-8") == expected


@given(TEXTS)
def test_a_formatted_string_is_read_as_it_was(text: str) -> None:
    for width in (0, 20, 79):
        formatted = f'{format_string("msgid", text, width=width)}\nmsgstr ""\n'
        assert sources(formatted.encode()) == [text]
        assert polib.unescape(escape(text)) == text.replace("\a", r"\a")


def test_long_texts_are_wrapped_as_gettext_does() -> None:
    text = "One two three four. " * 6
    lines = format_string("msgid", text).split("\n")
    assert lines[0] == 'msgid ""'
    assert all(len(line) <= 79 and line.endswith(' "') for line in lines[1:])
    assert format_string("msgid", "Hello\n") == r'msgid "Hello\n"'


@given(st.binary(max_size=200), st.booleans())
def test_no_bytes_crash_the_parser(data: bytes, with_header: bool) -> None:
    faults_and_sources((HEADER.encode() if with_header else b"") + data)


@pytest.mark.parametrize("part", ["msgid" + " " * 500_000, " " * 500_000 + "x", '"' + "\\a" * 250_000, "#~" * 250_000])
def test_hostile_lines_take_linear_time(part: str) -> None:
    line = classify(part.encode(), 1, 0, len(part))
    if line.kind == "string":
        with pytest.raises(ValueError, match="closing"):
            parse_strings(part, "utf-8")
