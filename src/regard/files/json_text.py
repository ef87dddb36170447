"""Strict JSON: no duplicate keys, no NaN or infinity, no unpaired surrogates, limited depth."""

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
"""Largest nesting depth of lists and objects; files of regard have fewer than ten levels."""
_MAX_DIGITS = 20
# Characters of the longest 64-bit integer, including its sign.
_MAX_SHOWN = 80
# Characters of a key in a message.


def parse_json(data: bytes, *, where: str, remedy: str, error: type[RegardError] = CheckpointError) -> object:
    """Parses JSON strictly: anything that parsers could read differently is refused.

    Args:
        data: Content of the file, which must be UTF-8.
        where: Name of the file, for messages.
        remedy: What the user should do if the file is damaged, for messages.
        error: Class of the errors to raise.

    Returns:
        The parsed value: dictionaries, lists, strings, numbers, booleans and None.

    Raises:
        RegardError: An error of the class `error`: the data is not valid JSON, or contains duplicate keys, NaN,
            infinity, numbers that are too large, more than `MAX_DEPTH` levels or unpaired surrogates.
    """
    text = decode_utf8(data, where, remedy=remedy, error=error)
    try:
        tree = json.loads(
            text,
            object_pairs_hook=_unique_keys,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_whole,
        )
    except (ValueError, RecursionError) as cause:
        raise error(f"{where}: not valid JSON ({_reason(cause)}): {remedy}") from None
    if _is_deeper(tree, MAX_DEPTH):
        raise error(f"{where}: not valid JSON (lists and objects nested more than {MAX_DEPTH} deep): {remedy}")
    if "\\u" in text and not _is_writable(tree):
        raise error(f"{where}: not valid JSON (an unpaired surrogate in a string): {remedy}")
    return tree


def validation_messages(error: ValidationError) -> list[str]:
    """Lists the invalid values of a pydantic validation error, one message per value.

    Args:
        error: Error raised by pydantic.

    Returns:
        One `key: message` per invalid value; keys are dotted, and long keys are shortened.
    """
    details = error.errors(include_url=False, include_input=False)
    return [f"{'.'.join(map(str, detail['loc']))[:_MAX_SHOWN]}: {detail['msg']}" for detail in details]


def _reason(error: Exception) -> str:
    return "too deeply nested" if isinstance(error, RecursionError) else str(error)


def _unique_keys(pairs: list[tuple[str, object]]) -> dict[str, object]:
    tree = dict(pairs)
    if len(tree) < len(pairs):
        [(key, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"duplicate key {key[:_MAX_SHOWN]!r}: an object contains it more than once")
    return tree


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not a number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text[:40]} is too large for a float64")
    return number


def _whole(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise ValueError(
            f"expected integers of at most {_MAX_DIGITS} digits, found {text[:20]}... with {len(text)} digits"
        )
    return int(text)


def _is_deeper(tree: object, limit: int) -> bool:
    level = [tree]
    for _ in range(limit + 1):
        level = [
            inner
            for value in level
            if isinstance(value, dict | list)
            for inner in (value.values() if isinstance(value, dict) else value)
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
