"""What comes from outside: regular files, of a size that was expected, in UTF-8, and JSON that says one thing."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from regard.errors import CheckpointError, ConfigError
from regard.files.json_text import parse_json
from regard.files.printable import on_one_line, printable, printable_json
from regard.files.reading import decode_utf8, open_regular, read_bytes, read_text


def read(path: Path, most: int = 100) -> bytes:
    return read_bytes(path, max_bytes=most, remedy="bring it back")


def test_a_file_is_read_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 100)
    assert read(tmp_path / "a") == b"x" * 100
    with pytest.raises(CheckpointError, match=r"a: expected at most 99 bytes, found 100: bring it back"):
        read(tmp_path / "a", most=99)


def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    os.symlink("/dev/zero", tmp_path / "zero")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "socket"))
    for name, found in (
        ("pipe", "expected a file, found a pipe"),
        ("zero", "expected a file, found a device"),
        (".", "expected a file, found a directory"),
        ("loop", "cannot be read: Too many levels of symbolic links"),
        ("socket", "cannot be read: No such device or address"),
        ("none", "none: no such file"),
        ("none/none", "no such file"),
        ("a\0b", "no file can be called so"),
    ):
        with pytest.raises(ConfigError, match=f"{found}.*: choose another"):
            read_bytes(tmp_path / name, max_bytes=10, remedy="choose another", error=ConfigError)
    listener.close()


def test_what_fails_within_is_not_taken_for_the_files_fault(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(OSError, match="elsewhere"), open_regular(tmp_path / "a", remedy=""):
        raise OSError("elsewhere")


def test_other_encodings_are_told(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes("a = 'café'".encode("latin-1"))
    (tmp_path / "wide").write_bytes("a = 1".encode("utf-16"))
    with pytest.raises(CheckpointError, match=r"latin: expected text in UTF-8, found byte 0xe9, at 8, .*: save it"):
        read_text(tmp_path / "latin", max_bytes=100, remedy="save it")
    with pytest.raises(CheckpointError, match="wide: expected text in UTF-8, found UTF-16: save it"):
        read_text(tmp_path / "wide", max_bytes=100, remedy="save it")
    assert decode_utf8("é".encode(), "here", remedy="") == "é"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"{", "Expecting property name"),
        (b"[" * 100_000, "lists within lists"),
        (b"[" * 70 + b"]" * 70, "more than 64 lists within one another"),
        (b'{"a": 1, "b": {"a": 2, "a": 3}}', "the key 'a' twice"),
        (b'{"a": NaN}', "NaN is no number"),
        (b"[-Infinity]", "-Infinity is no number"),
        (b"[1e999]", "1e999 is beyond all numbers"),
        (b"[" + b"9" * 5000 + b"]", "a whole number of 5000 digits"),
        (b'["\\ud800"]', "half a UTF-16 pair"),
        (b'{"\\udc00": 1}', "half a UTF-16 pair"),
        (b"\xff", "expected text in UTF-8"),
        (b"\xef\xbb\xbf{}", "BOM"),
    ],
)
def test_json_that_says_several_things_or_none(data: bytes, reason: str) -> None:
    with pytest.raises(CheckpointError, match=rf"a\.json: .*{reason}.*: bring it back"):
        parse_json(data, where="a.json", remedy="bring it back")


def test_json_that_says_one_thing() -> None:
    data = b'{"a": [1, -2.5, "\\ud83d\\ude00 \\n", true, null], "b": ' + b"[" * 62 + b"]" * 62 + b"}"
    tree = parse_json(data, where="", remedy="")
    assert isinstance(tree, dict)
    assert tree["a"] == [1, -2.5, "\U0001f600 \n", True, None]


def test_a_key_that_comes_twice_among_many_is_found_at_once() -> None:
    names = ", ".join(f'"k{n}": 0' for n in range(100_000))
    with pytest.raises(CheckpointError, match="the key 'k77777' twice"):
        parse_json(f'{{{names}, "k77777": 1}}'.encode(), where="", remedy="")


HOSTILE = "\x1b[31m \x07\r\x00\x7f\x85\x9b2J \u202e\u2066\u2028 \ud800 \udcff"


@pytest.mark.parametrize("show", [printable, on_one_line, printable_json])
def test_nothing_that_a_terminal_obeys_is_shown(show: object) -> None:
    assert callable(show)
    shown = show(HOSTILE)
    shown.encode("utf-8")
    assert not set(shown) & set(HOSTILE) - set("[31m 2J")


def test_what_people_write_is_shown_as_it_is() -> None:
    text = "café 你好 می‌خواهم 👩‍👩‍👧 a\tb\nc \u200e\u00ad"
    assert printable(text) == text
    assert on_one_line(text) == text.replace("\t", "\\t").replace("\n", "\\n")
    assert printable(HOSTILE).startswith("\\x1b[31m \\x07\\r\\x00\\x7f\\x85\\x9b2J \\u202e\\u2066\\u2028 \\ud800")
