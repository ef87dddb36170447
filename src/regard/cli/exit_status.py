"""How a command ends: exit status, and words for whoever has to do something about it.

0 = done, 1 = a fault of regard's own or a reader who went away, 2 = a mistake that the user can mend, 130 = Ctrl-C.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress

import typer

from regard.cli.messages import warn
from regard.cli.streams import standard_streams
from regard.errors import RegardError
from regard.files.paths import error_reason, error_remedy, is_disk_full

INTERRUPTED = 130
DEBUG = "REGARD_DEBUG"
"""Environment variable that asks for tracebacks."""

# Newer versions of typer carry click within themselves; its errors of usage are reached through what typer exports.
_USAGE: type[Exception] = typer.BadParameter.__mro__[1]


def exit_status(work: Callable[[], object]) -> int:
    """Does the work of a command and says what went wrong, if something did.

    Args:
        work: Returns an exit status, or None for 0.

    Returns:
        The exit status.
    """
    with standard_streams():
        return _ending(work)


def _ending(work: Callable[[], object]) -> int:
    try:
        status = work()
        sys.stdout.flush()
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED  # whoever pressed Ctrl-C knows; what can be gone on with says so itself
    except BrokenPipeError:
        _leave_standard_output()  # whoever read us has gone, such as `head`
        return 1
    except Exception as error:
        return _failed(error)
    return status if isinstance(status, int) else 0


def _failed(error: Exception) -> int:
    if os.environ.get(DEBUG):
        warn("".join(traceback.format_exception(error)))
    if isinstance(error, RegardError):
        warn(f"error: {error}")
        return 2
    if isinstance(error, _USAGE):
        warn(f"error: {_usage_message(error)}")
        return 2
    if isinstance(error, OSError) and (error.filename is not None or is_disk_full(error)):
        warn(f"error: {error.filename or 'what is written'}: {error_reason(error)}; {error_remedy(error)}")
        _leave_standard_output()
        return 2
    warn(
        f"internal error: {type(error).__name__}: {error}\n"
        f"This is a fault of regard's own. Run it again with {DEBUG}=1 for the traceback, and report that, please."
    )
    return 1


def _leave_standard_output() -> None:
    """What is still waiting to be written, and cannot be, goes nowhere."""
    with suppress(OSError, ValueError):  # it may be no file of the system's
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _usage_message(error: Exception) -> str:
    """What is wrong with the options, and where to read about them."""
    context, told = getattr(error, "ctx", None), getattr(error, "format_message", None)
    message = str(told() if callable(told) else error).rstrip(".")
    return f"{message}; see `{context.command_path if context else 'regard'} --help`"
