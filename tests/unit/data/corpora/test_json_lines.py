"""JSON lines: flat and nested objects, fields by name and language, and lines that are something else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.data.corpora.json_lines import JsonLinesReader
from regard.data.corpora.unit import ReadOptions, Unit
from regard.errors import DataError

Write = Callable[[str, bytes | str], Path]
EN_FR = ReadOptions(langs=("en", "fr"))
FR_EN = ReadOptions(langs=("fr", "en"))


@pytest.mark.parametrize(
    ("line", "options"),
    [
        ('{"source": "a", "target": "b"}', ReadOptions()),
        ('{"tgt": "b", "id": 7, "src": "a"}', ReadOptions()),
        ('{"en": "a", "fr": "b"}', ReadOptions()),
        ('{"en": "a", "fr": "b", "de": "c"}', EN_FR),
        ('{"fr": "a", "en": "b"}', FR_EN),
        ('{"source": "a", "target": "b"}', EN_FR),
        ('{"id": 1, "translation": {"en": "a", "fr": "b"}}', EN_FR),
        ('{"translation": {"en": "a", "fr": "b"}}', ReadOptions()),
        ('{"translation": {"de": "c", "fr-FR": "b", "EN_us": "a"}}', EN_FR),
        ('{"x": "a", "y": {"z": "b", "0": {}}}', ReadOptions(columns=("x", "y.z"))),
        ('{"y.z": "a", "y": "b"}', ReadOptions(columns=("y.z", "y"))),
        ('{"original": "a", "translation": "b"}', ReadOptions()),
        ('\ufeff {"src": "\\u0061", "tgt": "b"} \r', ReadOptions()),
    ],
)
def test_objects(write: Write, line: str, options: ReadOptions) -> None:
    assert list(JsonLinesReader(write("a", line), options).units()) == [Unit("a", "b", 1)]


def test_what_is_left_out_is_counted(write: Write) -> None:
    lines = [
        '{"en": "a", "fr": "b"}',
        '{"en": "a"}',
        '{"fr": "a"}',
        '{"en": "a", "fr": null}',
        "",
        '{"en": "", "fr": ""}',
    ]
    reader = JsonLinesReader(write("a", "\n".join(lines)), EN_FR)
    assert list(reader.units()) == [Unit("a", "b", 1), Unit("", "", 6)]
    assert reader.report.left_out == {"no fr text": 2, "no en text": 1, "blank line": 1}
    assert reader.report.languages["en"] == 2


def test_a_field_that_is_missing_later_is_no_fault(write: Write) -> None:
    reader = JsonLinesReader(write("a", '{"source": "a", "target": "b"}\n{"source": "c"}\n'), ReadOptions())
    assert len(list(reader.units())) == 1
    assert reader.report.left_out == {"no target text": 1}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "expected one JSON object per line, found no valid JSON (Expecting property name"),
        ("not JSON", "expected one JSON object per line, found no valid JSON (Expecting value"),
        ('[{"en": "a"}]', "expected one JSON object per line, found [{"),
        ("7", "expected one JSON object per line, found 7: correct the line, or convert a file of one JSON list"),
        ('{"en": "a", "en": "b", "fr": "c"}', "the field 'en' occurs twice in one object: remove one of them"),
        ('{"en": 7, "fr": "c"}', "expected text in the field 'en', found 7: write a string"),
        ('{"en": ["a"], "fr": "c"}', "expected text in the field 'en', found [\"a\"]"),
        (
            '{"de": "a", "it": "c"}',
            "expected an object with the fields en and fr, found de, it: name the fields with --col",
        ),
        ("[" * 100_000, "found too deeply nested lists or objects"),
        ('{"en": "a", "fr": ' + "9" * 5000 + "}", "found no valid JSON (Exceeds the limit"),
        ('{"en": "a", "fr": "b"} {}', "found no valid JSON (Extra data"),
        ('{"en": "a\tb", "fr": "c"}', "found no valid JSON (Invalid control character"),
    ],
)
def test_lines_that_cannot_be_read(write: Write, line: str, message: str) -> None:
    path = write("a", f'{{"en": "1", "fr": "1"}}\n{line}\n{{"en": "3", "fr": "3"}}\n')
    units = JsonLinesReader(path, EN_FR).units()
    assert next(units).line == 1
    with pytest.raises(DataError) as caught:
        next(units)
    assert str(caught.value).startswith(f"{path}:2: ")
    assert message in str(caught.value)
    reader = JsonLinesReader(path, ReadOptions(langs=("en", "fr"), on_error="skip"))
    assert [unit.line for unit in reader.units()] == [1, 3]
    assert reader.report.faults == [str(caught.value)]


def test_two_fields_of_one_language(write: Write) -> None:
    with pytest.raises(DataError, match="a:1: expected one language that matches en, found en-GB, en-US"):
        list(JsonLinesReader(write("a", '{"en-GB": "a", "en-US": "b", "fr": "c"}'), EN_FR).units())


def test_surrogates_are_kept_for_normalization(write: Write) -> None:
    [unit] = JsonLinesReader(write("a", '{"en": "\\ud800", "fr": "\\ud83d\\ude00"}'), EN_FR).units()
    assert (unit.src, unit.tgt) == ("\ud800", "😀")


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["en", "fr", "translation", "x"]), inner)
    ),
)


@given(value=VALUES)
def test_any_value_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_text(json.dumps(value) + "\n", encoding="utf-8")
    for options in (ReadOptions(on_error="skip"), ReadOptions(langs=("en", "fr"), on_error="skip")):
        reader = JsonLinesReader(path, options)
        num_units = len(list(reader.units()))
        assert num_units + reader.report.num_faults + reader.report.left_out.total() == 1
