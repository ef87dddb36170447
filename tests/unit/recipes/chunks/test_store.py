"""Stores: a chunk is computed once, damage is noticed, and another job is refused."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from regard.errors import CheckpointError, ConfigError, DataError, RegardError
from regard.files.atomic import remove
from regard.files.locks import Lock
from regard.recipes.chunks.made_text import MadeText
from regard.recipes.chunks.store import ChunkStore, OptionalLine, OutputLine, open_store

TEXT = "".join(f"line {number}\n" for number in range(1, 2501))
JOB = {"model": "m", "beam": "5"}


@pytest.fixture
def store(tmp_path: Path) -> ChunkStore:
    (tmp_path / "in").write_text(TEXT)
    return open_store(tmp_path / "in", tmp_path / "out", JOB)


def upper(lines: Sequence[bytes], first: int) -> Iterator[OutputLine]:
    for number, line in enumerate(lines, first):
        yield line.decode().upper(), [f"warning {number}"] if number == 1002 else []


def never(lines: Sequence[bytes], first: int) -> Iterator[OutputLine]:
    raise AssertionError("is not called")


def test_a_finished_chunk_is_not_computed_again(store: ChunkStore) -> None:
    chunk = store.plan.chunks[1]
    assert store.read_result(chunk) is None
    assert store.compute(chunk, upper)
    assert store.has_result(chunk)
    assert store.compute(chunk, never)
    result = store.read_result(chunk)
    assert result is not None
    assert result.text.decode() == "".join(f"LINE {number}\n" for number in range(1001, 2001))
    assert result.warnings == ("warning 1002",)
    assert not list(store.directory.rglob("*.new"))


def test_a_chunk_that_a_running_process_has_claimed_is_left_to_it(store: ChunkStore) -> None:
    chunk = store.plan.chunks[0]
    lock = store.claim("0000/0000000")
    assert lock is not None
    assert not store.compute(chunk, never)
    lock.release()
    assert store.compute(chunk, upper)


def test_the_claim_of_a_dead_process_is_taken_over(store: ChunkStore) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0 if store.claim("0000/0000000") else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert store.compute(store.plan.chunks[0], upper)


def test_nothing_is_written_after_the_claim_was_lost(store: ChunkStore, monkeypatch: pytest.MonkeyPatch) -> None:
    held = Lock.held

    def lost_at_once(lock: Lock) -> object:
        context = held(lock)
        event = context.__enter__()
        event.set()

        class Again:
            def __enter__(self) -> object:
                return event

            def __exit__(self, *exception: object) -> None:
                context.__exit__(None, None, None)

        return Again()

    monkeypatch.setattr(Lock, "held", lost_at_once)
    assert not store.compute(store.plan.chunks[0], upper)
    assert not store.has_result(store.plan.chunks[0])


def _cut(data: bytes) -> bytes:
    return data[:-10]


def _flip(data: bytes) -> bytes:
    return data[:-3] + b"x" + data[-2:]


def _other_plan(data: bytes) -> bytes:
    start = data.index(b'"plan": "') + 9
    return data[:start] + b"0" * 64 + data[start + 64 :]


def _other_number(data: bytes) -> bytes:
    return data.replace(b'"num_lines": 1000', b'"num_lines": 999')


@pytest.mark.parametrize("damage", [_cut, _flip, _other_plan, _other_number, lambda data: b"", lambda data: b"[]\n"])
def test_a_damaged_result_is_removed(store: ChunkStore, damage: Callable[[bytes], bytes]) -> None:
    chunk = store.plan.chunks[0]
    store.compute(chunk, upper)
    path = store.directory / "0000" / "0000000.result"
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert store.read_result(chunk) is None
    assert not path.exists()
    assert store.compute(chunk, upper)
    assert path.read_bytes() == whole


def test_a_line_of_the_input_may_have_no_output_line_or_several(store: ChunkStore) -> None:
    def some(lines: Sequence[bytes], first: int) -> Iterator[OptionalLine]:
        for number, _ in enumerate(lines, first):
            yield {1: "a", 3: "b\nc", 1000: ""}.get(number), []

    assert store.compute(store.plan.chunks[0], some)
    result = store.read_result(store.plan.chunks[0])
    assert result is not None
    assert result.text == b"a\nb\nc\n\n"


def test_an_input_that_changes_is_noticed_by_the_worker(store: ChunkStore) -> None:
    store.source.write_text(TEXT.replace("1500", "abcd"))
    assert store.compute(store.plan.chunks[0], upper)
    with pytest.raises(DataError, match=r"has changed .* \(at lines 1,001 to 2,000\): restore it, or remove"):
        store.compute(store.plan.chunks[1], never)


def test_another_job_is_refused_in_words(store: ChunkStore, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"options or input \(beam: 5 there, 4 now\): repeat .* or remove this"):
        open_store(tmp_path / "in", tmp_path / "out", JOB | {"beam": "4"})
    (tmp_path / "other").write_text(TEXT + "more\n")
    with pytest.raises(CheckpointError, match=r"other options or input \(another input text\)"):
        open_store(tmp_path / "other", tmp_path / "out", JOB)


def test_the_same_text_in_another_file_continues_the_job(store: ChunkStore, tmp_path: Path) -> None:
    (tmp_path / "in").rename(tmp_path / "moved")
    again = open_store(tmp_path / "moved", tmp_path / "out", JOB)
    assert again.plan_id == store.plan_id
    assert again.compute(again.plan.chunks[2], upper)


def test_a_wrong_input_leaves_no_store(tmp_path: Path) -> None:
    (tmp_path / "in").write_text("how was your day\n", encoding="utf-16")
    with pytest.raises(DataError):
        open_store(tmp_path / "in", tmp_path / "out", JOB)
    assert not (tmp_path / "out.chunks").exists()


def made_text(*files: Path) -> MadeText:
    return MadeText(files, lambda: (file.read_bytes() + b"\n" for file in files), 1)


def test_a_text_is_made_again_only_if_one_of_its_files_has_changed(tmp_path: Path) -> None:
    files = tmp_path / "a", tmp_path / "b"
    for file in files:
        file.write_text(file.name)
    store = open_store(made_text(*files), tmp_path / "out", JOB)
    assert store.compute(store.plan.chunks[1], upper)
    unreadable = MadeText(files, lambda: pytest.fail("is made again"), 1)
    assert open_store(unreadable, tmp_path / "out", JOB).has_result(store.plan.chunks[1])
    files[1].write_text("c")
    with pytest.raises(CheckpointError, match=r"other options or input \(another input text\)"):
        open_store(made_text(*files), tmp_path / "out", JOB)
    files[1].write_text("b")
    assert open_store(made_text(*files), tmp_path / "out", JOB).plan_id == store.plan_id


@pytest.mark.parametrize("error", [DataError("faulty"), ConfigError("faulty")])
def test_a_text_that_cannot_be_made_leaves_no_store(tmp_path: Path, error: RegardError) -> None:
    def fail() -> Iterator[bytes]:
        yield b"a\n"
        raise error

    (tmp_path / "in").write_text("a")
    with pytest.raises(type(error), match="faulty"):
        open_store(MadeText((tmp_path / "in",), fail, 1), tmp_path / "out", JOB)
    assert not (tmp_path / "out.chunks").exists()


def test_the_store_lies_beside_the_file_that_a_link_leads_to(tmp_path: Path) -> None:
    (tmp_path / "in").write_text(TEXT)
    (tmp_path / "far").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "far" / "result")
    assert open_store(tmp_path / "in", tmp_path / "out", JOB).directory == tmp_path / "far" / "result.chunks"


def test_a_store_that_was_removed_gives_no_claim_and_stays_removed(
    store: ChunkStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = Lock.claim

    def late(lock: Lock, *, patience: float = 0.0) -> bool:
        if store.exists():
            remove(store.directory)  # by the process that completes the job
        return claim(lock, patience=patience)

    monkeypatch.setattr(Lock, "claim", late)
    assert store.claim("0000/0000000") is None
    assert not store.directory.exists()
    assert store.claim("0000/0000000") is None
    assert not store.directory.exists()


@pytest.mark.parametrize("is_removed", [True, False])
def test_a_claim_that_cannot_be_written_is_an_error_of_a_job_that_goes_on(
    store: ChunkStore, monkeypatch: pytest.MonkeyPatch, is_removed: bool
) -> None:
    def failing(lock: Lock, *, patience: float = 0.0) -> bool:
        if is_removed:
            remove(store.directory)
        raise CheckpointError("the disk is full")

    monkeypatch.setattr(Lock, "claim", failing)
    if is_removed:
        assert store.claim("0000/0000000") is None
    else:
        with pytest.raises(CheckpointError, match="the disk is full"):
            store.claim("0000/0000000")


def test_a_chunk_that_was_finished_just_before_it_was_claimed_is_not_computed(
    store: ChunkStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunk = store.plan.chunks[0]
    claim = ChunkStore.claim

    def late(own: ChunkStore, name: str, *, patience: float = 0.0) -> Lock | None:
        monkeypatch.setattr(ChunkStore, "claim", claim)
        assert own.compute(chunk, upper)
        return own.claim(name, patience=patience)

    monkeypatch.setattr(ChunkStore, "claim", late)
    assert store.compute(chunk, never)


def test_a_computation_with_too_few_lines_is_a_bug(store: ChunkStore) -> None:
    with pytest.raises(AssertionError, match="chunk 0 of 1000 lines has 999 output lines"):
        store.compute(store.plan.chunks[0], lambda lines, first: list(upper(lines, first))[1:])
