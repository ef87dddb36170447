"""Names of files, and what to do where writing failed."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from regard.errors import ConfigError, DataError
from regard.files.paths import check_encodable, checked_path, error_reason, error_remedy, is_disk_full, refuse_overwriting_input


def test_an_empty_name_is_none() -> None:
    assert checked_path("model", "--out") == Path("model")
    assert checked_path(Path(), "--out") == Path()
    with pytest.raises(ConfigError, match="--out: expected the name of a place, got an empty one: name it"):
        checked_path("", "--out")


def test_what_no_text_can_hold() -> None:
    check_encodable("café", "data.src")
    with pytest.raises(ConfigError, match=r"data\.src: expected a name in UTF-8.*got 'caf\\udce9'"):
        check_encodable(os.fsdecode(b"caf\xe9"), "data.src")


def test_an_open_file_is_the_file(tmp_path: Path) -> None:
    place = tmp_path / "in"
    place.write_text("text")
    os.link(place, tmp_path / "other")
    with place.open() as file:
        for output in (place, tmp_path / "other", file.fileno()):
            with pytest.raises(DataError, match="is read and written at once"):
                refuse_overwriting_input(output, [None, file.fileno()])
    with pytest.raises(DataError, match="in: is read and written at once"):
        refuse_overwriting_input(place, [tmp_path])


def test_what_the_system_refused_and_what_helps() -> None:
    full, gone = OSError(errno.ENOSPC, "No space left on device"), OSError(errno.ENOENT, "No such file or directory")
    assert is_disk_full(full)
    assert is_disk_full(OSError(errno.EDQUOT, "Disk quota exceeded"))
    assert is_disk_full(ValueError("I/O error: No space left on device (os error 28)"))
    assert not is_disk_full(gone)
    assert error_remedy(full) == "make room, or choose another place"
    assert "moved or removed" in error_remedy(gone)
    assert "choose another place" in error_remedy(OSError(errno.EACCES, "Permission denied"))
    assert (error_reason(full), error_reason(ValueError("odd")), error_reason(OSError())) == (
        "No space left on device",
        "odd",
        "OSError",
    )
