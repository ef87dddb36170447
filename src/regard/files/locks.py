"""Who works at what: locks on a shared directory that outlive neither their holder nor a race for them.

A lock is a row of files, `lock.0`, `lock.1` and so on, and whoever wrote the last one holds it. A file appears with its
content by a call that fails where there is one already, so of several that want the same number one gets it. Nothing
is ever deleted, hence nothing can be deleted by mistake: who finds the holder dead makes the next file, and who gives
a lock back makes its own file look old.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from uuid import uuid4

from regard.errors import RegardError
from regard.files.atomic import PENDING, make_directory, named_errors
from regard.files.json_text import parse_json
from regard.files.reading import read_bytes

HEARTBEAT_SECONDS = 15.0
"""How often a holder shows that it lives."""
_LARGEST, _PROCESSES = 1 << 16, 1 << 31
# Bytes of a lock's file, and numbers that a process may have.
STALE_SECONDS = 600.0
"""A holder that was silent for so long is taken for dead; one of this machine whose process is gone, at once."""


@dataclass(frozen=True)
class Owner:
    """Who holds a lock.

    Attributes:
        host: Name of the machine.
        machine: What numbers of processes are told apart within, such as a boot of a machine and a container in it.
        started: When the process started, in the machine's own measure; None where it does not tell.
        pid: Number of the process.
    """

    host: str
    machine: str
    started: str | None
    pid: int

    def is_running(self) -> bool:
        """Whether it is still there, for all that can be known here: one of another machine may be."""
        if self.machine != _machine():
            return True
        if sys.platform == "win32":  # where signal 0 is not a question
            return True
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        now = _start_of(self.pid)  # a number is given anew: after a restart of a container, to the very next process
        return now is None or (now != "" and self.started in (None, now))


class Lock:
    """A lock in a directory that several processes, perhaps on several machines, can reach.

    Args:
        directory: Where its files lie; made when it is missing.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.own: Path | None = None

    def claim(self, *, patience: float = 0.0) -> bool:
        """Takes the lock if nobody alive holds it.

        Args:
            patience: Seconds to watch a holder of another machine for a sign of life, before it is taken for dead.

        Returns:
            Whether that succeeded.

        Raises:
            CheckpointError: The directory cannot be written.
        """
        make_directory(self.directory)
        last = self._last()
        if last is not None and _is_alive(last) and not self._is_silent(last, patience):
            return False
        mine = self.directory / f"lock.{0 if last is None else _number(last) + 1}"
        with named_errors(mine):
            if not self._make(mine):
                return False
        self.own = mine
        return True

    def heartbeat(self) -> bool:
        """Shows that the holder lives; tells whether it still holds the lock."""
        if self.own is None or self._last() != self.own:
            return False
        os.utime(self.own)
        return True

    def release(self) -> None:
        """Gives the lock back, if it is held."""
        if self.own is not None:
            with suppress(FileNotFoundError):  # somebody removed the directory
                os.utime(self.own, (0, 0))
            self.own = None

    def holder(self) -> str | None:
        """Who holds the lock, such as `host:1234`; None where nobody alive does."""
        last = self._last()
        if last is None or not _is_alive(last):
            return None
        owner = _owner(last)
        return f"{owner.host}:{owner.pid}"

    def is_held_here(self) -> bool:
        """Whether a process of this machine holds the lock, which needs no waiting to know."""
        last = self._last()
        return last is not None and _is_alive(last) and _owner(last).machine == _machine()

    @contextmanager
    def held(self) -> Iterator[threading.Event]:
        """Keeps a claimed lock alive from a thread, and gives it back in the end.

        Yields:
            Set once somebody else has taken the lock over, because this process seemed dead for too long.
        """
        lost, over = threading.Event(), threading.Event()

        def heartbeat() -> None:
            while not over.wait(HEARTBEAT_SECONDS):
                with suppress(OSError):  # a shared disk that fails for a moment; the next beat will tell
                    if not self.heartbeat():
                        lost.set()
                        return

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield lost
        finally:
            over.set()
            thread.join()
            self.release()

    def _last(self) -> Path | None:
        files = [
            path for path in self.directory.glob("lock.*") if path.suffix[1:].isascii() and path.suffix[1:].isdigit()
        ]
        return max(files, key=_number, default=None)

    def _is_silent(self, last: Path, patience: float) -> bool:
        """Whether the holder, of another machine, shows no life for so long, whatever the machines' clocks say."""
        if patience <= 0 or _owner(last).machine == _machine():
            return False
        seen, until = _beats(last), time.monotonic() + patience
        while time.monotonic() < until:
            time.sleep(min(patience, 0.5))
            if self._last() != last or _beats(last) not in (seen, None):
                return False
        return True

    def _make(self, mine: Path) -> bool:
        """Makes a file that nobody may have made; whoever sees it sees its content, even if we are killed now."""
        text = json.dumps(asdict(Owner(socket.gethostname(), _machine(), _start_of(os.getpid()), os.getpid())))
        waiting = self.directory / f"{uuid4().hex}{PENDING}"
        try:
            with waiting.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())  # an empty lock would hold until it is old, and nobody would know who
            os.link(waiting, mine)
        except FileExistsError:
            return False
        except OSError:
            return _write_new(mine, text)
        finally:
            waiting.unlink(missing_ok=True)
        return True


def _write_new(path: Path, text: str) -> bool:
    """The same on disks without hard links, but for the promise."""
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        return False
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    return True


def _number(path: Path) -> int:
    return int(path.suffix[1:])


def _beats(path: Path) -> int | None:
    with suppress(OSError):
        return path.stat().st_mtime_ns
    return None


def _is_alive(path: Path) -> bool:
    beats = _beats(path)
    return beats is not None and time.time() - beats / 1e9 <= STALE_SECONDS and _owner(path).is_running()


def _owner(path: Path) -> Owner:
    """Who wrote a lock; somebody elsewhere where the file is not written yet."""
    with suppress(RegardError, KeyError, TypeError, ValueError):
        told = parse_json(read_bytes(path, max_bytes=_LARGEST, remedy=""), where=str(path), remedy="")
        if not isinstance(told, dict) or not 0 < int(told["pid"]) < _PROCESSES:
            raise ValueError("written by something else")
        host, started = str(told["host"]), told.get("started")
        # Locks of earlier versions do not name the machine.
        machine = told.get("machine") or (_machine() if host == socket.gethostname() else "")
        return Owner(host, str(machine), None if started is None else str(started), int(told["pid"]))
    return Owner("", "", None, 0)


@cache
def _machine() -> str:
    """This boot of this machine, and the room within it that processes are counted in; else the machine's name."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return socket.gethostname()


def _start_of(pid: int) -> str | None:
    """When a process of this machine started, in ticks; "" where it has ended and nobody has noticed yet."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *others = told.rpartition(")")[2].split()  # the name before may hold anything
    return "" if state in "ZX" else others[18]
