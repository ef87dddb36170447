"""The checkpoints of one training: which are kept, which is the best, and which are averaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

from torch import Tensor

from regard.errors import CheckpointError
from regard.files.atomic import remove
from regard.store.checkpoint import Plain, load_state, read_scalars, save_state
from regard.store.state_files import PREVIOUS_STATE, LoadedState, StateFiles
from regard.train.reporter import Validation

WORST_SCORE = -1e30
"""Score of a checkpoint whose validation gave NaN; finite, since JSON has no infinity."""


@dataclass(frozen=True)
class Checkpoint:
    """Weights saved during training, with the result of their validation.

    Attributes:
        step: Number of updates done when the weights were saved.
        score: Validation score by which checkpoints are compared; higher is better.
        validation: Result of the validation of these weights, without the sample translations.
    """

    step: int
    score: float
    validation: Validation


class DirectoryOwner(Protocol):
    """Object that locks and may move the directory of a training, and notices if another process takes it over."""

    @property
    def path(self) -> Path:
        """Path that the training's directory will have once the training has saved its first state."""
        ...

    @property
    def current(self) -> Path:
        """Present path of the training's directory."""
        ...

    def check(self) -> None:
        """Raises a `CheckpointError` if this training may no longer write to the directory."""
        ...

    def after_save(self) -> Path:
        """Called after a training state was saved; may move the directory, and returns its path from now on."""
        ...


class CheckpointDirectory:
    """The checkpoints of a training on disk, and the training state from which an interrupted training resumes.

    Args:
        directory: Directory of the files; each checkpoint is one file `step-….safetensors`.
        keep: Number of checkpoints to keep besides the best checkpoint; also the number of checkpoints to average.
        prefer: Which `keep` checkpoints to average: `best` = those with the highest scores, `last` = the newest ones;
            `none` = no averaging.
    """

    def __init__(self, directory: Path, *, keep: int, prefer: Literal["best", "last", "none"]) -> None:
        self.directory = directory
        self.keep = keep
        self.prefer = prefer
        self.entries: list[Checkpoint] = []
        self._states = StateFiles()
        self._needed_by_newest: set[int] = set()
        self._needed_by_previous: set[int] = set()
        self._owner: DirectoryOwner | None = None

    @property
    def destination(self) -> Path:
        """Final path of the directory; `directory` is a temporary path until a new training replaces an old one."""
        return self._owner.path if self._owner else self.directory

    @property
    def best(self) -> Checkpoint | None:
        """The checkpoint with the highest score, the earliest if several are equal; None without checkpoints."""
        return _best(self.entries)

    def set_owner(self, owner: DirectoryOwner) -> None:
        """Sets the owner, which may move the directory.

        Args:
            owner: Object whose `check` is called before each write, and raises a `CheckpointError` if this training may
                no longer write; and whose `current` is the path of the directory from now on.
        """
        self._owner, self.directory = owner, owner.current

    def averaged(self) -> list[Checkpoint]:
        """The checkpoints whose weights are to be averaged, in the order of their steps; empty without averaging."""
        return self._averaged(self.entries)

    def add(self, step: int, validation: Validation, metric: str, weights: dict[str, Tensor]) -> None:
        """Writes a checkpoint. Older checkpoints are removed only by `prune`.

        Args:
            step: Number of updates done.
            validation: Result of the validation of these weights.
            metric: Metric by which checkpoints are compared: `loss`, `bleu` or `chrf`.
            weights: State dict of the model.
        """
        self._check()
        score = validation.score(metric)
        score = score if score > WORST_SCORE else WORST_SCORE  # NaN > x is False
        entry = Checkpoint(step, score, replace(validation, samples=()))
        save_state(self._path(step), weights, {"step": step})
        self.entries = [*(old for old in self.entries if old.step != step), entry]

    def save(self, tensors: Mapping[str, Tensor], scalars: Mapping[str, Plain]) -> None:
        """Writes the training state from which an interrupted training resumes, and keeps the previous state.

        Args:
            tensors: Tensors of the state by name, each of any shape `(...)`.
            scalars: All other values of the state by name, as JSON.

        Raises:
            CheckpointError: The file cannot be written, or the directory no longer belongs to this training.
        """
        self._check()
        if not self._states.newest_is_damaged:
            self._needed_by_previous = self._needed_by_newest
        self._states.save(self.directory, tensors, scalars)
        self._needed_by_newest = self._needed_steps(self.entries)
        if self._owner:
            self.directory = self._owner.after_save()

    def load(self) -> LoadedState:
        """Reads the newest training state, or the previous state if the newest is missing or damaged.

        Returns:
            The state, with a message for the user if it is not the newest state.

        Raises:
            CheckpointError: No state can be read.
        """
        return self._states.load(self.directory)

    def prune(self) -> None:
        """Deletes checkpoint files, except those of the best checkpoint and of the checkpoints to be averaged.

        Without averaging, the last `keep` checkpoints are kept in place of those to be averaged. Checkpoints that the
        previous training state needs are kept too, in case the training resumes from that state. Incomplete files of
        an interrupted run are deleted.
        """
        kept_steps = self._needed_steps(self.entries)
        self.entries = [entry for entry in self.entries if entry.step in kept_steps]
        names = {self._path(step).name for step in kept_steps | self._needed_by_previous}
        for path in self.directory.glob("step-*"):
            if path.name not in names:
                remove(path)

    def weights(self, entry: Checkpoint) -> dict[str, Tensor]:
        """Reads the weights of a checkpoint from its file."""
        path = self._path(entry.step)
        if not path.is_file():
            raise CheckpointError(
                f"{path}: this checkpoint was removed, but the training needs its weights: restore the file, or start "
                "the training again with --overwrite"
            )
        tensors, scalars = load_state(path)
        if scalars.get("step") != entry.step:
            raise CheckpointError(
                f"{path}: expected the weights of step {entry.step}, found the weights of step {scalars.get('step')}: "
                "restore the file, or start the training again with --overwrite"
            )
        return tensors

    def state(self) -> list[Plain]:
        """Steps, scores and validations of all checkpoints as a JSON list, for `restore`."""
        return [
            {"step": entry.step, "score": entry.score, "validation": _plain(entry.validation)} for entry in self.entries
        ]

    def restore(self, state: Plain) -> None:
        """Restores the list of checkpoints of an interrupted training; their files are not read.

        Args:
            state: JSON list that the method `state` returned.

        Raises:
            CheckpointError: `state` is not a list that the method `state` returned.
        """
        try:
            self.entries = [_checkpoint(entry) for entry in state]  # type: ignore[union-attr]
        except (KeyError, TypeError):
            raise CheckpointError(
                f"{self.directory}: the list of checkpoints is damaged: start the training again with --overwrite"
            ) from None
        self._needed_by_newest = self._needed_steps(self.entries)
        previous = read_scalars(self.directory / PREVIOUS_STATE).get("checkpoints")
        with suppress(KeyError, TypeError):
            self._needed_by_previous = self._needed_steps([_checkpoint(entry) for entry in previous])  # type: ignore[union-attr]

    def _averaged(self, entries: Sequence[Checkpoint]) -> list[Checkpoint]:
        if self.prefer == "none":
            return []
        if self.prefer == "best":
            chosen = sorted(entries, key=lambda entry: (-entry.score, entry.step))[: self.keep]
        else:
            chosen = list(entries[-self.keep :])
        return sorted(chosen, key=lambda entry: entry.step)

    def _needed_steps(self, entries: Sequence[Checkpoint]) -> set[int]:
        """Steps of the checkpoints that a training with these entries may still choose or average."""
        steps = {entry.step for entry in (self._averaged(entries) or entries[-self.keep :])}
        best = _best(entries)
        return steps | {best.step} if best else steps

    def _check(self) -> None:
        if self._owner:
            self._owner.check()

    def _path(self, step: int) -> Path:
        return self.directory / f"step-{step:08d}.safetensors"


def _best(entries: Sequence[Checkpoint]) -> Checkpoint | None:
    return max(entries, key=lambda entry: (entry.score, -entry.step), default=None)


def _plain(validation: Validation) -> Plain:
    numbers = {name: value for name, value in asdict(validation).items() if name not in ("samples", "by_language")}
    languages = [list(row) for row in validation.by_language]
    return {**numbers, **({"by_language": languages} if languages else {})}


def _checkpoint(state: Plain) -> Checkpoint:
    if not isinstance(state, dict):
        raise TypeError
    step, score, validation = state["step"], state["score"], state["validation"]
    if not isinstance(step, int) or not isinstance(score, int | float) or not isinstance(validation, dict):
        raise TypeError
    languages = validation.get("by_language", [])
    if not isinstance(languages, list):
        raise TypeError
    rows = tuple(tuple(row) for row in languages)  # type: ignore[arg-type]
    return Checkpoint(step, float(score), Validation(**{**validation, "by_language": rows}))  # type: ignore[arg-type]
