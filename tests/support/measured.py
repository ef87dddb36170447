"""Runs commands of `regard` in forks of a Python process that has loaded all modules, and measures time and memory.

Thousands of commands run in the time that a few hundred Python processes take to start. Time and memory of a command
are limited.
"""

from __future__ import annotations

import gc
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
"""Bytes that a command may allocate in addition to the loaded modules."""
PATIENCE = 60.0
"""Wall-clock seconds after which a command is killed."""
CPU_SECONDS = 30
"""Limit of CPU time in seconds."""


@dataclass(frozen=True)
class Measured:
    """Result of a command.

    Attributes:
        status: Exit status; negative for a signal.
        out: Standard output.
        err: Standard error.
        seconds: CPU time in seconds.
        memory: Peak memory in bytes, in addition to the loaded modules.
    """

    status: int
    out: bytes
    err: bytes
    seconds: float
    memory: int


class Forks:
    """Runs commands, one at a time."""

    def __init__(self) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
        self.process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )

    def run(self, *arguments: str, directory: Path, stdin: bytes = b"") -> Measured:
        """Runs `regard` with these arguments.

        Args:
            arguments: Command-line arguments.
            directory: Working directory.
            stdin: Standard input.

        Returns:
            Result of the command.
        """
        assert self.process.stdin
        assert self.process.stdout
        request = {"arguments": arguments, "directory": str(directory), "stdin": stdin.decode("latin-1")}
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        out, err = (answer.pop(name).encode("latin-1") for name in ("out", "err"))
        return Measured(out=out, err=err, **answer)

    def close(self) -> None:
        """Ends the forked Python process."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def _command(arguments: Sequence[str], directory: str, stdin: bytes, out: int, err: int) -> None:
    """Runs the command in this process; never returns."""
    stdin_file = tempfile.TemporaryFile()  # noqa: SIM115 - open until the process ends
    stdin_file.write(stdin)
    stdin_file.seek(0)
    for descriptor, stream in ((stdin_file.fileno(), 0), (out, 1), (err, 2)):
        os.dup2(descriptor, stream)
    sys.stdin = io.TextIOWrapper(io.FileIO(0, closefd=False), encoding="utf-8")
    sys.stdout = sys.__stdout__ = open(1, "w", encoding="utf-8", closefd=False)  # type: ignore[misc]  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(2, "w", buffering=1, encoding="utf-8", closefd=False)  # type: ignore[misc]  # noqa: SIM115
    os.chdir(directory)
    sys.argv = ["regard", *arguments]
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
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
            except SystemExit as end:
                with suppress(BaseException):
                    sys.stdout.flush()
                os._exit(end.code if isinstance(end.code, int) else 1)
            except BaseException:
                import traceback

                traceback.print_exc()
            os._exit(99)
        deadline = time.monotonic() + PATIENCE
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        while not ended:
            time.sleep(0.002)
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            ended, status, usage = os.wait4(pid, os.WNOHANG)
        out.seek(0)
        err.seek(0)
        return Measured(
            os.waitstatus_to_exitcode(status),
            out.read(),
            err.read(),
            usage.ru_utime + usage.ru_stime,
            max(0, usage.ru_maxrss * 1024 - before),
        )


def main() -> None:
    for name in LOADED:
        with suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # else the garbage collector of each fork would search, and so copy, all loaded modules
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        measured = asdict(_measured(request["arguments"], request["directory"], request["stdin"].encode("latin-1")))
        measured |= {name: measured[name].decode("latin-1") for name in ("out", "err")}
        answers.write(json.dumps(measured) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
