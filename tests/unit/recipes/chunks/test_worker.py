"""Worker processes: chunks that others compute are waited for, and errors are reported to the driver."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from chunk_work import reversing

from regard.files.atomic import remove
from regard.recipes.chunks import worker
from regard.recipes.chunks.store import ChunkStore, OutputLine, open_store
from regard.recipes.chunks.work import Assignment, Work

TEXT = "".join(f"line {number}\n" for number in range(1, 2501))


@pytest.fixture(autouse=True)
def _no_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Does not end this process with its driver, and does not wait."""
    monkeypatch.setattr(worker, "_end_with", lambda _: None)
    monkeypatch.setattr(worker, "_POLL_SECONDS", 0.0)


@pytest.fixture
def store(tmp_path: Path) -> ChunkStore:
    (tmp_path / "in").write_text(TEXT)
    return open_store(tmp_path / "in", tmp_path / "out", {})


def same(lines: Sequence[bytes], first: int) -> Iterator[OutputLine]:
    yield from ((line.decode(), []) for line in lines)


def run(store: ChunkStore, work: Work) -> tuple[int, list[dict[str, object]]]:
    task = {"assignment": Assignment.of(store, work, 1).to_json(), "numbers": [0, 2], "switch_interval": 0.005}
    output = io.BytesIO()
    status = worker.main(io.BytesIO(json.dumps(task).encode() + b"\n"), output)
    return status, [json.loads(line) for line in output.getvalue().splitlines()]


def test_the_chunks_of_the_task_are_computed_and_reported(store: ChunkStore) -> None:
    assert run(store, reversing()) == (0, [{"finished": 0}, {"finished": 2}])
    assert [store.has_result(chunk) for chunk in store.plan.chunks] == [True, False, True]


def test_an_error_for_the_user_is_reported(store: ChunkStore) -> None:
    assert run(store, reversing(refused="line 7")) == (2, [{"error": "line 7: is refused"}])


def test_an_error_after_the_end_of_the_job_is_none(store: ChunkStore) -> None:
    work = reversing()
    task = Assignment.of(store, work, 1)
    remove(store.directory)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Assignment, "of", lambda *_: task)
        assert run(store, work) == (0, [])


def test_a_chunk_that_another_process_computes_is_waited_for(
    store: ChunkStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = store.plan.chunks[0]
    lock = store.claim("0000/0000000")
    assert lock is not None
    waits: list[float] = []
    compute = ChunkStore.compute

    def watched(own: ChunkStore, chunk: object, function: object, *, patience: float) -> bool:
        waits.append(patience)
        if len(waits) == 5:
            lock.release()
        return compute(own, chunk, function, patience=patience)  # type: ignore[arg-type] # as it was called

    monkeypatch.setattr(ChunkStore, "compute", watched)
    reported: list[int] = []
    worker.compute_all(store, store.plan.chunks, same, reported.append)
    assert reported == [1, 2, 0]
    assert store.has_result(first)
    assert waits == [0.0, 0.0, 0.0, 0.0, worker.PATIENCE]  # the owner may be on another machine, and dead


def test_nothing_is_waited_for_when_the_job_is_over(store: ChunkStore) -> None:
    lock = store.claim("0000/0000000")
    assert lock is not None

    def removing(lines: Sequence[bytes], first: int) -> Iterator[OutputLine]:
        remove(store.directory)
        yield from same(lines, first)

    reported: list[int] = []
    worker.compute_all(store, store.plan.chunks, removing, reported.append)
    assert reported == []
