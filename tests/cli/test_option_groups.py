"""Options that a verb takes as one object."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Annotated

import pytest
import typer

from regard.cli.options import Verb, with_groups


@dataclass(frozen=True)
class Limits:
    """A group of options."""

    steps: Annotated[int | None, typer.Option(metavar="N", help="Number of steps.")] = None
    minutes: Annotated[float, typer.Option("--max-minutes")] = 1.5


received: list[tuple[str, Limits, bool]] = []
app = typer.Typer()


@app.command(cls=Verb)
@with_groups
def run(
    name: Annotated[str, typer.Argument()],
    limits: Limits = Limits(),
    quick: Annotated[bool, typer.Option("--quick")] = False,
) -> None:
    """Runs something."""
    received.append((name, limits, quick))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["x"], ("x", Limits(), False)),
        (["x", "--steps", "3", "--quick"], ("x", Limits(steps=3), True)),
        (["--max-minutes=2", "x"], ("x", Limits(minutes=2.0), False)),
    ],
)
def test_a_verb_gets_a_group_of_options_as_one_object(arguments: list[str], expected: tuple[str, Limits, bool]) -> None:
    app(arguments, standalone_mode=False)
    assert received.pop() == expected


def test_the_help_lists_the_options_of_a_group(capsys: pytest.CaptureFixture[str]) -> None:
    app(["--help"], standalone_mode=False)
    printed = capsys.readouterr().out
    assert "Number of steps." in printed
    assert printed.index("--steps") < printed.index("--max-minutes") < printed.index("--quick")
    assert "--limits" not in printed


def test_the_options_keep_the_order_of_the_parameters() -> None:
    assert list(inspect.signature(run).parameters) == ["name", "steps", "minutes", "quick"]
    assert inspect.unwrap(run).__name__ == run.__name__ == "run"
