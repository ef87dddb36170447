"""Reading of untrusted files: regular files of bounded size, UTF-8, strict JSON, printable text."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from regard.errors import CheckpointError, ConfigError
from regard.files.json_text import parse_json
from regard.files.printable import on_one_line, printable, printable_json
from regard.files.reading import decode_utf8, open_regular, read_bytes, read_text


def read(path: Path, max_bytes: int = 100) -> bytes:
    return read_bytes(path, max_bytes=max_bytes, remedy="restore it")


def test_a_file_is_read_completely(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 100)
    assert read(tmp_path / "a") == b"x" * 100
    with pytest.raises(CheckpointError, match=r"a: expected at most 99 bytes, found 100: restore it"):
        read(tmp_path / "a", max_bytes=99)


def test_other_kinds_of_files_are_refused_without_blocking(tmp_path: Path) -> None:
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
        ("a\0b", "not a valid file name"),
    ):
        with pytest.raises(ConfigError, match=f"{found}.*: choose another"):
            read_bytes(tmp_path / name, max_bytes=10, remedy="choose another", error=ConfigError)
    listener.close()


def test_errors_of_the_caller_are_not_converted(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(OSError, match="elsewhere"), open_regular(tmp_path / "a", remedy=""):
        raise OSError("elsewhere")


def test_other_encodings_are_reported(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes("a = 'café'".encode("latin-1"))
    (tmp_path / "wide").write_bytes("a = 1".encode("utf-16"))
    with pytest.raises(
        CheckpointError, match=r"latin: expected text in UTF-8, found invalid byte 0xe9 at offset 8: save it"
    ):
        read_text(tmp_path / "latin", max_bytes=100, remedy="save it")
    with pytest.raises(CheckpointError, match="wide: expected text in UTF-8, found UTF-16: save it"):
        read_text(tmp_path / "wide", max_bytes=100, remedy="save it")
    assert decode_utf8("é".encode(), "here", remedy="") == "é"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"{", "Expecting property name"),
        (b"[" * 100_000, "too deeply nested"),
        (b"[" * 70 + b"]" * 70, "lists and objects nested more than 64 deep"),
        (b'{"a": 1, "b": {"a": 2, "a": 3}}', "duplicate key 'a'"),
        (b'{"a": NaN}', "NaN is not a number"),
        (b"[-Infinity]", "-Infinity is not a number"),
        (b"[1e999]", "1e999 is too large for a float64"),
        (b"[" + b"9" * 5000 + b"]", "integers of at most 20 digits, found 9{20}... with 5000"),
        (b'["\\ud800"]', "an unpaired surrogate"),
        (b'{"\\udc00": 1}', "an unpaired surrogate"),
        (b"\xff", "expected text in UTF-8"),
        (b"\xef\xbb\xbf{}", "BOM"),
    ],
)
def test_json_that_is_not_strict_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(CheckpointError, match=rf"a\.json: .*{reason}.*: restore it"):
        parse_json(data, where="a.json", remedy="restore it")


def test_strict_json_is_parsed() -> None:
    data = b'{"a": [1, -2.5, "\\ud83d\\ude00 \\n", true, null], "b": ' + b"[" * 62 + b"]" * 62 + b"}"
    tree = parse_json(data, where="", remedy="")
    assert isinstance(tree, dict)
    assert tree["a"] == [1, -2.5, "\U0001f600 \n", True, None]


def test_a_duplicate_key_among_many_is_found_quickly() -> None:
    names = ", ".join(f'"k{n}": 0' for n in range(100_000))
    with pytest.raises(CheckpointError, match="duplicate key 'k77777'"):
        parse_json(f'{{{names}, "k77777": 1}}'.encode(), where="", remedy="")


HOSTILE = "\x1b[31m \x07\r\x00\x7f\x85\x9b2J \u202e\u2066\u2028 \ud800 \udcff"


@pytest.mark.parametrize("show", [printable, on_one_line, printable_json])
def test_control_characters_are_escaped(show: object) -> None:
    assert callable(show)
    shown = show(HOSTILE)
    shown.encode("utf-8")
    assert not set(shown) & set(HOSTILE) - set("[31m 2J")


def test_ordinary_text_is_unchanged() -> None:
    text = "café 你好 می‌خواهم 👩‍👩‍👧 a\tb\nc \u200e\u00ad"
    assert printable(text) == text
    assert on_one_line(text) == text.replace("\t", "\\t").replace("\n", "\\n")
    assert printable(HOSTILE).startswith("\\x1b[31m \\x07\\r\\x00\\x7f\\x85\\x9b2J \\u202e\\u2066\\u2028 \\ud800")
