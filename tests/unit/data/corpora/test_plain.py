"""Two text files, plain or of Moses: lines that cannot be read, unequal counts, broken files, encodings."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from regard.data.corpora.formats import open_corpus
from regard.data.corpora.moses import unescape
from regard.data.corpora.plain import PlainReader
from regard.data.corpora.unit import MAX_TEXT, ReadOptions, Unit
from regard.errors import ConfigError, DataError
from regard.text.encodings import wide_to_utf8

Write = Callable[[str, bytes | str], Path]
SKIP = ReadOptions(on_error="skip")
LONG = b"x" * MAX_TEXT


def units_before(reader: PlainReader) -> tuple[list[Unit], str]:
    """The units that are read before an error, and its message."""
    units = []
    try:
        for unit in reader.units():
            units.append(unit)
    except DataError as error:
        return units, str(error)
    return units, ""


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (b"na\xefve", "b:2: expected UTF-8, found byte 0xef at position 3 of the line: .*--encoding cp1252"),
        (b"a\0b", "b:2: expected text, found a NUL byte at position 2 of the line"),
        (LONG + b"x", "b:2: expected a line of at most 1,048,576 bytes, found a longer one: check that"),
        (LONG * 5 + b"\r" * 9, "b:2: expected a line of at most 1,048,576 bytes"),
    ],
)
@pytest.mark.parametrize("bad_side", [0, 1])
def test_lines_that_cannot_be_read(write: Write, bad: bytes, message: str, bad_side: int) -> None:
    good_path = write("a", "1\n2\n3\n4")
    bad_path = write("b", b"\n".join((b"1", bad, b"3", b"4")))
    paths = (bad_path, good_path) if bad_side == 0 else (good_path, bad_path)
    units, error = units_before(PlainReader(*paths, ReadOptions()))
    assert units == [Unit("1", "1", 1)]
    assert re.search(message, error)
    reader = PlainReader(*paths, SKIP)
    assert list(reader.units()) == [Unit("1", "1", 1), Unit("3", "3", 3), Unit("4", "4", 4)]
    assert reader.report.num_faults == 1
    assert re.search(message, reader.report.faults[0])


def test_lines_of_exactly_the_largest_size(write: Write) -> None:
    paths = write("a", LONG + b"\n" + LONG[2:] + b"\xc3\xa9\n" + LONG), write("b", "1\n2\n3")
    assert [len(unit.src.encode()) for unit in PlainReader(*paths, ReadOptions()).units()] == [MAX_TEXT] * 3


@pytest.mark.parametrize("before", [0, 1, 65_534, 65_535, 65_536, 70_000, 131_071])
def test_a_long_line_at_any_position_of_a_block(write: Write, before: int) -> None:
    lines = [b"a" * before, LONG + b"xy", b"b", LONG + b"x", b"", b"c"]
    reader = PlainReader(write("a", b"\n".join(lines)), write("b", "1\n2\n3\n4\n5\n6\n"), SKIP)
    assert [(len(unit.src), unit.line) for unit in reader.units()] == [(before, 1), (1, 3), (0, 5), (1, 6)]
    assert reader.report.num_faults == 2


def test_an_endless_line_ends_with_an_error() -> None:
    zero = Path("/dev/zero")
    if not zero.exists():
        pytest.skip("needs /dev/zero")
    assert units_before(PlainReader(zero, zero, ReadOptions()))[1].startswith("/dev/zero:1: expected a line of at most")


def test_both_lines_of_a_pair_are_one_fault(write: Write) -> None:
    reader = PlainReader(write("a", b"\xff\nok"), write("b", b"\xff\nok"), SKIP)
    assert list(reader.units()) == [Unit("ok", "ok", 2)]
    assert reader.report.num_faults == 1


def test_unequal_counts(write: Write) -> None:
    a, b = write("a", "1\n2\n3\n4\n"), write("b", "1\n2\n")
    units, error = units_before(PlainReader(a, b, ReadOptions()))
    assert len(units) == 2
    assert error.startswith(f"{a} has 4 lines but {b} has 2: line n of one file must translate line n of the other")
    reader = PlainReader(b, a, SKIP)
    assert len(list(reader.units())) == 2
    assert reader.report.faults[0].startswith(f"{b} has 2 lines but {a} has 4")


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz", "zst"])
def test_a_broken_file_gives_the_pairs_before(write: Write, kind: str) -> None:
    text = "".join(f"line {number * number}\n" for number in range(100_000))
    whole, cut = write("a", text), write(f"b.{kind}", text)
    cut.write_bytes(cut.read_bytes()[:-1000])
    units, error = units_before(PlainReader(whole, cut, ReadOptions()))
    assert len(units) > 5000
    assert f"b.{kind}: broken .{kind} after line {len(units)} (the file is cut short): copy or fetch it again" in error
    reader = PlainReader(cut, whole, SKIP)
    assert len(list(reader.units())) == len(units)
    assert reader.report.faults == [error]


@pytest.mark.parametrize(
    "encoding",
    ["cp1252", "latin-1", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "utf-8", "cp037"],
)
def test_encodings(write: Write, encoding: str) -> None:
    lines = ["été", "", "naïve \u00a0x", "a" * 100_000, "ÿþ", "b\rc"]
    for end in ("\n", "\r\n"):
        path = write("a", end.join(lines).encode(encoding))
        reader = PlainReader(path, path, ReadOptions(encoding=encoding))
        assert [unit.src for unit in reader.units()] == lines


@pytest.mark.parametrize("encoding", ["klingon", "hex", "utf-7", "idna", "a\0b"])
def test_encodings_that_no_file_has_are_refused(write: Write, encoding: str) -> None:
    path = write("a", b"a\n")
    with pytest.raises(ConfigError, match=r"expected the name of an encoding, such as utf-8, .* got "):
        list(PlainReader(path, path, ReadOptions(encoding=encoding)).units())


@pytest.mark.parametrize("encoding", ["shift_jis", "euc_jp", "iso2022_jp", "gb18030", "big5", "euc_kr", "johab"])
def test_encodings_of_east_asia(write: Write, encoding: str) -> None:
    lines = ["一二三", "", "十ー" if "j" in encoding and encoding != "johab" else "十人"] * 3
    path = write("a", "\n".join(lines).encode(encoding))
    assert [unit.src for unit in PlainReader(path, path, ReadOptions(encoding=encoding)).units()] == lines


def test_a_wrong_encoding(write: Write) -> None:
    path = write("a", b"ok\n\x81\x8d\nok\n")
    units, error = units_before(PlainReader(path, path, ReadOptions(encoding="cp1252")))
    assert len(units) == 1
    assert (
        "a:2: expected cp1252, found byte 0x81 at position 1 of the line: name the right encoding with --enc" in error
    )
    path = write("a", "one\ntwo\nthr".encode("utf-16-le") + b"\x00\xd8\n\0")
    units, error = units_before(PlainReader(path, path, ReadOptions(encoding="utf-16-le")))
    assert [unit.src for unit in units] == ["one", "two"]
    assert "a: expected text in the given encoding utf-16-le, found invalid bytes after line 2 (byte 0x00: " in error


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            "ok\n".encode("utf-16"),
            r"found the byte order mark of UTF-16: .*, or name the encoding, such as --encoding utf-16",
        ),
        ("ok, ok\n".encode("utf-16-le"), r"found UTF-16 without a byte order mark: .* --encoding utf-16"),
        (b"PK\3\4", r"found a \.zip archive: unpack it first"),
        (b"a\rb\rc", "found 3 lines that end in CR alone"),
    ],
)
def test_a_file_that_is_no_text_is_refused_in_any_case(write: Write, data: bytes, message: str) -> None:
    path = write("a", data)
    with pytest.raises(DataError, match=f"/a: expected .*{message}"):
        list(PlainReader(path, path, SKIP).units())


def test_the_fraction_read(write: Write) -> None:
    path = write("a", "a few words\n" * 50_000)
    reader = PlainReader(path, path, ReadOptions())
    assert reader.fraction_read() is None
    units = reader.units()
    fractions = [reader.fraction_read() for _, _ in zip(range(50_000), units, strict=False)]
    assert fractions == sorted(fractions)  # type: ignore[type-var]  # known while files are read
    assert 0 < (fractions[0] or 0) < 0.5
    assert fractions[-1] == 1


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("it &apos;s &quot; fine &quot;", 'it \'s " fine "'),
        ("&lt;b&gt; &#91; a &#93; &#124; b &amp; c", "<b> [ a ] | b & c"),
        ("&bra; &ket; &bar;", "[ ] |"),
        ("&amp;lt; &amp;amp;", "&lt; &amp;"),
        ("twenty @-@ one, @-@ @-@", "twenty-one,--"),
        ("&eacute; &nbsp; &#32; AT&T", "&eacute; &nbsp; &#32; AT&T"),
        ("plain", "plain"),
    ],
)
def test_escapes_of_moses(write: Write, line: str, expected: str) -> None:
    assert unescape(line) == expected
    path = write("a", f"x\n{line}\n")
    assert list(open_corpus(path, path, format="moses").units())[1] == Unit(expected, expected, 2)
    assert list(open_corpus(path, path).units())[1].src == line


def test_utf_16_without_the_mark_that_its_name_asks_for_is_refused(write: Write) -> None:
    path = write("a", b"one\ntwo\n")
    units, error = units_before(PlainReader(path, path, ReadOptions(encoding="utf-16")))
    assert units == []
    assert "a: expected utf-16 with a byte order mark at the start, found no mark" in error
    assert "--encoding utf-16-le" in error


@pytest.mark.parametrize("encoding", ["utf-16", "utf_16", "UTF-32"])
def test_text_without_the_mark_is_refused_before_invalid_bytes(write: Write, encoding: str) -> None:
    """Whether the mark is missing must not depend on how many bytes a pipe delivers at once."""
    path = write("a", "one\n".encode(f"{encoding}-le") + b"\x00\xd8\x01\x00")
    units, error = units_before(PlainReader(path, path, ReadOptions(encoding=encoding)))
    assert units == []
    assert f"expected {encoding} with a byte order mark at the start, found no mark" in error


def test_a_short_block_before_the_mark_is_complete() -> None:
    data = "é\n".encode("utf-32")
    blocks = iter([data[:1], data[1:3], data[3:]])
    assert b"".join(wide_to_utf8(blocks, "utf-32", "x")) == "é\n".encode()
    assert b"".join(wide_to_utf8(iter([b""]), "utf-16", "x")) == b""
