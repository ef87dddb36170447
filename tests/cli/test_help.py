"""Help: fast, complete at any terminal width, with examples that run."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Protocol

import pytest
import typer

from regard.cli import aer, align, attend, demo, evaluate, info, phrasebook, rerank, score, shortlist, train, translate
from regard.cli.main import app


class Done(Protocol):
    """Result of a command; see `conftest.py`."""

    status: int
    out: str
    err: str


VERBS = {module.__name__.rpartition(".")[2]: module for module in (
    score, rerank, train, translate, evaluate, attend, align, aer, phrasebook, info, demo, shortlist, score, rerank
)}  # fmt: skip
SHORT = " --set train.steps=4 --set train.validate_sentences=4 --set train.tensorboard=false --set train.threads=1"
QUICK = f"{SHORT} --set subword.vocab_size=320 --set model.embed_size=8 --set model.hidden_size=8"

QUICK_AFTER = {"train": QUICK, "demo": f"{QUICK} --pairs 300"}


def examples(module: ModuleType) -> list[str]:
    return re.findall(r"^\$ (.*)$", module.EXAMPLES, re.MULTILINE)


EXAMPLES = [line for module in VERBS.values() for line in examples(module)]


def test_every_verb_has_an_example() -> None:
    for verb, module in VERBS.items():
        assert any(f"regard {verb} " in line for line in examples(module)), verb


@pytest.mark.parametrize("line", [line for line in EXAMPLES if "--resume" not in line])
def test_the_examples_run(at_work: Path, quick_shell: Callable[..., Done], line: str) -> None:
    keeps_its_sizes = "--from" in line  # those of the model that the training starts from
    done = quick_shell(line + (SHORT if keeps_its_sizes else QUICK_AFTER.get(line.split()[1], "")))
    assert done.status == 0, done


def test_the_example_of_an_interrupted_training_runs(at_work: Path, quick_shell: Callable[..., Done]) -> None:
    first, _, _, second = examples(train)
    assert "--resume" in second
    assert quick_shell(first + QUICK).status == 0
    done = quick_shell(second + " --set train.steps=6")
    assert done.status == 0, done
    assert "step 6" in done.err


def test_the_overview_names_every_verb(regard: Callable[..., Done]) -> None:
    for arguments in (["--help"], ["-h"], []):
        done = regard(*arguments)
        assert done.status == 0
        assert all(verb in done.out for verb in VERBS)


@pytest.mark.parametrize("group", ["data", "lab", "keys", "recipe"])
def test_a_group_without_a_command_prints_its_help_alone(regard: Callable[..., Done], group: str) -> None:
    done = regard(group)
    assert (done.status, done.err) == (2, "")
    assert f"regard {group} [OPTIONS] COMMAND" in done.out


def test_the_version(regard: Callable[..., Done]) -> None:
    assert regard("--version").out == f"regard {version('regard')}\n"


@pytest.mark.parametrize("columns", [10, 40, 69, 70, 80, 200])
def test_no_option_is_cut_off_at_any_width(
    regard: Callable[..., Done], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERMINAL_WIDTH", str(columns))
    done = regard("train", "--help")
    assert done.status == 0
    for option in ("--out", "--preset", "--src", "--tgt", "--val-src", "--val-tgt", "--set", "--resume", "--overwrite"):
        assert option in done.out
    assert "…" not in done.out


def test_help_loads_no_heavy_package(shell: Callable[..., Done]) -> None:
    script = "import sys; import regard.cli.main; print(*sorted(sys.modules))"
    loaded = shell(f'"{sys.executable}" -c "{script}"').out.split()
    assert "typer" in loaded
    assert {"torch", "numpy", "matplotlib", "sacrebleu", "sentencepiece"} & set(loaded) == set()


AT_END = """
import sys
from regard.cli.main import app
for arguments in {calls!r}:
    try:
        app(arguments)
    except SystemExit as exit:
        assert exit.code == 0, (arguments, exit.code)
print(*sorted(sys.modules), file=sys.stderr)
"""
"""Runs commands in one process, then prints the names of all loaded modules."""


def loaded_after(calls: list[list[str]], *, stdin: str = "") -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", AT_END.format(calls=calls)], input=stdin, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())


def test_help_of_no_verb_loads_torch() -> None:
    group = typer.main.get_command(app)
    verbs = sorted(getattr(group, "commands"))  # noqa: B009 - typer's groups carry click's types within themselves
    assert {*VERBS, "export", "import", "lab"} <= set(verbs)
    calls = [["--version"], ["--help"], *([verb, "--help"] for verb in verbs), ["lab", "run", "--help"]]
    loaded = loaded_after(calls)
    assert "typer" in loaded
    assert {"torch", "numpy", "matplotlib", "sacrebleu", "sentencepiece", "regard.config.schema"} & loaded == set()


def test_a_translation_loads_only_what_it_needs(workshop: Path) -> None:
    loaded = loaded_after([["translate", str(workshop / "model")]], stdin="How was your day?\n")
    assert {"torch", "sentencepiece", "regard.search.beam"} <= loaded
    unneeded = {"torch._dynamo", "torch._inductor", "sympy", "sacrebleu", "matplotlib", "transformers", "ctranslate2"}
    unneeded |= {"onnxruntime", "tensorboard", "rich", "regard.interop.onnx.exporter", "regard.train.loop"}
    assert unneeded & loaded == set()


def test_loading_restores_the_garbage_collector() -> None:
    """It freezes objects only if torch was loaded within."""
    script = (
        "import gc\nfrom regard.cli.loading import loading\n"
        "with loading():\n    assert not gc.isenabled()\n    import json\n"
        "assert gc.isenabled() and gc.get_freeze_count() == 0\n"
        "with loading():\n    import torch\n"
        "frozen = gc.get_freeze_count()\nassert gc.isenabled() and frozen > 100_000\n"
        "with loading():\n    import torch\n"
        "assert gc.get_freeze_count() == frozen\n"
        "gc.disable()\nwith loading():\n    pass\nassert not gc.isenabled()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_package_runs_as_a_program_and_as_a_module(shell: Callable[..., Done]) -> None:
    for command in ("regard", f'"{sys.executable}" -m regard'):
        assert shell(f"{command} --version").out == f"regard {version('regard')}\n"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each command is a new process")
def test_a_forked_command_behaves_like_a_new_process(
    shell: Callable[..., Done], quick_shell: Callable[..., Done]
) -> None:
    """Even in a pipeline, without input, with a reader that closes its pipe, and when killed."""
    assert "/regard-" in quick_shell("command -v regard").out
    for line in (
        "regard --version",
        "regard info nowhere",
        "echo hello | regard translate nowhere | cat",
        "regard phrasebook --pairs 3 --out made < /dev/null && cat made/train.*; rm -r made",
        "cd /; regard --help | head -n 1 > /dev/null; echo ${PIPESTATUS[1]}",
        "COLUMNS=50 regard align --help",
    ):
        assert quick_shell(line) == shell(line), line
    # Killing it must kill its fork too, which holds an end of our pipe and would run for minutes.
    killed = quick_shell("regard phrasebook --pairs 2000000 --out made & sleep 0.1; kill -9 $!; wait $!")
    assert killed.status == 128 + 9


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each command is a new process")
def test_a_forked_module_behaves_like_a_new_process(
    tmp_path: Path, shell: Callable[..., Done], ready_regard: Path
) -> None:
    (tmp_path / "made.py").write_text("import os, sys; print(__name__, sys.argv, len(sys.stdin.read())); sys.exit(4)\n")
    for line in (
        "PYTHON -m regard --version",
        "PYTHON -m made one 'two three' < made.py",
        "mkdir x; mv made.py x; echo word | PYTHONPATH=x PYTHON -m made; rm -rf x/__pycache__; mv x/made.py .; rmdir x",
        'echo \'{"work": "learn"}\' | PYTHON -m regard.data.prepared.worker; echo $?',
        "PYTHON -c 'import sys; sys.exit(5)'",
    ):
        expected = shell(line.replace("PYTHON ", f'"{sys.executable}" '))
        assert shell(line.replace("PYTHON ", f'"{ready_regard / "ready-python"}" ')) == expected, line
        assert not expected.err, expected


@pytest.mark.parametrize(
    ("environment", "spins"),
    [({}, "1000"), ({"GOMP_SPINCOUNT": "77"}, "77"), ({"OMP_WAIT_POLICY": "passive"}, "0")],
)
def test_idle_threads_sleep_soon_unless_the_user_sets_otherwise(
    monkeypatch: pytest.MonkeyPatch, at_work: Path, shell: Callable[..., Done], environment: dict[str, str], spins: str
) -> None:
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.delenv(name, raising=False)
    output = shell("regard info model", OMP_DISPLAY_ENV="verbose", **environment).err
    spin_counts = set(re.findall(r"GOMP_SPINCOUNT = '(\d+)'", output))
    if not spin_counts:
        pytest.skip("torch here does not use GNU OpenMP")
    assert spin_counts == {spins}
