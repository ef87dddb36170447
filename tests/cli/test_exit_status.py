"""Exit status and last words."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import typer

from regard.cli.exit_status import exit_status
from regard.errors import DataError


def fail(error: BaseException) -> Callable[[], object]:
    def work() -> object:
        raise error

    return work


INTERNAL = """\
regard: internal error: ZeroDivisionError: division by zero
This is a fault of regard's own. Run it again with REGARD_DEBUG=1 for the traceback, and report that, please.
"""


@pytest.mark.parametrize(
    ("work", "status", "words"),
    [
        (lambda: None, 0, ""),
        (lambda: 0, 0, ""),
        (lambda: 130, 130, ""),
        (fail(DataError("a.en:3: wrong")), 2, "regard: error: a.en:3: wrong\n"),
        (fail(KeyboardInterrupt()), 130, ""),
        (fail(typer.Abort()), 130, ""),
        (
            fail(PermissionError(13, "Permission denied", "out.html")),
            2,
            "regard: error: out.html: Permission denied; choose another path, or make this one writable\n",
        ),
        (
            fail(ZeroDivisionError("division by zero")),
            1,
            INTERNAL,
        ),
    ],
)
def test_endings(capsys: pytest.CaptureFixture[str], work: Callable[[], object], status: int, words: str) -> None:
    assert exit_status(work) == status
    assert capsys.readouterr().err == words


@pytest.mark.parametrize("error", [DataError("wrong"), ZeroDivisionError("by zero")])
def test_tracebacks_on_demand(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setenv("REGARD_DEBUG", "1")
    assert exit_status(fail(error)) in (1, 2)
    assert "Traceback (most recent call last)" in capsys.readouterr().err
