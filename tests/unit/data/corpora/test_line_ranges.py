"""Two text files in ranges of lines: the lines of the reader of whole files, or a refusal."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from regard.data.corpora.formats import open_corpus
from regard.data.corpora.line_ranges import PairedLines, UnreadableRangeError
from regard.data.corpora.unit import MAX_TEXT, ReadOptions

Write = Callable[[str, bytes | str], Path]
DEFAULTS = ReadOptions()


def read_all(src: Path, tgt: Path, size: int, *, format: str | None = None) -> list[tuple[str, str, int]]:
    """The lines of all ranges, in order."""
    lines = PairedLines.of(open_corpus(src, tgt, DEFAULTS, format=format))
    assert lines is not None
    assert lines.size() == src.stat().st_size + tgt.stat().st_size
    ranges = list(lines.ranges(size))
    assert all(part.num_lines == size for part in ranges[:-1])
    return [unit for part in ranges for unit in lines.read(part)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("block_size", [1, 5, 1 << 20])
@pytest.mark.parametrize("end", ["\n", "", "\n\n", "\r\n"])
def test_ranges_have_the_lines_of_the_files(
    write: Write, size: int, block_size: int, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regard.data.corpora.line_ranges._BLOCK_SIZE", block_size)
    src = write("a", "one\n\nthrée\r\n \nfi\u2028ve\n\ufeffsix" + end)
    tgt = write("b", "un\ndeux\n\n\U0001f600 quatre\ncinq\nsix" + end)
    expected = [tuple(unit) for unit in open_corpus(src, tgt, DEFAULTS).units()]
    assert read_all(src, tgt, size) == expected


def test_escapes_of_moses_are_undone(write: Write) -> None:
    src, tgt = write("a", "it &apos;s\ntwo @-@ fold\n"), write("b", "&lt;\n@-@\n")
    assert read_all(src, tgt, 1, format="moses") == [("it 's", "<", 1), ("two-fold", "-", 2)]


def test_empty_files_have_no_range(write: Write) -> None:
    assert read_all(write("a", ""), write("b", ""), 3) == []


@pytest.mark.parametrize(
    "bad",
    [b"na\xefve", b"a\0b", b"x" * (MAX_TEXT // 4 + 1), b"x" * (3 * MAX_TEXT)],
    ids=["byte", "NUL", "long", "longer"],
)
@pytest.mark.parametrize("side", [0, 1])
def test_a_range_that_cannot_be_read_is_refused(write: Write, bad: bytes, side: int) -> None:
    contents = [b"good\n" * 4000 + line + b"\nlast\n" for line in ((bad, b"good") if side == 0 else (b"good", bad))]
    lines = PairedLines.of(open_corpus(write("a", contents[0]), write("b", contents[1]), DEFAULTS))
    assert lines is not None
    first, second, third = lines.ranges(2000)
    assert len(list(lines.read(first))) == len(list(lines.read(second))) == 2000
    with pytest.raises(UnreadableRangeError):
        list(lines.read(third))


@pytest.mark.parametrize(("src", "tgt"), [("1\n2\n3\n", "1\n2\n"), ("1\n2\n", "1\n2\n3"), ("1\n", "")])
def test_unequal_numbers_of_lines_are_refused(write: Write, src: str, tgt: str) -> None:
    lines = PairedLines.of(open_corpus(write("a", src), write("b", tgt), DEFAULTS))
    assert lines is not None
    for size in (1, 2, 3):
        with pytest.raises(UnreadableRangeError):
            list(lines.ranges(size))


def test_a_file_that_became_shorter_is_refused(write: Write) -> None:
    src, tgt = write("a", "1\n2\n3\n"), write("b", "1\n2\n3\n")
    lines = PairedLines.of(open_corpus(src, tgt, DEFAULTS))
    assert lines is not None
    [part] = lines.ranges(5)
    write("a", "1\n2\n")
    write("b", "1\n2\n")
    with pytest.raises(UnreadableRangeError):
        list(lines.read(part))


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(b"one\ntwo\n"),
        "one\ntwo\n".encode("utf-16"),
        b"\xef\xbb\xbfone\ntwo\n",
        b"one\rtwo\r",
        b"%PDF-1.5 \n",
    ],
    ids=["gz", "utf-16", "mark", "old Mac", "PDF"],
)
def test_other_files_are_left_to_their_reader(write: Write, content: bytes) -> None:
    good, bad = write("a", "one\ntwo\n"), write("b", content)
    assert PairedLines.of(open_corpus(good, bad, DEFAULTS, format="plain")) is None
    assert PairedLines.of(open_corpus(bad, good, DEFAULTS, format="plain")) is None


def test_other_formats_and_encodings_are_left_to_their_reader(write: Write, tmp_path: Path) -> None:
    src, tgt = write("a", "one\n"), write("b", "un\n")
    assert PairedLines.of(open_corpus(write("c.tsv", "one\tun\n"))) is None
    assert PairedLines.of(open_corpus(src, tgt, ReadOptions(encoding="latin-1"))) is None
    reader = open_corpus(src, tgt, DEFAULTS)
    src.unlink()
    assert PairedLines.of(reader) is None
