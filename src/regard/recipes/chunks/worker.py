"""Worker process on one machine: `python -m regard.recipes.chunks.worker`, with an assignment on standard input.

The worker reports on standard output, one JSON object per line, and ends at once when its standard input is closed, so
it does not outlive the process that started it.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import BinaryIO

from regard.errors import RegardError
from regard.files.locks import HEARTBEAT_SECONDS
from regard.recipes.chunks.plan import Chunk
from regard.recipes.chunks.store import ChunkStore, LineFunction
from regard.recipes.chunks.work import Assignment, open_assignment

PATIENCE = 3 * HEARTBEAT_SECONDS
"""Seconds without heartbeat after which the owner of a claim on another machine counts as dead."""
_POLL_SECONDS = 0.2


def compute_all(
    store: ChunkStore, chunks: Sequence[Chunk], function: LineFunction, report: Callable[[int], None]
) -> None:
    """Processes chunks, except those that other processes have claimed, and waits until all chunks have results.

    Args:
        store: Directory with the plan and the results of the job.
        chunks: The chunks, in the order in which they are tried.
        function: Function from the lines of a chunk, and the number of the first line, to output lines.
        report: Called with the number of each chunk as soon as it has a result.
    """
    pending, patience = list(chunks), 0.0
    while pending and store.exists():
        claimed_elsewhere = []
        for chunk in pending:
            if store.compute(chunk, function, patience=patience):
                report(chunk.number)
                patience = 0.0
            else:
                claimed_elsewhere.append(chunk)
        if len(claimed_elsewhere) == len(pending):
            patience = PATIENCE  # of no effect on owners on this machine, whose processes are checked
            time.sleep(_POLL_SECONDS)
        pending = claimed_elsewhere


def main(input_file: BinaryIO, output: BinaryIO) -> int:
    """Runs a worker process: computes the chunks that the driver (the process that started the worker) names.

    Args:
        input_file: One line with a JSON object, then nothing; the worker ends when the driver closes the file. Keys of
            the object: `assignment` (text from `Assignment.to_json`), `numbers` (those of the chunks to compute) and
            `switch_interval` (seconds, for `sys.setswitchinterval`).
        output: Receives one JSON object per line, with the key `finished` (number of a chunk that has a result) or
            `error` (message for the user).

    Returns:
        Exit status: 0, or 2 after an error that the user can fix.
    """
    task = json.loads(input_file.readline())
    threading.Thread(target=_end_with, args=(input_file,), daemon=True).start()
    sys.setswitchinterval(task["switch_interval"])

    def write(message: dict[str, object]) -> None:
        output.write(json.dumps(message).encode() + b"\n")
        output.flush()

    try:
        store, function = open_assignment(task["assignment"])
        chunks = [store.plan.chunks[number] for number in task["numbers"]]
        compute_all(store, chunks, function, lambda number: write({"finished": number}))
    except RegardError as error:
        if not Assignment.from_json(task["assignment"]).is_current:
            return 0
        write({"error": str(error)})
        return 2
    return 0


def _end_with(input_file: BinaryIO) -> None:
    """Ends this process when the driver has ended or stops; a chunk in progress is lost."""
    input_file.read()
    os._exit(1)


def _own_output() -> BinaryIO:
    """The pipe to the driver; what libraries print goes to standard error instead."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return output


if __name__ == "__main__":
    status = main(sys.stdin.buffer, _own_output())
    sys.stderr.flush()
    os._exit(status)  # the thread that waits for the driver would delay a normal exit
