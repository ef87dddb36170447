"""The directory of a training within a model directory: locking, and replacing an old training.

A new training is created in a hidden directory beside the old one, and replaces it by two renames once it has a state
to resume from. After a crash between the two renames, the next process finishes the replacement. So at every moment
the old training or the new one exists completely.
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
from regard.store.state_files import has_saved_state

TRAINING = "training"
"""Name of the training directory within the model directory."""
SETTINGS = "config.toml"
"""File of the training's configuration; missing until the training is prepared."""
WATCH_SECONDS = 60.0
"""Seconds without heartbeat after which a lock held by another machine is taken over."""

_OWN = re.compile(
    r"(config\.toml|texts\.json|facts\.json|guided\.align|subword\.(src|tgt)\.model|state(\.previous)?\.safetensors|tensorboard|broken"
    rf"|step-\d+\.safetensors)({re.escape(PENDING)})?"
)
"""Names of the files that regard writes to the directory."""
_INCOMPLETE = re.compile(rf"\.tmp\w{{6}}|state(\.previous)?\.safetensors{re.escape(PENDING)}")
"""Temporary files of states and of safetensors, which remain if the process is killed."""


class TrainingDirectory:
    """The directory of one training (`training` within the model directory), locked by one process at a time.

    Args:
        out: The model directory, which need not exist.

    Attributes:
        path: Final path of the training directory, with symbolic links resolved.
        current: Directory that holds the files of this training at present: `path` or `new_path`.
        new_path: Temporary directory of a new training, until the new training replaces an old one.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.path = Path(os.path.realpath(out / TRAINING))
        self.current = self.path
        self.new_path = self.path.with_name(f".{self.path.name}.new")
        self._old_path = self.path.with_name(f".{self.path.name}.old")
        self._lock = Lock(out / ".locks")
        self._handle: int | None = None

    @property
    def is_replacing(self) -> bool:
        """Whether this is a new training that has not yet replaced the old one: its files are in `new_path`."""
        return self.current == self.new_path

    def can_resume(self) -> bool:
        """Whether the directory holds a training that can be resumed."""
        return self.saved_path() is not None

    def saved_path(self) -> Path | None:
        """Finds the directory with the files of a training that can be resumed.

        Returns:
            `path`, or a temporary directory beside it if a process was killed while it replaced an old training. None
            if no training can be resumed.
        """
        return next((directory for directory in self._candidates() if (directory / SETTINGS).is_file()), None)

    def has_state(self) -> bool:
        """Whether the directory has a saved state of an earlier training, which a new training would delete."""
        return any(has_saved_state(directory) for directory in self._candidates())

    def check_free(self, *, overwrite: bool) -> None:
        """Raises an error if a new training would replace a model or a training; writes nothing.

        Args:
            overwrite: Whether an existing model and an existing training may be replaced.

        Raises:
            ConfigError: The directory contains a model or a training and `overwrite` is False, or it contains files
                that regard did not write.
            CheckpointError: Another process is training in the directory.
        """
        existing = self._existing()
        self._check_foreign()
        if existing and not overwrite:
            resume = "resume it with --resume, or " if TRAINING in existing and self.can_resume() else "or "
            raise ConfigError(
                f"{self.out} already contains {' and '.join(existing)}: choose another --out, {resume}replace it with "
                "--overwrite"
            )

    def check_empty(self) -> None:
        """Raises an error if an imported model would replace a model or a training; writes nothing.

        Raises:
            ConfigError: The directory contains a model or a training.
            CheckpointError: Another process is training in the directory.
        """
        existing = self._existing()
        if existing:
            raise ConfigError(
                f"{self.out} already contains {' and '.join(existing)}: choose another --out, or remove that directory"
            )

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Holds the lock of the directory inside a `with` block.

        At the start of the block, replacements and temporary files that a killed process left are completed or removed.
        At the end, the lock is released, and a new training that has not replaced the old one is deleted.

        Yields:
            Nothing.

        Raises:
            CheckpointError: Another process is training in the directory, or the directory cannot be written.
        """
        if not self._lock.claim(patience=WATCH_SECONDS):
            raise self._in_use_error()
        with self._lock.held():
            try:
                self._recover()
                if self.path.is_dir():
                    self._open()
                yield
            finally:
                self._close()
                if self.is_replacing:
                    with suppress(CheckpointError):  # an earlier error matters more; the next training removes it
                        remove(self.new_path)

    def begin(self) -> None:
        """Creates an empty directory for a new training beside the old training, and sets `current` to its path.

        Raises:
            CheckpointError: The directory cannot be created.
        """
        make_directory(self.new_path)
        self.current = self.new_path
        self._open()

    def replace_old(self) -> None:
        """Moves the new training to `path` and deletes the old training there; does nothing before `begin`.

        Raises:
            CheckpointError: The directory cannot be written; the old training still exists.
        """
        if not self.is_replacing:
            return
        try:
            if self.path.exists():
                move(self.path, self._old_path)
            move(self.new_path, self.path)
        except CheckpointError:
            if not self.path.exists() and self._old_path.exists():
                with suppress(CheckpointError):  # otherwise the next process does it
                    move(self._old_path, self.path)
            raise
        self.current = self.path
        with suppress(CheckpointError):  # a remaining old directory does no harm
            remove(self._old_path)

    def check(self) -> None:
        """Checks that the directory still belongs to this training; to be called before files are written.

        Raises:
            CheckpointError: The directory was removed or replaced, or another process has taken over its lock.
        """
        if not self._is_same():
            raise CheckpointError(
                f"{self.current}: the directory was removed or replaced during this training, so nothing more can be "
                "saved there: start a new training, and do not change the directory while it runs"
            )
        if self._is_lost():
            raise CheckpointError(
                f"{self.out}: this training did not respond for so long that another process ({self._lock.holder()}) "
                "has taken over the directory: let that process run, or stop it and continue with --resume"
            )

    def after_save(self) -> Path:
        """Moves a new training from its temporary directory to `path`, and deletes the old training there.

        Call this method each time a state was saved; only the first call for a new training has an effect.

        Returns:
            Directory that holds this training's files afterwards.
        """
        self.replace_old()
        return self.current

    def _existing(self) -> list[str]:
        """What a new model would replace: a file of a model, or `training`."""
        if self.out.exists() and not self.out.is_dir():
            raise ConfigError(f"{self.out}: expected a directory for the model, found a file: choose another --out")
        if self._lock.own is None and self._lock.is_held_here():
            raise self._in_use_error()
        model = [name for name in (MANIFEST, *KNOWN_FILES) if (self.out / name).exists()][:1]
        return model + [TRAINING] * self.has_state()

    def _in_use_error(self) -> CheckpointError:
        host, _, pid = (self._lock.holder() or ":").rpartition(":")
        who = f"process {pid} on {host}" if host else "another process"
        return CheckpointError(
            f"{self.out}: a training ({who}) is running there: wait until it ends, stop it, or choose another --out"
        )

    def _candidates(self) -> list[Path]:
        """Directories of the training: two if a process was killed while replacing the old one."""
        if self.path.exists() or not self._old_path.exists():
            return [self.path]
        return [self.new_path, self._old_path]

    def _recover(self) -> None:
        if self._old_path.exists() and not self.path.exists():
            move(self.new_path if self.new_path.exists() else self._old_path, self.path)
        remove(self.new_path)
        remove(self._old_path)
        for file in self.path.glob("*"):
            if _INCOMPLETE.fullmatch(file.name):
                remove(file)

    def _check_foreign(self) -> None:
        """Refuses to replace files that were not written by a training."""
        if not self.path.exists():
            return
        if not self.path.is_dir():
            raise ConfigError(
                f"{self.path}: expected no file of this name, because the training needs a directory there: move the "
                "file elsewhere, or choose another --out"
            )
        names = sorted(entry.name for entry in os.scandir(self.path))
        foreign = [name for name in names if not (_OWN.fullmatch(name) or _INCOMPLETE.fullmatch(name))]
        if foreign:
            raise ConfigError(
                f"{self.path}: expected only files written by a training, since the directory would be replaced, found "
                f"{foreign[0]!r}: choose another --out, or move that file elsewhere"
            )

    def _open(self) -> None:
        """Keeps the directory open, so that its inode is not reused for another one."""
        self._close()
        if sys.platform != "win32":  # directories cannot be opened there
            with suppress(OSError):
                self._handle = os.open(self.current, os.O_RDONLY)

    def _close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _is_same(self) -> bool:
        """Whether the directory is still the one that this training started in."""
        if self._handle is None:
            return self.current.is_dir()
        with suppress(OSError):
            return os.path.samestat(os.fstat(self._handle), self.current.stat())
        return False

    def _is_lost(self) -> bool:
        with suppress(OSError):  # a temporary failure of a shared disk
            return not self._lock.heartbeat() and self._lock.holder() is not None
        return False
