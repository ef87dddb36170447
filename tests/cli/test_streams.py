"""Standard streams that are full, closed or slow, and output files."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Protocol

import pytest
from packing import PACK

from regard.cli.exit_status import exit_status
from regard.cli.lines import ArrivingLines, InputLines, open_output, write_text
from regard.errors import CheckpointError, DataError
from regard.files.compression import InputFile, open_input
from regard.text.readers import in_batches

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
TIMEOUT = 120


class Done(Protocol):
    """Result of a command; see `conftest.py`."""

    status: int
    out: str
    err: str


Run = Callable[..., Done]
Pipe = tuple[Callable[[bytes], int], io.BufferedReader]


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """A function that writes into a pipe, closing it for empty data, and the reading end."""
    reading, writing = os.pipe()

    def write(data: bytes) -> int:
        if data:
            return os.write(writing, data)
        os.close(writing)
        return 0

    with os.fdopen(reading, "rb") as file:
        yield write, file


def test_lines_are_read_as_they_arrive(pipe: Pipe) -> None:
    write, file = pipe
    write(b"one\ntwo\nth")
    opened = InputFile(file, "a pipe")
    assert ArrivingLines.supports(opened)
    lines = ArrivingLines(opened)
    reading = iter(lines)
    assert next(reading) == b"one\n"
    assert lines.more()
    assert next(reading) == b"two\n"
    assert not lines.more()  # half a line does not count
    write(b"ree\n\nlast")
    assert lines.more()
    assert [next(reading), next(reading)] == [b"three\n", b"\n"]
    assert not lines.more()
    write(b"")
    assert lines.more()
    assert list(reading) == [b"last"]


def test_a_batch_ends_where_the_next_line_has_not_arrived(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    write, file = pipe
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=file))
    lines = InputLines(None)
    batches = in_batches(lines, 3, more=lines.more)
    write(b"a\nb\n")
    assert next(batches) == ["a", "b"]
    write(b"c\nd\ne\nf\n")
    assert [next(batches), next(batches)] == [["c", "d", "e"], ["f"]]
    write(b"")
    assert list(batches) == []


def test_long_input_is_read_in_full_batches(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    write, file = pipe
    monkeypatch.setattr("regard.cli.lines.LINE_TIMEOUT", 30.0)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=file))
    text = b"".join(b"%d\n" % number for number in range(100_000)) + b"x" * 1_000_000 + b"\n"

    def send() -> None:
        for start in range(0, len(text), 999):
            write(text[start : start + 999])
        write(b"")

    sender = threading.Thread(target=send)
    sender.start()
    lines = InputLines(None)
    batches = list(in_batches(lines, 1000, more=lines.more))
    sender.join()
    assert [len(batch) for batch in batches] == [1000] * 100 + [1]
    assert "".join(f"{line}\n" for batch in batches for line in batch).encode() == text


@pytest.mark.parametrize("kind", PACK)
def test_a_compressed_stream_is_read_plainly(pipe: Pipe, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    write, file = pipe
    write(PACK[kind](b"one\ntwo\n"))
    write(b"")
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=file))
    lines = InputLines(None)
    assert list(lines) == ["one", "two"]
    assert lines.more()


def test_a_regular_file_is_read_plainly(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"one\n")
    with open_input(tmp_path / "in") as plain:
        assert not ArrivingLines.supports(plain)


@pytest.mark.parametrize("start", [b"\x1f\n", b"B\n", b"BZh\n", b"\xfd\n", b"(\n"])
def test_a_line_that_begins_like_a_compressed_file_is_read_when_it_arrives(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch, start: bytes
) -> None:
    write, file = pipe
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=file))
    lines = InputLines(None)
    batches = in_batches(lines, 9, more=lines.more)
    write(start)
    assert len(next(batches)) == 1
    write(b"")
    assert list(batches) == []


def test_an_endless_line_is_refused(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    write, file = pipe
    monkeypatch.setattr("regard.cli.lines.MAX_LINE", 100)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=file))
    write(b"ok\n" + b"x" * 200)
    lines = iter(InputLines(None))
    assert next(lines) == "ok"
    with pytest.raises(DataError, match="standard input: expected lines of at most 100 bytes, found a longer one"):
        next(lines)


def test_each_line_is_translated_before_the_next_is_sent(at_work: Path, ready_regard: Path) -> None:
    command = [str(ready_regard / "regard"), "translate", "model", "--beam", "1"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdin
        assert process.stdout
        output = process.stdout
        translations: list[bytes] = []

        def read(count: int) -> None:
            translations.extend(output.readline() for _ in range(count))

        for lines in (b"How was your day?\n", b"I see a cat.\n\n"):
            process.stdin.write(lines)
            reader = threading.Thread(target=read, args=[lines.count(b"\n")])
            reader.start()
            reader.join(TIMEOUT)
            assert not reader.is_alive()
        process.stdin.close()
        assert process.stdout.read() == b""
        assert process.wait(TIMEOUT) == 0
    assert len(translations) == 3
    assert translations[2] == b"\n"


# --- full and closed -----------------------------------------------------------------------------------------------

FULL = "regard: error: {}: No space left on device; make room, or choose another path\n"


@linux
@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("echo hello | regard translate model --beam 1 > /dev/full", "standard output"),
        ("echo hello | regard translate model --beam 1 --output /dev/full", "/dev/full"),
        ("regard evaluate model --src test.en --ref test.fr --beam 1 > /dev/full", "standard output"),
        ("regard align model --src test.en --tgt test.fr --output /dev/full", "/dev/full"),
        ("regard align model --src test.en --tgt test.fr > /dev/full", "standard output"),
        ("regard info model > /dev/full", "standard output"),
        ("regard attend model hello > /dev/full", "standard output"),
        ("regard aer --gold test.align --links test.align > /dev/full", "standard output"),
        ("regard --help > /dev/full", "standard output"),
    ],
)
def test_a_full_disk_is_reported_with_the_output(at_work: Path, quick_shell: Run, line: str, name: str) -> None:
    done = quick_shell(line)
    assert (done.status, done.err.splitlines()[-1] + "\n") == (2, FULL.format(name))


@linux
@pytest.mark.parametrize("option", ["--html /dev/full", "--png full.png"])
def test_a_full_disk_is_reported_with_the_page_or_picture(at_work: Path, quick_shell: Run, option: str) -> None:
    (at_work / "full.png").symlink_to("/dev/full")
    done = quick_shell(f"regard attend model hello {option}")
    assert done.status == 2
    assert f"{option.split()[1]}: cannot be written: No space left on device" in done.err
    assert Path("/dev/full").is_char_device()


@linux
def test_warnings_that_cannot_be_written_are_dropped(at_work: Path, quick_shell: Run) -> None:
    text = b"one\n\xff\ntwo\n"
    (at_work / "in").write_bytes(text * 3)
    expected = quick_shell("regard translate model --beam 1 < in")
    assert expected.status == 0
    assert "expected UTF-8, found byte 0xff" in expected.err
    full = quick_shell("regard translate model --beam 1 < in 2> /dev/full")
    assert (full.status, full.out) == (0, expected.out)


@contextmanager
def _closed(number: int, stream: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Closes one of the process's own streams, as a shell does for `>&-`."""
    copy = os.dup(number)
    os.close(number)
    monkeypatch.setattr(sys, stream, None)
    try:
        yield
    finally:
        os.dup2(copy, number)
        os.close(copy)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_no_file_gets_the_descriptor_of_a_closed_stream(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    descriptors = []

    def work() -> None:
        with (tmp_path / "out").open("w") as file:
            descriptors.append(file.fileno())
        if number == 2:
            print("to a closed stream", file=sys.stderr)

    with capfd.disabled(), _closed(number, ("stdin", "stdout", "stderr")[number], monkeypatch):
        assert exit_status(work) == 0
    assert descriptors[0] > 2


def test_closed_streams(at_work: Path, shell: Run) -> None:
    done = shell("regard --version >&-")
    assert (done.status, done.err) == (
        2,
        "regard: error: standard output: Bad file descriptor; choose another path, or make this one writable\n",
    )
    done = shell("echo hello | regard translate model --beam 1 2>&-; regard translate model <&-")
    assert done.status == 2
    assert done.err == "regard: error: standard input is closed: name a file with --input, or pipe lines in\n"
    assert done.out.count("\n") == 1
    assert "regard" not in done.out


# --- files ---------------------------------------------------------------------------------------------------------


def test_output_files_that_end_in_gz_are_gzipped(at_work: Path, regard: Run, tmp_path: Path) -> None:
    packed = b""
    for _ in range(2):
        assert regard("translate", "model", "--beam", "1", "--input", "test.en", "--output", "out.gz").status == 0
        packed = (at_work / "out.gz").read_bytes()
    assert regard("translate", "model", "--beam", "1", "--input", "test.en", "--output", "out").status == 0
    assert gzip.decompress(packed) == (at_work / "out").read_bytes()
    with open_output(at_work / "again.gz") as file:
        for line in (at_work / "out").read_text(encoding="utf-8").splitlines():
            file.write(line)
    assert (at_work / "again.gz").read_bytes() == packed  # contains neither file name nor time
    with open_output(at_work / "capitals.GZ") as file:
        file.write("é")
    assert gzip.decompress((at_work / "capitals.GZ").read_bytes()).decode() == "é\n"
    write_text(at_work / "page.html.gz", "<p>é</p>")
    assert gzip.decompress((at_work / "page.html.gz").read_bytes()).decode() == "<p>é</p>"


@pytest.mark.parametrize("suffix", ["gz", "bz2", "xz", "zst", "XZ"])
def test_output_files_are_compressed_as_their_suffixes_say(tmp_path: Path, suffix: str) -> None:
    if suffix == "zst" and sys.version_info < (3, 14):
        pytest.importorskip("backports.zstd")
    lines, page = tmp_path / f"out.{suffix}", tmp_path / f"page.html.{suffix}"
    with open_output(lines) as file:
        for number in range(1000):
            file.write(f"é {number}")
    write_text(page, "<p>é</p>" * 1000)
    expected = "".join(f"é {number}\n" for number in range(1000)), "<p>é</p>" * 1000
    for path, text in zip((lines, page), expected, strict=True):
        assert path.stat().st_size < len(text) / 2
        with open_input(path) as packed:
            assert packed.read().decode() == text
    with open_output(tmp_path / "xz") as file:  # a name, not a suffix
        file.write("plain")
    assert (tmp_path / "xz").read_text(encoding="utf-8") == "plain\n"


def test_a_page_is_replaced_completely_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.html"
    link = tmp_path / "link.html"
    link.symlink_to(page)
    write_text(link, "old")
    assert (page.read_text(), link.is_symlink()) == ("old", True)

    def full(self: Path, data: bytes) -> int:
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(
        CheckpointError, match=r"page\.html: cannot be written: No space left on device; the previous content is"
    ):
        write_text(page, "new")
    assert page.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.html", "page.html"]
