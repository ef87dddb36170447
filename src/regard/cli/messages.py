"""Prints messages of the command line, with control characters replaced, which names and files may contain."""

from __future__ import annotations

import json
import sys

from regard.files.printable import printable, printable_json


def say(text: str, *, end: str = "\n") -> None:
    """Prints text for people to standard output, with control characters replaced.

    Args:
        text: One or more lines of text.
        end: Text to write after `text`.
    """
    print(printable(text), end=end)


def warn(text: str) -> None:
    """Prints a message to standard error after the program's name, with control characters replaced."""
    print(f"regard: {printable(text)}", file=sys.stderr, flush=True)


def say_json(tree: object) -> None:
    """Prints an object as one line of JSON to standard output, with unprintable characters escaped."""
    print(printable_json(json.dumps(tree, ensure_ascii=False)))
