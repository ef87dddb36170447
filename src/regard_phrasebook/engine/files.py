"""Writes the files of a corpus, each wholly or not at all, and none over what somebody else has written."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from regard.errors import ConfigError, DataError
from regard.files.paths import error_reason, error_remedy


def write_files(files: Mapping[Path, bytes], *, overwrite: bool) -> None:
    """Writes files that belong together; those that say so already are left alone.

    Args:
        files: Content by name; the directories are made.
        overwrite: Whether files with other content are replaced.

    Raises:
        ConfigError: A file is there, with other content; then nothing is written.
        DataError: A file cannot be written.
    """
    new = {path: content for path, content in files.items() if not _says(path, content)}
    taken = [path for path in new if os.path.lexists(path)]
    if taken and not overwrite:
        others = f", as are {len(taken) - 1} others" if len(taken) > 1 else ""
        raise ConfigError(
            f"{taken[0]}: is there already, with other content{others}: choose another --out, or replace it with "
            "--overwrite"
        )
    for path, content in new.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(Path(os.path.realpath(path)), content)
        except OSError as error:
            raise DataError(f"{path}: cannot be written: {error_reason(error)}; {error_remedy(error)}") from None


def _says(path: Path, content: bytes) -> bool:
    with suppress(OSError):
        return path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content
    return False


def _write(path: Path, content: bytes) -> None:
    waiting = path.with_name(f".{path.name}.new")
    try:
        with waiting.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(waiting, path)
    finally:
        with suppress(OSError):
            waiting.unlink(missing_ok=True)
