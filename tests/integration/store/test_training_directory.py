"""Training directories: one process at a time, and the old or the new training at every moment."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from deadlines import PATIENCE, killed_at_deadline, wait_until

from regard.errors import CheckpointError, ConfigError
from regard.store import training_directory
from regard.store.training_directory import TrainingDirectory

OLD, NEW = "the old state", "the new state"


def make_training(path: Path, state: str | None = None) -> Path:
    path.mkdir(parents=True)
    (path / "config.toml").touch()
    if state is not None:
        (path / "state.safetensors").write_text(state)
    return path


def state(out: Path) -> str:
    return (out / "training/state.safetensors").read_text()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "model"


def test_a_new_training_replaces_the_old_one(out: Path) -> None:
    make_training(out / "training", OLD)
    directory = TrainingDirectory(out)
    with directory.claimed():
        directory.begin()
        assert directory.is_replacing
        assert state(out) == OLD
        (directory.current / "state.safetensors").write_text(NEW)
        assert directory.after_save() == out / "training"
        assert not directory.is_replacing
        directory.check()
    assert state(out) == NEW
    assert sorted(entry.name for entry in out.iterdir()) == [".locks", "training"]


def test_a_training_without_state_is_removed_and_the_old_one_stays(out: Path) -> None:
    make_training(out / "training", OLD)
    directory = TrainingDirectory(out)
    with pytest.raises(RuntimeError), directory.claimed():
        directory.begin()
        raise RuntimeError
    assert state(out) == OLD
    assert sorted(entry.name for entry in out.iterdir()) == [".locks", "training"]


@pytest.mark.parametrize(
    ("training", "new", "old", "after"),
    [
        (OLD, None, None, OLD),
        (OLD, NEW, None, OLD),  # killed before the first rename
        (None, NEW, OLD, NEW),  # killed between the two renames
        (NEW, None, OLD, NEW),  # killed before the old one was removed
        (None, None, OLD, OLD),  # the new one was removed between the two
        (None, NEW, None, None),  # no old one, and the new one had no state
    ],
)
def test_the_next_process_finishes_an_interrupted_replacement(
    out: Path, training: str | None, new: str | None, old: str | None, after: str | None
) -> None:
    for name, content in (("training", training), (".training.new", new), (".training.old", old)):
        if content is not None:
            make_training(out / name, content)
    directory = TrainingDirectory(out)
    assert directory.has_state() == (after is not None)
    if after is not None:
        with pytest.raises(ConfigError, match=r"already contains training: .*--resume.*--overwrite"):
            directory.check_free(overwrite=False)
    directory.check_free(overwrite=True)
    out.mkdir(exist_ok=True)
    with directory.claimed():
        assert (out / "training").exists() == (after is not None)
        if after is not None:
            assert state(out) == after
    assert not {".training.new", ".training.old"} & {entry.name for entry in out.iterdir()}


def test_a_failed_rename_restores_the_old_training(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_training(out / "training", OLD)
    real_replace = os.replace

    def full(source: Path, target: Path) -> None:
        if Path(source).name == ".training.new":
            raise OSError(28, "No space left on device")
        real_replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    directory = TrainingDirectory(out)
    with (
        pytest.raises(CheckpointError, match=r"training: cannot be written: No space.*Make room"),
        directory.claimed(),
    ):
        directory.begin()
        directory.after_save()
    assert state(out) == OLD


def test_symbolic_links_to_the_directory_are_kept(out: Path, tmp_path: Path) -> None:
    make_training(tmp_path / "scratch/run", OLD)
    out.mkdir()
    (out / "training").symlink_to(tmp_path / "scratch/run")
    directory = TrainingDirectory(out)
    with directory.claimed():
        directory.begin()
        (directory.current / "state.safetensors").write_text(NEW)
        directory.after_save()
    assert (out / "training").is_symlink()
    assert state(out) == NEW


def test_an_unfinished_preparation_is_replaced(out: Path) -> None:
    make_training(out / "training")
    directory = TrainingDirectory(out)
    directory.check_free(overwrite=False)
    with directory.claimed():
        directory.begin()
        directory.replace_old()
    assert list((out / "training").iterdir()) == []


PENDING_STATES = ("state.safetensors.new", "state.previous.safetensors.new")


def test_incomplete_files_of_a_killed_process_are_removed(out: Path) -> None:
    for name in (".tmpAb3xYz", ".tmp-mine", *PENDING_STATES):
        (make_training(out / "training", OLD) if not out.exists() else out / "training").joinpath(name).touch()
    with TrainingDirectory(out).claimed():
        left = {entry.name for entry in (out / "training").iterdir()}
        assert ".tmp-mine" in left
        assert not left & {".tmpAb3xYz", *PENDING_STATES}
    (out / "training/.tmp-mine").unlink()
    TrainingDirectory(out).check_free(overwrite=True)


def test_foreign_files_are_not_replaced(out: Path) -> None:
    make_training(out / "training", OLD)
    (out / "training/train.en").write_text("a corpus")
    with pytest.raises(ConfigError, match=r"found 'train\.en'.*move that file elsewhere"):
        TrainingDirectory(out).check_free(overwrite=True)


def test_a_second_process_is_refused(out: Path) -> None:
    make_training(out / "training", OLD)
    with TrainingDirectory(out).claimed():
        script = (
            "import sys; from pathlib import Path; from regard.errors import RegardError\n"
            "from regard.store.training_directory import TrainingDirectory\n"
            "directory = TrainingDirectory(Path(sys.argv[1]))\n"
            "for work in (lambda: directory.check_free(overwrite=True), lambda: directory.claimed().__enter__()):\n"
            "    try: work()\n"
            "    except RegardError as error: print(error)\n"
        )
        result = subprocess.run(
            [sys.executable, "-c", script, str(out)], capture_output=True, text=True, check=True, timeout=PATIENCE
        )
    lines = result.stdout.splitlines()
    assert len(lines) == 2
    for line in lines:
        assert line.startswith(f"{out}: a training (process {os.getpid()} on ")
        assert "is running there" in line
    with TrainingDirectory(out).claimed():  # it was released
        pass


def test_a_zombie_does_not_hold_the_lock(out: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from regard.store.training_directory import TrainingDirectory\n"
        "with TrainingDirectory(Path(sys.argv[1])).claimed(): print(flush=True); time.sleep(1000)\n"
    )
    out.mkdir()
    with (
        subprocess.Popen([sys.executable, "-c", script, str(out)], stdout=subprocess.PIPE) as killed,
        killed_at_deadline(killed),
    ):
        assert killed.stdout
        assert killed.stdout.readline()
        with pytest.raises(CheckpointError, match=rf"process {killed.pid} on"):
            TrainingDirectory(out).check_free(overwrite=True)
        killed.send_signal(signal.SIGKILL)
        status = Path(f"/proc/{killed.pid}/stat")
        wait_until(lambda: not status.exists() or ") Z " in status.read_text())
        with TrainingDirectory(out).claimed():
            pass


@pytest.mark.parametrize(
    "lock_file",
    [
        "",  # killed while it was written
        json.dumps({"host": socket.gethostname(), "machine": "another container", "started": "1", "pid": os.getpid()}),
        json.dumps({"host": "elsewhere", "pid": 1}),
    ],
    ids=["empty", "container", "elsewhere"],
)
def test_a_silent_holder_loses_the_lock(out: Path, lock_file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_directory, "WATCH_SECONDS", 0.1)
    (out / ".locks").mkdir(parents=True)
    (out / ".locks/lock.0").write_text(lock_file)
    directory = TrainingDirectory(out)
    directory.check_free(overwrite=False)
    with directory.claimed():
        directory.begin()
        directory.check()


def test_a_holder_on_another_machine_keeps_the_lock_by_heartbeats(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_directory, "WATCH_SECONDS", 60.0)
    lock = out / ".locks/lock.0"
    lock.parent.mkdir(parents=True)
    lock.write_text(json.dumps({"host": "elsewhere", "pid": 7}))
    real_sleep = time.sleep

    def send_heartbeat(seconds: float) -> None:
        os.utime(lock, (time.time() - 5.0, time.time() - 5.0))
        real_sleep(0.0)

    monkeypatch.setattr("regard.files.locks.time.sleep", send_heartbeat)
    with pytest.raises(CheckpointError, match="process 7 on elsewhere"), TrainingDirectory(out).claimed():
        pass


def test_a_reused_process_id_does_not_hold_the_lock(out: Path) -> None:
    from regard.files.locks import Lock, _machine

    (out / ".locks").mkdir(parents=True)
    owner = {"host": socket.gethostname(), "machine": _machine(), "started": "12", "pid": os.getpid()}
    (out / ".locks/lock.0").write_text(json.dumps(owner))
    assert Lock(out / ".locks").holder() is None


@pytest.mark.parametrize("change", ["removed", "replaced", "all removed"])
def test_a_removed_or_replaced_directory_is_detected(out: Path, change: str) -> None:
    directory = TrainingDirectory(out)
    with directory.claimed():
        directory.begin()
        directory.replace_old()
        directory.check()
        shutil.rmtree(out if change == "all removed" else out / "training")
        if change == "replaced":
            make_training(out / "training", OLD)
        with pytest.raises(CheckpointError, match="was removed or replaced during this training"):
            directory.check()


def test_a_training_that_lost_its_lock_writes_no_more(out: Path) -> None:
    slow, quick = TrainingDirectory(out), TrainingDirectory(out)
    with slow.claimed():
        slow.begin()
        slow.replace_old()
        os.utime(out / ".locks/lock.0", (0, 0))
        with quick.claimed(), pytest.raises(CheckpointError, match="did not respond for so long that another"):
            slow.check()
