"""Who works at what: locks on a shared directory that outlive neither their holder nor a race for them.

A lock is a row of files, `lock.0`, `lock.1` and so on, and whoever wrote the last one holds it. A file is made by a
call that fails where there is one already (`O_EXCL`), so of several that want the same number one gets it. Nothing
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
from pathlib import Path

BEAT_SECONDS = 15.0
"""How often a holder shows that it lives."""
STALE_SECONDS = 600.0
"""A holder that was silent for so long is taken for dead; one of this machine whose process is gone, at once."""


class Lock:
    """A lock in a directory that several processes, perhaps on several machines, can reach.

    Args:
        directory: Where its files lie; made when it is missing.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.own: Path | None = None

    def claim(self) -> bool:
        """Takes the lock if nobody alive holds it; tells whether that succeeded."""
        self.directory.mkdir(parents=True, exist_ok=True)
        last = self._last()
        if last is not None and _is_alive(last):
            return False
        mine = self.directory / f"lock.{0 if last is None else _number(last) + 1}"
        try:
            handle = os.open(mine, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            return False
        with os.fdopen(handle, "w") as file:
            json.dump({"host": socket.gethostname(), "pid": os.getpid()}, file)
        self.own = mine
        return True

    def beat(self) -> bool:
        """Shows that the holder lives; tells whether it still holds the lock."""
        if self.own is None or self._last() != self.own:
            return False
        os.utime(self.own)
        return True

    def release(self) -> None:
        """Gives the lock back, if it is held."""
        if self.own is not None:
            os.utime(self.own, (0, 0))
            self.own = None

    def holder(self) -> str | None:
        """Who holds the lock, such as `host:1234`; None where nobody alive does."""
        last = self._last()
        if last is None or not _is_alive(last):
            return None
        host, pid = _owner(last)
        return f"{host}:{pid}"

    @contextmanager
    def held(self) -> Iterator[threading.Event]:
        """Keeps a claimed lock alive from a thread, and gives it back in the end.

        Yields:
            Set once somebody else has taken the lock over, because this process seemed dead for too long.
        """
        lost, over = threading.Event(), threading.Event()

        def beat() -> None:
            while not over.wait(BEAT_SECONDS):
                with suppress(OSError):  # a shared disk that fails for a moment; the next beat will tell
                    if not self.beat():
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
        files = [path for path in self.directory.glob("lock.*") if path.suffix[1:].isdigit()]
        return max(files, key=_number, default=None)


def _number(path: Path) -> int:
    return int(path.suffix[1:])


def _is_alive(path: Path) -> bool:
    age = time.time() - path.stat().st_mtime
    if age > STALE_SECONDS:
        return False
    host, pid = _owner(path)
    return host != socket.gethostname() or _runs(pid)


def _owner(path: Path) -> tuple[str, int]:
    """Host and process; somewhere else where the file is not written yet."""
    with suppress(ValueError, KeyError):
        owner = json.loads(path.read_text(encoding="utf-8"))
        return str(owner["host"]), int(owner["pid"])
    return "", 0


def _runs(pid: int) -> bool:
    if sys.platform == "win32":  # where signal 0 is not a question
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
