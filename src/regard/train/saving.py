"""Saves the complete state of a training, and restores it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import cast

from torch import Tensor

from regard.errors import CheckpointError
from regard.model.seq2seq import Seq2Seq
from regard.store.checkpoint import Plain
from regard.store.state_files import LoadedState
from regard.train.checkpoints import CheckpointDirectory
from regard.train.conditions import changes_message
from regard.train.limit import TimeLimit
from regard.train.memory import MemoryLimit
from regard.train.optimizer import Updater
from regard.train.progress import Progress, Stopwatch
from regard.train.schedule import Schedule
from regard.train.state import has_generator_states, restore_tensors, state_tensors
from regard.train.stream import Stream

_OLDER_STATE = (
    "the saved state was written by an earlier version of regard, which drew dropout differently: from here on, the "
    "training is not bit-identical to one that was never interrupted"
)


@dataclass(frozen=True)
class TrainingParts:
    """The objects of a training whose state is saved.

    Attributes:
        model: The model.
        updater: Optimizer of the model.
        stream: Training batches.
        schedule: Learning rate schedule.
        limit: Time limit.
        memory: Limit of the size of a batch.
        checkpoints: Checkpoints and files of the state.
        progress: Counts, best score and times.
        stopwatch: Time since the start of the training.
    """

    model: Seq2Seq
    updater: Updater
    stream: Stream
    schedule: Schedule
    limit: TimeLimit
    memory: MemoryLimit
    checkpoints: CheckpointDirectory
    progress: Progress
    stopwatch: Stopwatch


@dataclass(frozen=True)
class Restored:
    """Result of restoring a state.

    Attributes:
        limits_changed: Whether `train.steps` or `train.max_minutes` differ from those of the saved state.
        notes: Messages for the user.
    """

    limits_changed: bool
    notes: tuple[str, ...]


class StateSaver:
    """Saves the state of a training on request, says when a regular save is due, and restores the state.

    Args:
        parts: The objects whose state is saved.
        conditions: Descriptions of machine and software that affect rounding, by name; from `current_conditions`.
        minutes: Interval of regular saves in minutes; 0 = no regular saves.
    """

    def __init__(self, parts: TrainingParts, *, conditions: Mapping[str, str], minutes: float) -> None:
        self.parts = parts
        self.conditions = dict(conditions)
        self._seconds = 60.0 * minutes
        self._last: float | None = None  # set at the first step after a save, so a long save is not followed by another

    def is_due(self, now: float) -> bool:
        """Whether a regular save is due: the interval has passed since the first `is_due` call after the last save.

        Args:
            now: Present time in seconds, from any origin.

        Returns:
            True if the interval has passed; always False without regular saves.
        """
        if self._last is None:
            self._last = now
        return 0.0 < self._seconds <= now - self._last

    def save(self) -> None:
        """Saves the state.

        Raises:
            CheckpointError: The file cannot be written, or the directory no longer belongs to this training.
        """
        parts = self.parts
        parts.progress.elapsed = parts.stopwatch.elapsed()
        scalars: dict[str, Plain] = {
            "progress": asdict(parts.progress),
            "stream": {**parts.stream.state()},
            "schedule": {**parts.schedule.state()},
            "limit": parts.limit.state(),
            "memory": parts.memory.state(),
            "checkpoints": parts.checkpoints.state(),
            "conditions": {**self.conditions},
        }
        parts.checkpoints.save(state_tensors(parts.model, parts.updater), scalars)
        self.restart()

    def restart(self) -> None:
        """Restarts the interval until the next regular save.

        Each worker must call this after a save, including workers that wrote no file.
        """
        self._last = None

    def restore(self) -> Restored:
        """Restores the newest state, or the previous one if the newest is missing or damaged.

        Returns:
            Whether `train.steps` or `train.max_minutes` differ from those of the state, and messages for the user.

        Raises:
            CheckpointError: No state can be read, or the state belongs to another training.
        """
        state = self.parts.checkpoints.load()
        try:
            return self._restore(state)
        except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            raise CheckpointError(
                f"{state.path}: expected the saved state of this training, found another or a damaged one "
                f"({type(error).__name__}: {error}): start the training again with --overwrite"
            ) from None

    def _restore(self, state: LoadedState) -> Restored:
        parts, scalars = self.parts, state.scalars
        restore_tensors(state.path, state.tensors, parts.model, parts.updater)
        parts.progress.restore(cast("dict[str, int]", scalars["progress"]))
        parts.stream.restore(cast("dict[str, int]", scalars["stream"]))
        parts.schedule.restore(cast("dict[str, float]", scalars["schedule"]))
        parts.checkpoints.restore(scalars["checkpoints"])
        parts.stopwatch.resume(parts.progress.elapsed)
        if "memory" in scalars:
            parts.memory.restore(cast("dict[str, Plain]", scalars["memory"]))
        limits_changed = False
        if "limit" in scalars:  # otherwise saved before limits were planned
            saved_limit = cast("dict[str, Plain]", scalars["limit"])
            elapsed = parts.stopwatch.elapsed()
            limits_changed = parts.limit.restore(saved_limit, parts.progress, elapsed, parts.schedule)
        return Restored(limits_changed, self._notes(state, state.tensors))

    def _notes(self, state: LoadedState, tensors: Mapping[str, Tensor]) -> tuple[str, ...]:
        saved = cast("dict[str, str]", state.scalars.get("conditions", {}))
        older = _OLDER_STATE if has_generator_states(tensors) else None
        return tuple(note for note in (state.note, older, changes_message(saved, self.conditions)) if note)
