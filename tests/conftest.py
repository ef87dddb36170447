"""What several tiers of tests share: settings, real corpora where they lie, and one small trained model."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from hypothesis import settings

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

    if name != "PyTorch" and name not in native.available():
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


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a small corpus (`train.en`, `train.fr` ... `test.align`) and a barely trained `model`.

    The model has learnt for seconds: enough to call every command on it, too little to translate. Tests that
    write should work on a copy.
    """
    from regard.config.load import load_config
    from regard.phrasebook.corpus import write_corpus
    from regard.runs.training import train

    directory = tmp_path_factory.mktemp("workshop")
    write_corpus(directory, pair="en-fr", pairs=400, seed=1, min_length=1, max_length=12)
    files = {"src": "train.en", "tgt": "train.fr", "val_src": "val.en", "val_tgt": "val.fr"}
    overrides = [
        *(f"data.{key}={directory / name}" for key, name in files.items()),
        "subword.vocab_size=400",
        "model.embed_size=32",
        "model.hidden_size=48",
        "train.steps=40",
        "train.validate_every=20",
        "train.validate_sentences=20",
        "train.batch_tokens=512",
        "train.threads=1",
        "train.device=cpu",
        "train.tensorboard=false",
    ]
    train(load_config(None, preset="bahdanau", overrides=overrides), directory / "model")
    return directory
