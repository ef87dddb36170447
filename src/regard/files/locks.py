"""Locks between processes, perhaps on several machines that share a directory.

A lock is a sequence of files, `lock.0`, `lock.1` and so on; the process that wrote the last one holds the lock. A file
is created together with its content by a call that fails if the file exists, so only one process gets each number.
Files are never deleted, so none is deleted by mistake: a process that finds the holder dead creates the next file, and
a process that releases the lock sets the time of its own file to the past.
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
"""Seconds between heartbeats of a holder."""
_MAX_BYTES, _MAX_PID = 1 << 16, 1 << 31
# Size of a lock file, and upper bound of process ids.
STALE_SECONDS = 600.0
"""Seconds without heartbeat after which a holder counts as dead; on the same machine, its process is checked."""


@dataclass(frozen=True)
class Owner:
    """The process that holds a lock, as its lock file records it.

    Attributes:
        host: Host name of the machine.
        machine: Boot id and PID namespace (such as that of a container), within which a process id is unique.
        started: Start time of the process in clock ticks since boot; None = unknown.
        pid: Process id.
    """

    host: str
    machine: str
    started: str | None
    pid: int

    def is_running(self) -> bool:
        """Whether the process is still running; True for a process of another machine, which cannot be checked."""
        if self.machine != _machine():
            return True
        if sys.platform == "win32":  # signal 0 is CTRL_C_EVENT there
            return True
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        started = _start_of(self.pid)  # process ids are reused, after a restart of a container at once
        return started is None or (started != "" and self.started in (None, started))


class Lock:
    """A lock between processes that share a directory, perhaps on several machines.

    Args:
        directory: Directory of the lock files; `claim` creates it if necessary.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.own: Path | None = None

    def claim(self, *, patience: float = 0.0) -> bool:
        """Tries to acquire the lock.

        Args:
            patience: Seconds to wait for the next heartbeat of a holder on another machine; without a heartbeat in this
                time, the holder counts as dead. 0 = do not wait: the holder counts as dead if its last heartbeat is
                more than 600 seconds (`STALE_SECONDS`) old.

        Returns:
            True if this process holds the lock now; False if another process holds it.

        Raises:
            CheckpointError: The directory cannot be written.
        """
        make_directory(self.directory)
        last = self._last()
        if last is not None and _is_alive(last) and not self._is_silent(last, patience):
            return False
        path = self.directory / f"lock.{0 if last is None else _number(last) + 1}"
        with named_errors(path):
            if not self._create(path):
                return False
        self.own = path
        return True

    def heartbeat(self) -> bool:
        """Renews the lock, so that it does not go stale, and returns whether this process still holds it."""
        if self.own is None or self._last() != self.own:
            return False
        os.utime(self.own)
        return True

    def release(self) -> None:
        """Releases the lock, if this process holds it."""
        if self.own is not None:
            with suppress(OSError):  # the directory was removed, or fails: others see when this process has ended
                os.utime(self.own, (0, 0))
            self.own = None

    def holder(self) -> str | None:
        """The process that holds the lock, as `host:pid`; None if no running process holds it."""
        last = self._last()
        if last is None or not _is_alive(last):
            return None
        owner = _owner(last)
        return f"{owner.host}:{owner.pid}"

    def is_held_here(self) -> bool:
        """Whether a running process of this machine holds the lock."""
        last = self._last()
        return last is not None and _is_alive(last) and _owner(last).machine == _machine()

    @contextmanager
    def held(self) -> Iterator[threading.Event]:
        """Context that renews the claimed lock in a background thread, and releases the lock at its end.

        Yields:
            Event that is set if another process has taken over the lock, because this process sent no heartbeat for
            too long.
        """
        lost, over = threading.Event(), threading.Event()

        def renew() -> None:
            while not over.wait(HEARTBEAT_SECONDS):
                with suppress(OSError):  # a temporary failure of a shared disk; the next heartbeat will show
                    if not self.heartbeat():
                        lost.set()
                        return

        thread = threading.Thread(target=renew, daemon=True)
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
        """Whether a holder on another machine sends no heartbeat for so many seconds, independent of clocks."""
        if patience <= 0 or _owner(last).machine == _machine():
            return False
        heartbeat, deadline = _last_heartbeat(last), time.monotonic() + patience
        while time.monotonic() < deadline:
            time.sleep(min(patience, 0.5))
            if self._last() != last or _last_heartbeat(last) not in (heartbeat, None):
                return False
        return True

    def _create(self, path: Path) -> bool:
        """Creates a lock file together with its content; returns False if it exists."""
        text = json.dumps(asdict(Owner(socket.gethostname(), _machine(), _start_of(os.getpid()), os.getpid())))
        temporary = self.directory / f"{uuid4().hex}{PENDING}"
        try:
            with temporary.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())  # an empty file would hold the lock until it is stale, for an unknown holder
            os.link(temporary, path)
        except FileExistsError:
            return False
        except OSError:
            return _write_new(path, text)
        finally:
            temporary.unlink(missing_ok=True)
        return True


def _write_new(path: Path, text: str) -> bool:
    """Creates a lock file on file systems without hard links; a crash may leave it empty."""
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        return False
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    return True


def _number(path: Path) -> int:
    return int(path.suffix[1:])


def _last_heartbeat(path: Path) -> int | None:
    with suppress(OSError):
        return path.stat().st_mtime_ns
    return None


def _is_alive(path: Path) -> bool:
    heartbeat = _last_heartbeat(path)
    return heartbeat is not None and time.time() - heartbeat / 1e9 <= STALE_SECONDS and _owner(path).is_running()


def _owner(path: Path) -> Owner:
    """Owner in a lock file; an unknown process of another machine if the file is incomplete."""
    with suppress(RegardError, KeyError, TypeError, ValueError):
        content = parse_json(read_bytes(path, max_bytes=_MAX_BYTES, remedy=""), where=str(path), remedy="")
        if not isinstance(content, dict) or not 0 < int(content["pid"]) < _MAX_PID:
            raise ValueError(f"{path}: expected a JSON object with `pid`, the id of the process that holds the lock")
        host, started = str(content["host"]), content.get("started")
        # Locks of earlier versions do not name the machine.
        machine = content.get("machine") or (_machine() if host == socket.gethostname() else "")
        return Owner(host, str(machine), None if started is None else str(started), int(content["pid"]))
    return Owner("", "", None, 0)


@cache
def _machine() -> str:
    """Boot id and PID namespace of this process, or the host name if they are unknown."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return socket.gethostname()


def _start_of(pid: int) -> str | None:
    """Start time of a process on this machine in ticks; "" for a zombie, None if unknown."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()  # the process name before may contain any characters
    return "" if state in "ZX" else fields[18]
