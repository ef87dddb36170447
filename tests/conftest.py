"""Fixtures for several tiers of tests: settings, real corpora, older processors, a small trained model, commands."""

from __future__ import annotations

import gc
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from branch_coverage import branch_coverage
from deadlines import PATIENCE
from filelock import FileLock
from hypothesis import settings
from ready import ReadyPython

COVERAGE = branch_coverage()  # before the modules that it measures are imported

# Set before torch is imported: tests run in parallel, each with one computing thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

# The same examples in every run, and no deadline: two processes share two cores.
settings.register_profile("regard", derandomize=True, deadline=None)
settings.load_profile("regard")


# Python's garbage collector would visit the objects of ten thousand tests and of all modules again and again.
gc.disable()


def pytest_configure(config: pytest.Config) -> None:
    """Lets the measurement of coverage, if any, take part in the events of pytest."""
    if COVERAGE is not None:
        config.pluginmanager.register(COVERAGE, "regard-branch-coverage")


def pytest_collection_finish() -> None:
    """Resumes garbage collection after all tests are loaded, for objects that are created from then on."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    gc.enable()


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Gives each test the same random tensors, whether run alone or with others; does not load torch itself."""
    torch = sys.modules.get("torch")
    if torch:  # as `torch.manual_seed`, which takes a millisecond for devices that are not in use
        torch.default_generator.manual_seed(0)
        if torch.cuda.is_initialized():
            torch.cuda.manual_seed_all(0)


KERNELS = ["avx512", "avx2", "default"]


def _limit(name: str) -> AbstractContextManager[None]:
    from regard import native

    if name != "PyTorch" and name not in native.available_instruction_sets():
        pytest.skip(f"this processor, or the compiler of the kernels, has no {name}")
    return native.disabled() if name == "PyTorch" else native.limited_to(name)


@pytest.fixture(params=KERNELS)
def kernels(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each instruction set that the kernels are compiled for."""
    with _limit(request.param):
        yield request.param


@pytest.fixture(params=[*KERNELS, "PyTorch"])
def instructions(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each instruction set of `kernels`, then PyTorch's own operators."""
    with _limit(request.param):
        yield request.param


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The directory of real corpora that `REGARD_DATA` names; skips the test if it is not set."""
    directory = os.environ.get("REGARD_DATA")
    if not directory:
        pytest.skip("needs real corpora: set REGARD_DATA to the directory that holds them")
    return Path(directory)


# Limits per library if CPUID cannot be masked; ONNX Runtime has no such variable.
LIMITS = {
    "avx512": ("avx512", "AVX512_CORE", "AVX512", "AVX512"),
    "avx2": ("avx2", "AVX2", "AVX2", "AVX2"),
    "generic": ("default", "SSE41", "SSE4_2", "GENERIC"),
}
VARIABLES = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS", "CT2_FORCE_CPU_ISA")


@dataclass(frozen=True)
class OlderCpu:
    """Environment variables that make a program see an older processor.

    Attributes:
        library: `tests/machines/older_cpu.c`, compiled; None if this machine cannot mask CPUID.
        obstacle: Why it cannot.
    """

    library: Path | None
    obstacle: str

    def environment(self, level: Literal["avx512", "avx2", "generic"], *, every_library: bool = True) -> dict[str, str]:
        """Environment of a process limited to these instructions; `avx512` excludes VNNI.

        If CPUID cannot be masked, variables limit PyTorch, oneDNN, MKL and CTranslate2, and a test that needs every
        library, our own kernels among them, is skipped.
        """
        if self.library:
            preload = " ".join(filter(None, [str(self.library), os.environ.get("LD_PRELOAD")]))
            return {**os.environ, "LD_PRELOAD": preload, "OLDER_CPU": level}
        if every_library:
            pytest.skip(f"cannot emulate an older processor: {self.obstacle}")
        return {**os.environ, **dict(zip(VARIABLES, LIMITS[level], strict=True))}


@pytest.fixture(scope="session")
def older_cpu(tmp_path_factory: pytest.TempPathFactory) -> OlderCpu:
    """Emulates older processors for child processes; see `tests/machines/older_cpu.c`."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if sys.platform != "linux" or platform.machine() != "x86_64" or not compiler:
        return OlderCpu(None, "needs Linux on x86-64 and a C compiler")
    library = tmp_path_factory.mktemp("older_cpu") / "older_cpu.so"
    source = Path(__file__).parent / "machines" / "older_cpu.c"
    flags = ["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run([compiler, *flags, "-o", library, source, "-ldl"], check=True)
    probe = subprocess.run([sys.executable, "-c", ""], env={**os.environ, "LD_PRELOAD": str(library)}, check=False)
    if probe.returncode:
        return OlderCpu(None, "the processor or the kernel cannot make CPUID fault")
    return OlderCpu(library, "")


Once = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Once:
    """Fills a named directory once for all test processes: the first one fills it, the others wait."""
    own = tmp_path_factory.getbasetemp()
    shared = own if worker_id == "master" else own.parent

    def make(name: str, fill: Callable[[Path], object]) -> Path:
        directory, done = shared / name, shared / f"{name}.done"
        with FileLock(shared / f"{name}.lock", timeout=PATIENCE):
            if not done.exists():
                directory.mkdir()
                fill(directory)
                done.touch()
        return directory

    return make


@pytest.fixture(scope="session")
def ready_regard() -> Iterator[Path]:
    """A directory for the front of the PATH, whose `regard` starts without loading torch again; see `ready.py`."""
    with tempfile.TemporaryDirectory(prefix="regard-") as name:
        python = ReadyPython(Path(name))
        yield Path(name)
        python.close()


@pytest.fixture
def ready_workers(ready_regard: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Worker processes that this process starts have loaded their modules before; see `ready.py`."""
    python = ready_regard / "ready-python"
    if python.exists():
        monkeypatch.setattr(sys, "executable", str(python))


@pytest.fixture(scope="session")
def workshop(made_once: Once) -> Path:
    """A directory with a small corpus (`train.en`, `train.fr` ... `test.align`) and a barely trained `model`.

    The model was trained for seconds: enough to run every command on it, too little to translate. Tests that write
    should work on a copy.
    """
    return made_once("workshop", _fill_workshop)


def _fill_workshop(directory: Path) -> None:
    from regard.config.load import load_config
    from regard.recipes.training import train
    from regard_phrasebook.corpus import write_corpus

    write_corpus(directory, pair="en-fr", pairs=400, seed=1, min_length=1, max_length=12)
    files = {"src": "train.en", "tgt": "train.fr", "val_src": "val.en", "val_tgt": "val.fr"}
    overrides = [
        *(f"data.{key}={directory / name}" for key, name in files.items()),
        "subword.vocab_size=400",
        "model.embed_size=32",
        "model.hidden_size=48",
        "train.steps=80",
        "train.learning_rate=0.02",
        "train.warmup=20",
        "train.validate_every=40",
        "train.validate_sentences=20",
        "train.batch_tokens=512",
        "train.threads=1",
        "train.device=cpu",
        "train.tensorboard=false",
    ]
    train(load_config(None, preset="bahdanau", overrides=overrides), directory / "model")


@pytest.fixture
def transformer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with a small randomly initialized post-norm Transformer in `model`."""
    import torch

    from regard.config.schema import Config, TransformerConfig
    from regard.model.build import build_model
    from regard.store import save_model
    from regard.text.subword import Subword

    torch.manual_seed(1)
    subword = Subword.train(["how was your day", "ta journée s' est bien passée"] * 20, vocab_size=320)
    config = Config(
        model=TransformerConfig(width=16, ff_size=16, heads=2, encoder_layers=1, decoder_layers=1, norm="post")
    )
    model = build_model(config.model, src_vocab=len(subword), tgt_vocab=len(subword), shared=True)
    save_model(tmp_path / "model", model=model, config=config, src_subword=subword, tgt_subword=subword)
    monkeypatch.chdir(tmp_path)
    return tmp_path
