"""Normalized pairs of a corpus: what is read, what is left out, and each error with file and line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from regard.data.corpora.pairs import read_pairs
from regard.data.corpora.unit import ReadOptions
from regard.errors import DataError
from regard.text.normalize import normalize
from regard.values import Pair

Write = Callable[[str, bytes | str], Path]


def test_pairs_of_two_files(write: Write) -> None:
    file = read_pairs(write("a", "un\u00a0 a\n\nb\nc\n"), write("b", "x\ny\n \t\ne\u0301\n"))
    assert file.pairs == [Pair("un a", "x", 1), Pair("c", "é", 4)]
    assert file.num_empty == 2


def test_pairs_of_a_tsv(write: Write) -> None:
    file = read_pairs(write("a.tsv", "a\tb\tnote\r\n\r\n\tb\nc\td\n"))
    assert file.pairs == [Pair("a", "b", 1), Pair("c", "d", 4)]
    assert (file.num_empty, file.num_wide_rows) == (2, 1)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["1\tun\tone", "2\tdeux\ttwo"], "the first column has no letters in 2 of 2 lines"),
        (["id\ten\tfr", *(f"{n / 7}\ta{n}\tb{n}" for n in range(9))], "the first column has no letters in 9 of 10"),
        ([f"a{n}\t0.9{n}\tb{n}" for n in range(3)], "the second column has no letters"),
        ([f"en\tfr\ta{n}\tb{n}" for n in range(10)], r"the first column has 'en' in all 10 lines: keep only the two"),
        (["7\thow many ?\tcombien ?"], "the first column has no letters"),
    ],
)
def test_a_tsv_whose_first_columns_are_not_text(write: Write, lines: list[str], message: str) -> None:
    with pytest.raises(DataError, match=f"/a: expected source TAB target in the first two columns, but {message}"):
        read_pairs(write("a", "\n".join(lines)))


@pytest.mark.parametrize(
    "lines",
    [
        ["1\tun", "2\tdeux"],  # how numbers are spelled
        ["1\tun\tx", "two\tdeux\tx", "three\ttrois\tx"],
        ["12\t12\t!", "?\t?\t?"],
        [f"yes\toui {n}\tby me" for n in range(9)],
        [f"Go {n}.\tVa {n} !\tby someone" for n in range(30)],
    ],
)
def test_tsvs_whose_first_columns_are_text(write: Write, lines: list[str]) -> None:
    assert len(read_pairs(write("a", "\n".join(lines))).pairs) == len(lines)


@pytest.mark.parametrize(
    ("src", "tgt", "message"),
    [
        ("a\nb\n", "c\n", r"/a has 2 lines but /.*/b has 1: line n of one file"),
        ("a\n", "c\n\n\nd", r"/a has 1 lines but /.*/b has 4"),
        ("", "c\n", r"/a has 0 lines but /.*/b has 1"),
        ("\n\n", "c\nd\n", r"/a and /.*/b: expected sentence pairs with text on both sides, found none in 2 lines"),
        ("", "", r"/a and /.*/b: expected sentence pairs with text on both sides, found none in 0 lines"),
        ("ok\tok\nno tab\n", None, "/a:2: expected source TAB target, found no tab"),
        ("", None, "/a: expected sentence pairs with text on both sides, found none in 0 lines"),
    ],
)
def test_pairs_that_cannot_be_read(write: Write, src: str, tgt: str | None, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_pairs(write("a", src), None if tgt is None else write("b", tgt))


def test_what_is_left_out_is_counted(write: Write) -> None:
    options = ReadOptions(langs=("en", "fr"), on_error="skip")
    lines = [{"en": "a", "fr": "b"}, {"en": "c"}, {"en": "d", "fr": " "}, {"en": 1, "fr": "x"}, {"en": "e", "fr": "f"}]
    file = read_pairs(write("a.jsonl", "\n".join(map(json.dumps, lines))), options=options)
    assert file.pairs == [Pair("a", "b", 1), Pair("e", "f", 5)]
    assert (file.num_empty, file.left_out, file.num_faults) == (1, {"no fr text": 1}, 1)
    assert list(file.rows) == [0, 2]
    assert "a.jsonl:4: expected text in the field 'en', found 1" in file.faults[0]


def test_why_no_pair_is_left(write: Write) -> None:
    options = ReadOptions(langs=("en", "fr"), on_error="skip")
    with pytest.raises(DataError, match=r"found none in 3 lines; 1 left out: no fr text; 1 left out: faulty \(first "):
        read_pairs(write("a.jsonl", '{"en": "a"}\n[]\n{"en": "a", "fr": ""}'), options=options)


def test_pairs_of_a_real_corpus_are_those_of_a_plain_loop(real_data: Path) -> None:
    src, tgt = (real_data / "mix-en-fr" / f"val.{language}" for language in ("en", "fr"))
    if not src.exists():
        pytest.skip(f"needs {src}")
    lines = zip(*(path.read_text(encoding="utf-8").split("\n")[:-1] for path in (src, tgt)), strict=True)
    expected = [Pair(normalize(left), normalize(right), number) for number, (left, right) in enumerate(lines, start=1)]
    assert read_pairs(src, tgt).pairs == [pair for pair in expected if pair.src and pair.tgt]
