"""What several tiers of tests share: settings, real corpora where they lie, one small trained model, quick commands."""

from __future__ import annotations

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
from filelock import FileLock
from hypothesis import settings
from ready import ReadyPython

# Before torch is imported anywhere: tests run side by side, each with one computing thread.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

# The same examples in every run, and no verdict on speed: two processes share two cores.
settings.register_profile("regard", derandomize=True, deadline=None)
settings.load_profile("regard")


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Every test draws the same random tensors, alone or among others; torch is not loaded for it."""
    torch = sys.modules.get("torch")
    if torch:
        torch.manual_seed(0)


KERNELS = ["avx512", "avx2", "default"]


def _limit(name: str) -> AbstractContextManager[None]:
    from regard import native

    if name != "PyTorch" and name not in native.available_instruction_sets():
        pytest.skip(f"this processor, or what compiled the kernels, has no {name}")
    return native.limited_to(None if name == "PyTorch" else name)


@pytest.fixture(params=KERNELS)
def kernels(request: pytest.FixtureRequest) -> Iterator[str]:
    """The sets of instructions that kernels are compiled for, one after the other."""
    with _limit(request.param):
        yield request.param


@pytest.fixture(params=[*KERNELS, "PyTorch"])
def instructions(request: pytest.FixtureRequest) -> Iterator[str]:
    """As `kernels`, and PyTorch's own operators."""
    with _limit(request.param):
        yield request.param


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The directory of real corpora that `REGARD_DATA` names; skips the test where it does not."""
    named = os.environ.get("REGARD_DATA")
    if not named:
        pytest.skip("needs real corpora: set REGARD_DATA to the directory that holds them")
    return Path(named)


# What each library is told where CPUID cannot be masked; ONNX Runtime has no such variable.
LIMITS = {
    "avx512": ("avx512", "AVX512_CORE", "AVX512", "AVX512"),
    "avx2": ("avx2", "AVX2", "AVX2", "AVX2"),
    "generic": ("default", "SSE41", "SSE4_2", "GENERIC"),
}
VARIABLES = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS", "CT2_FORCE_CPU_ISA")


@dataclass(frozen=True)
class OlderCpu:
    """Environments in which a program sees an older processor.

    Attributes:
        library: `tests/machines/older_cpu.c`, compiled; None where this machine cannot mask CPUID.
        lacking: Why not.
    """

    library: Path | None
    lacking: str

    def environment(self, level: Literal["avx512", "avx2", "generic"], *, every_library: bool = True) -> dict[str, str]:
        """Environment of a process that may use these instructions and no more; `avx512` is without VNNI.

        Where CPUID cannot be masked, PyTorch, oneDNN, MKL and CTranslate2 are told by variables, and a test that
        needs every library, our own kernels among them, is skipped.
        """
        if self.library:
            loaded = " ".join(filter(None, [str(self.library), os.environ.get("LD_PRELOAD")]))
            return {**os.environ, "LD_PRELOAD": loaded, "OLDER_CPU": level}
        if every_library:
            pytest.skip(f"cannot show an older processor: {self.lacking}")
        return {**os.environ, **dict(zip(VARIABLES, LIMITS[level], strict=True))}


@pytest.fixture(scope="session")
def older_cpu(tmp_path_factory: pytest.TempPathFactory) -> OlderCpu:
    """Older processors than this one, for child processes; `tests/machines/older_cpu.c` says how."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if sys.platform != "linux" or platform.machine() != "x86_64" or not compiler:
        return OlderCpu(None, "needs Linux on x86-64 and a C compiler")
    library = tmp_path_factory.mktemp("older_cpu") / "older_cpu.so"
    source = Path(__file__).parent / "machines" / "older_cpu.c"
    flags = ["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run([compiler, *flags, "-o", library, source, "-ldl"], check=True)
    tried = subprocess.run([sys.executable, "-c", ""], env={**os.environ, "LD_PRELOAD": str(library)}, check=False)
    if tried.returncode:
        return OlderCpu(None, "the processor or the kernel cannot let CPUID fault")
    return OlderCpu(library, "")


Once = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Once:
    """Makes a directory by a name: one of the processes that run tests fills it, the others wait for that."""
    own = tmp_path_factory.getbasetemp()
    shared = own if worker_id == "master" else own.parent

    def made(name: str, fill: Callable[[Path], object]) -> Path:
        directory, done = shared / name, shared / f"{name}.done"
        with FileLock(shared / f"{name}.lock"):
            if not done.exists():
                directory.mkdir()
                fill(directory)
                done.touch()
        return directory

    return made


@pytest.fixture(scope="session")
def ready_regard() -> Iterator[Path]:
    """A directory to be put first on the PATH: its `regard` need not load torch any more; see `ready.py`."""
    with tempfile.TemporaryDirectory(prefix="regard-") as name:
        python = ReadyPython(Path(name))
        yield Path(name)
        python.close()


@pytest.fixture(scope="session")
def workshop(made_once: Once) -> Path:
    """A directory with a small corpus (`train.en`, `train.fr` ... `test.align`) and a barely trained `model`.

    The model has learned for seconds: enough to call every command on it, too little to translate. Tests that
    write should work on a copy.
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
    """A directory with a small post-norm Transformer, drawn at random, in `model`; it is the present directory."""
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
