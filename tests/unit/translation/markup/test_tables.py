"""Columns of tables and fields of JSON lines: which are translated, where the result goes, what is refused."""

from __future__ import annotations

import csv
import io
import json

import pytest
from translators import capitals, translations, unchanged

from regard.errors import DataError
from regard.translation.markup.file_options import FileOptions
from regard.translation.markup.files import open_file

LANGS = FileOptions("en", "fr")


def filled(name: str, text: str, options: FileOptions = LANGS, translate: object = capitals) -> str:
    file = open_file(name, text.encode(), options)
    return file.render(translations(file, translate)).decode()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("id,text\n1,Hi\n", LANGS, "id,text,translation\n1,Hi,HI\n"),
        ("id,text\r\n1,Hi\r\n2,\r\n", LANGS, "id,text,translation\r\n1,Hi,HI\r\n2,,\r\n"),
        ("en,note\nHi,x", LANGS, "en,note,fr\nHi,x,HI"),
        ("EN_us,fr-FR\nHi,\nBye,Salut\n", LANGS, "EN_us,fr-FR\nHi,HI\nBye,Salut\n"),
        ("source,target\nHi,\n", LANGS, "source,target\nHi,HI\n"),
        ("Text;n\nHi, you;1\n", LANGS, "Text;n;translation\nHi, you;1;HI, YOU\n"),
        ('a,b\n"Hi, you","say ""x"""\n', FileOptions(column="a"), 'a,b,translation\n"Hi, you","say ""x""","HI, YOU"\n'),
        ("a,b\nHi,1\n", FileOptions(column="a", result_column="b"), "a,b\nHi,1\n"),
        ("a,b\nHi,\n", FileOptions(column="a", result_column="b"), "a,b\nHi,HI\n"),
        ("a,b\nHi,x\n", FileOptions(column="b", result_column="b"), "a,b\nHi,X\n"),
        ("a,b\nHi,x\n", FileOptions(column="b", result_column="c, d"), 'a,b,"c, d"\nHi,x,X\n'),
        ("a,b\nHi,x\n", FileOptions(column="2"), "a,b,B\nHi,x,X\n"),
        ("a,b\nHi,x\n", FileOptions(column="1", result_column="2"), "a,b\nHi,x\n"),
        ("a,b\nHi,x\n", FileOptions(column="1", result_column="1"), "A,b\nHI,x\n"),
        ("a,b\nHi,x\n", FileOptions(column="1", result_column="t"), "a,b,t\nHi,x,HI\n"),
        ("1,2\nHi,x\n", FileOptions(column="2"), "1,2,2\nHi,x,X\n"),
        ("a,b\nHi,x\n", FileOptions(column="b", result_column="3"), "a,b,translation\nHi,x,X\n"),
        ('text\n"Hi\nyou"\n\nBye\n', LANGS, 'text,translation\n"Hi\nyou","HI\nYOU"\n\nBye,BYE\n'),
        ('\ufefftext\n5" disk\n', LANGS, '\ufefftext,translation\n5" disk,"5"" DISK"\n'),
        ("text\n<b>R&amp;D</b> is\n", LANGS, "text,translation\n<b>R&amp;D</b> is,<b>R&amp;D</b> IS\n"),
        ("text\n42\n", LANGS, "text,translation\n42,42\n"),
        ("", LANGS, ""),
    ],
)
def test_csv(text: str, options: FileOptions, expected: str) -> None:
    assert filled("a.csv", text, options) == expected
    rows = list(
        csv.reader(io.StringIO(expected.removeprefix("\ufeff")), delimiter=";" if expected.startswith("Text") else ",")
    )
    assert len({len(row) for row in rows if row}) <= 1


def test_tsv_has_no_quotation_marks() -> None:
    assert filled("a.tsv", 'text\tn\n"Hi\t1\n') == 'text\tn\ttranslation\n"Hi\t1\t"HI\n'
    assert filled("a.tsv", "Hi\t1\r\n", FileOptions(column="1")) == "Hi\t1\tHI\r\n"
    assert filled("a.tsv", "Hi\u2028you\t1\n", FileOptions(column="1")) == "Hi\u2028you\t1\tHI YOU\n"


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ('{"text": "Hi"}\n', LANGS, '{"text": "Hi", "translation": "HI"}\n'),
        ('{"id":1,"en":"Hi"}\n\n{}', LANGS, '{"id":1,"en":"Hi","fr":"HI"}\n\n{}'),
        ('{ "text" : "Hi" }', LANGS, '{ "text" : "Hi", "translation" : "HI" }'),
        ('{"text": "a\\u00e9b"}', LANGS, '{"text": "a\\u00e9b", "translation": "A\\u00c9B"}'),
        ('{"text": "a\u00e9 \\/x"}', LANGS, '{"text": "a\u00e9 \\/x", "translation": "A\u00c9 /X"}'),
        ('{"text": "\\ud800 x"}', LANGS, '{"text": "\\ud800 x", "translation": "\\ufffd X"}'),
        ('{"text": null}\n{"text": ""}\n{"a": 1}', LANGS, '{"text": null}\n{"text": ""}\n{"a": 1}'),
        ('{"text": "Hi", "translation": null, "z": 1}', LANGS, '{"text": "Hi", "translation": "HI", "z": 1}'),
        ('{"text": "Hi", "translation": "Salut"}', LANGS, '{"text": "Hi", "translation": "Salut"}'),
        (
            '{"a": [{"text": 1}], "b": "Hi"}',
            FileOptions(column="b", result_column="b"),
            '{"a": [{"text": 1}], "b": "HI"}',
        ),
        ('{"text": "x", "text": "Hi"}', LANGS, '{"text": "x", "text": "Hi", "translation": "HI"}'),
        ('{"translation": {"en": "Hi"}, "x": 1}', LANGS, '{"translation": {"en": "Hi", "fr": "HI"}, "x": 1}'),
        ('{"translation": {"en": "Hi", "fr": ""}}', LANGS, '{"translation": {"en": "Hi", "fr": "HI"}}'),
        ('{"m": {"q": "Hi"}}', FileOptions(column="m.q", result_column="m.r"), '{"m": {"q": "Hi", "r": "HI"}}'),
        ('{"m.q": "Hi"}', FileOptions(column="m.q"), '{"m.q": "Hi", "translation": "HI"}'),
        ("", LANGS, ""),
    ],
)
def test_json_lines(text: str, options: FileOptions, expected: str) -> None:
    output = filled("a.jsonl", text, options)
    assert output == expected
    for line in output.split("\n"):
        assert not line or isinstance(json.loads(line), dict)


def test_a_text_that_does_not_change_keeps_its_spelling() -> None:
    for name, text in (("a.jsonl", '{"text": "a\\u0020\\/ b"}'), ("a.csv", '"te""xt",b\n"x",1\n')):
        options = FileOptions(column="text" if name == "a.jsonl" else 'te"xt')
        in_place = FileOptions(column=options.column, result_column=options.column)
        assert filled(name, text, in_place, unchanged) == text


@pytest.mark.parametrize(
    ("name", "text", "options", "message"),
    [
        (
            "a.csv",
            "a,b\n1,2\n",
            LANGS,
            r"a\.csv:1: expected a column with a usual name, such as text, found a, b: name one",
        ),
        ("a.csv", "a,b\n1,2\n", FileOptions(column="c"), "expected the column 'c', found a, b"),
        ("a.tsv", "a\tb\n", FileOptions(column="3"), "expected column 3, found 2 columns: give a number from 1 to 2"),
        ("a.tsv", "a\tb\n", FileOptions(column="0"), "expected column 0"),
        ("a.tsv", "a\tb\n", FileOptions(column="1", result_column="4"), "expected a result column from 1 to 3, got 4"),
        ("a.csv", "text,b\nx\n", LANGS, r"a\.csv:2: expected at least 2 columns, found 1"),
        ("a.csv", 'text,b\n"x,1\nz\n', LANGS, r"a\.csv:2: expected a closing quotation mark"),
        ("a.csv", 'text,b\n"a\nb",1\n"x"y,1\n', LANGS, r"a\.csv:4: expected a closing quotation mark"),
        (
            "a.jsonl",
            "{}\n[1]\n",
            LANGS,
            r"a\.jsonl:2: expected one JSON object per line \(found a JSON value that is not an object in braces\)",
        ),
        (
            "a.jsonl",
            '{"text": "a"} x\n',
            LANGS,
            r"a\.jsonl:1: expected one JSON object per line \(found text after the object, which ends at column 13",
        ),
        ("a.jsonl", '{"text": "a"\n', LANGS, r"a\.jsonl:1: expected one JSON object per line \(Expecting"),
        ("a.jsonl", '{"text": ' + "[" * 100000 + "\n", LANGS, "a.jsonl:1: expected one JSON object per line"),
        (
            "a.jsonl",
            '{"text": "a"}\n{"text": 5}\n',
            LANGS,
            r"a\.jsonl:2: expected a string in the field 'text', found 5",
        ),
        ("a.jsonl", '{"a": "x"}\n', LANGS, "expected a field with a usual name, such as text, found a: name one"),
        ("a.jsonl", '{"a": "x"}\n', FileOptions(column="b"), "expected the field 'b', found a"),
    ],
)
def test_tables_that_are_refused(name: str, text: str, options: FileOptions, message: str) -> None:
    with pytest.raises(DataError, match=message):
        open_file(name, text.encode(), options)
