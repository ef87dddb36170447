"""Paths that users name: validity, identity of files, and causes of write errors.

Nothing here opens or changes a file.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from os import PathLike
from pathlib import Path

from regard.errors import ConfigError, DataError

STDIN, STDOUT = 0, 1
"""File descriptors of the standard streams, for `refuse_overwriting_input`."""
_FULL = frozenset(
    number for name in ("ENOSPC", "EDQUOT", "EFBIG") if (number := getattr(errno, name, None)) is not None
)
_GONE = frozenset(
    number for name in ("ENOENT", "ENOTDIR", "ESTALE") if (number := getattr(errno, name, None)) is not None
)


def checked_path(path: str | PathLike[str], option: str) -> Path:
    """Converts a path of the user to a `Path`, and refuses an empty path, which an unset shell variable gives.

    Args:
        path: The path as given by the user.
        option: Name of the option, for the message, such as `--out`.

    Returns:
        The path.

    Raises:
        ConfigError: The path is empty, which would mean the current directory.

    >>> checked_path("model", "--out").name
    'model'
    """
    if not os.fspath(path):
        raise ConfigError(f"{option}: expected a path, got an empty one: give a path ('.' is the current directory)")
    return Path(path)


def check_encodable(text: str, option: str) -> None:
    """Refuses a file name that is not valid UTF-8, since it could not be written to a configuration.

    Args:
        text: The file name.
        option: Name of the option, for the message, such as `data.src`.

    Raises:
        ConfigError: The name contains bytes that are not UTF-8.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        near = text[max(0, error.start - 40) : error.end + 40].strip()
        shown = near.encode("utf-8", "backslashreplace").decode()
        raise ConfigError(
            f"{option}: expected a file name in UTF-8, since it is written to a configuration, got '{shown}': rename "
            "the file, or link it under another name with `ln`"
        ) from None


def refuse_overwriting_input(
    output: str | PathLike[str] | int, inputs: Iterable[str | PathLike[str] | int | None]
) -> None:
    """Refuses an output file that is also an input file, also if links or redirected standard streams lead to it.

    Args:
        output: Path or file descriptor that is to be written.
        inputs: Paths or file descriptors that are to be read; None is skipped, a directory means all files in it.

    Raises:
        DataError: The output is one of the inputs.
    """
    identity = _identity(output)
    if identity is None:
        return
    for source in inputs:
        for file in _files(source):
            if _identity(file) == identity:
                name = "standard output" if isinstance(output, int) else os.fspath(output)
                raise DataError(
                    f"{name}: is both input and output (input: {_display_name(file)}), so that writing it would "
                    "destroy the input: choose another output file"
                )


def error_reason(error: Exception) -> str:
    """Message of the operating system for an error, such as "No space left on device"; otherwise the error's text."""
    message = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return str(message) or type(error).__name__


def error_remedy(error: Exception) -> str:
    """Advice to the user about an error that occurred while a file was written.

    Args:
        error: The error.

    Returns:
        The advice, to complete an error message, such as "make room, or choose another path".
    """
    number = getattr(error, "errno", None)
    if is_disk_full(error):
        return "make room, or choose another path"
    if number in _GONE:
        return "its directory was moved or removed, or is a file: restore it, or choose another path"
    return "choose another path, or make this one writable"


def is_disk_full(error: Exception) -> bool:
    """Whether writing failed for lack of space: disk full, quota exceeded, or file size limit."""
    # safetensors reports errors of the system only in its message.
    return getattr(error, "errno", None) in _FULL or any(f"(os error {number})" in str(error) for number in _FULL)


def _files(source: str | PathLike[str] | int | None) -> Iterable[str | PathLike[str] | int]:
    if source is None:
        return []
    if isinstance(source, int) or not os.path.isdir(source):
        return [source]
    try:
        return [entry.path for entry in os.scandir(source)]
    except OSError:
        return []


def _identity(file: str | PathLike[str] | int) -> tuple[int, int] | None:
    """Device and inode of a regular file; None for anything else, such as a terminal or a pipe."""
    try:
        status = os.stat(file)
    except (OSError, ValueError):
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISREG(status.st_mode) else None


def _display_name(file: str | PathLike[str] | int) -> str:
    return "standard input" if isinstance(file, int) else os.fspath(file)
