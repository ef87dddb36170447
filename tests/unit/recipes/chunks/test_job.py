"""Jobs: output as of one process, also if workers die, and with several drivers."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from chunk_work import Silent, expected, reversing
from deadlines import PATIENCE, killed_at_deadline, wait_until

from regard.errors import CheckpointError, ConfigError, RegardError
from regard.files.compression import open_input
from regard.recipes.chunks import assembly, local
from regard.recipes.chunks.job import ChunkedJob, ChunkedResult, Workers
from regard.recipes.chunks.work import Assignment, Work
from regard.train.interrupt import Interrupt

TEXT = "".join(f"sentence {number}\n" for number in range(1, 5501))


class Counter(Silent):
    """Progress that is counted."""

    def __init__(self) -> None:
        self.finished = self.total = 0

    def begin(self, finished: int, total: int) -> None:
        self.finished, self.total = finished, total

    def advance(self, num_lines: int) -> None:
        self.finished += num_lines


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "in").write_text(TEXT)
    return tmp_path / "in", tmp_path / "out"


def run(files: tuple[Path, Path], work: Work | None = None, **workers: object) -> ChunkedResult:
    where = Workers(**{"processes": 2, "threads": 1} | workers)  # type: ignore[arg-type] # by name
    return ChunkedJob(*files, work or reversing(), where, Silent(), print).run()


@pytest.mark.parametrize("processes", [1, 2, 8])
def test_the_output_is_that_of_one_process(files: tuple[Path, Path], processes: int) -> None:
    assert run(files, processes=processes).is_complete
    assert files[1].read_text() == expected(TEXT)
    assert sorted(path.name for path in files[1].parent.iterdir()) == ["in", "out"]


@pytest.mark.parametrize(
    ("visible", "device", "seen"),
    [
        ("3, GPU-7", "auto", {"3", "GPU-7"}),
        ("3,GPU-7", "cuda", {"3", "GPU-7"}),
        ("3,GPU-7", "cuda:1", {"3,GPU-7"}),
        ("5", "auto", {"5"}),
        ("", "auto", {""}),
    ],
)
def test_each_worker_has_a_gpu_of_its_own(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, visible: str, device: str, seen: set[str]
) -> None:
    (tmp_path / "begun").mkdir()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    arguments = {"begun": str(tmp_path / "begun"), "workers": 2, "device": device}
    assert run(files, Work("chunk_work:open_gpu_names", arguments, {})).is_complete
    assert set(files[1].read_text().splitlines()) == seen


def test_gpus_are_counted_without_cuda(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert local.visible_gpus(tmp_path) == []
    for name in ("nvidia10", "nvidia2", "nvidiactl", "nvidia-uvm", "null"):
        (tmp_path / name).touch()
    assert local.visible_gpus(tmp_path) == ["2", "10"]


@pytest.mark.parametrize("text", ["", "a", "a\nb", "\n", "strange\r\n\r\n"])
def test_short_inputs(files: tuple[Path, Path], text: str) -> None:
    files[0].write_bytes(text.encode())
    run(files)
    assert files[1].read_bytes().decode() == expected(text)


@pytest.mark.parametrize("suffix", ["gz", "bz2", "xz"])
def test_compressed_input_and_output(tmp_path: Path, suffix: str) -> None:
    files = tmp_path / "in.gz", tmp_path / f"out.{suffix}"
    files[0].write_bytes(gzip.compress(TEXT.encode()))
    run(files)
    with open_input(files[1]) as file:
        assert file.compression is not None
        assert file.read().decode() == expected(TEXT)


def test_every_chunk_is_computed_once_and_counted(files: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "record").mkdir()
    counter, work = Counter(), reversing(record=str(tmp_path / "record"))
    ChunkedJob(*files, work, Workers(3, 1), counter, print).run()
    assert len(list((tmp_path / "record").iterdir())) == 6
    assert counter.finished == counter.total == 5500


def test_warnings_are_reported_in_the_order_of_lines(files: tuple[Path, Path]) -> None:
    lines = TEXT.split("\n")
    for number in (5400, 17, 1800):
        lines[number - 1] = "strange"
    files[0].write_text("\n".join(lines))
    reported: list[str] = []
    ChunkedJob(*files, reversing(), Workers(2, 1), Silent(), reported.append).run()
    assert reported == [f"line {number}: strange" for number in (17, 1800, 5400)]


def test_the_last_shard_writes_the_output(files: tuple[Path, Path]) -> None:
    for index, finished in ((2, 2), (0, 4)):
        result = run(files, shard=(index, 3))
        assert (result.is_complete, result.num_finished, result.num_chunks) == (False, finished, 6)
        assert not files[1].exists()
    assert run(files, shard=(1, 3)).is_complete
    assert files[1].read_text() == expected(TEXT)


def test_shards_at_the_same_time(files: tuple[Path, Path]) -> None:
    results: list[ChunkedResult] = []
    shards = [
        threading.Thread(target=lambda i=i: results.append(run(files, processes=1, shard=(i, 4)))) for i in range(4)
    ]
    for shard in shards:
        shard.start()
    for shard in shards:
        shard.join(PATIENCE)
    assert len(results) == 4
    assert any(result.is_complete for result in results)
    assert files[1].read_text() == expected(TEXT)
    assert sorted(path.name for path in files[1].parent.iterdir()) == ["in", "out"]


def test_two_drivers_of_the_same_job(files: tuple[Path, Path]) -> None:
    results: list[ChunkedResult] = []
    work = reversing(seconds=0.05)
    drivers = [threading.Thread(target=lambda: results.append(run(files, work))) for _ in range(2)]
    for driver in drivers:
        driver.start()
    for driver in drivers:
        driver.join(PATIENCE)
    assert [result.is_complete for result in results] == [True, True]
    assert files[1].read_text() == expected(TEXT)


def test_a_stop_keeps_finished_chunks_and_the_next_run_continues(files: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "record").mkdir()
    interrupt, work = Interrupt(), reversing(seconds=0.2, record=str(tmp_path / "record"))

    class StopSoon(Counter):
        def advance(self, num_lines: int) -> None:
            interrupt.request()

    stopped = ChunkedJob(*files, work, Workers(1, 1), StopSoon(), print, interrupt).run()
    assert stopped.is_interrupted
    assert not stopped.is_complete
    assert 1 <= stopped.num_finished < 6
    assert not files[1].exists()
    before = len(list((tmp_path / "record").iterdir()))
    counter = Counter()
    work = reversing(record=str(tmp_path / "record"))
    assert ChunkedJob(*files, work, Workers(3, 1), counter, print).run().is_complete
    assert files[1].read_text() == expected(TEXT)
    assert len(list((tmp_path / "record").iterdir())) <= before + 6 - stopped.num_finished


def test_an_error_of_a_worker_ends_the_job(files: tuple[Path, Path]) -> None:
    with pytest.raises(RegardError, match="line 5400: is refused"):
        run(files, reversing(refused="sentence 5400"))
    assert (files[1].parent / "out.chunks").exists()
    assert not files[1].exists()


def test_workers_that_die_without_results_end_the_job(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Fewer(local.DeathLimit):
        def __init__(self, workers: int) -> None:
            super().__init__(workers)
            self.limit = 4

    monkeypatch.setattr(local, "DeathLimit", Fewer)
    with pytest.raises(ConfigError, match=r"workers died 4 times .* exit status 7.*use fewer --workers"):
        run(files, reversing(deadly="sentence 3"))


def test_a_result_that_was_damaged_is_computed_again(files: tuple[Path, Path]) -> None:
    assert not run(files, shard=(0, 2)).is_complete
    damaged = files[1].parent / "out.chunks" / "0000" / "0000002.result"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    assert not run(files, shard=(1, 2)).is_complete  # it notices the damage when it puts the output together
    assert not damaged.exists()
    assert run(files, shard=(0, 2)).is_complete
    assert files[1].read_text() == expected(TEXT)


def test_permissions_of_a_replaced_output_are_kept(files: tuple[Path, Path]) -> None:
    files[1].write_text("old")
    files[1].chmod(0o640)
    run(files)
    assert files[1].stat().st_mode & 0o777 == 0o640


def test_impossible_outputs_are_refused_before_the_work(files: tuple[Path, Path]) -> None:
    for output in (files[1].parent, Path("/dev/null"), files[1].parent / "none" / "out"):
        with pytest.raises(CheckpointError, match="choose another path"):
            run((files[0], output))


def test_impossible_options_are_refused() -> None:
    for options, message in (
        ({"processes": 0}, "--workers: expected a number of at least 1, got 0"),
        ({"shard": (3, 3)}, "--shard: expected I/N with I from 0 to N - 1"),
        ({"threads": 0}, "--threads"),
    ):
        with pytest.raises(ConfigError, match=message):
            Workers(**options)
    assert Workers(processes=1000).worker_threads == 1


def test_a_store_that_vanishes_is_an_error(files: tuple[Path, Path], tmp_path: Path) -> None:
    run(files, shard=(0, 2))
    store = tmp_path / "out.chunks"
    failures: list[BaseException] = []

    def job() -> None:
        try:
            run(files, reversing(seconds=0.5))
        except RegardError as error:
            failures.append(error)

    thread = threading.Thread(target=job)
    thread.start()
    wait_until(lambda: (store / "locks" / "0000" / "0000001").exists())
    os.rename(store, tmp_path / "away")
    thread.join(PATIENCE)
    assert "run the command again" in str(failures[0])
    assert not store.exists()  # no claim makes it again


def test_a_worker_that_starts_after_the_end_ends(tmp_path: Path) -> None:
    """Another driver may complete the job while the worker loads its model."""
    assignment = Assignment(str(tmp_path / "gone"), str(tmp_path / "in"), "chunk_work:open_reversing", {}, 1)
    task = {"assignment": assignment.to_json(), "numbers": [0], "switch_interval": 0.005}
    line = json.dumps(task).encode() + b"\n"
    worker = subprocess.Popen(
        [sys.executable, "-m", "regard.recipes.chunks.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert worker.stdin is not None
    assert worker.stdout is not None
    with worker.stdin, worker.stdout, killed_at_deadline(worker):
        worker.stdin.write(line)
        worker.stdin.flush()  # and stays open, since the worker ends with its driver
        assert worker.stdout.read() == b""
        assert worker.wait() == 0


def test_the_rest_of_a_store_that_was_being_removed_is_removed(files: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / f"out.chunks{assembly._OLD}").mkdir()
    run(files)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]
