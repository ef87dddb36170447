"""Compressed input: all formats, several members, broken files, pipes, and the tools that wrote it as judges."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packing import EMPTY_ZST_FRAME, PACK

from regard.errors import ConfigError, DataError
from regard.files.compression import InputFile, open_input, without_compression_suffix

TEXT = b"".join(b"line %d\n" % (number * number) for number in range(20_000))
PROGRAMS = {"gz": "gzip", "bz2": "bzip2", "xz": "xz", "zst": "zstd"}
kinds = pytest.mark.parametrize("kind", PACK)


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def read_slowly(path: Path, size: int = 1000) -> tuple[bytes, str]:
    """What is read before an error, and the error's message."""
    parts = []
    with open_input(path) as file:
        try:
            while part := file.read(size):
                parts.append(part)
        except DataError as error:
            return b"".join(parts), str(error)
    return b"".join(parts), ""


@kinds
@pytest.mark.parametrize("name", ["x", "x.txt", "x.gz", "x.zst"])
def test_the_first_bytes_decide_not_the_name(tmp_path: Path, kind: str, name: str) -> None:
    path = write(tmp_path / name, PACK[kind](TEXT))
    assert read_slowly(path) == (TEXT, "")
    with open_input(path) as file:
        assert file.compression is not None
        assert file.compression.suffix == kind
        assert str(file) == file.name == str(path)


@kinds
def test_several_members_are_one_text(tmp_path: Path, kind: str) -> None:
    members = [TEXT[:1], b"", TEXT[1:70_000], TEXT[70_000:], b""]
    assert read_slowly(write(tmp_path / "x", b"".join(map(PACK[kind], members)))) == (TEXT, "")


def test_skippable_frames_of_zstandard_are_skipped(tmp_path: Path) -> None:
    frame = EMPTY_ZST_FRAME
    data = frame + PACK["zst"](TEXT[:9]) + frame + frame + PACK["zst"](TEXT[9:]) + frame
    assert read_slowly(write(tmp_path / "x", data)) == (TEXT, "")


@kinds
@pytest.mark.parametrize("options", [[], ["-1"], ["-9"]])
def test_what_the_programs_write_is_read(tmp_path: Path, kind: str, options: list[str]) -> None:
    program = shutil.which(PROGRAMS[kind])
    if program is None:
        pytest.skip(f"needs {PROGRAMS[kind]}")
    data = subprocess.run([program, "-c", *options], input=TEXT, capture_output=True, check=True).stdout
    assert read_slowly(write(tmp_path / "x", data)) == (TEXT, "")
    back = subprocess.run([program, "-dc"], input=data + data, capture_output=True, check=True).stdout
    assert read_slowly(write(tmp_path / "x", data + data))[0] == back


@kinds
@pytest.mark.parametrize("keep", [1, 3, 8, 20, 0.5, 0.9, -9, -1])
def test_a_file_that_is_cut_short_gives_what_is_before(tmp_path: Path, kind: str, keep: float) -> None:
    data = PACK[kind](TEXT)
    path = write(tmp_path / f"x.{kind}", data[: int(keep * len(data)) if 0 < keep < 1 else int(keep)])
    before, message = read_slowly(path)
    assert TEXT.startswith(before)
    assert f"x.{kind}: broken .{kind} after {len(before):,} bytes of its content (the file is cut short)" in message
    assert "copy or fetch it again" in message
    if keep == 0.9 and kind != "bz2":
        assert before


@kinds
@pytest.mark.parametrize("garbage", [b"garbage", b"g", b"\n\0\0", b"PK\3\4", b"another"])
def test_a_whole_text_is_returned_before_the_error_about_what_follows(
    tmp_path: Path, kind: str, garbage: bytes
) -> None:
    path = write(tmp_path / "x", PACK[kind](TEXT) + garbage)
    for size in (1000, 10**9):
        before, message = read_slowly(path, size)
        assert before == TEXT
        assert f"x: broken .{kind} after {len(TEXT):,} bytes of its content (its text is complete, but" in message
        assert f"other data follows, which begins with {garbage[:4]!r}): unpack it with {PROGRAMS[kind]} -dc" in message


@kinds
def test_a_member_of_another_format_is_other_data(tmp_path: Path, kind: str) -> None:
    other = "xz" if kind == "gz" else "gz"
    before, message = read_slowly(write(tmp_path / "x", PACK[kind](TEXT) + PACK[other](TEXT)))
    assert before == TEXT
    assert "other data follows" in message


@pytest.mark.parametrize(("kind", "is_padding"), [("gz", True), ("xz", True), ("bz2", False), ("zst", False)])
def test_zeros_after_the_text_are_padding_where_the_format_says_so(tmp_path: Path, kind: str, is_padding: bool) -> None:
    before, message = read_slowly(write(tmp_path / "x", PACK[kind](TEXT) + bytes(200_000)))
    assert before == TEXT
    assert (message == "") == is_padding
    if is_padding:
        data = PACK[kind](TEXT) + bytes(200_000) + PACK[kind](b"more")
        assert read_slowly(write(tmp_path / "x", data)) == (TEXT + b"more", "")


@kinds
def test_damage_is_reported(tmp_path: Path, kind: str) -> None:
    data = bytearray(PACK[kind](TEXT))
    middle = len(data) // 2
    data[middle : middle + 40] = b"\xff" * 40
    before, message = read_slowly(write(tmp_path / "x", bytes(data)))
    assert f"broken .{kind} after {len(before):,} bytes of its content (" in message


@kinds
def test_plain_text_with_the_name_of_a_compressed_file(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path / f"x.{kind}", b"plain text")
    before, message = read_slowly(path)
    assert before == b""
    assert f"x.{kind}: broken .{kind} after 0 bytes of its content (Not a" in message
    assert "it begins with b'plai'" in message
    assert read_slowly(write(path, b"")) == (b"", "")


@given(
    st.lists(st.tuples(st.sampled_from(["read", "read1", "peek", "head"]), st.integers(0, 9))), st.sampled_from([*PACK])
)
@settings(max_examples=50)
def test_the_ways_of_reading_can_be_mixed(calls: list[tuple[str, int]], kind: str) -> None:
    for data in (TEXT[:50], PACK[kind](TEXT[:50])):
        file = InputFile(io.BufferedReader(io.BytesIO(data)), "x")
        rest = TEXT[:50]
        for way, size in calls:
            part = getattr(file, way)(size)
            assert rest.startswith(part)
            if way in ("read", "head"):
                assert len(part) == min(size, len(rest))
            if way.startswith("read"):
                assert way == "read" or part or not rest or not size
                rest = rest[len(part) :]
        assert file.read() == rest
        assert file.read() == file.read1() == file.peek() == file.head(3) == b""


def test_lines_of_the_io_module(tmp_path: Path) -> None:
    with open_input(write(tmp_path / "x", gzip.compress(TEXT))) as file:
        assert file.readable()
        assert list(file) == TEXT.splitlines(keepends=True)


def test_a_pipe_is_read_as_it_arrives() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as end:
        os.write(writing, b"one\n")
        file = InputFile(end, "pipe")
        assert (file.compression, file.peek(), file.read1()) == (None, b"one\n", b"one\n")
        assert file.fraction_read() is None
        packed = gzip.compress(TEXT[:9])
        os.write(writing, packed[:1])
        os.close(writing)
        assert file.read() == packed[:1]  # within a plain file, it is text


class Slow(io.RawIOBase):
    """A stream that gives one byte at a time."""

    def __init__(self, data: bytes) -> None:
        self.data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # what it is called with
        byte = self.data.read(1)
        buffer[: len(byte)] = byte
        return len(byte)


@kinds
def test_a_file_that_arrives_byte_by_byte(kind: str) -> None:
    data = PACK[kind](TEXT[:100])
    assert InputFile(io.BufferedReader(Slow(data)), "slow").read() == TEXT[:100]
    assert InputFile(Slow(data), "unbuffered").read() == TEXT[:100]
    assert InputFile(io.BufferedReader(Slow(data + data)), "slow").read() == TEXT[:100] * 2
    assert InputFile(io.BufferedReader(Slow(data[:3])), "slow").head(9) in (b"", data[:3])


def test_standard_input_is_not_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.BufferedReader(io.BytesIO(gzip.compress(b"text")))
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=stdin))
    with open_input(None) as file:
        assert (str(file), file.read()) == ("standard input", b"text")
    assert not stdin.closed
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(DataError, match="standard input is closed: give the path of a file"):
        open_input(None)


def test_an_open_input_is_returned_as_it_is(tmp_path: Path) -> None:
    with open_input(write(tmp_path / "x", b"text")) as file:
        assert open_input(file) is file


@kinds
def test_the_fraction_read(tmp_path: Path, kind: str) -> None:
    data = PACK[kind](os.urandom(400_000))
    with open_input(write(tmp_path / "x", data)) as file:
        fractions = [file.fraction_read() or 0.0]
        while file.read(100_000):
            fractions.append(file.fraction_read() or 0.0)
        assert fractions == sorted(fractions)
        assert fractions[0] < 0.5 < fractions[-1] == 1.0
    assert file.fraction_read() == 1.0


def test_zstandard_needs_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.version_info >= (3, 14):
        pytest.skip("is a part of Python")
    path = write(tmp_path / "x.zst", PACK["zst"](b"text"))
    monkeypatch.setattr("regard.files.packages.find_spec", lambda name: None)
    with open_input(path) as file, pytest.raises(ConfigError, match=r"read \.zst files, .* pip install 'regard\[data"):
        file.read()


@kinds
def test_a_huge_expansion_takes_little_memory(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path / "bomb", PACK[kind](bytes(16 << 20)))
    with open_input(path) as file:
        size = 0
        while block := file.peek():
            assert len(block) <= 1 << 16
            size += len(file.read1())
        assert size == 16 << 20


@kinds
def test_nothing_is_kept_back_at_the_end_of_a_block(tmp_path: Path, kind: str) -> None:
    for size in range(1 << 16, (1 << 16) + 600, 37):
        data = PACK[kind](bytes(size))
        before, _ = read_slowly(write(tmp_path / "x", data[:-8] if kind == "gz" else data), 10**9)
        assert len(before) == size


def test_reading_that_fails(tmp_path: Path) -> None:
    path = Path("/proc/self/mem")  # opens, and cannot be read from its start
    if not path.exists():
        pytest.skip("needs /proc")
    with (
        open_input(path) as file,
        pytest.raises(DataError, match="mem: the operating system failed to read the file after 0 bytes: Input/output"),
    ):
        file.read()


def test_a_name_with_a_null_byte() -> None:
    with pytest.raises(DataError, match=r"'a\\x00b': not a valid file name: embedded null byte: check the name"):
        open_input(Path("a\0b"))


def test_names() -> None:
    names = ["a.tmx.gz", "a.xz", "a.tar.BZ2", "a.b", "a", ".gz", "a.zst/b"]
    assert [without_compression_suffix(name) for name in names] == ["a.tmx", "a", "a.tar", "a.b", "a", ".gz", "a.zst/b"]
