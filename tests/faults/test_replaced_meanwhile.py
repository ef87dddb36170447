"""A model that is replaced while a command uses it: the output names the model that was used."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from regard.store.model import open_model
from regard.translation.loading import load


class Done(Protocol):
    """Result of a command; see `conftest.py`."""

    status: int
    out: str
    err: str


def test_a_score_has_the_signature_of_the_model_that_was_used(
    regard: Callable[..., Done], wrong_things: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(wrong_things / "model", tmp_path / "model")
    (tmp_path / "few.en").write_text("how was your day ?\n")
    before, other = (open_model(wrong_things / name).manifest.signature for name in ("model", "plain"))
    assert before != other

    def load_then_replace(*args: object, **options: object) -> object:
        translator = load(*args, **options)  # type: ignore[arg-type]
        shutil.copytree(wrong_things / "plain", tmp_path / "model", dirs_exist_ok=True)
        return translator

    monkeypatch.setattr("regard.translation.loading.load", load_then_replace)
    monkeypatch.chdir(tmp_path)
    done = regard("evaluate", "model", "--src", "few.en", "--ref", "few.en", "--device", "cpu")
    assert done.status == 0
    assert f"model {before}\n" in done.out
    assert open_model(tmp_path / "model").manifest.signature == other
