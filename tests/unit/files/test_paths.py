"""Checks of paths, and remedies for write errors."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from regard.errors import ConfigError, DataError
from regard.files.paths import (
    check_encodable,
    checked_path,
    error_reason,
    error_remedy,
    is_disk_full,
    refuse_overwriting_input,
)


def test_an_empty_path_is_refused() -> None:
    assert checked_path("model", "--out") == Path("model")
    assert checked_path(Path(), "--out") == Path()
    with pytest.raises(ConfigError, match="--out: expected a path, got an empty one: give a path"):
        checked_path("", "--out")


def test_file_names_must_be_utf8() -> None:
    check_encodable("café", "data.src")
    with pytest.raises(ConfigError, match=r"data\.src: expected a file name in UTF-8.*got 'caf\\udce9'"):
        check_encodable(os.fsdecode(b"caf\xe9"), "data.src")


def test_output_and_input_are_compared_by_file_not_by_name(tmp_path: Path) -> None:
    path = tmp_path / "in"
    path.write_text("text")
    os.link(path, tmp_path / "other")
    with path.open() as file:
        for output in (path, tmp_path / "other", file.fileno()):
            with pytest.raises(DataError, match="is both input and output"):
                refuse_overwriting_input(output, [None, file.fileno()])
    with pytest.raises(DataError, match="in: is both input and output"):
        refuse_overwriting_input(path, [tmp_path])


def test_reasons_and_remedies_of_system_errors() -> None:
    full, gone = OSError(errno.ENOSPC, "No space left on device"), OSError(errno.ENOENT, "No such file or directory")
    assert is_disk_full(full)
    assert is_disk_full(OSError(errno.EDQUOT, "Disk quota exceeded"))
    assert is_disk_full(ValueError("I/O error: No space left on device (os error 28)"))
    assert not is_disk_full(gone)
    assert error_remedy(full) == "make room, or choose another path"
    assert "moved or removed" in error_remedy(gone)
    assert "choose another path" in error_remedy(OSError(errno.EACCES, "Permission denied"))
    assert (error_reason(full), error_reason(ValueError("odd")), error_reason(OSError())) == (
        "No space left on device",
        "odd",
        "OSError",
    )
