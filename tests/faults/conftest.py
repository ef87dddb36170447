"""Fixtures: a directory of invalid files and models, commands run in this process, and processes that are halted."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from measured import Forks
from safetensors.torch import load_file, save_file

from regard.cli.main import app
from regard.config.load import load_config
from regard.model.build import build_model
from regard.store import save_model
from regard.text.subword import Subword

SYLLABLES = ["ba", "de", "fi", "go", "hu", "ka", "le", "mi", "no", "pu"]
LINES = [f"how was your day {a}{b} {b}{a}{c} ?" for a in SYLLABLES for b in SYLLABLES for c in SYLLABLES[:3]]


TIMEOUT = 1800.0
"""Seconds until a test gives up, only so that nothing waits forever."""
HALT = """
import os, signal, sys

suffix, left, signal_number, mark = os.environ["REGARD_TEST_HALT"].split("|")
left = int(left)

def on_event(event, arguments):
    global left
    if event == "os.rename" and str(arguments[1]).endswith(suffix):
        left -= 1
        if left == 0:
            open(mark, "x").close()
            os.kill(os.getpid(), int(signal_number))

sys.addaudithook(on_event)
"""


@dataclass(frozen=True)
class Done:
    """Exit status and output of a command."""

    status: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    """Runs commands in forks, within limits of time and memory."""
    runner = Forks()
    yield runner
    runner.close()


@pytest.fixture
def regard(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command, such as `regard("info", "model")`, with bytes as its standard input."""

    def run(*args: str, stdin: bytes = b"") -> Done:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        with pytest.raises(SystemExit) as caught:
            app(args)
        captured = capsys.readouterr()
        assert isinstance(caught.value.code, int)
        return Done(caught.value.code, captured.out, captured.err)

    return run


@pytest.fixture
def halting(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[dict[str, str], Path]]:
    """Environments that stop a Python process at a chosen moment, independent of the machine's speed.

    `halting("state.safetensors", 2)` stops it just before it renames a file to that name for the second time, or kills
    it with `signal.SIGKILL` as third argument. Returns the environment, and a path that exists from that moment on.
    """

    def halt(suffix: str, count: int, how: signal.Signals = signal.SIGSTOP) -> tuple[dict[str, str], Path]:
        directory = tmp_path_factory.mktemp("halt")
        (directory / "sitecustomize.py").write_text(HALT, encoding="utf-8")
        path = os.pathsep.join([str(directory), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
        mark = directory / "halted"
        return {"REGARD_TEST_HALT": f"{suffix}|{count}|{how:d}|{mark}", "PYTHONPATH": path.rstrip(os.pathsep)}, mark

    return halt


@pytest.fixture
def wait_for() -> Callable[[Callable[[], bool], subprocess.Popen[str]], None]:
    """Waits for a condition, and fails if the process ends before."""

    def wait(condition: Callable[[], bool], running: subprocess.Popen[str]) -> None:
        deadline = time.monotonic() + TIMEOUT
        while not condition():
            assert running.poll() is None, running.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.01)

    return wait


@pytest.fixture(scope="session")
def wrong_things(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of invalid texts, configurations and models, which no test changes."""
    world = tmp_path_factory.mktemp("wrong")
    _write_texts(world)
    _write_configurations(world)
    _write_models(world)
    return world


def _write_texts(world: Path) -> None:
    text = "".join(f"{line}\n" for line in LINES)
    (world / "a.en").write_text(text)
    (world / "a.fr").write_text(text)
    (world / "short.fr").write_text("".join(f"{line}\n" for line in LINES[:-1]))
    (world / "one.en").write_text("hello\n")
    (world / "empty").write_bytes(b"")
    (world / "blank").write_text("\n" * 3)
    (world / "latin1").write_bytes(b"a b c\ncaf\xe9 noir\n")
    (world / "utf16").write_text("how was your day\n", encoding="utf-16")
    (world / "folder").mkdir()
    (world / "a.7z").write_bytes(b"7z\xbc\xaf\x27\x1c\0\4")
    (world / "lfs").write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12\n")
    (world / "mac").write_text("\r".join(LINES))
    (world / "far").write_text("9999999 1 1\n")
    (world / "pairs.tsv").write_text("a\tb\nc d\n")
    packed = gzip.compress(text.encode())
    (world / "cut.gz").write_bytes(packed[: len(packed) // 2])
    (world / "not.gz").write_text("plain text\n")


def _write_configurations(world: Path) -> None:
    (world / "unknown.toml").write_text("[train]\nsteps = 3\n\n[model]\nkind = 'rnn'\nhiden_size = 3\n")
    (world / "type.toml").write_text("[train]\nsteps = 'many'\n")
    (world / "broken.toml").write_text("[train\n")
    (world / "preset.toml").write_text("\npreset = 'bahdanou'\n")


def _write_models(world: Path) -> None:
    backwards = [line[::-1] for line in LINES]
    subword, other = Subword.train(LINES, vocab_size=310), Subword.train(backwards, vocab_size=300)
    sizes = ["model.embed_size=8", "model.hidden_size=8", "train.threads=1"]
    for name, overrides, vocabulary in (
        ("model", [], subword),
        ("plain", ["model.decoder=plain"], subword),
        ("foreign", [], other),
    ):
        config = load_config(overrides=[*sizes, *overrides])
        model = build_model(config.model, src_vocab=len(vocabulary), tgt_vocab=len(vocabulary), shared=True)
        save_model(world / name, model=model, config=config, src_subword=vocabulary, tgt_subword=vocabulary)
    for name in ("nan", "cut", "reshaped", "edited", "newer", "no-weights", "no-json"):
        shutil.copytree(world / "model", world / name)
    weights = world / "nan" / "weights.safetensors"
    tensors = load_file(weights)
    tensors["output_bias"][7] = torch.nan
    save_file(tensors, weights)
    _rehash(world / "nan")
    weights = world / "cut" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    _rehash(world / "cut")
    weights = world / "reshaped" / "weights.safetensors"
    tensors = load_file(weights)
    tensors["output_bias"] = torch.zeros(5)
    save_file(tensors, weights)
    _rehash(world / "reshaped")
    with (world / "edited" / "config.toml").open("a") as file:
        file.write("# a remark\n")
    _rehash(world / "newer", format_version=7)
    (world / "no-weights" / "weights.safetensors").unlink()
    (world / "no-json" / "manifest.json").write_text("{")


def _rehash(directory: Path, **changes: object) -> None:
    path = directory / "manifest.json"
    tree = json.loads(path.read_text(encoding="utf-8"))
    for name in tree["files"]:
        tree["files"][name] = hashlib.sha256((directory / name).read_bytes()).hexdigest()
    path.write_text(json.dumps({**tree, **changes}), encoding="utf-8")
