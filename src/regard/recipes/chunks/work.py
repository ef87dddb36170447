"""Description of the computation for each chunk, which is sent to the worker processes."""

from __future__ import annotations

import importlib
import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from regard.recipes.chunks.store import ChunkStore, LineFunction, has_store


@dataclass(frozen=True)
class Work:
    """The computation that turns the lines of each chunk into output lines, such as a translation.

    Attributes:
        factory: `module:function` that each worker calls with `arguments` and the number of threads. It returns a
            `LineFunction`, which computes the output lines of a chunk.
        arguments: Arguments of the factory, which can be written as JSON.
        identity: Everything besides the input that determines the output, by name, such as hashes of models. A job is
            resumed only if all values are equal; messages show those that differ.
    """

    factory: str
    arguments: dict[str, Any]
    identity: dict[str, str]


@dataclass(frozen=True)
class Assignment:
    """What a worker process needs to know to compute chunks of a job.

    Attributes:
        directory: Directory of the job's store, which holds its plan and the results of its chunks.
        source: The input file.
        factory: `module:function` that returns the function from the lines of a chunk to its output lines.
        arguments: Arguments of the function that `factory` names, which can be written as JSON.
        threads: Number of CPU threads of the worker.
    """

    directory: str
    source: str
    factory: str
    arguments: dict[str, Any]
    threads: int

    @classmethod
    def of(cls, store: ChunkStore, work: Work, threads: int) -> Assignment:
        """Makes the assignment for a worker that processes chunks of a job.

        Args:
            store: Store of the job, the directory with its plan and the results of its chunks.
            work: The computation for each chunk.
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
        """Parses an assignment from a text that `to_json` returned."""
        return cls(**json.loads(text))

    @property
    def is_current(self) -> bool:
        """Whether the job is unfinished: its store (directory of results) exists until a process completes the job."""
        return has_store(Path(self.directory))

    def open_store(self) -> ChunkStore:
        """Opens the store of the job, to which the worker writes its results."""
        return ChunkStore(Path(self.directory), Path(self.source))

    def open_function(self) -> LineFunction:
        """Makes the function from the lines of a chunk to output lines; for a translation, this loads the models."""
        module, _, name = self.factory.partition(":")
        function: LineFunction = getattr(importlib.import_module(module), name)(self.arguments, self.threads)
        return function


@lru_cache(maxsize=1)
def open_assignment(text: str) -> tuple[ChunkStore, LineFunction]:
    """Opens the store that an assignment names, and makes the function that computes output lines.

    Both are cached in the process: if the next call has the same text, it returns the same objects, so that a model is
    not loaded again.

    Args:
        text: Text from `Assignment.to_json`.

    Returns:
        The store, and the function that maps the lines of a chunk to output lines.
    """
    assignment = Assignment.from_json(text)
    return assignment.open_store(), assignment.open_function()
