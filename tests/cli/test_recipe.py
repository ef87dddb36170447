"""`regard recipe`: both recipes from the command line, and their help."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest
from toy_training import Toy

from regard.cli import recipe, recipe_back_translate, recipe_distill
from regard.recipes.training import train


class Done(Protocol):
    """Result of a command; see `conftest.py`."""

    status: int
    out: str
    err: str


Run = Callable[..., Done]
SIZES = {
    "subword.vocab_size": 300, "model.embed_size": 8, "model.hidden_size": 8, "train.steps": 4,
    "train.validate_every": 4, "train.threads": 1, "train.tensorboard": "false", "train.batch_tokens": 128,
}  # fmt: skip
SETS = [item for key, value in SIZES.items() for item in ("--set", f"{key}={value}")]


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    return Toy(tmp_path)


def texts(toy: Toy) -> list[str]:
    files = {"--src": "train.en", "--tgt": "train.fr", "--val-src": "val.en", "--val-tgt": "val.fr"}
    return [item for option, name in files.items() for item in (option, str(toy.directory / name))]


def test_back_translation(regard: Run, toy: Toy) -> None:
    toy.write("mono", 20, seed=7)
    mono = ["--mono", str(toy.directory / "mono.fr"), "--search", "sample", "--top-k", "5"]
    command = ["recipe", "back-translate", *texts(toy), *mono, *SETS, "--out", str(toy.directory / "bt")]
    done = regard(*command, "--final-epochs", "0")
    assert done.status == 0, done
    assert "translate 20 sentences with the reverse model (samples of the 5 best subwords)" in done.err
    assert (toy.directory / "bt" / "manifest.json").exists()
    again = regard(*command, "--final-epochs", "0")
    assert again.status == 0 and again.err.count(": finished") == 4
    refused = regard("recipe", "back-translate", *texts(toy), *SETS, "--mono", "no-file", "--out", "x")
    assert refused.status == 2 and "no-file: expected a text file, found none" in refused.err


def test_distillation(regard: Run, toy: Toy) -> None:
    teacher = train(toy.config(), toy.directory / "teacher").path
    command = ["recipe", "distill", "--teacher", str(teacher), *texts(toy), *SETS]
    done = regard(*command, "--out", str(toy.directory / "student"))
    assert done.status == 0, done
    assert "sentences/s" in done.err and "student, greedy" in done.err
    refused = regard("recipe", "distill", "--teacher", str(toy.directory), *texts(toy), "--out", "x")
    assert refused.status == 2 and "expected a model directory that `regard train` wrote" in refused.err


@pytest.mark.parametrize("name", ["back-translate", "distill"])
def test_help_has_examples(regard: Run, name: str) -> None:
    module = {"back-translate": recipe_back_translate, "distill": recipe_distill}[name]
    assert f"$ regard recipe {name} " in module.EXAMPLES and f"$ regard recipe {name} " in recipe.EXAMPLES
    done = regard("recipe", name, "--help")
    assert done.status == 0 and "--out" in done.out
