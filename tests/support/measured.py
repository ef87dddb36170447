"""Commands of `regard`, each in a fork of a Python that has loaded all: what it said, what time and memory it took.

Thousands of commands can be tried in the time that a few hundred Pythons take to start. A command that runs for ever
is ended, and one that wants more memory than it may have does not get it.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from ready import LOADED

MEMORY = 1 << 30
"""Bytes that a command may ask for beside what is loaded already."""
PATIENCE = 60.0
"""Seconds of waiting after which a command is ended; it is one that does nothing, or for ever something."""
PROCESSOR = 30
"""The same in seconds of the processor."""


@dataclass(frozen=True)
class Measured:
    """How a command ended.

    Attributes:
        status: Its exit status; that of a signal is negative.
        out: What it wrote to standard output.
        err: What it wrote to standard error.
        seconds: Of the processor.
        memory: Bytes that it held at most, beside what was loaded already.
    """

    status: int
    out: bytes
    err: bytes
    seconds: float
    memory: int


class Forks:
    """Runs commands one after the other."""

    def __init__(self) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
        self.process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )

    def run(self, *arguments: str, directory: Path, stdin: bytes = b"") -> Measured:
        """Runs `regard` with these arguments.

        Args:
            arguments: As on a command line.
            directory: The present one.
            stdin: Standard input.

        Returns:
            How it ended.
        """
        assert self.process.stdin
        assert self.process.stdout
        told = {"arguments": arguments, "directory": str(directory), "stdin": stdin.decode("latin-1")}
        self.process.stdin.write(json.dumps(told).encode() + b"\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        out, err = (answer.pop(name).encode("latin-1") for name in ("out", "err"))
        return Measured(out=out, err=err, **answer)

    def close(self) -> None:
        """Ends the Python that is forked."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def _command(arguments: Sequence[str], directory: str, stdin: bytes, out: int, err: int) -> None:
    """Becomes the command; never returns."""
    reading = tempfile.TemporaryFile()  # noqa: SIM115 - the process ends before it
    reading.write(stdin)
    reading.seek(0)
    for given, number in ((reading.fileno(), 0), (out, 1), (err, 2)):
        os.dup2(given, number)
    sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False), encoding="utf-8")
    sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8", closefd=False)  # type: ignore[misc]  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(2, "w", buffering=1, encoding="utf-8", closefd=False)  # type: ignore[misc]  # noqa: SIM115
    os.chdir(directory)
    sys.argv = ["regard", *arguments]
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR, PROCESSOR + 1))
    from regard.cli.main import app

    app()


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()


def _measured(arguments: Sequence[str], directory: str, stdin: bytes) -> Measured:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        before = _resident()
        pid = os.fork()
        if pid == 0:
            try:
                _command(arguments, directory, stdin, out.fileno(), err.fileno())
            except SystemExit as ended:
                with suppress(BaseException):
                    sys.stdout.flush()
                os._exit(ended.code if isinstance(ended.code, int) else 1)
            except BaseException:
                import traceback

                traceback.print_exc()
            os._exit(99)
        until = time.monotonic() + PATIENCE
        ended, status, used = os.wait4(pid, os.WNOHANG)
        while not ended:
            time.sleep(0.002)
            if time.monotonic() > until:
                os.kill(pid, signal.SIGKILL)
            ended, status, used = os.wait4(pid, os.WNOHANG)
        out.seek(0)
        err.seek(0)
        return Measured(
            os.waitstatus_to_exitcode(status),
            out.read(),
            err.read(),
            used.ru_utime + used.ru_stime,
            max(0, used.ru_maxrss * 1024 - before),
        )


def main() -> None:
    for name in LOADED:
        with suppress(ImportError):
            importlib.import_module(name)
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    for line in sys.stdin:
        told = json.loads(line)
        measured = asdict(_measured(told["arguments"], told["directory"], told["stdin"].encode("latin-1")))
        measured |= {name: measured[name].decode("latin-1") for name in ("out", "err")}
        answers.write(json.dumps(measured) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
