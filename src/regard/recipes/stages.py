"""Stages of a recipe (back-translation or distillation): each runs once, and is resumed if it was stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from regard.data.prepared.collecting import hash_of
from regard.errors import CheckpointError, RegardError
from regard.files.atomic import make_directory, sha256, write_text
from regard.store.manifest import MANIFEST
from regard.train.interrupt import Interrupt

STATE = "stages.json"
"""File in the directory of a recipe that records which stages have begun and which are finished."""


@dataclass(frozen=True)
class Stage:
    """One stage of a recipe (back-translation or distillation), such as a training or the translation of a file.

    Attributes:
        name: Short name, by which the stage is recorded.
        title: What the stage does, for the user, such as `train the reverse model`.
        determined_by: Options and hashes on which the result depends, as JSON values; if they change, or an earlier
            stage does, the stage runs again.
        outputs: Files and model directories that the stage writes.
        run: Function that does the work. Its argument is True to resume work that the stage began earlier, and False to
            start over and replace the outputs. Returns True if the work is finished, False if it was interrupted.
        estimate: Estimated seconds; None = not known.
    """

    name: str
    title: str
    determined_by: object
    outputs: tuple[Path, ...]
    run: Callable[[bool], bool]
    estimate: float | None = None


class StageRunner:
    """Runs the stages of a recipe (back-translation or distillation) in order, and skips those that are finished.

    A stage is finished if it was recorded with the same key and its outputs have the hashes that were recorded. The key
    is a hash of `Stage.determined_by` and of the key of the stage before it.

    Args:
        directory: Directory of the recipe, for the record of its stages.
        report: Called with messages for the user.
        interrupt: Flag that is checked before each stage; if set, no further stage begins.
    """

    def __init__(self, directory: Path, report: Callable[[str], None], interrupt: Interrupt) -> None:
        self.directory = directory
        self._report = report
        self._interrupt = interrupt

    def finished(self, stages: Sequence[Stage]) -> list[bool]:
        """Finds which stages are finished: they ran with the same options and inputs, and their outputs are unchanged.

        Args:
            stages: Stages of the recipe in order, beginning with the first.

        Returns:
            One truth value per stage.
        """
        state = self._read()
        return [
            _is_finished(state.get(stage.name), key, stage) for stage, key in zip(stages, _keys(stages), strict=True)
        ]

    def run(self, stages: Sequence[Stage]) -> bool:
        """Runs the stages that are not finished.

        Args:
            stages: Stages of the recipe in order, beginning with the first. If the options of a stage have changed,
                all later stages run again, too.

        Returns:
            Whether all these stages are finished; False if a stop was requested.

        Raises:
            RegardError: A stage failed.
        """
        for stage, key in zip(stages, _keys(stages), strict=True):
            state = self._read()
            if _is_finished(state.get(stage.name), key, stage):
                continue
            if self._interrupt.requested:
                return False
            record = state.get(stage.name, {})
            resumes = record.get("key") == key and "outputs" not in record
            self._report(f"{stage.name}: {'continue to ' if resumes else ''}{stage.title}")
            self._write(state | {stage.name: {"key": key}})
            if not stage.run(resumes):
                return False
            outputs = [_hash_of_output(path) for path in stage.outputs]
            self._write(self._read() | {stage.name: {"key": key, "outputs": outputs}})
        return True

    def _read(self) -> dict[str, dict[str, object]]:
        with suppress(OSError, ValueError):
            state = json.loads((self.directory / STATE).read_bytes())
            if isinstance(state, dict) and all(isinstance(record, dict) for record in state.values()):
                return state
        return {}

    def _write(self, state: dict[str, dict[str, object]]) -> None:
        make_directory(self.directory)
        write_text(self.directory / STATE, json.dumps(state, indent=2))


def hash_of_model(path: Path) -> str:
    """Hash of a model directory: of its manifest, which contains the hashes of all other files.

    Args:
        path: The directory.

    Returns:
        SHA-256 in hexadecimal.

    Raises:
        CheckpointError: There is no model.
    """
    if not (path / MANIFEST).is_file():
        raise CheckpointError(
            f"{path}: expected a model directory that `regard train` wrote, found no {MANIFEST}: check the path"
        )
    return sha256(path / MANIFEST)


def _keys(stages: Sequence[Stage]) -> list[str]:
    keys: list[str] = []
    for stage in stages:
        keys.append(hash_of([version("regard"), stage.name, stage.determined_by, keys[-1:]]))
    return keys


def _is_finished(record: dict[str, object] | None, key: str, stage: Stage) -> bool:
    if record is None or record.get("key") != key or "outputs" not in record:
        return False
    try:
        return record["outputs"] == [_hash_of_output(path) for path in stage.outputs]
    except (OSError, RegardError):  # an output was removed
        return False


def _hash_of_output(path: Path) -> str:
    return hash_of_model(path) if path.is_dir() else sha256(path)
