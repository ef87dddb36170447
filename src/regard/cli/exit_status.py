"""Exit status and final message of a command.

0 = success, 1 = internal error, closed output pipe, or a training of `regard lab` that failed, 2 = error that the user
can fix, 130 = Ctrl-C.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress

import typer

from regard.cli.call_stack import call_with_room
from regard.cli.messages import warn
from regard.cli.streams import standard_streams
from regard.errors import RegardError, WorkerError
from regard.files.paths import error_reason, error_remedy, is_disk_full

INTERRUPTED = 130
DEBUG = "REGARD_DEBUG"
"""Environment variable that makes commands print the traceback of an error."""

# Newer versions of typer contain a copy of click, whose usage error is reachable only through a class typer exports.
_USAGE: type[Exception] = typer.BadParameter.__mro__[1]


def exit_status(work: Callable[[], object]) -> int:
    """Runs a command, reports any error on standard error, and returns the exit status of the process.

    Args:
        work: Function that runs the command; returns an exit status, or None for 0.

    Returns:
        The status that `work` returned, 0 for None. If it raised an error: 1 for an internal error or a closed output
        pipe, 2 for an error that the user can fix, 130 for Ctrl-C.
    """
    with standard_streams():
        return _run(work)


def _run(work: Callable[[], object]) -> int:
    try:
        status = call_with_room(work)
        sys.stdout.flush()
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED  # without a message: a command that can be resumed prints its own
    except BrokenPipeError:
        _discard_standard_output()  # the reader, such as `head`, has closed the pipe
        return 1
    except Exception as error:
        return _report_error(error)
    return status if isinstance(status, int) else 0


def _report_error(error: Exception) -> int:
    if os.environ.get(DEBUG):
        warn("".join(traceback.format_exception(error)))
    if isinstance(error, WorkerError) and error.reported:
        return 2  # another worker of the same training shows the message
    if isinstance(error, RegardError):
        warn(f"error: {error}")
        return 2
    if isinstance(error, _USAGE):
        if str(error):  # without a command, the help was printed instead of a message
            warn(f"error: {_usage_message(error)}")
        return 2
    if isinstance(error, OSError) and (error.filename is not None or is_disk_full(error)):
        warn(f"error: {error.filename or 'output'}: {error_reason(error)}; {error_remedy(error)}")
        _discard_standard_output()
        return 2
    warn(
        f"internal error: {type(error).__name__}: {error}\n"
        f"This is a bug in regard. Run the command again with {DEBUG}=1 to see the traceback, and please report it."
    )
    return 1


def _discard_standard_output() -> None:
    """Redirects standard output to the null device, so that flushing buffered output at exit cannot fail."""
    with suppress(OSError, ValueError):  # it may have no file descriptor
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _usage_message(error: Exception) -> str:
    """The message of a usage error, with a pointer to the help."""
    context, format_message = getattr(error, "ctx", None), getattr(error, "format_message", None)
    message = str(format_message() if callable(format_message) else error).rstrip(".")
    return f"{message}; see `{context.command_path if context else 'regard'} --help`"
