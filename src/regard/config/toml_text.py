"""Line numbers of TOML keys, size limits, and writing of TOML values: what `tomllib` does not offer."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence

from regard.files.printable import printable

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TOMLDecodeError = tomllib.TOMLDecodeError

Tree = dict[str, object]
"""A parsed table: values and nested tables by key."""

MAX_CHARS = 1 << 17
"""Largest document in characters; a configuration has a few thousand."""
_MAX_DEPTH = 32
# Nested brackets, and parts of a dotted key: the parser takes quadratic time in either.
_LARGEST_INTEGER = 2**63
# TOML integers have 64 bits; Python refuses to print integers of more than about 4,000 digits.
_MAX_LINE = 500
# Characters of a line that are searched for a key.
_TOKEN = re.compile(
    # An unterminated string extends to the end of its line or of the text, so that each character is scanned once.
    r'''"""(?:[^"\\]|\\(?:.|\Z)|"(?!""))*(?:"{3,5}|\Z)|"(?:[^"\\\n]|\\(?:.|\Z))*"?|'''
    r"""'{3}(?:[^']|'(?!''))*(?:'{3,5}|\Z)|'[^'\n]*'?|"""
    r"#[^\n]*|(?P<opens>[\[{])|(?P<closes>[\]}])|(?P<dot>\.)|(?P<ends>[,=\n])",
    re.DOTALL,
)
_TABLE = re.compile(r"^\s*(?:\[([^\[\]]+)\]|\[\[([^\[\]]+)\]\])\s*(#.*)?$")
# A table, or an entry of a list of tables.
_KEY = re.compile(r"""^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_BARE = re.compile(r"[\w-]+", re.ASCII)
_ESCAPED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}


def parse(text: str, *, wide: bool = False) -> Tree:
    """Parses a TOML document, with limits on its size, its depth and its integers.

    Args:
        text: TOML document.
        wide: Whether to allow integers of more than 64 bits, for callers that check ranges themselves.

    Returns:
        Values and tables as nested dictionaries by key.

    Raises:
        TOMLDecodeError: The text is not TOML, or exceeds a limit; the message says where.
    """
    if len(text) > MAX_CHARS:
        raise TOMLDecodeError(
            f"expected at most {MAX_CHARS:,} characters in the TOML document, found {len(text):,}: shorten it"
        )
    _check_depth(text)
    try:
        tree = tomllib.loads(text)
    except RecursionError:
        raise TOMLDecodeError(
            f"expected at most {_MAX_DEPTH} nested lists or tables in the TOML document, got more: nest fewer"
        ) from None
    except TOMLDecodeError:
        raise
    except ValueError:  # Python limits the digits of an integer
        raise TOMLDecodeError(
            "expected integers of at most 64 bits, got a larger one: shorten the overlong number in the TOML document"
        ) from None
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
        if depth > _MAX_DEPTH or dots > _MAX_DEPTH:
            line = text.count("\n", 0, token.start()) + 1
            what = "nested lists or tables" if depth > _MAX_DEPTH else "parts of one key"
            raise TOMLDecodeError(f"expected at most {_MAX_DEPTH} {what}, got more (at line {line})")


def _check_numbers(tree: Tree) -> None:
    level: list[tuple[str, object]] = list(tree.items())
    while level:
        for key, value in level:
            if isinstance(value, int) and not -_LARGEST_INTEGER <= value < _LARGEST_INTEGER:
                raise TOMLDecodeError(f"{key[:80]}: expected an integer of at most 64 bits, got a larger one")
        level = [
            (key if isinstance(value, list) else inner_key, inner)
            for key, value in level
            if isinstance(value, dict | list)
            for inner_key, inner in (value.items() if isinstance(value, dict) else ((key, item) for item in value))
        ]


def line_of(text: str, path: Sequence[str]) -> int | None:
    r"""Finds the line of a TOML document in which a key is set.

    Args:
        text: A TOML document.
        path: Parts of the dotted key, outermost table first, such as `["train", "steps"]`; an entry of a list of tables
            has its 0-based number as a part, such as `["data", "corpora", "0", "weight"]`.

    Returns:
        1-based line number of the key; if the key is not found, of the heading of its nearest enclosing table; None if
        that is not found either. Keys within inline tables are not searched.

    >>> line_of("[train]\nsteps = 3", ["train", "steps"])
    2
    """
    best: tuple[int, int] = (0, 0)  # number of matching parts, line
    table: list[str] = []
    entries: Counter[str] = Counter()  # number of entries so far of each list of tables
    # TOML ends lines at \n only, not also at U+2028 and the like as `splitlines` does.
    for line_number, whole in enumerate(text.split("\n"), 1):
        location: list[str] = []
        line = whole[:_MAX_LINE]
        if heading := _TABLE.match(line):
            location = table = _parts(heading[1] or heading[2])
            if heading[2]:
                number = entries[".".join(table)]
                entries[".".join(table)] += 1
                table = [*table, str(number)]
                location = location if location == list(path) else table
        elif key := _KEY.match(line):
            location = [*table, *_parts(key[1])]
        if location == list(path[: len(location)]) and len(location) > best[0]:
            best = (len(location), line_number)
    return best[1] or None


def write_value(value: object) -> str:
    r"""Converts a value to TOML text, the part after the equals sign.

    Args:
        value: A boolean, number or string, a list or tuple of values, or a mapping (written as an inline table).

    Returns:
        TOML text on one line.

    Raises:
        TypeError: The value is of another type.

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
    raise TypeError(
        "expected a boolean, number, string, list, tuple or mapping as a TOML value, got "
        f"{type(value).__name__}: convert it to one of these first"
    )


def write_key(key: str) -> str:
    """Converts a key to TOML text, in quotes if TOML requires them."""
    return key if _BARE.fullmatch(key) else write_value(key)


def _parts(dotted: str) -> list[str]:
    parts = re.findall(r"""[\w-]+|"[^"]*"|'[^']*'""", dotted)
    return [part.strip("\"'") for part in parts]


def _escape_control(char: str) -> str:
    return char if printable(char) == char else f"\\u{ord(char):04X}"
