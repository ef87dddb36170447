"""The two newest states of a training: if the newest file is damaged, the training resumes from the previous one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from regard.errors import CheckpointError
from regard.store.checkpoint import Plain, StateVersionError, load_state, read_scalars, save_state

STATE = "state.safetensors"
"""File of the newest state of a training; missing until the first state is saved."""
PREVIOUS_STATE = "state.previous.safetensors"
"""File of the state before the newest one; missing until the second state is saved."""


def has_saved_state(directory: Path) -> bool:
    """Whether a training directory has a state to resume from."""
    return any((directory / name).is_file() for name in (STATE, PREVIOUS_STATE))


def newest_scalars(directory: Path) -> dict[str, Plain]:
    """Reads the JSON values of the newest readable training state; its hash is not checked. Empty if there is none."""
    return read_scalars(directory / STATE) or read_scalars(directory / PREVIOUS_STATE)


@dataclass(frozen=True)
class LoadedState:
    """A training state that was read from a file.

    Attributes:
        path: Path of the file.
        tensors: Tensors of the state by name, each of any shape `(...)`.
        scalars: All other values of the state by name, as JSON.
        note: Message for the user if the newest state is missing or damaged, so that this is the previous state;
            otherwise None.
    """

    path: Path
    tensors: dict[str, Tensor]
    scalars: dict[str, Plain]
    note: str | None = None


class StateFiles:
    """Writes and reads the states of one training, and keeps the two newest ones.

    Attributes:
        newest_is_damaged: Whether the newest state could not be read. If so, the next `save` deletes it and keeps the
            previous state.
    """

    def __init__(self) -> None:
        self.newest_is_damaged = False

    def save(self, directory: Path, tensors: Mapping[str, Tensor], scalars: Mapping[str, Plain]) -> None:
        """Writes a new state. The state that was the newest is kept as the previous state.

        The state that was the previous one is deleted; but if the newest state is damaged (`newest_is_damaged`), the
        damaged state is deleted instead.

        Args:
            directory: Directory of the training.
            tensors: Tensors of the state by name, each of any shape `(...)`.
            scalars: All other values of the state by name, as JSON.

        Raises:
            CheckpointError: The file cannot be written; both old states are unchanged.
        """
        previous = None if self.newest_is_damaged else directory / PREVIOUS_STATE
        save_state(directory / STATE, tensors, scalars, previous=previous)
        self.newest_is_damaged = False

    def load(self, directory: Path) -> LoadedState:
        """Reads the newest state, or the previous one if the newest is missing or damaged.

        Args:
            directory: Directory of the training.

        Returns:
            The state.

        Raises:
            CheckpointError: No state can be read, or the newest is of a newer format version.
        """
        path, older = directory / STATE, directory / PREVIOUS_STATE
        try:
            return LoadedState(path, *load_state(path))
        except StateVersionError:
            raise
        except CheckpointError as error:
            self.newest_is_damaged = True
            try:
                tensors, scalars = load_state(older)
            except CheckpointError:
                raise error from None
        problem = "damaged or incomplete" if path.is_file() else "missing"
        note = f"{path} is {problem}: the training resumes from the state before it, {older}"
        return LoadedState(older, tensors, scalars, note)
