"""Where a training keeps its state within a model's directory: who may write there, and what replaces what.

A new training is laid out beside the old one, in a hidden directory, and takes its place by two renames once it has
something to go on from. Between the two nothing has the folder's name, and whoever comes next finishes what was begun.
So at every instant there is the old training or the new one, whole.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from regard.errors import CheckpointError, ConfigError
from regard.files.atomic import PENDING, make_directory, move, remove
from regard.files.locks import Lock
from regard.store.manifest import KNOWN_FILES, MANIFEST

TRAINING = "training"
"""Folder of the training state within the model's directory."""
STATE = "state.safetensors"
"""What a training goes on from; without it nothing was trained, or not for long enough."""
SETTINGS = "config.toml"
"""The training's configuration; without it nothing was prepared."""
WATCH_SECONDS = 60.0
"""So long a training of another machine may show no life before another takes its place."""

_OWN = re.compile(
    r"(config\.toml|texts\.json|facts\.json|guided\.align|subword\.(src|tgt)\.model|state\.safetensors|tensorboard"
    rf"|step-\d+\.safetensors)({re.escape(PENDING)})?"
)
"""What regard puts into the folder."""
_HALF_DONE = re.compile(r"\.tmp\w{6}")
"""What safetensors leaves there when it is killed: it writes under such a name first."""


class TrainingDirectory:
    """The folder of one training, for one process at a time.

    Args:
        out: The model's directory; nothing need be there.

    Attributes:
        path: The folder, where it will be in the end; behind a link, where that leads.
        current: Where this training's files are now.
        coming: Where a new training is laid out.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.path = Path(os.path.realpath(out / TRAINING))
        self.current = self.path
        self.new_path = self.path.with_name(f".{self.path.name}.new")
        self._going = self.path.with_name(f".{self.path.name}.old")
        self._lock = Lock(out / ".locks")
        self._handle: int | None = None

    @property
    def is_replacing(self) -> bool:
        """Whether this training waits to take another's place."""
        return self.current == self.new_path

    def can_resume(self) -> bool:
        """Whether there is a training that can be gone on with."""
        return any((place / SETTINGS).is_file() for place in self._places())

    def has_state(self) -> bool:
        """Whether a training is there that would be lost."""
        return any((place / STATE).is_file() for place in self._places())

    def check_free(self, *, overwrite: bool) -> None:
        """Refuses to begin a training where something is that it would replace; writes nothing.

        Args:
            overwrite: Whether a model and a training may be replaced.

        Raises:
            ConfigError: Something is there; the message says what can be done.
            CheckpointError: Another process trains there.
        """
        taken = self._in_the_way()
        self._check_foreign()
        if taken and not overwrite:
            going_on = "go on with --resume, or " if TRAINING in taken and self.can_resume() else "or "
            raise ConfigError(
                f"{self.out} already holds {' and '.join(taken)}: choose another --out, {going_on}replace it with "
                "--overwrite"
            )

    def check_empty(self) -> None:
        """Refuses to put a model of other origin where a model or a training is; writes nothing.

        Raises:
            ConfigError: Something is there.
            CheckpointError: Another process trains there.
        """
        taken = self._in_the_way()
        if taken:
            raise ConfigError(f"{self.out} already holds {' and '.join(taken)}: choose another --out, or remove it")

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Keeps other processes away, and finishes or clears away what a process that was killed has left.

        Yields:
            Nothing.

        Raises:
            CheckpointError: Another process trains there, or the place cannot be written.
        """
        if not self._lock.claim(patience=WATCH_SECONDS):
            raise self._taken()
        with self._lock.held():
            try:
                self._recover()
                if self.path.is_dir():
                    self._hold()
                yield
            finally:
                self._let_go()
                if self.is_replacing:
                    with suppress(CheckpointError):  # what went wrong before counts more; the next one clears up
                        remove(self.new_path)

    def begin(self) -> None:
        """Makes an empty directory for a new training, beside whatever is there: `current` until it takes its place.

        Raises:
            CheckpointError: It cannot be made.
        """
        make_directory(self.new_path)
        self.current = self.new_path
        self._hold()

    def replace_old(self) -> None:
        """Puts the new training where the old one is, if it waits to; the old one is removed.

        Raises:
            CheckpointError: The place cannot be written; the old one is still there.
        """
        if not self.is_replacing:
            return
        try:
            if self.path.exists():
                move(self.path, self._going)
            move(self.new_path, self.path)
        except CheckpointError:
            if not self.path.exists() and self._going.exists():
                with suppress(CheckpointError):  # else the next one does it
                    move(self._going, self.path)
            raise
        self.current = self.path
        with suppress(CheckpointError):  # it is in nobody's way
            remove(self._going)

    def check(self) -> None:
        """Makes sure that this training's files are still its own, before any is written.

        Raises:
            CheckpointError: The directory was removed or replaced, or another process has taken over.
        """
        if not self._is_same():
            raise CheckpointError(
                f"{self.current}: the directory was removed or replaced while this training worked in it, so nothing "
                "more can be saved there: train anew, and leave the directory alone meanwhile"
            )
        if self._is_lost():
            raise CheckpointError(
                f"{self.out}: this training was silent for so long that another ({self._lock.holder()}) has taken its "
                "place: let that one go on, or stop it and go on with --resume"
            )

    def after_save(self) -> Path:
        """Hears that the training can be gone on with from what is in `current`.

        Returns:
            Where its files are from now on.
        """
        self.replace_old()
        return self.current

    def _in_the_way(self) -> list[str]:
        """What a new model would replace."""
        if self.out.exists() and not self.out.is_dir():
            raise ConfigError(f"{self.out}: expected a directory for the model, found a file: choose another --out")
        if self._lock.own is None and self._lock.is_held_here():
            raise self._taken()
        model = [name for name in (MANIFEST, *KNOWN_FILES) if (self.out / name).exists()][:1]
        return model + [TRAINING] * self.has_state()

    def _taken(self) -> CheckpointError:
        host, _, pid = (self._lock.holder() or ":").rpartition(":")
        who = f"process {pid} on {host}" if host else "another process"
        return CheckpointError(
            f"{self.out}: a training ({who}) is running there: wait for its end, stop it, or choose another --out"
        )

    def _places(self) -> list[Path]:
        """Where the training lies, or lay when a process was killed while it replaced it."""
        if self.path.exists() or not self._going.exists():
            return [self.path]
        return [self.new_path, self._going]

    def _recover(self) -> None:
        if self._going.exists() and not self.path.exists():
            move(self.new_path if self.new_path.exists() else self._going, self.path)
        remove(self.new_path)
        remove(self._going)
        for half_done in self.path.glob(".tmp*"):
            if _HALF_DONE.fullmatch(half_done.name):
                remove(half_done)

    def _check_foreign(self) -> None:
        """Refuses to replace what no training has written."""
        if not self.path.exists():
            return
        if not self.path.is_dir():
            raise ConfigError(f"{self.path}: expected a directory or a free name, found a file: choose another --out")
        names = sorted(entry.name for entry in os.scandir(self.path))
        foreign = [name for name in names if not (_OWN.fullmatch(name) or _HALF_DONE.fullmatch(name))]
        if foreign:
            raise ConfigError(
                f"{self.path}: expected the files of a training, which are replaced, but found {foreign[0]!r} "
                f"among them: choose another --out, or move it away"
            )

    def _hold(self) -> None:
        """Keeps the directory open, so that no other one can get its number while we work there."""
        self._let_go()
        if sys.platform != "win32":  # directories cannot be opened there
            with suppress(OSError):
                self._handle = os.open(self.current, os.O_RDONLY)

    def _let_go(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _is_same(self) -> bool:
        """Whether the directory is still the one that we began to work in."""
        if self._handle is None:
            return self.current.is_dir()
        with suppress(OSError):
            return os.path.samestat(os.fstat(self._handle), self.current.stat())
        return False

    def _is_lost(self) -> bool:
        with suppress(OSError):  # a shared disk that fails for a moment
            return not self._lock.beat() and self._lock.holder() is not None
        return False
