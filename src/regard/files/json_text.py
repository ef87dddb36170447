"""JSON that says one thing: no key twice, no number that is none, no text that cannot be written, no endless depth."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import TYPE_CHECKING

from regard.errors import CheckpointError, RegardError
from regard.files.reading import decode_utf8

if TYPE_CHECKING:
    from pydantic import ValidationError

MAX_DEPTH = 64
"""Lists and objects within one another, at most; what regard writes has fewer than ten."""
_LONGEST_INTEGER = 20
# Digits of the longest whole number of 64 bits, with its sign.
_SHOWN = 80
# Characters of a place in a message.


def parse_json(data: bytes, *, where: str, cure: str, error: type[RegardError] = CheckpointError) -> object:
    """Reads JSON strictly: what two readers could take for two things is refused.

    Args:
        data: The file's content.
        where: The file, for messages.
        cure: What to do when it is damaged.
        error: What to raise.

    Returns:
        What it says.

    Raises:
        RegardError: An `error`: it is not JSON, or not of that sort.
    """
    text = decode_utf8(data, where, remedy=cure, error=error)
    try:
        tree = json.loads(
            text,
            object_pairs_hook=_once,
            parse_constant=_no_number,
            parse_float=_finite,
            parse_int=_whole,
        )
    except (ValueError, RecursionError) as fault:
        raise error(f"{where}: not valid JSON ({_reason(fault)}): {cure}") from None
    if _is_deeper(tree, MAX_DEPTH):
        raise error(f"{where}: not valid JSON (more than {DEEPEST} lists within one another): {cure}")
    if "\\u" in text and not _is_writable(tree):
        raise error(f"{where}: not valid JSON (half a UTF-16 pair in a text): {cure}")
    return tree


def validation_messages(error: ValidationError) -> list[str]:
    """What a check of types and ranges found, each with its place.

    Args:
        error: Of pydantic.

    Returns:
        `place: what is wrong`, of which the place is cut short: names may be as long as a file.
    """
    found = error.errors(include_url=False, include_input=False)
    return [f"{'.'.join(map(str, one['loc']))[:_SHOWN]}: {one['msg']}" for one in found]


def _reason(fault: Exception) -> str:
    return "lists within lists without end" if isinstance(fault, RecursionError) else str(fault)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    tree = dict(pairs)
    if len(tree) < len(pairs):
        [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"the key {twice[:80]!r} twice in one object")
    return tree


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is beyond all numbers")
    return number


def _whole(text: str) -> int:
    if len(text) > _LONGEST_INTEGER:
        raise ValueError(f"a whole number of {len(text)} digits")
    return int(text)


def _is_deeper(tree: object, limit: int) -> bool:
    level = [tree]
    for _ in range(limit + 1):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def _is_writable(tree: object) -> bool:
    try:
        json.dumps(tree, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
