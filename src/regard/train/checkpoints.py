"""The checkpoints of one training: which are kept, which is the best, which are averaged."""

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

WORST = -1e30
"""Score of weights whose validation gave no number; finite, since JSON knows no infinity."""


@dataclass(frozen=True)
class Checkpoint:
    """Weights as they were after a step.

    Attributes:
        step: Updates done.
        score: What checkpoints are chosen by, higher being better.
        validation: How good they are; without samples.
    """

    step: int
    score: float
    validation: Validation


class Keeper(Protocol):
    """Whoever owns the directory that a training is kept in."""

    @property
    def path(self) -> Path:
        """Where it will be in the end."""
        ...

    @property
    def current(self) -> Path:
        """Where it is now."""
        ...

    def check(self) -> None:
        """Raises a `CheckpointError` where nothing may be written any more."""
        ...

    def after_save(self) -> Path:
        """Hears that a state was saved; gives the directory from now on."""
        ...


class CheckpointDirectory:
    """Checkpoints on disk, the best always among them, and the state that training goes on from.

    Args:
        directory: Where they lie, one `step-…` each.
        keep: How many, beside the best.
        prefer: Whether the last ones are kept or the best ones.
    """

    def __init__(self, directory: Path, *, keep: int, prefer: Literal["best", "last", "none"]) -> None:
        self.directory = directory
        self.keep = keep
        self.prefer = prefer
        self.entries: list[Checkpoint] = []
        self._keeper: Keeper | None = None

    @property
    def state_path(self) -> Path:
        """What training goes on from."""
        return self.directory / STATE

    @property
    def destination(self) -> Path:
        """Where the directory will be in the end."""
        return self._keeper.path if self._keeper else self.directory

    @property
    def best(self) -> Checkpoint | None:
        """The checkpoint with the highest score, the earliest of equals; None when there is none."""
        return max(self.entries, key=lambda entry: (entry.score, -entry.step), default=None)

    def belong_to(self, keeper: Keeper) -> None:
        """Writes only where an owner of the directory lets it, and moves with it."""
        self._keeper, self.directory = keeper, keeper.current

    def averaged(self) -> list[Checkpoint]:
        """The checkpoints that make up the average, in the order of their steps; none when averaging is off."""
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
            validation: Of these weights.
            metric: What to choose by.
            weights: By name.
        """
        self._check()
        score = validation.score(metric)
        entry = Checkpoint(step, score if score > WORST else WORST, replace(validation, samples=()))  # NaN > x is false
        save_state(self._path(step), weights, {"step": step})
        self.entries = [*(one for one in self.entries if one.step != step), entry]

    def save(self, tensors: Mapping[str, Tensor], scalars: Mapping[str, Plain]) -> None:
        """Writes the state.

        Args:
            tensors: Of any shape, `(...)`, by name.
            scalars: Everything else.

        Raises:
            CheckpointError: It cannot be written, or the directory is another one by now.
        """
        self._check()
        save_state(self.state_path, tensors, scalars)
        if self._keeper:
            self.directory = self._keeper.after_save()

    def prune(self) -> None:
        """Removes what need not be kept, leftovers of an interrupted run among it."""
        kept = {entry.step for entry in (self.averaged() or self.entries[-self.keep :])}
        if self.best:
            kept.add(self.best.step)
        self.entries = [entry for entry in self.entries if entry.step in kept]
        names = {self._path(step).name for step in kept}
        for path in self.directory.glob("step-*"):
            if path.name not in names:
                remove(path)

    def weights(self, entry: Checkpoint) -> dict[str, Tensor]:
        """Reads a checkpoint's weights."""
        path = self._path(entry.step)
        if not path.is_file():
            raise CheckpointError(f"{path}: was removed, though the training needs its weights: train anew")
        tensors, scalars = load_state(path)
        if scalars.get("step") != entry.step:
            raise CheckpointError(
                f"{path}: expected the weights of step {entry.step}, found those of step {scalars.get('step')}: bring "
                "the file back, or train anew"
            )
        return tensors

    def state(self) -> list[Plain]:
        """What has to be remembered, as JSON."""
        return [
            {"step": entry.step, "score": entry.score, "validation": _plain(entry.validation)} for entry in self.entries
        ]

    def restore(self, state: Plain) -> None:
        """Takes up what `state` gave.

        Args:
            state: From JSON.

        Raises:
            CheckpointError: When it is something else.
        """
        try:
            self.entries = [_checkpoint(one) for one in state]  # type: ignore[union-attr]
        except (KeyError, TypeError):
            raise CheckpointError(f"{self.directory}: the list of checkpoints is damaged: train anew") from None

    def _check(self) -> None:
        if self._keeper:
            self._keeper.check()

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
