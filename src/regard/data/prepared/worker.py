"""Worker process that reads or encodes text or learns vocabularies: `python -m regard.data.prepared.worker`.

It gets one JSON object per line on standard input: first its setup, then tasks. It answers each task with one line on
standard output. It ends when its standard input is closed, so it does not outlive the process that started it.
"""

from __future__ import annotations

import gc
import json
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from regard.data.corpora.line_ranges import LineRange
from regard.data.prepared.collecting import RangeTask, collect_range
from regard.data.prepared.encoding import EncodingTask, ShardEncoder
from regard.errors import RegardError
from regard.files.atomic import write_file
from regard.text.subword import Subword

Answer = dict[str, Any]


def main(tasks: BinaryIO, answers: BinaryIO) -> None:
    """Runs a worker process: reads tasks up to the end of the stream, and answers each of them.

    Args:
        tasks: Stream of JSON objects, one per line: first the setup, then the tasks. The key `work` of the setup says
            what each task is: `encode` (encode a part of the text, an `EncodingTask`), `collect` (read a range of
            lines, a `RangeTask`) or `learn` (learn a vocabulary, see `learn`).
        answers: Stream to write a JSON object per task to, one per line: the result of the task, or the key `error`
            with a message.
    """
    gc.disable()  # nothing here has cycles, and looking for them takes time with many lists of ids
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent ends the workers
    work: Callable[[Answer], Answer] | None = None
    for line in tasks:
        task = json.loads(line)
        try:
            if work is None:
                work = _encoding(task) if task["work"] == "encode" else _WORK[task["work"]]
                continue
            answer = work(task)
        except RegardError as error:
            answer = {"error": str(error)}
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


def learn(task: dict[str, object]) -> dict[str, object]:
    """Learns a vocabulary from a file of normalized sentences.

    Args:
        task: Path of the text, one sentence per line (`sentences`), path of the vocabulary to write (`out`), and
            further arguments of `Subword.train`, by name.

    Returns:
        Dictionary with the key `note`: a message for the user if the vocabulary is smaller than requested, else None.

    Raises:
        DataError: The vocabulary cannot be learned from the text.
    """
    options: Any = dict(task)
    with Path(options.pop("sentences")).open(encoding="utf-8", newline="\n") as file:
        sentences = [line.removesuffix("\n") for line in file]
    out = Path(options.pop("out"))
    subword = Subword.train(sentences, **options)
    write_file(out, subword.save)
    return {"note": subword.note}


def _encoding(setup: dict[str, Any]) -> Callable[[Answer], Answer]:
    subwords = [Subword.load(path) for path in setup["vocabularies"]]
    encoder = ShardEncoder(
        Path(setup["directory"]),
        setup["job"],
        (subwords[0], subwords[-1]),
        max_len=setup["max_len"],
        held_out=np.array(setup["held_out"], np.uint64),
        with_text=setup["with_text"],
    )

    def encode(task: dict[str, Any]) -> Answer:
        return asdict(encoder(EncodingTask(**{**task, "part": Path(task["part"])})))

    return encode


def _collect(task: dict[str, Any]) -> Answer:
    lines: Any = {name: tuple(value) if isinstance(value, list) else value for name, value in task["lines"].items()}
    src, tgt = map(Path, task["files"])
    path = Path(task["path"])
    is_clean = collect_range(RangeTask(**{**task, "path": path, "files": (src, tgt), "lines": LineRange(**lines)}))
    return {"is_clean": is_clean}


_WORK: dict[str, Callable[[Answer], Answer]] = {"collect": _collect, "learn": learn}

if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
