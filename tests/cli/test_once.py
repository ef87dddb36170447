"""Options that take one value are refused if given twice, for every verb."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import pytest
import typer.main
from typer.core import TyperCommand, TyperGroup, TyperOption

from regard.cli.main import app


class Done(Protocol):
    """Result of a command; see `conftest.py`."""

    status: int
    out: str
    err: str


Run = Callable[..., Done]


def options(command: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], TyperOption]]:
    """Every option of every verb, with the path of the verb."""
    if isinstance(command, TyperGroup):
        for name, subcommand in command.commands.items():
            yield from options(subcommand, (*path, name))
    else:
        assert isinstance(command, TyperCommand)
        yield from ((path, option) for option in command.params if isinstance(option, TyperOption))


SINGLE = [
    (path, max(option.opts, key=len), option.nargs)
    for path, option in options(typer.main.get_command(app))
    if not (option.multiple or option.is_flag)
]


def test_most_verbs_have_such_options() -> None:
    assert {path[0] for path, *_ in SINGLE} >= {"train", "translate", "evaluate", "align", "aer", "lab", "attend"}
    assert len(SINGLE) > 60


@pytest.mark.parametrize(
    ("path", "name", "nargs"), SINGLE, ids=lambda value: "-".join(value) if isinstance(value, tuple) else str(value)
)
def test_a_second_value_is_refused_with_a_message(regard: Run, path: tuple[str, ...], name: str, nargs: int) -> None:
    value = ["1"] * nargs
    done = regard(*path, name, *value, name, *value)
    assert (done.status, done.out) == (2, "")
    assert f"{name} was given 2 times, but takes one value: give it once" in done.err
    assert f"see `regard {' '.join(path)} --help`" in done.err


def test_the_message_says_how_to_join_files(regard: Run) -> None:
    done = regard("train", "--src", "a.en", "--src=b.en", "--tgt", "a.fr", "--out", "m")
    assert "--src was given 2 times, but takes one value: give it once, and join files that belong together" in done.err


def test_options_that_may_be_repeated(regard: Run) -> None:
    done = regard("train", "--set", "train.seed=1", "--set", "train.seed=2", "--set", "train.seed=2", "--out", "m")
    assert "regard: train.seed=1 is ignored: train.seed=2 comes later\n" in done.err
    assert "data.src: expected the file of the training text" in done.err
    done = regard("info", "no-model", "--json", "--json")
    assert "no-model: no such model" in done.err
