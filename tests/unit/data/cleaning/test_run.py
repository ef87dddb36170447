"""Cleaning: every pair is kept or rejected with its place, with any number of processes, and after any kill."""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from regard.data.cleaning import parts as parts_module
from regard.data.cleaning import run
from regard.data.cleaning.check import CHECKS
from regard.data.cleaning.filters import DUPLICATE, Filters
from regard.data.cleaning.rejects import HEADER, NUM_EXAMPLES
from regard.data.cleaning.run import CleanReport, CleanTask, clean, parts_directory, preview
from regard.data.cleaning.source import CorpusSource
from regard.data.corpora.unit import ReadOptions
from regard.errors import CheckpointError, ConfigError, DataError, RegardError
from regard.files.atomic import write_file

OPTIONS = ReadOptions(langs=("en", "fr"))
NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


def only(*names: str, **thresholds: float) -> Filters:
    """Filters with these checks alone, so that the tests do not depend on what other checks do."""
    left_out = (name for name in (*CHECKS, DUPLICATE) if name not in (*names, *thresholds))
    return Filters({**dict.fromkeys(left_out), **thresholds})


def lines(number: int) -> list[str]:
    """Pairs of which every 7th is identical on both sides, every 11th empty on one, every 13th as 12 lines before."""
    pairs = []
    for index in range(number):
        index -= 12 if index % 13 == 12 else 0
        src = f"{NUMBERS[index % 10]} and {index}"
        tgt = src if index % 7 == 3 else "" if index % 11 == 5 else f"{index} et {NUMBERS[index % 10]}"
        pairs.append(f"{src}\t{tgt}\n")
    return pairs


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.tsv"
    path.write_text("".join(lines(300)), encoding="utf-8")
    return path


FILTERS = only("empty", "identical", DUPLICATE)


def task(corpus: Path, *, filters: Filters = FILTERS, out: str = "clean.tsv", num_workers: int = 1) -> CleanTask:
    path = corpus.parent / out
    source = CorpusSource(corpus, None, OPTIONS)
    rejects = path.with_name(path.name + ".rejects.tsv")
    return CleanTask(source, filters, path, rejects, "tsv", num_workers, chunk_pairs=5)


def outputs(done: CleanTask) -> tuple[bytes, bytes]:
    return done.out.read_bytes(), done.rejects.read_bytes()


def test_every_pair_is_kept_or_rejected_with_its_place(corpus: Path) -> None:
    cleaning = task(corpus)
    report = clean(cleaning)
    kept, rejects = (content.decode().splitlines() for content in outputs(cleaning))
    assert rejects[0].encode() + b"\n" == HEADER
    cells = [line.split("\t") for line in rejects[1:]]
    assert {name for name, *_ in cells} == {str(corpus)}
    numbers = [int(line) for _, line, *_ in cells]
    assert numbers == sorted(set(numbers))
    original = lines(300)
    assert all(original[int(line) - 1] == f"{src}\t{tgt}\n" for _, line, _, _, src, tgt, _ in cells)
    remaining = [line for number, line in enumerate(original, start=1) if number not in numbers]
    assert [line + "\n" for line in kept] == remaining
    reasons = Counter(reason for _, _, reason, *_ in cells)
    assert report.tally.dropped == reasons
    assert set(reasons) == {"empty", "identical", "duplicate"}
    assert (report.tally.num_units, report.tally.num_kept) == (300, len(kept))
    assert not parts_directory(cleaning.out).exists()


def test_a_pair_that_is_dropped_is_no_first_occurrence(corpus: Path) -> None:
    corpus.write_text("a\ta\nb\tc\na\ta\nb \tc\n", encoding="utf-8")
    clean(task(corpus))
    rejects = task(corpus).rejects.read_text(encoding="utf-8").splitlines()[1:]
    assert [line.split("\t")[1:3] for line in rejects] == [["1", "identical"], ["3", "identical"], ["4", "duplicate"]]


def test_the_number_of_processes_changes_nothing(corpus: Path) -> None:
    single, several = task(corpus, out="single.tsv"), task(corpus, out="several.tsv", num_workers=2)
    clean(single)
    clean(several)
    assert outputs(single) == outputs(several)


def test_a_preview_counts_the_same_and_writes_nothing(corpus: Path) -> None:
    before = sorted(corpus.parent.iterdir())
    previewed = preview(CorpusSource(corpus, None, OPTIONS), FILTERS)
    assert sorted(corpus.parent.iterdir()) == before
    report = clean(task(corpus))
    assert previewed.tally == report.tally
    assert {name: len(examples) for name, examples in previewed.examples.items()} == dict.fromkeys(
        ("empty", "identical", "duplicate"), NUM_EXAMPLES
    )
    assert all(reject.unit.tgt == "" for reject in previewed.examples["empty"])


def test_thresholds_and_checks_left_out(corpus: Path) -> None:
    assert set(clean(task(corpus, filters=only("identical"))).tally.dropped) == {"identical"}
    assert clean(task(corpus, filters=only(length=11.0))).tally.dropped["length"] > 100


class Killed(BaseException):
    """Stands for the end of the process."""


def killed_at(number: int, monkeypatch: pytest.MonkeyPatch, cleaning: CleanTask) -> CleanReport | None:
    """Runs until the `number`th write of a file, which does not happen any more."""
    left = [number]

    def write(path: Path, function: Callable[[Path], object]) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        write_file(path, function)

    with monkeypatch.context() as patch:
        patch.setattr(parts_module, "write_file", write)
        patch.setattr(run, "PART_CHUNKS", 3)
        try:
            return clean(cleaning)
        except Killed:
            return None


def test_it_continues_after_every_part(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = task(corpus, out="whole.tsv")
    report = clean(whole)
    resumed = 0
    for number in (*range(1, 12), 40, 100):
        cleaning = task(corpus)
        assert killed_at(number, monkeypatch, cleaning) is None or number == 100
        if number < 100:
            assert not cleaning.out.exists()
        continued = killed_at(1000, monkeypatch, cleaning)
        assert continued is not None
        assert outputs(cleaning) == outputs(whole)
        assert continued.tally == report.tally
        resumed += continued.num_resumed > 0
        cleaning.out.unlink()
    assert resumed >= 8


def test_it_continues_again_and_again(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, cleaning = task(corpus, out="whole.tsv"), task(corpus)
    clean(whole)
    count = 1
    while killed_at(5, monkeypatch, cleaning) is None:
        count += 1
        assert count < 50
    assert count > 5
    assert outputs(cleaning) == outputs(whole)


def test_the_work_of_another_command_is_not_continued(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_at(10, monkeypatch, task(corpus))
    with pytest.raises(ConfigError, match=r"clean\.tsv\.parts: .*differs in checks.*remove the directory"):
        clean(task(corpus, filters=only("empty")))
    corpus.write_text("other\tautre\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="differs in input"):
        clean(task(corpus))


def test_parts_that_were_not_begun_by_a_command_are_not_used(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `Parts.discard` leaves them if it is killed."""
    cleaning = task(corpus)
    killed_at(10, monkeypatch, cleaning)
    (parts_directory(cleaning.out) / "command.json").unlink()
    assert len(list(parts_directory(cleaning.out).glob("part-*.json"))) == 3
    other = task(corpus, filters=only("empty"))
    assert killed_at(4, monkeypatch, other) is None  # in its second part
    assert killed_at(1000, monkeypatch, other) is not None
    whole = task(corpus, filters=only("empty"), out="whole.tsv")
    clean(whole)
    assert outputs(other) == outputs(whole)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"units": 1}', b"\xff", b"{"])
def test_a_damaged_part_is_reported(corpus: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    cleaning = task(corpus)
    killed_at(10, monkeypatch, cleaning)
    (parts_directory(cleaning.out) / "part-000000.json").write_bytes(content)
    with pytest.raises(RegardError, match=r"part-000000\.json.*remove the directory"), monkeypatch.context() as patch:
        patch.setattr(run, "PART_CHUNKS", 3)
        clean(cleaning)


def test_two_at_once_are_refused(corpus: Path) -> None:
    cleaning = task(corpus)
    parts = parts_module.Parts(parts_directory(cleaning.out))
    parts.claim()
    with pytest.raises(ConfigError, match="no other process"):
        clean(cleaning)
    parts.lock.release()
    clean(cleaning)


def test_the_input_is_not_overwritten(corpus: Path) -> None:
    with pytest.raises(DataError, match="both input and output"):
        clean(task(corpus, out=corpus.name))
    assert corpus.read_text(encoding="utf-8") == "".join(lines(300))


def test_an_input_that_cannot_be_read_leaves_nothing(tmp_path: Path) -> None:
    for content in (None, b"no tab\n"):
        path = tmp_path / "corpus.tsv"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(DataError, match=r"corpus\.tsv"):
            clean(task(path))
        assert not list(tmp_path.glob("clean*"))


def test_an_output_that_cannot_be_written(corpus: Path) -> None:
    (corpus.parent / "clean.tsv.parts").write_text("")
    with pytest.raises(CheckpointError, match=r"clean\.tsv\.parts"):
        clean(task(corpus))
    with pytest.raises(DataError, match="no such directory"):
        clean(task(corpus, out="missing/clean.tsv"))


def test_a_faulty_line_is_skipped_and_counted(corpus: Path) -> None:
    corpus.write_text("a\tb\nno tab\nc\td\n", encoding="utf-8")
    options = ReadOptions(langs=("en", "fr"), on_error="skip")
    cleaning = task(corpus)
    report = clean(CleanTask(CorpusSource(corpus, None, options), FILTERS, cleaning.out, cleaning.rejects, "tsv"))
    assert (report.tally.num_kept, report.reading.num_faults) == (2, 1)
    assert "corpus.tsv:2" in report.reading.faults[0]


@pytest.mark.parametrize("is_stream", [False, True])
def test_every_faulty_line_is_in_the_rejects_with_its_place_and_what_is_wrong(
    corpus: Path, monkeypatch: pytest.MonkeyPatch, *, is_stream: bool
) -> None:
    faulty = "".join(pair + "no tab\n" for pair in lines(60))
    corpus.write_text(faulty, encoding="utf-8")
    options = replace(OPTIONS, on_error="skip")
    cleaning = fifo_task(corpus, faulty.encode()) if is_stream else task(corpus)
    cleaning = replace(cleaning, source=CorpusSource(cleaning.source.src, None, options))
    report = clean(cleaning)
    rows = [line.split("\t") for line in cleaning.rejects.read_text(encoding="utf-8").splitlines()[1:]]
    numbers = [int(line) for _, line, *_ in rows]
    assert numbers == sorted(numbers)
    faults = [row for row in rows if row[2] == "faulty"]
    assert [int(row[1]) for row in faults] == list(range(2, 121, 2))
    assert report.reading.num_faults == 60
    name = cleaning.source.name
    assert all(row[4:6] == ["", ""] and row[6].startswith(f"{name}:{row[1]}: expected") for row in faults)
    if not is_stream:
        written = outputs(cleaning)
        monkeypatch.setattr(run, "PART_CHUNKS", 3)
        killed_at(4, monkeypatch, replace(cleaning, source=CorpusSource(corpus, None, options)))
        assert clean(replace(cleaning, source=CorpusSource(corpus, None, options))).num_resumed > 0
        assert outputs(cleaning) == written


def test_the_command_is_recorded_in_words(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_at(10, monkeypatch, task(corpus))
    command = json.loads((parts_directory(task(corpus).out) / "command.json").read_text())
    assert set(command) == {"input", "reading", "checks", "output", "sizes"}


def fifo_task(corpus: Path, content: bytes) -> CleanTask:
    """The same task, but the corpus is a pipe, which can be read only once."""
    path = corpus.with_name("fifo")
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    threading.Thread(target=path.write_bytes, args=(content,), daemon=True).start()
    cleaning = task(corpus, out="piped.tsv")
    return replace(cleaning, source=CorpusSource(path, None, OPTIONS))


def test_a_pipe_is_continued_if_it_has_the_same_content(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = task(corpus)
    clean(whole)
    content = corpus.read_bytes()
    assert killed_at(20, monkeypatch, fifo_task(corpus, content)) is None
    with pytest.raises(ConfigError, match="differs in input"), monkeypatch.context() as patch:
        patch.setattr(run, "PART_CHUNKS", 3)
        clean(fifo_task(corpus, content[:-1] + b" \n"))
    cleaning = fifo_task(corpus, content)
    report = killed_at(1000, monkeypatch, cleaning)
    assert report is not None
    assert report.num_resumed > 0
    assert cleaning.out.read_bytes() == whole.out.read_bytes()
    assert not parts_directory(cleaning.out).exists()


def test_a_corpus_without_pairs_is_an_error_and_replaces_nothing(tmp_path: Path) -> None:
    empty, out = tmp_path / "empty.jsonl", tmp_path / "out.tsv"
    empty.write_text('{"en": "Yes."}\n', encoding="utf-8")
    out.write_text("Yes.\tOui.\n", encoding="utf-8")
    source = CorpusSource(empty, None, OPTIONS)
    message = r"empty\.jsonl: expected sentence pairs, found none \(1 no fr text\): check that this is"
    with pytest.raises(DataError, match=message):
        clean(CleanTask(source, only("empty"), out, tmp_path / "rejects.tsv", "tsv"))
    with pytest.raises(DataError, match=message):
        preview(source, only("empty"))
    assert out.read_text(encoding="utf-8") == "Yes.\tOui.\n"
    assert not (tmp_path / "rejects.tsv").exists()
    assert not parts_directory(out).exists()
