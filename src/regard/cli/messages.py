"""What verbs say to people: text of models, files and names is in it, and none of it commands the terminal."""

from __future__ import annotations

import json
import sys

from regard.files.printable import printable, printable_json


def say(text: str, *, end: str = "\n") -> None:
    """Prints lines for people to standard output.

    Args:
        text: The lines.
        end: What follows them.
    """
    print(printable(text), end=end)


def warn(text: str) -> None:
    """Prints a remark to standard error, with the name of the program before it."""
    print(f"regard: {printable(text)}", file=sys.stderr, flush=True)


def say_json(tree: object) -> None:
    """Prints a line of JSON to standard output, in which everything that is no plain text is escaped."""
    print(printable_json(json.dumps(tree, ensure_ascii=False)))
