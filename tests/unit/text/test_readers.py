"""Readers: what they read, and that each complaint names its place."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from regard.errors import DataError
from regard.text.readers import read_lines, read_pairs, windows
from regard.values import Pair


@pytest.fixture
def write(tmp_path: Path):
    def write_one(name: str, content: bytes | str) -> Path:
        path = tmp_path / name
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write_one


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ("a\nb\n", ["a", "b"]),
        ("a\r\nb", ["a", "b"]),
        ("\ufeffa\n\ufeffb", ["a", "\ufeffb"]),  # a mark at the very beginning only
        ("\n\n", ["", ""]),
        ("", []),
        ("a\u2028b\x0cc\x1dd\ne", ["a\u2028b\x0cc\x1dd", "e"]),  # only line feeds end lines
    ],
)
@pytest.mark.parametrize("name", ["x.txt", "x.gz"])
def test_lines(write, name: str, content: str, lines: list[str]) -> None:
    assert list(read_lines(write(name, content))) == lines


def test_a_packed_file_may_have_any_name(write, tmp_path: Path) -> None:
    path = write("x.gz", "a\nb\n").rename(tmp_path / "x.txt")
    assert list(read_lines(path)) == ["a", "b"]


def test_lines_come_one_by_one(write) -> None:
    lines = read_lines(write("x", b"good\n\xff\n"))
    assert next(lines) == "good"
    with pytest.raises(DataError):
        next(lines)


def test_what_came_before_a_failure_comes_before_it_in_windows(write) -> None:
    pieces = windows(read_lines(write("x", b"1\n2\n3\n\xff\n")), 2)
    assert [next(pieces), next(pieces)] == [["1", "2"], ["3"]]
    with pytest.raises(DataError, match="x:4"):
        next(pieces)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x", b"ok\nna\xefve\n", "x:2: expected UTF-8, found byte 0xef at position 3 of the line: .*iconv"),
        ("x.gz", b"ok\nok\n\xc3", "x.gz:3: expected UTF-8, found byte 0xc3 at position 1"),
        ("x", b"\xff\xfeo\0k\0", "x:1: expected UTF-8, found byte 0xff at position 1"),
        ("x", b"o\0k\0", "x:1: expected text, found a NUL byte at position 2 of the line: is it UTF-16"),
        ("x", "é\0", "x:1: expected text, found a NUL byte at position 3"),
        ("x", b"ok\n\xed\xa0\x80", "x:2: expected UTF-8"),  # a surrogate
    ],
)
def test_what_is_no_text_is_refused(write, name: str, content: bytes | str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        list(read_lines(write(name, content)))


@pytest.mark.parametrize("keep", [1, 9, 60, -1, -9])
def test_a_truncated_gz_is_named(write, keep: int) -> None:
    path = write("x.gz", "".join(f"line {n * n}\n" for n in range(2000)))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=rf"{re.escape(str(path))}: broken .gz after line \d+ .*fetch it again"):
        list(read_lines(path))


@pytest.mark.parametrize("place", [10, 14, -6])  # the first block's kind and tables, the checksum
def test_a_damaged_gz_is_named(write, place: int) -> None:
    path = write("x.gz", "".join(f"line {n * n}\n" for n in range(2000)))
    data = bytearray(path.read_bytes())
    data[place] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"x\.gz: broken \.gz after line [0-9]+ "):
        list(read_lines(path))


def test_plain_text_called_gz_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.gz").write_text("plain")
    with pytest.raises(DataError, match=r"x.gz: broken .gz after line 0 \(Not a gzipped file"):
        list(read_lines(tmp_path / "x.gz"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing", r"missing: no such file: check the name \(the present directory is /"),
        ("", "expected a text file, found a directory: name a file in it"),
        ("file/below", "below: cannot be opened: Not a directory"),
    ],
)
def test_what_cannot_be_opened_is_named(write, tmp_path: Path, name: str, message: str) -> None:
    write("file", "a")
    with pytest.raises(DataError, match=message) as caught:
        list(read_lines(tmp_path / name))
    assert str(tmp_path / name) in str(caught.value)


def test_a_line_of_ten_megabytes(write) -> None:
    long = "wörd " * 2_000_000
    path = write("x", long + "\nshort\n")
    assert [len(line) for line in read_lines(path)] == [len(long), 5]


def test_pairs_of_two_files(write) -> None:
    found = read_pairs(write("a", "un\u00a0 a\n\nb\nc\n"), write("b", "x\ny\n \t\ne\u0301\n"))
    assert found.pairs == [Pair("un a", "x", 1), Pair("c", "é", 4)]
    assert found.num_empty == 2


def test_pairs_of_a_table(write) -> None:
    found = read_pairs(write("a.tsv", "a\tb\tnote\r\n\r\n\tb\nc\td\n"))
    assert found.pairs == [Pair("a", "b", 1), Pair("c", "d", 4)]
    assert (found.num_empty, found.num_wide) == (2, 1)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["1\tun\tone", "2\tdeux\ttwo"], "the first column holds numbers and signs without letters in 2 of 2 lines"),
        (["id\ten\tfr", *(f"{n / 7}\ta{n}\tb{n}" for n in range(9))], "the first column holds numbers .* in 9 of 10"),
        ([f"a{n}\t0.9{n}\tb{n}" for n in range(3)], "the second column holds numbers"),
        ([f"en\tfr\ta{n}\tb{n}" for n in range(10)], r"the first column holds 'en' in all 10 lines: keep the two"),
        (["7\thow many ?\tcombien ?"], "the first column holds numbers"),
    ],
)
def test_a_table_whose_first_columns_are_not_the_text(write, lines: list[str], message: str) -> None:
    with pytest.raises(DataError, match=f"/a: expected source TAB target in the first two columns, but {message}"):
        read_pairs(write("a", "\n".join(lines)))


@pytest.mark.parametrize(
    "lines",
    [
        ["1\tun", "2\tdeux"],  # how numbers are spelt
        ["1\tun\tx", "two\tdeux\tx", "three\ttrois\tx"],
        ["12\t12\t!", "?\t?\t?"],
        [f"yes\toui {n}\tby me" for n in range(9)],
        [f"Go {n}.\tVa {n} !\tby somebody" for n in range(30)],
    ],
)
def test_tables_that_are_text(write, lines: list[str]) -> None:
    assert len(read_pairs(write("a", "\n".join(lines))).pairs) == len(lines)


@pytest.mark.parametrize(
    ("src", "tgt", "message"),
    [
        ("a\nb\n", "c\n", r"/a has 2 lines but /.*/b has 1: line n of the one"),
        ("a\n", "c\n\n\nd", r"/a has 1 lines but /.*/b has 4"),
        ("", "c\n", r"/a has 0 lines but /.*/b has 1"),
        ("\n\n", "c\nd\n", r"/a and /.*/b: no sentence pair with text on both sides in 2 lines"),
        ("", "", r"/a and /.*/b: no sentence pair with text on both sides in 0 lines"),
        ("ok\tok\nno tab\n", None, "/a:2: expected source TAB target, found no tab"),
        ("", None, "/a: no sentence pair with text on both sides in 0 lines"),
    ],
)
def test_pairs_that_are_none(write, src: str, tgt: str | None, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_pairs(write("a", src), None if tgt is None else write("b", tgt))


def test_a_device_that_fails_is_named() -> None:
    path = Path("/proc/self/mem")  # opens, and cannot be read from its start
    if not path.exists():
        pytest.skip("needs /proc")
    with pytest.raises(DataError, match="/proc/self/mem: reading failed after line 0: Input/output error"):
        list(read_lines(path))
