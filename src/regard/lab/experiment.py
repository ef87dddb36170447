"""The cells of a lab: one training of one system with one seed, each with a directory of its own."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from regard.config.derive import available_cores, derive
from regard.config.dump import dump_config
from regard.config.load import parse_config
from regard.config.schema import Config
from regard.config.toml_text import MAX_CHARS
from regard.errors import CheckpointError, ConfigError
from regard.files.atomic import atomic_directory, write_shared_text
from regard.files.json_text import validation_messages
from regard.files.locks import Lock
from regard.files.paths import check_encodable, checked_path
from regard.files.reading import read_text
from regard.lab.corpus import LabCorpus, open_corpus, prepare_corpus
from regard.lab.load import dump_lab, parse_lab, system_config
from regard.lab.result import RunResult, read_result
from regard.lab.schema import BudgetConfig, Lab
from regard.lab.systems import system_configs
from regard.recipes.prepare import keep_config, prepare
from regard.store.migrations import rename_keys
from regard.store.sealed_json import read_sealed, sealed
from regard.store.training_directory import TRAINING

_LAB, _BASE, _CORPUS, _VOCABULARIES, _CELLS = "lab.toml", "base.toml", "corpus", "vocabularies", "cells"
_FACTS = "facts.json"
_LARGEST = 1 << 20
# Bytes of what lies beside a cell.
_CURE = "bring it back as it was, or choose another directory for the lab"


class _Facts(BaseModel):
    """What `facts.json` says of the text that a vocabulary was learned from."""

    model_config = ConfigDict(strict=True, extra="forbid")

    vocab_size: Annotated[int, Field(ge=1)]
    tgt_tokens: Annotated[int, Field(ge=1)]
    num_pairs: Annotated[int, Field(ge=1)]
    num_src_chars: Annotated[int, Field(ge=1)]
    num_tgt_chars: Annotated[int, Field(ge=1)]


@dataclass(frozen=True)
class Run:
    """One training.

    Attributes:
        system: Its system's name.
        seed: Of weights, batches and dropout.
        directory: Where everything about it lies.
    """

    system: str
    seed: int
    directory: Path

    @property
    def name(self) -> str:
        """Such as `luong/dot, seed 1`."""
        return f"{self.system}, seed {self.seed}"

    @property
    def model(self) -> Path:
        """Directory of the model."""
        return self.directory / "model"

    @property
    def result(self) -> Path:
        """What was measured; there once the cell is finished."""
        return self.directory / "result.json"

    @property
    def mark(self) -> Path:
        """Holds the fingerprint that it was begun with."""
        return self.directory / "fingerprint"

    @property
    def lock(self) -> Lock:
        """Who works at it."""
        return Lock(self.directory / "locks")


@dataclass(frozen=True)
class Experiment:
    """A lab in its directory.

    Attributes:
        lab: What it is.
        directory: Where it lies.
        corpus: Its text.
    """

    lab: Lab
    directory: Path
    corpus: LabCorpus

    def cells(self) -> list[Run]:
        """All cells, a whole seed of all systems before the next one: a lab cut short can still be compared."""
        return [
            Run(system, seed, self.directory / _CELLS / system / f"seed-{seed}")
            for seed in self.lab.seeds
            for system in self.lab.systems
        ]

    def config(self, cell: Run) -> Config:
        """What a cell trains, complete but for the machine's affairs.

        Args:
            cell: One of the lab's.

        Returns:
            The configuration, with the lab's corpus, vocabulary and budget.

        Raises:
            ConfigError: An option is wrong.
        """
        config = with_text(system_config(self.lab, cell.system), self.corpus)
        facts = self._facts(config)
        size, tokens = facts.pop("vocab_size"), facts.pop("tgt_tokens")
        subword = config.subword.model_copy(update={"vocab_size": size})
        train = config.train.model_copy(update={"seed": cell.seed, **self._budget(tokens)})
        return derive(config.model_copy(update={"subword": subword, "train": train}), **facts)[0]

    def tokens_an_epoch(self, cell: Run) -> int:
        """Target tokens of the training text, as a cell cuts it, `</s>` among them."""
        return self._facts(with_text(system_config(self.lab, cell.system), self.corpus))["tgt_tokens"]

    def _facts(self, config: Config) -> dict[str, int]:
        path = self.vocabulary(config) / _FACTS
        tree = read_sealed(path, max_bytes=_LARGEST, remedy=_CURE)
        try:
            return _Facts.model_validate(tree).model_dump()
        except ValidationError as error:
            raise CheckpointError(f"{path}: damaged: {validation_messages(error)[0]}: {_CURE}") from None

    def _budget(self, tokens_an_epoch: int) -> dict[str, object]:
        """Options of training for the lab's budget, which takes the place of all that a preset says of length."""
        budget = self.lab.budget
        asked: dict[str, object] = {"tensorboard": False}
        if budget != BudgetConfig():
            asked["max_minutes"] = budget.minutes
        if budget.steps:
            asked |= {"steps": budget.steps, "epochs": None}
        if budget.tokens:
            asked |= {"steps": None, "epochs": budget.tokens / tokens_an_epoch}
        return asked

    def vocabulary(self, config: Config) -> Path:
        """Where the vocabulary for a configuration lies: all that want the same one share it, whatever their seed."""
        wanted = json.dumps([config.subword.model_dump(exclude={"sample_alpha"}), config.data.max_len])
        return self.directory / _VOCABULARIES / hashlib.sha256(wanted.encode()).hexdigest()[:12]

    def fingerprint(self, cell: Run) -> str:
        """What a cell's result depends on, in hexadecimal: a finished cell whose own differs is not this lab's."""
        config = self.config(cell)
        config = config.model_copy(
            update={
                "data": config.data.model_copy(update=dict.fromkeys(("src", "tgt", "val_src", "val_tgt"))),
                "train": config.train.model_copy(update={"threads": None}),
            }
        )
        measured = self.lab.measure.model_dump_json(exclude={"lengths", "frequencies", "trials"})
        return hashlib.sha256((dump_config(config) + measured).encode()).hexdigest()[:16]

    def check(self, cell: Run) -> str:
        """Looks whether what lies in a cell's directory is this lab's; a cell without a mark is taken for such.

        Args:
            cell: One of the lab's, begun or not.

        Returns:
            Its fingerprint.

        Raises:
            ConfigError: It was begun with other options, or an option is wrong.
        """
        fingerprint = self.fingerprint(cell)
        marked = os.path.lexists(cell.mark)
        if marked and read_text(cell.mark, max_bytes=_LARGEST, remedy=_CURE).strip() != fingerprint:
            raise ConfigError(
                f"{cell.directory}: this cell was begun with other options: give the same ones, choose another "
                "directory for the lab, or remove this one"
            )
        return fingerprint

    def finished(self, cell: Run) -> bool:
        """Whether a cell has its result.

        Args:
            cell: One of the lab's.

        Returns:
            Whether it is there.

        Raises:
            ConfigError: It is that of other options.
        """
        return os.path.lexists(cell.result) and bool(self.check(cell))

    def result(self, cell: Run) -> RunResult:
        """What was measured of a finished cell.

        Args:
            cell: One of the lab's.

        Returns:
            Its result.

        Raises:
            CheckpointError: It is damaged, or that of another cell or text.
        """
        return read_result(cell.result, of=(cell.system, cell.seed), num_sentences=self.corpus.sizes.get("test"))


def set_up(lab: Lab, directory: Path) -> Experiment:
    """Makes a lab's directory ready for its cells, or finds it so.

    Args:
        lab: The lab.
        directory: Where it lies or will lie.

    Returns:
        The lab in its directory.

    Raises:
        ConfigError: A system's options are wrong, or the directory holds another lab's corpus, or cells that were begun
            with other options; then the directory is still the other lab's.
        DataError: The corpus cannot be read.
    """
    check_encodable(str(checked_path(directory, "the lab's directory").absolute()), "the lab's directory")
    check_encodable(dump_lab(lab), "a file that the lab names")
    configs = system_configs(lab).values()  # mistakes first
    bench = Experiment(lab, directory, prepare_corpus(lab.corpus, directory / _CORPUS))
    for config in configs:
        _learn_vocabulary(bench, with_text(config, bench.corpus))
    for cell in bench.cells():
        bench.check(cell)  # also tells impossible options, before anything is trained
    if lab.base.file:
        own = directory / _BASE
        text = read_text(Path(lab.base.file), max_bytes=4 * MAX_CHARS, remedy="save it as UTF-8", error=ConfigError)
        write_shared_text(own, text)
        lab = lab.model_copy(update={"base": lab.base.model_copy(update={"file": str(own)})})
    write_shared_text(directory / _LAB, dump_lab(lab))
    return replace(bench, lab=lab)


def open_experiment(directory: Path, lab: Lab | None = None) -> Experiment:
    """A lab that was set up.

    Args:
        directory: Where it lies.
        lab: Which one, where several share the directory; the last one when not given.

    Returns:
        The lab in its directory.

    Raises:
        CheckpointError: There is none.
        DataError: There is no corpus.
    """
    return Experiment(lab or _last(directory), directory, open_corpus(directory / _CORPUS))


def _last(directory: Path) -> Lab:
    path = directory / _LAB
    if not os.path.lexists(path):
        raise CheckpointError(f"{directory}: expected a lab there, found no {_LAB}: start with `regard lab run`")
    return parse_lab(read_text(path, max_bytes=4 * MAX_CHARS, remedy=_CURE), where=str(path))


def with_text(config: Config, corpus: LabCorpus) -> Config:
    """The configuration that reads a lab's text.

    Args:
        config: Of a system.
        corpus: Of the lab.

    Returns:
        A new configuration.
    """
    at = corpus.directory.absolute()
    files = {
        "src": str(at / "train.src"),
        "tgt": str(at / "train.tgt"),
        "val_src": str(at / "val.src"),
        "val_tgt": str(at / "val.tgt"),
    }
    return config.model_copy(update={"data": config.data.model_copy(update=files)})


def begin(bench: Experiment, cell: Run, *, workers: int) -> Config:
    """Lays out a cell's training such that `train(..., resume=True)` starts it, or goes on with it.

    Args:
        bench: The lab.
        cell: The cell.
        workers: Trainings that share this machine's cores.

    Returns:
        Its configuration.

    Raises:
        ConfigError: The cell was begun with other options.
    """
    config = bench.config(cell)
    training, fingerprint = cell.model / TRAINING, bench.check(cell)
    if not training.exists():
        with atomic_directory(training) as waiting:
            for file in bench.vocabulary(config).iterdir():
                shutil.copyfile(file, waiting / file.name)
            keep_config(config, waiting)
        write_shared_text(cell.mark, fingerprint)
    own = system_config(bench.lab, cell.system).train.threads
    threads = own or max(1, available_cores() // workers)
    config = config.model_copy(update={"train": config.train.model_copy(update={"threads": threads})})
    kept = training / "config.toml"
    if (training / "state.safetensors").exists():  # what was settled stays, but the lab may have moved
        text = read_text(kept, max_bytes=4 * MAX_CHARS, remedy=_CURE)
        settled = parse_config(rename_keys(text), where=str(kept))
        keep_config(with_text(settled, bench.corpus), training)
    else:
        keep_config(config, training)
    return config


def _learn_vocabulary(bench: Experiment, config: Config) -> None:
    place = bench.vocabulary(config)
    if place.exists():
        return
    with atomic_directory(place) as waiting:
        neutral = config.model_copy(update={"train": config.train.model_copy(update={"guided_weight": 0.0})})
        prepared = prepare(neutral, waiting)
        train = prepared.train
        facts = {
            "vocab_size": prepared.config.subword.vocab_size,
            "tgt_tokens": int((train.tgt_lens + 1).sum()),
            "num_pairs": len(train),
            "num_src_chars": sum(len(pair.src) for pair in train.pairs),
            "num_tgt_chars": sum(len(pair.tgt) for pair in train.pairs),
        }
        (waiting / _FACTS).write_text(sealed(facts), encoding="utf-8")
