"""Places in TOML text, and values as TOML writes them: what the parser of the standard library does not give."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TOMLDecodeError = tomllib.TOMLDecodeError

Tree = dict[str, object]
"""A parsed table: values, and tables within."""

_TABLE = re.compile(r"^\s*\[\s*([^\[\]]+?)\s*\]\s*(#.*)?$")
_KEY = re.compile(r"""^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_BARE = re.compile(r"[\w-]+", re.ASCII)
_ESCAPED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}


def parse(text: str) -> Tree:
    """The tree that a TOML text describes.

    Args:
        text: A whole document.

    Returns:
        Nested dictionaries.

    Raises:
        TOMLDecodeError: The text is not TOML; the message names line and column.
    """
    return tomllib.loads(text)


def line_of(text: str, path: Sequence[str]) -> int | None:
    r"""Where a key is set.

    Args:
        text: A TOML document.
        path: The key's parts, from the outermost table inwards.

    Returns:
        The 1-based line of the key, else of the nearest table around it; None when neither is written on a
        line of its own (keys within inline tables are not looked for).

    >>> line_of("[train]\nsteps = 3", ["train", "steps"])
    2
    """
    best: tuple[int, int] = (0, 0)  # how many parts agree, line
    table: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        here: list[str] = []
        if heading := _TABLE.match(line):
            here = table = _parts(heading[1])
        elif key := _KEY.match(line):
            here = [*table, *_parts(key[1])]
        if here == list(path[: len(here)]) and len(here) > best[0]:
            best = (len(here), number)
    return best[1] or None


def write_value(value: object) -> str:
    r"""A value in TOML's spelling.

    Args:
        value: A boolean, number, string, list or tuple of these, or a mapping (written inline).

    Returns:
        TOML on one line.

    Raises:
        TypeError: TOML has no such value.

    >>> write_value(("a\n", 1e-05, True))
    '["a\\n", 1e-05, true]'
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return '"' + "".join(_ESCAPED.get(char, _escape_control(char)) for char in value) + '"'
    if isinstance(value, list | tuple):
        return "[" + ", ".join(write_value(item) for item in value) + "]"
    if isinstance(value, Mapping):
        inner = ", ".join(f"{write_key(str(key))} = {write_value(item)}" for key, item in value.items())
        return "{" + inner + "}"
    raise TypeError(f"TOML has no {type(value).__name__}")


def write_key(key: str) -> str:
    """A key in TOML's spelling, quoted where it must be."""
    return key if _BARE.fullmatch(key) else write_value(key)


def _parts(dotted: str) -> list[str]:
    found = re.findall(r"""[\w-]+|"[^"]*"|'[^']*'""", dotted)
    return [part.strip("\"'") for part in found]


def _escape_control(char: str) -> str:
    return f"\\u{ord(char):04X}" if ord(char) < 32 or ord(char) == 127 else char
