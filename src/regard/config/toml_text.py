"""Places in TOML text, and values as TOML writes them: what the parser of the standard library does not give."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence

from regard.files.printable import printable

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TOMLDecodeError = tomllib.TOMLDecodeError

Tree = dict[str, object]
"""A parsed table: values, and tables within."""

MAX_CHARS = 1 << 17
"""Characters of a document, at most: a configuration has a few thousand."""
_DEEPEST = 32
# Brackets within one another, and parts of a dotted key; the parser takes time in the square of either.
_LARGEST_INTEGER = 2**63
# As TOML has it: 64 bits. Python's own are without end, but cannot be written out beyond some 4,000 digits.
_LONGEST_LINE = 500
# Characters of a line in which a key is looked for.
_TOKEN = re.compile(
    # A string that does not end goes on to the end of its line, or of the text: it is looked at once.
    r'''"""(?:[^"\\]|\\(?:.|\Z)|"(?!""))*(?:"{3,5}|\Z)|"(?:[^"\\\n]|\\(?:.|\Z))*"?|'''
    r"""'{3}(?:[^']|'(?!''))*(?:'{3,5}|\Z)|'[^'\n]*'?|"""
    r"#[^\n]*|(?P<opens>[\[{])|(?P<closes>[\]}])|(?P<dot>\.)|(?P<ends>[,=\n])",
    re.DOTALL,
)
_TABLE = re.compile(r"^\s*\[([^\[\]]+)\]\s*(#.*)?$")
_KEY = re.compile(r"""^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_BARE = re.compile(r"[\w-]+", re.ASCII)
_ESCAPED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}


def parse(text: str, *, wide: bool = False) -> Tree:
    """The tree that a TOML text describes.

    Args:
        text: A whole document.
        wide: Whether whole numbers may have more than TOML's 64 bits, for whoever says himself what is wrong with them.

    Returns:
        Nested dictionaries.

    Raises:
        TOMLDecodeError: The text is not TOML, or larger and deeper than any configuration; the message says where.
    """
    if len(text) > MAX_CHARS:
        raise TOMLDecodeError(f"expected at most {LARGEST:,} characters, found {len(text):,}")
    _check_depth(text)
    try:
        tree = tomllib.loads(text)
    except RecursionError:
        raise TOMLDecodeError("lists within lists without end") from None
    except TOMLDecodeError:
        raise
    except ValueError:  # Python reads no longer ones
        raise TOMLDecodeError("a whole number of more digits than 64 bits hold") from None
    if not wide:
        _check_numbers(tree)
    return tree


def _check_depth(text: str) -> None:
    depth = dots = 0
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup
        if kind is None:
            continue
        depth += (kind == "opens") - (kind == "closes")
        dots = dots + 1 if kind == "dot" else 0
        if depth > _DEEPEST or dots > _DEEPEST:
            line = text.count("\n", 0, token.start()) + 1
            what = "lists or tables within one another" if depth > _DEEPEST else "parts of one key"
            raise TOMLDecodeError(f"more than {_DEEPEST} {what} (at line {line})")


def _check_numbers(tree: Tree) -> None:
    level: list[tuple[str, object]] = list(tree.items())
    while level:
        for key, value in level:
            if isinstance(value, int) and not -_LARGEST_INTEGER <= value < _LARGEST_INTEGER:
                raise TOMLDecodeError(f"{key[:80]}: a whole number of more digits than 64 bits hold")
        level = [
            (key if isinstance(value, list) else inner_key, inner)
            for key, value in level
            if isinstance(value, dict | list)
            for inner_key, inner in (value.items() if isinstance(value, dict) else ((key, one) for one in value))
        ]


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
    for number, whole in enumerate(text.split("\n"), 1):  # TOML's lines end so, and not with U+2028 and its like
        here: list[str] = []
        line = whole[:_LONGEST_LINE]
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
    return char if printable(char) == char else f"\\u{ord(char):04X}"
