"""The faulty units of a corpus: their messages in a file, and as rejects."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from regard.data.cleaning.rejects import Reject
from regard.data.corpora.unit import Unit, UnitReader
from regard.files.atomic import named_errors

FAULTY = "faulty"
"""Reason that rejects of faulty units have in place of the name of a check."""
_LINE = re.compile(r":(\d+)\b")


class FaultLog:
    """Messages of the faulty units that a reader leaves out.

    They are in a file, so that any number of them takes no memory.
    """

    def __init__(self) -> None:
        self._path: Path | None = None
        self._name = ""

    @contextmanager
    def recorded(self, reader: UnitReader, path: Path) -> Iterator[None]:
        """Context in which the messages of a reader are recorded.

        Args:
            reader: Reader of the corpus.
            path: The file for the messages, which is replaced.

        Yields:
            Nothing.

        Raises:
            CheckpointError: The file for the messages cannot be written.
        """
        self._path, self._name = path, reader.name
        with named_errors(path):
            file = path.open("w", encoding="utf-8", buffering=1)

        def record(message: str) -> None:
            with named_errors(path):
                file.write(json.dumps(message) + "\n")

        with file:
            reader.report.observers.append(record)
            yield

    def rejects(self) -> Iterator[Reject]:
        """Reads the recorded messages as rejects, in the order of the corpus.

        Yields:
            Rejects without text, each with its message and the line that the message names; if it names none, the line
            of the reject before it, or 0.
        """
        if self._path is None:
            return
        line = 0
        with self._path.open(encoding="utf-8") as file:
            for text in file:
                message = json.loads(text)
                line = _line_number(message, self._name) or line
                yield Reject(self._name, FAULTY, 1.0, Unit("", "", line), message)


def _line_number(message: str, name: str) -> int | None:
    """The number after the name of the file, with which a message begins."""
    match = _LINE.match(message, len(name)) if message.startswith(name) else _LINE.search(message)
    return None if match is None else int(match[1])
