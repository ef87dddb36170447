"""Messages about faulty units (sentence pairs that cannot be read), kept in a file and returned as rejects."""

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
    """Messages about faulty units: sentence pairs that a reader leaves out, since they cannot be read.

    The messages are kept in a file, so that memory does not grow with their number.
    """

    def __init__(self) -> None:
        self._path: Path | None = None
        self._name = ""

    @contextmanager
    def recorded(self, reader: UnitReader, path: Path) -> Iterator[None]:
        """Context in which the messages of a reader about faulty units are written to a file.

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
            Rejects without text, each with its message and the line number in the message. If a message has no line
            number, that of the reject before it is used, or 0 for the first reject.
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
