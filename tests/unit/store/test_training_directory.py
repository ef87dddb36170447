"""The folder of a training: one process at a time, and the old training or the new one at every instant."""

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

from regard.errors import CheckpointError, ConfigError
from regard.store import training_directory as training_folder
from regard.store.training_directory import TrainingDirectory

OLD, NEW = "the old state", "the new state"


def lay_out(place: Path, state: str | None = None) -> Path:
    place.mkdir(parents=True)
    (place / "config.toml").touch()
    if state is not None:
        (place / "state.safetensors").write_text(state)
    return place


def state(out: Path) -> str:
    return (out / "training/state.safetensors").read_text()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "model"


def test_a_new_training_takes_the_place_of_the_old_one(out: Path) -> None:
    lay_out(out / "training", OLD)
    folder = TrainingDirectory(out)
    with folder.claimed():
        folder.begin()
        assert folder.is_replacing
        assert state(out) == OLD
        (folder.current / "state.safetensors").write_text(NEW)
        assert folder.after_save() == out / "training"
        assert not folder.is_replacing
        folder.check()
    assert state(out) == NEW
    assert sorted(one.name for one in out.iterdir()) == [".locks", "training"]


def test_what_did_not_come_to_a_state_goes_and_the_old_one_stays(out: Path) -> None:
    lay_out(out / "training", OLD)
    folder = TrainingDirectory(out)
    with pytest.raises(RuntimeError), folder.claimed():
        folder.begin()
        raise RuntimeError
    assert state(out) == OLD
    assert sorted(one.name for one in out.iterdir()) == [".locks", "training"]


@pytest.mark.parametrize(
    ("training", "new_path", "going", "after"),
    [
        (OLD, None, None, OLD),
        (OLD, NEW, None, OLD),  # killed before the first rename
        (None, NEW, OLD, NEW),  # between the two
        (NEW, None, OLD, NEW),  # before the old one was removed
        (None, None, OLD, OLD),  # the new one was given up between the two
        (None, NEW, None, None),  # there was none before, and the new one was not ready
    ],
)
def test_whoever_comes_next_finishes_what_a_kill_left(out: Path, training, coming, going, after) -> None:
    for name, content in (("training", training), (".training.new", coming), (".training.old", going)):
        if content is not None:
            lay_out(out / name, content)
    folder = TrainingDirectory(out)
    assert folder.has_state() == (after is not None)
    if after is not None:
        with pytest.raises(ConfigError, match=r"already holds training: .*--resume.*--overwrite"):
            folder.check_free(overwrite=False)
    folder.check_free(overwrite=True)
    out.mkdir(exist_ok=True)
    with folder.claimed():
        assert (out / "training").exists() == (after is not None)
        if after is not None:
            assert state(out) == after
    assert not {".training.new", ".training.old"} & {one.name for one in out.iterdir()}


def test_a_rename_that_fails_puts_the_old_one_back(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_out(out / "training", OLD)
    really = os.replace

    def full(source: Path, target: Path) -> None:
        if Path(source).name == ".training.new":
            raise OSError(28, "No space left on device")
        really(source, target)

    monkeypatch.setattr(os, "replace", full)
    folder = TrainingDirectory(out)
    with (
        pytest.raises(CheckpointError, match=r"training: cannot be written: No space.*Make room"),
        folder.claimed(),
    ):
        folder.begin()
        folder.after_save()
    assert state(out) == OLD


def test_behind_a_link_the_folder_is_replaced_where_it_lies(out: Path, tmp_path: Path) -> None:
    lay_out(tmp_path / "scratch/run", OLD)
    out.mkdir()
    (out / "training").symlink_to(tmp_path / "scratch/run")
    folder = TrainingDirectory(out)
    with folder.claimed():
        folder.begin()
        (folder.current / "state.safetensors").write_text(NEW)
        folder.after_save()
    assert (out / "training").is_symlink()
    assert state(out) == NEW


def test_an_unfinished_preparation_is_in_nobodys_way(out: Path) -> None:
    lay_out(out / "training")
    folder = TrainingDirectory(out)
    folder.check_free(overwrite=False)
    with folder.claimed():
        folder.begin()
        folder.replace_old()
    assert list((out / "training").iterdir()) == []


def test_what_a_kill_left_half_written_is_cleared_away(out: Path) -> None:
    for name in (".tmpAb3xYz", ".tmp-mine", "state.safetensors.new"):
        (lay_out(out / "training", OLD) if not out.exists() else out / "training").joinpath(name).touch()
    with TrainingDirectory(out).claimed():
        assert {".tmp-mine"} == {one.name for one in (out / "training").glob(".tmp*")}
    (out / "training/.tmp-mine").unlink()
    TrainingDirectory(out).check_free(overwrite=True)


def test_files_of_somebody_else_are_not_replaced(out: Path) -> None:
    lay_out(out / "training", OLD)
    (out / "training/train.en").write_text("a corpus")
    with pytest.raises(ConfigError, match=r"found 'train\.en' among them.*move it away"):
        TrainingDirectory(out).check_free(overwrite=True)


def test_a_second_process_is_refused_in_words(out: Path) -> None:
    lay_out(out / "training", OLD)
    with TrainingDirectory(out).claimed():
        script = (
            "import sys; from pathlib import Path; from regard.errors import RegardError\n"
            "from regard.store.training_directory import TrainingDirectory\n"
            "folder = TrainingDirectory(Path(sys.argv[1]))\n"
            "for work in (lambda: folder.check_free(overwrite=True), lambda: folder.claimed().__enter__()):\n"
            "    try: work()\n"
            "    except RegardError as error: print(error)\n"
        )
        told = subprocess.run([sys.executable, "-c", script, str(out)], capture_output=True, text=True, check=True)
    lines = told.stdout.splitlines()
    assert len(lines) == 2
    for line in lines:
        assert line.startswith(f"{out}: a training (process {os.getpid()} on ")
        assert "is running there" in line
    with TrainingDirectory(out).claimed():  # it was given back
        pass


def test_a_killed_one_is_in_nobodys_way_even_before_it_is_waited_for(out: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from regard.store.training_directory import TrainingDirectory\n"
        "with TrainingDirectory(Path(sys.argv[1])).claimed(): print(flush=True); time.sleep(1000)\n"
    )
    out.mkdir()
    killed = subprocess.Popen([sys.executable, "-c", script, str(out)], stdout=subprocess.PIPE)
    assert killed.stdout
    killed.stdout.readline()
    with pytest.raises(CheckpointError, match=rf"process {killed.pid} on"):
        TrainingDirectory(out).check_free(overwrite=True)
    killed.send_signal(signal.SIGKILL)
    killed.stdout.read()  # it is dead now, though nobody has waited for it
    while Path(f"/proc/{killed.pid}/stat").exists() and ") Z " not in Path(f"/proc/{killed.pid}/stat").read_text():
        time.sleep(0.01)
    with TrainingDirectory(out).claimed():
        pass
    killed.wait()
    killed.stdout.close()


@pytest.mark.parametrize(
    "left",
    [
        "",  # killed as it was written
        json.dumps({"host": socket.gethostname(), "machine": "another container", "started": "1", "pid": os.getpid()}),
        json.dumps({"host": "elsewhere", "pid": 1}),
    ],
    ids=["empty", "container", "elsewhere"],
)
def test_one_that_shows_no_life_is_succeeded(out: Path, left: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_folder, "WATCH_SECONDS", 0.1)
    (out / ".locks").mkdir(parents=True)
    (out / ".locks/lock.0").write_text(left)
    folder = TrainingDirectory(out)
    folder.check_free(overwrite=False)
    with folder.claimed():
        folder.begin()
        folder.check()


def test_one_elsewhere_that_shows_life_is_believed(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_folder, "WATCH_SECONDS", 60.0)
    lock = out / ".locks/lock.0"
    lock.parent.mkdir(parents=True)
    lock.write_text(json.dumps({"host": "elsewhere", "pid": 7}))
    really = time.sleep

    def beat(seconds: float) -> None:
        os.utime(lock, (time.time() - 5.0, time.time() - 5.0))
        really(0.0)

    monkeypatch.setattr("regard.files.locks.time.sleep", beat)
    with pytest.raises(CheckpointError, match="process 7 on elsewhere"), TrainingDirectory(out).claimed():
        pass


def test_a_number_that_was_given_anew_does_not_hold(out: Path) -> None:
    from regard.files.locks import Lock, _machine

    (out / ".locks").mkdir(parents=True)
    owner = {"host": socket.gethostname(), "machine": _machine(), "started": "12", "pid": os.getpid()}
    (out / ".locks/lock.0").write_text(json.dumps(owner))
    assert Lock(out / ".locks").holder() is None


@pytest.mark.parametrize("how", ["removed", "replaced", "all removed"])
def test_who_works_in_a_directory_that_is_gone_is_told(out: Path, how: str) -> None:
    folder = TrainingDirectory(out)
    with folder.claimed():
        folder.begin()
        folder.replace_old()
        folder.check()
        shutil.rmtree(out if how == "all removed" else out / "training")
        if how == "replaced":
            lay_out(out / "training", OLD)
        with pytest.raises(CheckpointError, match="was removed or replaced while this training worked in it"):
            folder.check()


def test_who_was_taken_for_dead_writes_no_more(out: Path) -> None:
    slow, quick = TrainingDirectory(out), TrainingDirectory(out)
    with slow.claimed():
        slow.begin()
        slow.replace_old()
        os.utime(out / ".locks/lock.0", (0, 0))
        with quick.claimed(), pytest.raises(CheckpointError, match="was silent for so long that another"):
            slow.check()
