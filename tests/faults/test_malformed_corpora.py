"""No corpus file can do harm: it is read rightly, or refused with its place and a cure; the rest of it is kept."""

from __future__ import annotations

import bz2
import io
import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol, cast

import malformed_binary
import malformed_text
import malformed_xml
import pytest
from malformed_case import FIRST, LAST

from regard.data.corpora.formats import open_corpus
from regard.data.corpora.tmx import TmxReader
from regard.data.corpora.unit import ReadOptions
from regard.errors import DataError, RegardError
from regard.files.compression import InputFile

TABLE = {
    "tmx": malformed_xml.TMX,
    "xliff": malformed_xml.XLIFF,
    "wmt": malformed_xml.WMT,
    **malformed_text.TABLE,
    **malformed_binary.TABLE,
}
"""The cases by format."""
CASES = {f"{name}: {case}": (name, row) for name, cases in TABLE.items() for case, row in cases.items()}
OPTIONS = ReadOptions(langs=("en", "fr"))


class Done(Protocol):
    """Result of a command; see `conftest.py`."""

    status: int
    out: str
    err: str


class Outcome(NamedTuple):
    """What was read: pairs, messages, number of faults, and units left out; an error counts as -1 faults."""

    pairs: tuple[tuple[str, str], ...]
    messages: list[str]
    num_faults: int
    left_out: dict[str, int]


def read(sources: list[Path], options: ReadOptions, format: str | None = None) -> Outcome:
    """Reads a corpus."""
    pairs: list[tuple[str, str]] = []
    try:
        reader = open_corpus(sources[0], sources[1] if len(sources) == 2 else None, options, format)
        for unit in reader.units():
            pairs.append((unit.src, unit.tgt))
    except RegardError as error:
        return Outcome(tuple(pairs), [str(error)], -1, {})
    return Outcome(tuple(pairs), reader.report.faults, reader.report.num_faults, dict(reader.report.left_out))


def test_the_table_has_cases_of_every_format() -> None:
    assert len(CASES) >= 250
    assert min(map(len, TABLE.values())) >= 3


@pytest.mark.parametrize("name", CASES)
def test_valid_units_are_kept_and_the_others_counted(name: str, tmp_path: Path) -> None:
    format, case = CASES[name]
    outcome = read(case.sources(tmp_path, format), case.reading("skip"), case.format)
    expected = -1 if case.ends else int(bool(case.fault)) if case.num_faults is None else case.num_faults
    assert outcome.pairs == case.pairs
    assert outcome.num_faults == expected, outcome.messages
    assert outcome.left_out == dict(case.left_out)
    for part in case.fault:
        assert part in outcome.messages[0]
    assert all("\n" not in message and len(message) < 4000 for message in outcome.messages)


@pytest.mark.parametrize("name", CASES)
def test_the_command_line_names_the_place_and_the_cure(name: str, tmp_path: Path, regard: Callable[..., Done]) -> None:
    format, case = CASES[name]
    options = case.reading("stop")
    given = {
        "--langs": "-".join(options.langs or ()),
        "--columns": ",".join(options.columns or ()),
        "--encoding": options.encoding,
        "--input-format": case.format,
    }
    flags = [text for option, value in given.items() if value for text in (option, value)]
    flags += ["--include-fuzzy"] * options.include_fuzzy + ["--strip-accelerators"] * options.accelerators
    out = tmp_path / "out.jsonl"
    paths = map(str, case.sources(tmp_path, format))
    done = regard("data", "convert", *paths, *flags, "--to", "jsonl", "--out", str(out))
    if case.fault:
        assert done.status == 2
        assert all(part.replace("\\", "") in done.err.replace("\\", "") for part in case.fault), done.err
    elif case.pairs and not options.inline_text:
        assert done.status == 0, done.err
        rows = [json.loads(line) for line in out.read_text().split("\n")[:-1]]
        expected = [tuple(text.replace("\ud800", "\ufffd") for text in pair) for pair in case.pairs]
        assert [tuple(row.values()) for row in rows] == expected
    assert "Traceback" not in done.err
    assert done.err.count("\n") <= 20


@pytest.mark.parametrize("name", CASES)
def test_the_first_fault_ends_reading_unless_faults_are_skipped(name: str, tmp_path: Path) -> None:
    format, case = CASES[name]
    outcome = read(case.sources(tmp_path, format), case.reading("stop"), case.format)
    assert outcome.pairs == (case.pairs[: case.before] if case.fault else case.pairs)
    assert outcome.num_faults == (-1 if case.fault else 0), outcome.messages
    for part in case.fault:
        assert part in outcome.messages[0]


# --- what is not a regular file


@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize(
    ("format", "content"),
    [
        ("tsv", malformed_text.tsv("a\tb").encode()),
        ("csv", malformed_text.csv("a,b").encode()),
        ("jsonl", malformed_text.jsonl('{"en": "a", "fr": "b"}').encode()),
        ("po", malformed_text.po_around(malformed_text.entry("a", "b")).encode()),
        ("mo", malformed_binary.mo(FIRST, ("a", "b"), LAST)),
        ("tmx", malformed_xml.around(malformed_xml.tu("a", "b")).encode("utf-16")),
    ],
)
def test_a_pipe_is_read_like_a_file(format: str, content: bytes, slow: bool, tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)

    def write() -> None:
        with path.open("wb", buffering=0) as pipe:
            size = 37 if slow else len(content)
            for start in range(0, len(content), size):
                pipe.write(content[start : start + size])

    writer = threading.Thread(target=write)
    writer.start()
    outcome = read([path], OPTIONS, format=None if format != "csv" else "csv")
    writer.join()
    assert set(outcome.pairs) == {FIRST, ("a", "b"), LAST}


class Pieces(io.BytesIO):
    """A file that returns 25 bytes at once, as a pipe does whose writer is slow."""

    def read1(self, size: int | None = -1, /) -> bytes:
        return self.read(25)


def test_a_long_tag_from_a_slow_pipe_takes_no_longer(tmp_path: Path) -> None:
    content = malformed_xml.around(f'<tu x="{"a" * 2_000_000}"></tu>').encode()
    start = time.process_time()
    reader = TmxReader(InputFile(cast("io.BufferedReader", Pieces(content)), "pipe"), OPTIONS)
    assert [unit.src for unit in reader.units()] == ["first", "last"]
    assert time.process_time() - start < 5  # it takes a fifth of a second


@pytest.mark.parametrize("format", ["opus", "parquet"])
def test_a_pipe_cannot_be_searched(format: str, tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    outcome = read([path], OPTIONS, format=format)
    assert "found a pipe: save it as a file first" in outcome.messages[0]


def test_standard_input(tmp_path: Path, regard: Callable[..., Done]) -> None:
    content = malformed_xml.around(malformed_xml.tu("a & b", "c")).encode()
    done = regard("data", "convert", "-", "--langs", "en-fr", "--to", "tsv", "--on-error", "skip", stdin=content)
    assert (done.status, done.out) == (0, "first\tpremier\nlast\tdernier\n")
    assert "standard input:4: column" in done.err
    done = regard("data", "convert", "-", "-", "--to", "tsv", stdin=content)
    assert done.status == 2
    assert "at most one text from standard input" in done.err


def test_what_is_no_file(tmp_path: Path) -> None:
    for name, part in (("missing.tmx", "no such file"), ("/dev/null", "empty"), (".", "save_to_disk")):
        outcome = read([tmp_path / name], OPTIONS, "tmx" if name == "/dev/null" else None)
        assert outcome.num_faults == -1
        assert part in outcome.messages[0]
    (tmp_path / "loop.tmx").symlink_to(tmp_path / "loop.tmx")
    assert "cannot be opened" in read([tmp_path / "loop.tmx"], OPTIONS).messages[0]
    (tmp_path / "folder.tmx").mkdir()
    assert "folder.tmx" in read([tmp_path / "folder.tmx"], OPTIONS).messages[0]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("a\tb\n")
    path.chmod(0)
    assert "cannot be opened: Permission denied" in read([path], OPTIONS).messages[0]


def test_a_device_without_end_is_stopped_by_the_limit_of_a_line(tmp_path: Path) -> None:
    reader = open_corpus("/dev/zero", options=OPTIONS, format="tsv")
    with pytest.raises(DataError, match=r"/dev/zero"):
        next(reader.units())


@pytest.mark.parametrize("name", ["a b.tsv", "a'b\".tsv", "a\nb.tsv", "-.tsv", "é\u202e.tsv", "a;rm.tsv", "%s{0}.tsv"])
def test_odd_names_of_files(name: str, tmp_path: Path, regard: Callable[..., Done]) -> None:
    path = tmp_path / name
    path.write_text("first\tpremier\na b\n")
    outcome = read([path], ReadOptions(langs=("en", "fr"), on_error="skip"))
    assert outcome.pairs == (FIRST,)
    assert len(outcome.messages[0].splitlines()) == 1
    done = regard("data", "convert", str(path), "--to", "tsv")
    assert done.status == 2
    assert "found no tab" in done.err


def test_a_file_that_grows_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("first\tpremier\n" * 10_000)
    units = open_corpus(path, options=OPTIONS).units()
    next(units)
    with path.open("a") as file:
        file.write("last\tdernier\n")
    *_, last = units
    assert (last.src, last.tgt) in (FIRST, LAST)


def test_a_file_that_is_cut_while_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.tmx"
    path.write_text(malformed_xml.tmx(*[malformed_xml.tu(*FIRST)] * 5000))
    units = open_corpus(path, options=OPTIONS).units()
    next(units)
    os.truncate(path, 100_000)
    with pytest.raises(DataError, match="found the end of the file"):
        list(units)


# --- real processes: exit status, memory and time


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("tmx: an entity bomb", "expected no entity declarations"),
        ("po: a string without a closing quote", "closing quotation mark"),
        ("compressed: .gz that is cut", "cut short"),
    ],
)
def test_a_process_ends_with_status_2(case: str, message: str, tmp_path: Path) -> None:
    format, row = CASES[case]
    [path] = row.sources(tmp_path, format)
    command = [sys.executable, "-m", "regard", "data", "convert", str(path), "--langs", "en-fr", "--to", "tsv"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bomb_of_200_megabytes_needs_neither_memory_nor_long(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv.bz2"
    member = bz2.compress(b"a" * 100_000_000)
    path.write_bytes(member * 2)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    outcome = read([path], ReadOptions(on_error="skip"))
    assert outcome.num_faults >= 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000
    assert time.process_time() - start < 20
