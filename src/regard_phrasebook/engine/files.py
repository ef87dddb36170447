"""Writes the files of a corpus atomically; files with other content are overwritten only on request."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from regard.errors import ConfigError, DataError
from regard.files.paths import error_reason, error_remedy


def write_files(files: Mapping[Path, bytes], *, overwrite: bool) -> None:
    """Writes several files; files that already have the content are left untouched.

    Args:
        files: Content of each path; missing directories are created.
        overwrite: Whether to replace files with other content.

    Raises:
        ConfigError: A file exists with other content; then nothing is written.
        DataError: A file cannot be written.
    """
    new = {path: content for path, content in files.items() if not _has_content(path, content)}
    existing = [path for path in new if os.path.lexists(path)]
    if existing and not overwrite:
        others = f" (and {len(existing) - 1} more)" if len(existing) > 1 else ""
        raise ConfigError(
            f"{existing[0]}: exists already with other content{others}: choose another --out, or replace it with "
            "--overwrite"
        )
    for path, content in new.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(Path(os.path.realpath(path)), content)
        except OSError as error:
            raise DataError(f"{path}: cannot be written: {error_reason(error)}; {error_remedy(error)}") from None


def _has_content(path: Path, content: bytes) -> bool:
    with suppress(OSError):
        return path.is_file() and path.stat().st_size == len(content) and path.read_bytes() == content
    return False


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.new")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
