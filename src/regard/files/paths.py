"""Files and directories as users name them: whether a name can be meant, whether two are one, and why writing failed.

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
"""The numbers of the standard streams, for `refuse_own_input`."""
_FULL = frozenset(
    number for name in ("ENOSPC", "EDQUOT", "EFBIG") if (number := getattr(errno, name, None)) is not None
)
_GONE = frozenset(
    number for name in ("ENOENT", "ENOTDIR", "ESTALE") if (number := getattr(errno, name, None)) is not None
)


def checked_path(place: str | PathLike[str], what: str) -> Path:
    """A place that was named; an empty name, as an unset variable of a shell gives, is none.

    Args:
        place: As the user gave it.
        what: What to call it in the message, such as `--out`.

    Returns:
        The same as a path.

    Raises:
        ConfigError: The name is empty, which would mean the present directory.

    >>> named("model", "--out").name
    'model'
    """
    if not os.fspath(place):
        raise ConfigError(f"{what}: expected the name of a place, got an empty one: name it ('.' is the present one)")
    return Path(place)


def check_encodable(text: str, what: str) -> None:
    """Refuses a name of a file that no text can hold, as names from before UTF-8 are.

    Args:
        text: The name.
        what: What to call it in the message, such as `data.src`.

    Raises:
        ConfigError: Some of its bytes are not UTF-8.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        near = text[max(0, error.start - 40) : error.end + 40].strip()
        shown = near.encode("utf-8", "backslashreplace").decode()
        raise ConfigError(
            f"{what}: expected a name in UTF-8, since it is written down in a configuration, got '{shown}': rename the "
            "file, or give it a second name with `ln`"
        ) from None


def refuse_overwriting_input(output: str | PathLike[str] | int, inputs: Iterable[str | PathLike[str] | int | None]) -> None:
    """Refuses to write over what is read, by whatever name: through links of both kinds and standard streams too.

    Args:
        output: What will be written: a name, or the number of an open file.
        inputs: What is read, None for nothing; a directory stands for the files in it.

    Raises:
        DataError: The output is one of them.
    """
    found = _identity(output)
    if found is None:
        return
    for given in inputs:
        for one in _files(given):
            if _identity(one) == found:
                name = "standard output" if isinstance(output, int) else os.fspath(output)
                raise DataError(
                    f"{name}: is read and written at once ({_called(one)}), which would destroy it: choose another "
                    "place for the output"
                )


def error_reason(error: Exception) -> str:
    """What went wrong with a place, in a few words of the system's."""
    told = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return str(told) or type(error).__name__


def error_remedy(error: Exception) -> str:
    """What to do where writing failed, as half a sentence.

    Args:
        error: Of the system.

    Returns:
        Such as "make room, or choose another place".
    """
    number = getattr(error, "errno", None)
    if is_disk_full(error):
        return "make room, or choose another place"
    if number in _GONE:
        return "its directory was moved or removed, or is none: bring it back, or choose another place"
    return "choose another place, or make this one usable"


def is_disk_full(error: Exception) -> bool:
    """Whether there was no room: on the disk, in a quota, within a limit of the size of files."""
    # safetensors writes by itself, and has only a sentence for what the system said.
    return getattr(error, "errno", None) in _FULL or any(f"(os error {number})" in str(error) for number in _FULL)


def _files(given: str | PathLike[str] | int | None) -> Iterable[str | PathLike[str] | int]:
    if given is None:
        return []
    if isinstance(given, int) or not os.path.isdir(given):
        return [given]
    try:
        return [entry.path for entry in os.scandir(given)]
    except OSError:
        return []


def _identity(place: str | PathLike[str] | int) -> tuple[int, int] | None:
    """Device and number of a file; None where there is none that could be destroyed, such as a terminal or a pipe."""
    try:
        found = os.stat(place)
    except (OSError, ValueError):
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) else None


def _called(place: str | PathLike[str] | int) -> str:
    return "standard input" if isinstance(place, int) else os.fspath(place)
