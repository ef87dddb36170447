"""One translator in many threads, in forks of its process, and pickled for other processes."""

from __future__ import annotations

import copy
import os
import pickle
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from regard.errors import SearchError
from regard.interop.ctranslate2.exporter import export_ctranslate2
from regard.interop.onnx.exporter import export_onnx
from regard.store import load_model
from regard.text.readers import read_lines
from regard.translation.loading import load
from regard.translation.shortlist import make_shortlist, shortlisted
from regard.translation.translator import Translator
from regard.values import Links

SECONDS = 60


@pytest.fixture
def lines(workshop: Path) -> list[str]:
    return list(read_lines(workshop / "test.en"))[:12]


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def translated(translator: Translator, lines: list[str]) -> list[tuple[str, float, Links]]:
    """Texts, rounded scores and alignments."""
    found = translator.translate(lines, beam=2, alignment=True)
    return [(translation.text, round(translation.score, 3), translation.alignment) for translation in found]


def test_eight_threads_share_a_translator(workshop: Path, lines: list[str]) -> None:
    translator, lines = load(workshop / "model"), lines[:6]
    expected = [translated(translator, [line]) for line in lines]
    order = [number for turn in range(8) for number in range(turn, len(lines) + turn)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: translated(translator, [lines[number % len(lines)]]), order))
    assert found == [expected[number % len(lines)] for number in order]


@pytest.mark.parametrize("engine", ["regard", "onnx", "ctranslate2"])
def test_translators_are_pickled_by_path(
    transformer: Path, lines: list[str], engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path("model")
    if engine != "regard":
        path = tmp_path / "export"
        {"onnx": export_onnx, "ctranslate2": export_ctranslate2}[engine](load_model("model"), path)
    translator = load(path)
    pickled = pickle.dumps(translator)
    assert len(pickled) < 1000
    monkeypatch.chdir("/")
    reopened = pickle.loads(pickled)
    assert reopened.engine is not translator.engine
    assert translated(reopened, lines) == translated(translator, lines)
    assert copy.copy(translator).engine is translator.engine
    assert pickle.loads(pickle.dumps(reopened)).translate(lines[0])[0].text == translator.translate(lines[0])[0].text


def test_options_are_pickled(workshop: Path, lines: list[str]) -> None:
    translator = load(workshop / "model", precision="bfloat16")
    assert translated(pickle.loads(pickle.dumps(translator)), lines) == translated(translator, lines)
    both = load([workshop / "model", workshop / "model"])
    assert len(pickle.loads(pickle.dumps(both)).models) == 2
    table = make_shortlist(translator, lines, lines, links=1, frequent=1)
    restricted = shortlisted(translator, table)
    reopened = pickle.loads(pickle.dumps(restricted))
    assert translated(reopened, lines) == translated(restricted, lines) != translated(translator, lines)


def test_models_that_were_never_saved_cannot_be_pickled(workshop: Path) -> None:
    with pytest.raises(SearchError, match="load it in that process by its path"):
        pickle.dumps(Translator.of([load_model(workshop / "model")]))
    translator = load(workshop / "model")
    with pytest.raises(SearchError, match="load it in that process by its path"):
        pickle.dumps(translator.with_engine(translator.engine))


def test_another_process_opens_a_pickled_translator(workshop: Path, lines: list[str]) -> None:
    translator = load(workshop / "model")
    program = "import pickle, sys; print(pickle.load(sys.stdin.buffer).translate(sys.argv[1], beam=2)[0].text)"
    done = subprocess.run(
        [sys.executable, "-c", program, lines[0]], input=pickle.dumps(translator), capture_output=True, check=True
    )
    assert done.stdout.decode().strip() == translator.translate(lines[0], beam=2)[0].text


def forked(work: Callable[[], str]) -> str:
    """The result of a function in a fork of this process; `hangs` if it does not return in time."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(writing, work().encode())
        except BaseException as error:
            os.write(writing, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    ready = select.select([reading], [], [], SECONDS)[0]
    answer = os.read(reading, 10_000).decode() if ready else "hangs"
    os.close(reading)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return answer


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.usefixtures("two_threads")
def test_a_fork_translates_with_one_thread(workshop: Path, lines: list[str]) -> None:
    translator = load(workshop / "model")
    expected = translated(translator, lines)
    torch.randn(800, 800) @ torch.randn(800, 800)  # starts threads, which a fork does not inherit

    def work() -> str:
        with pytest.warns(RuntimeWarning, match="translates with one thread"):
            found = translated(translator, lines)
        translator.score(lines, lines)
        return f"{found == expected} {torch.get_num_threads()}"

    assert forked(work) == "True 1"
    assert torch.get_num_threads() == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_of_ctranslate2_fails_instead_of_hanging(transformer: Path, lines: list[str], tmp_path: Path) -> None:
    export_ctranslate2(load_model(transformer / "model"), tmp_path / "export")
    translator = load(tmp_path / "export", threads=1)
    translator.translate(lines)
    assert forked(lambda: translator.translate(lines)[0].text).startswith("SearchError: this process was forked")
