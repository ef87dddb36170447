"""Readers: what they read, and that each error names the file and line."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from packing import PACK

from regard.errors import DataError
from regard.files.compression import open_input
from regard.text.encodings import BrokenLine
from regard.text.readers import in_batches, raw_lines, read_lines, text_lines

Write = Callable[[str, bytes | str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(name: str, content: bytes | str) -> Path:
        path = tmp_path / name
        data = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return write_file


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
def test_lines(write: Write, name: str, content: str, lines: list[str]) -> None:
    assert list(read_lines(write(name, content))) == lines


def test_a_gzipped_file_may_have_any_name(write: Write, tmp_path: Path) -> None:
    path = write("x.gz", "a\nb\n").rename(tmp_path / "x.txt")
    assert list(read_lines(path)) == ["a", "b"]


def test_lines_are_yielded_one_by_one(write: Write) -> None:
    lines = read_lines(write("x", b"good\n\xff\n"))
    assert next(lines) == "good"
    with pytest.raises(DataError):
        next(lines)


def test_lines_before_an_error_are_yielded_before_it(write: Write) -> None:
    batches = in_batches(read_lines(write("x", b"1\n2\n3\n\xff\n")), 2)
    assert [next(batches), next(batches)] == [["1", "2"], ["3"]]
    with pytest.raises(DataError, match="x:4"):
        next(batches)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x", b"ok\nna\xefve\n", "x:2: expected UTF-8, found byte 0xef at position 3 of the line: .*iconv"),
        ("x.gz", b"ok\nok\n\xc3", "x.gz:3: expected UTF-8, found byte 0xc3 at position 1"),
        ("x", b"\xff\xfeo\0k\0", "x: expected UTF-8, found the byte order mark of UTF-16: .*iconv -f utf-16 "),
        ("x.gz", b"\0\0\xfe\xff\0\0\0o", "x.gz: expected UTF-8, found the byte order mark of UTF-32"),
        ("x", b"o\0", "x:1: expected text, found a NUL byte at position 2 of the line: .* if it is UTF-16, convert it"),
        ("x", "é\0", "x:1: expected text, found a NUL byte at position 3"),
        ("x", b"ok\n\xed\xa0\x80", "x:2: expected UTF-8"),  # a surrogate
    ],
)
def test_binary_data_is_refused(write: Write, name: str, content: bytes | str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        list(read_lines(write(name, content)))


@pytest.mark.parametrize("text", ["How was your day?\n", "Как дела?\nХорошо.\n", "Πώς;\n", "a\nfew\n", "\n\r\nok"])
@pytest.mark.parametrize("encoding", ["utf-16le", "utf-16be"])
@pytest.mark.parametrize("name", ["x.txt", "x.gz"])
def test_utf_16_without_a_byte_order_mark_is_detected(write: Write, name: str, encoding: str, text: str) -> None:
    with pytest.raises(DataError, match=f"{name}: .*UTF-16 without a byte order mark.* -f {encoding} -t utf-8"):
        list(read_lines(write(name, text.encode(encoding))))


@pytest.mark.parametrize("content", ["1\t2\t3\t4\n", "\x01\x02\x03\x04\n", "a\x01b\n", "Как дела\n", "  \n"])
def test_utf_8_is_not_taken_for_utf_16(write: Write, content: str) -> None:
    assert list(read_lines(write("x", content))) == [content.removesuffix("\n")]


@pytest.mark.parametrize("content", ["one\rtwo\r", "one\rtwo", "one\rtwo\rthree\n", "\r\rone"])
@pytest.mark.parametrize("name", ["x.txt", "x.gz"])
def test_lines_that_end_in_cr_alone_are_detected(write: Write, name: str, content: str) -> None:
    with pytest.raises(DataError, match=f"{name}: .*end in CR alone.* tr '.r' '.n'"):
        list(read_lines(write(name, content)))


@pytest.mark.parametrize("content", ["one\r", "one\r\n", "o\rne\ntwo\n", "o\rn\re\ntwo\n", "o\rne\n"])
def test_a_cr_within_a_line_is_text(write: Write, content: str) -> None:
    lines = [line.removesuffix("\r") for line in content.removesuffix("\n").split("\n")]
    assert list(read_lines(write("x", content))) == lines


ARCHIVES = {
    "zip": b"PK\3\4\x14\0\0\0\x08\0",
    "7z": b"7z\xbc\xaf\x27\x1c\0\4",
    "rar": b"Rar!\x1a\x07\x01\0",
    "tar": b"a.en".ljust(257, b"\0") + b"ustar\x0000",
    "Parquet": b"PAR1\x15\x04",
}
TWICE = {
    "xz": lzma.compress(b"text\n"),
    "bz2": bz2.compress(b"text\n"),
    "bz2 empty": bz2.compress(b""),
    "zst": b"\x28\xb5\x2f\xfd\x04\0",
}


@pytest.mark.parametrize(
    ("name", "kind"), [*(("x.txt", kind) for kind in ARCHIVES), *(("x.gz", kind) for kind in ARCHIVES | TWICE)]
)
def test_archive_types_are_named(write: Write, kind: str, name: str) -> None:
    with pytest.raises(DataError, match=f"{name}: expected .*text, found .*{kind.split()[0]} ?"):
        list(read_lines(write(name, (ARCHIVES | TWICE)[kind])))


@pytest.mark.parametrize("kind", PACK)
@pytest.mark.parametrize("name", ["x", "x.gz", "x.xz", "x.txt"])
def test_compressed_files_of_any_name_are_read(tmp_path: Path, kind: str, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(PACK[kind]("\ufeffé\n\nb".encode()))
    assert list(read_lines(path)) == ["é", "", "b"]
    path.write_bytes(PACK[kind](b""))
    assert list(read_lines(path)) == []


def test_a_git_lfs_pointer_is_named(write: Write) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'1f' * 32}\nsize 4096\n"
    with pytest.raises(DataError, match=r"x: expected text, found a Git LFS pointer.* `git lfs pull`"):
        list(read_lines(write("x", pointer)))


def test_text_that_begins_like_an_archive_is_text(write: Write) -> None:
    lines = ["PK is Peter Klein.", "BZh is no word.", "BZh9 neither", "version https://example.org", "7z is small."]
    for line in lines:
        assert list(read_lines(write("x", line))) == [line]


@pytest.mark.parametrize("keep", [1, 9, 60, -1, -9])
def test_a_truncated_gz_is_reported(write: Write, keep: int) -> None:
    path = write("x.gz", "".join(f"line {n * n}\n" for n in range(2000)))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=rf"{re.escape(str(path))}: broken .gz after line \d+ .*fetch it again"):
        list(read_lines(path))


@pytest.mark.parametrize("offset", [10, 14, -6])  # the first block's kind and tables, the checksum
def test_a_damaged_gz_is_reported(write: Write, offset: int) -> None:
    path = write("x.gz", "".join(f"line {n * n}\n" for n in range(2000)))
    data = bytearray(path.read_bytes())
    data[offset] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"x\.gz: broken \.gz after line [0-9]+ "):
        list(read_lines(path))


def test_plain_text_with_the_suffix_gz_is_reported(tmp_path: Path) -> None:
    (tmp_path / "x.gz").write_text("plain")
    with pytest.raises(DataError, match=r"x.gz: broken .gz after line 0 \(Not a gzipped file"):
        list(read_lines(tmp_path / "x.gz"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing", r"missing: no such file: check the name \(the current directory is /"),
        ("", "expected a text file, found a directory: give the path of a file"),
        ("file/below", "below: cannot be opened: Not a directory"),
    ],
)
def test_errors_of_opening_name_the_path(write: Write, tmp_path: Path, name: str, message: str) -> None:
    write("file", "a")
    with pytest.raises(DataError, match=message) as caught:
        list(read_lines(tmp_path / name))
    assert str(tmp_path / name) in str(caught.value)


def test_a_line_of_ten_megabytes(write: Write) -> None:
    long = "wörd " * 2_000_000
    path = write("x", long + "\nshort\n")
    assert [len(line) for line in read_lines(path)] == [len(long), 5]


def test_a_line_beyond_the_limit_is_refused(write: Write) -> None:
    path = write("x.gz", b"ok\n" + b"x" * 2_000_001 + b"\nok\n" + b"y" * 2_000_000)
    with open_input(path) as file:
        lines = raw_lines(file, "x.gz", max_bytes=2_000_000)
        assert next(lines) == b"ok\n"
        with pytest.raises(DataError, match=r"x\.gz:2: expected a line of at most 2,000,000 bytes, found a longer one"):
            next(lines)
    with open_input(path) as file:
        texts = text_lines(file, max_bytes=2_000_000)
        assert [isinstance(text, BrokenLine) or len(text) for text in texts] == [2, True, 2, 2_000_000]


def test_an_iterable_of_lines_is_taken_as_it_is() -> None:
    assert list(raw_lines([b"\xef\xbb\xbfa\n", b"\n", b"b"], "x")) == [b"a\n", b"\n", b"b"]
    with pytest.raises(DataError, match="x: expected text, found a PDF"):
        list(raw_lines([b"%PDF-1.7\n"], "x"))
    with pytest.raises(DataError, match="x: expected lines that end in LF or CRLF, found 2 lines that end in CR alone"):
        list(raw_lines([b"a\rb"], "x"))

    def failing() -> Iterator[bytes]:
        yield b"a\n"
        raise OSError(5, "Input/output error")

    with pytest.raises(DataError, match="x: reading failed after line 1: Input/output error: try again"):
        list(raw_lines(failing(), "x"))


def test_a_failing_device_is_reported() -> None:
    path = Path("/proc/self/mem")  # opens, and cannot be read from its start
    if not path.exists():
        pytest.skip("needs /proc")
    with pytest.raises(
        DataError, match="/proc/self/mem: the operating system failed to read the file after line 0: Input/output error"
    ):
        list(read_lines(path))
