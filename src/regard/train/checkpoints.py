"""The checkpoints of one training: which are kept, which one is the best, which are averaged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

from torch import Tensor

from regard.errors import CheckpointError
from regard.files.atomic import remove
from regard.store.checkpoint import Plain, load_state, save_state
from regard.store.training_directory import STATE
from regard.train.reporter import Validation

WORST_SCORE = -1e30
"""Score of weights whose validation gave NaN; finite, since JSON has no infinity."""


@dataclass(frozen=True)
class Checkpoint:
    """A saved set of weights.

    Attributes:
        step: Updates done when they were saved.
        score: Score to choose checkpoints by; higher is better.
        validation: Result of their validation, without the sample translations.
    """

    step: int
    score: float
    validation: Validation


class DirectoryOwner(Protocol):
    """The owner of a training's directory, which may move it and may lose it."""

    @property
    def path(self) -> Path:
        """Final path of the directory."""
        ...

    @property
    def current(self) -> Path:
        """Present path of the directory."""
        ...

    def check(self) -> None:
        """Raises a `CheckpointError` if nothing may be written there any more."""
        ...

    def after_save(self) -> Path:
        """Called after a state was saved; returns the path of the directory from now on."""
        ...


class CheckpointDirectory:
    """Checkpoints on disk, including the best one, and the state that training resumes from.

    Args:
        directory: Directory of the checkpoints, one file `step-….safetensors` each.
        keep: Number of checkpoints to keep in addition to the best.
        prefer: Whether to average the last checkpoints, the best ones, or none.
    """

    def __init__(self, directory: Path, *, keep: int, prefer: Literal["best", "last", "none"]) -> None:
        self.directory = directory
        self.keep = keep
        self.prefer = prefer
        self.entries: list[Checkpoint] = []
        self._owner: DirectoryOwner | None = None

    @property
    def state_path(self) -> Path:
        """File of the state that training resumes from."""
        return self.directory / STATE

    @property
    def destination(self) -> Path:
        """Final path of the directory."""
        return self._owner.path if self._owner else self.directory

    @property
    def best(self) -> Checkpoint | None:
        """The checkpoint with the highest score, the earliest of equals; None if there is none."""
        return max(self.entries, key=lambda entry: (entry.score, -entry.step), default=None)

    def set_owner(self, owner: DirectoryOwner) -> None:
        """Asks an owner before each write, and follows it when it moves the directory."""
        self._owner, self.directory = owner, owner.current

    def averaged(self) -> list[Checkpoint]:
        """The checkpoints to average, in the order of their steps; none if averaging is off."""
        if self.prefer == "none":
            return []
        if self.prefer == "best":
            chosen = sorted(self.entries, key=lambda entry: (-entry.score, entry.step))[: self.keep]
        else:
            chosen = self.entries[-self.keep :]
        return sorted(chosen, key=lambda entry: entry.step)

    def add(self, step: int, validation: Validation, metric: str, weights: dict[str, Tensor]) -> None:
        """Writes a checkpoint; nothing is removed before `prune`.

        Args:
            step: Updates done.
            validation: Result of the validation of these weights.
            metric: Metric to choose the best checkpoint by.
            weights: State dict.
        """
        self._check()
        score = validation.score(metric)
        score = score if score > WORST_SCORE else WORST_SCORE  # NaN > x is False
        entry = Checkpoint(step, score, replace(validation, samples=()))
        save_state(self._path(step), weights, {"step": step})
        self.entries = [*(old for old in self.entries if old.step != step), entry]

    def save(self, tensors: Mapping[str, Tensor], scalars: Mapping[str, Plain]) -> None:
        """Writes the state that training resumes from.

        Args:
            tensors: Tensors of any shape, `(...)`, by name.
            scalars: Everything else, as JSON.

        Raises:
            CheckpointError: The state cannot be written, or the directory no longer belongs to this training.
        """
        self._check()
        save_state(self.state_path, tensors, scalars)
        if self._owner:
            self.directory = self._owner.after_save()

    def prune(self) -> None:
        """Removes checkpoints that are not kept, and leftovers of an interrupted run."""
        kept_steps = {entry.step for entry in (self.averaged() or self.entries[-self.keep :])}
        if self.best:
            kept_steps.add(self.best.step)
        self.entries = [entry for entry in self.entries if entry.step in kept_steps]
        names = {self._path(step).name for step in kept_steps}
        for path in self.directory.glob("step-*"):
            if path.name not in names:
                remove(path)

    def weights(self, entry: Checkpoint) -> dict[str, Tensor]:
        """Reads a checkpoint's weights."""
        path = self._path(entry.step)
        if not path.is_file():
            raise CheckpointError(f"{path}: was removed, but the training needs its weights: start the training again")
        tensors, scalars = load_state(path)
        if scalars.get("step") != entry.step:
            raise CheckpointError(
                f"{path}: expected the weights of step {entry.step}, found those of step {scalars.get('step')}: "
                "restore the file, or start the training again"
            )
        return tensors

    def state(self) -> list[Plain]:
        """The list of checkpoints, as JSON."""
        return [
            {"step": entry.step, "score": entry.score, "validation": _plain(entry.validation)} for entry in self.entries
        ]

    def restore(self, state: Plain) -> None:
        """Restores what `state` returned.

        Args:
            state: The list, from JSON.

        Raises:
            CheckpointError: `state` is not such a list.
        """
        try:
            self.entries = [_checkpoint(entry) for entry in state]  # type: ignore[union-attr]
        except (KeyError, TypeError):
            raise CheckpointError(
                f"{self.directory}: the list of checkpoints is damaged: start the training again"
            ) from None

    def _check(self) -> None:
        if self._owner:
            self._owner.check()

    def _path(self, step: int) -> Path:
        return self.directory / f"step-{step:08d}.safetensors"


def _plain(validation: Validation) -> Plain:
    return {name: value for name, value in asdict(validation).items() if name != "samples"}


def _checkpoint(state: Plain) -> Checkpoint:
    if not isinstance(state, dict):
        raise TypeError
    step, score, validation = state["step"], state["score"], state["validation"]
    if not isinstance(step, int) or not isinstance(score, int | float) or not isinstance(validation, dict):
        raise TypeError
    return Checkpoint(step, float(score), Validation(**validation))  # type: ignore[arg-type]
