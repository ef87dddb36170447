"""Options that take one value, each given twice to every verb."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import pytest
import typer.main

from regard.cli.main import app


class Done(Protocol):
    """How a command ended; see `conftest.py`."""

    status: int
    out: str
    err: str


Run = Callable[..., Done]


def options(command, path: tuple[str, ...] = ()) -> Iterator:
    """Every option of every verb, with the verb."""
    for name, one in getattr(command, "commands", {}).items():
        yield from options(one, (*path, name))
    if not getattr(command, "commands", None):
        yield from ((path, one) for one in command.params if one.param_type_name == "option")


SINGLE = [
    (path, max(one.opts, key=len), one.nargs)
    for path, one in options(typer.main.get_command(app))
    if not (one.multiple or one.is_flag)
]


def test_there_are_such_options_everywhere() -> None:
    assert {path[0] for path, *_ in SINGLE} >= {"train", "translate", "evaluate", "align", "aer", "lab", "attend"}
    assert len(SINGLE) > 60


@pytest.mark.parametrize(
    ("path", "name", "nargs"), SINGLE, ids=lambda value: "-".join(value) if isinstance(value, tuple) else str(value)
)
def test_a_second_value_is_refused_in_words(regard: Run, path: tuple[str, ...], name: str, nargs: int) -> None:
    value = ["1"] * nargs
    done = regard(*path, name, *value, name, *value)
    assert (done.status, done.out) == (2, "")
    assert f"{name} was given 2 times, but takes one value: give it once" in done.err
    assert f"see `regard {' '.join(path)} --help`" in done.err


def test_files_that_belong_together_can_be_joined(regard: Run) -> None:
    done = regard("train", "--src", "a.en", "--src=b.en", "--tgt", "a.fr", "--out", "m")
    assert "--src was given 2 times, but takes one value: give it once, and join files that belong together" in done.err


def test_what_may_be_repeated_still_may(regard: Run) -> None:
    done = regard("train", "--set", "train.seed=1", "--set", "train.seed=2", "--set", "train.seed=2", "--out", "m")
    assert "regard: train.seed=1 does not count, since train.seed=2 comes later\n" in done.err
    assert "data.src: expected the file of the training source" in done.err
    done = regard("info", "no-model", "--json", "--json")
    assert "no-model: no such model" in done.err
