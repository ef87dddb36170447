"""Description of the computation for each chunk, which a driver sends to its workers."""

from __future__ import annotations

import importlib
import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from regard.chunks.store import ChunkStore, LineFunction, has_store


@dataclass(frozen=True)
class Work:
    """What is computed for each chunk; any function from lines to as many lines can be used.

    Attributes:
        factory: `module:function` that opens the computation in a worker. It is called with `arguments` and the number
            of threads, and returns a `LineFunction`.
        arguments: Arguments of the factory, which can be written as JSON.
        identity: What determines the result besides the input: names and values to compare and show.
    """

    factory: str
    arguments: dict[str, Any]
    identity: dict[str, str]


@dataclass(frozen=True)
class Assignment:
    """What a worker process needs to know.

    Attributes:
        directory: Directory of the store.
        source: The input file.
        factory: As in `Work`.
        arguments: As in `Work`.
        threads: Number of CPU threads of the worker.
    """

    directory: str
    source: str
    factory: str
    arguments: dict[str, Any]
    threads: int

    @classmethod
    def of(cls, store: ChunkStore, work: Work, threads: int) -> Assignment:
        """The assignment for a store.

        Args:
            store: The store.
            work: What is computed.
            threads: Number of CPU threads of the worker.

        Returns:
            The assignment, with absolute paths.
        """
        directory, source = str(store.directory.absolute()), str(store.source.absolute())
        return cls(directory, source, work.factory, work.arguments, threads)

    def to_json(self) -> str:
        """The assignment as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Assignment:
        """The assignment in a text from `to_json`."""
        return cls(**json.loads(text))

    @property
    def is_current(self) -> bool:
        """Whether the store exists; another driver removes it when the job is complete."""
        return has_store(Path(self.directory))

    def open_store(self) -> ChunkStore:
        """Opens the store in a worker."""
        return ChunkStore(Path(self.directory), Path(self.source))

    def open_function(self) -> LineFunction:
        """Opens the computation in a worker, which may load a model."""
        module, _, name = self.factory.partition(":")
        function: LineFunction = getattr(importlib.import_module(module), name)(self.arguments, self.threads)
        return function


@lru_cache(maxsize=1)
def open_assignment(text: str) -> tuple[ChunkStore, LineFunction]:
    """Opens store and computation of an assignment; a process that is used again opens them once.

    Args:
        text: Text from `Assignment.to_json`.

    Returns:
        The store and the computation.
    """
    assignment = Assignment.from_json(text)
    return assignment.open_store(), assignment.open_function()
