"""A Python process that has loaded the slow modules and runs each command `regard` in a fork of itself.

It runs `python -m MODULE` in the same way, for worker processes. A fork behaves like a process of its own: it has its
own standard streams, working directory, environment, exit status and signals. It does not show what happens while torch
is loaded, what is read from the environment at that time, what Python does after its exit handlers, or limits and
ignored signals inherited from the caller: tests of those start a Python process of their own. So do tests that kill a
worker and then use its files, since a fork ends a moment after the process that its caller sees.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

LOADED = (
    "matplotlib.figure", "numpy", "pydantic", "regard.cli.main", "regard.evaluate.scores", "regard.inspection.html",
    "regard.train.console", "regard.recipes.demo", "regard.recipes.training", "regard.translation.translator",
    "regard_phrasebook.corpus", "sacrebleu", "sentencepiece", "torch._dynamo", "torch.utils.tensorboard",
)  # fmt: skip
CLIENT = """\
#!{python} -IS
import json, os, signal, socket, sys

if {is_python} and sys.argv[1] != "-m":
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
request = json.dumps([{is_python}, sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(server, [len(request).to_bytes(8, "big")], [0, 1, 2])
server.sendall(request)
for stream in (0, 1, 2):
    os.close(stream)  # only the command keeps the streams open, so that callers notice its end
status = int.from_bytes(server.recv(4), "big", signed=True)
if status < 0:
    signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
os._exit(status)
"""


class ReadyPython:
    """Starts the Python process, and writes programs `regard` and `ready-python` that send commands to it.

    Args:
        directory: Directory of the programs. Where forks do not work, as outside Linux, none is written.

    Attributes:
        serves: Whether the programs were written.
    """

    def __init__(self, directory: Path) -> None:
        address = directory / "s"
        self.process: subprocess.Popen[bytes] | None = None
        self.serves = False
        if sys.platform == "linux" and sys.version_info >= (3, 9) and len(os.fsencode(address)) < 100:
            one_thread = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS")}
            self.process = subprocess.Popen(
                [sys.executable, __file__, str(address)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=os.environ | one_thread | {"GOMP_SPINCOUNT": "1000"},
            )
            assert self.process.stdout
            self.serves = self.process.stdout.read(5) == b"ready"  # when all modules are loaded
        if self.serves:
            for name in ("regard", "ready-python"):
                is_python = name == "ready-python"
                text = CLIENT.format(python=sys.executable, address=str(address), is_python=is_python)
                (directory / name).write_text(text, encoding="utf-8")
                (directory / name).chmod(0o755)

    def close(self) -> None:
        """Ends the Python process and its running commands."""
        if self.process is not None:
            assert self.process.stdin
            assert self.process.stdout
            self.process.stdin.close()
            self.process.wait()
            self.process.stdout.close()


@dataclass
class Command:
    """A command to run.

    Attributes:
        is_python: Whether it is `python` rather than `regard`.
        arguments: Arguments after `regard` or `python`.
        directory: Working directory.
        environment: All environment variables.
        streams: Descriptors of standard input, output and error.
    """

    is_python: bool
    arguments: list[str]
    directory: str
    environment: dict[str, str]
    streams: list[int]

    def prepare(self) -> None:
        """Sets streams, working directory, environment and arguments of this process."""
        for descriptor, stream in zip(self.streams, (0, 1, 2), strict=True):
            os.dup2(descriptor, stream)
            os.close(descriptor)
        # As Python opens them at startup.
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]  # Final
        os.chdir(self.directory)
        os.environ.clear()
        os.environ.update(self.environment)
        sys.argv = ["regard", *self.arguments]

    def run(self) -> None:
        """Runs `regard`, or the module after `-m`."""
        if not self.is_python:
            from regard.cli.main import app

            app()
        module, sys.argv[1:] = self.arguments[1], self.arguments[2:]
        sys.path[:0] = ["", *filter(None, self.environment.get("PYTHONPATH", "").split(os.pathsep))]
        sys.modules.pop(module, None)  # which runs again under the name `__main__`
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        sys.exit(0)


def received(client: socket.socket) -> Command:
    size, streams, _, _ = socket.recv_fds(client, 8, 3)
    request = bytearray()
    while len(request) < int.from_bytes(size, "big"):
        request += client.recv(1 << 16)
    is_python, arguments, directory, environment = json.loads(request)
    return Command(is_python, arguments, directory, environment, streams)


@dataclass
class Server:
    """Waits for new commands, for commands that end, and for callers that are killed."""

    listener: socket.socket
    running: dict[int, tuple[int, socket.socket]] = field(default_factory=dict)  # by pidfd

    def serve(self) -> Command | None:
        """Returns in each fork with its command, and in the server with None at the end."""
        command = None
        while command is None:
            clients = {client.fileno(): pid for pid, client in self.running.values()}
            listening = self.listener.fileno()
            ready, _, _ = select.select([0, listening, *self.running, *clients], [], [])
            for descriptor in self.running.keys() & ready:
                clients.pop(self.running[descriptor][1].fileno())
                self._report_end(descriptor)
            for caller in clients.keys() & ready:  # the caller was killed, which must end its command
                os.kill(clients[caller], signal.SIGKILL)
            if 0 in ready:  # closed by the process that started the server
                for pid, _ in self.running.values():
                    os.kill(pid, signal.SIGKILL)
                return None
            if listening in ready:
                command = self._started()
        return command

    def _started(self) -> Command | None:
        client, _ = self.listener.accept()
        command = received(client)
        pid = os.fork()
        if pid == 0:
            for other in [client, self.listener, *(caller for _, caller in self.running.values())]:
                other.close()
            for descriptor in self.running:
                os.close(descriptor)
            return command
        for stream in command.streams:
            os.close(stream)
        self.running[os.pidfd_open(pid)] = (pid, client)
        return None

    def _report_end(self, descriptor: int) -> None:
        pid, client = self.running.pop(descriptor)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.close(descriptor)
        with suppress(BrokenPipeError):
            client.sendall(status.to_bytes(4, "big", signed=True))
        client.close()


class QuickEnd:
    """Ends a fork without freeing every object of the loaded modules, which takes a third of a second.

    It is registered before all modules are loaded, so that it runs after their exit handlers.

    Attributes:
        status: Exit status of the command; None if Python itself must end the process, as after `KeyboardInterrupt`.
    """

    def __init__(self) -> None:
        self.status: int | None = None
        atexit.register(self)

    def __call__(self) -> None:
        if self.status is None:
            return
        try:
            sys.stdout.flush()
        except OSError:
            return  # Python reports it
        with suppress(OSError):
            sys.stderr.flush()
        os._exit(self.status)

    def run(self, command: Callable[[], object]) -> None:
        try:
            command()
        except SystemExit as end:
            self.status = end.code if isinstance(end.code, int) else None
            raise


def main(address: str) -> None:
    end = QuickEnd()
    for name in LOADED:
        with suppress(ImportError):
            importlib.import_module(name)
    if len(os.listdir("/proc/self/task")) > 1:
        sys.exit("cannot fork: this process has several threads, of which a fork has only one")
    gc.collect()
    gc.freeze()  # else the garbage collector of each fork would search, and so copy, all loaded modules
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen()
    sys.stdout.write("ready")
    sys.stdout.flush()
    command = Server(listener).serve()
    if command is not None:
        command.prepare()
        if not command.is_python:  # its worker processes are forks, too
            sys.executable = str(Path(address).with_name("ready-python"))
        end.run(command.run)


if __name__ == "__main__":
    main(sys.argv[1])
