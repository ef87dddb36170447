"""The directory of a lab (a comparison of systems), and its runs: trainings of a system with a seed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from regard.config.derive import derive
from regard.config.dump import dump_config
from regard.config.load import parse_config
from regard.config.resolved import DerivedConfig
from regard.config.schema import Config, TrainConfig
from regard.config.threads import available_cores
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
from regard.recipes.prepare import prepare
from regard.recipes.saved_config import save_config
from regard.store.migrations import rename_keys
from regard.store.sealed_json import read_sealed, sealed
from regard.store.state_files import has_saved_state
from regard.store.training_directory import TRAINING

_LAB, _BASE, _CORPUS, _VOCABULARIES = "lab.toml", "base.toml", "corpus", "vocabularies"
_RUNS = "cells"  # the name that the directories of earlier versions have
_FACTS = "facts.json"
_MAX_BYTES = 1 << 20
# Of the small files beside a run.
_CURE = "restore the original file, or start `regard lab run` in another directory"


class _Facts(BaseModel):
    """Contents of `facts.json`: counts of the text that a vocabulary was learned from."""

    model_config = ConfigDict(strict=True, extra="forbid")

    vocab_size: Annotated[int, Field(ge=1)]
    tgt_tokens: Annotated[int, Field(ge=1)]
    num_pairs: Annotated[int, Field(ge=1)]
    num_src_chars: Annotated[int, Field(ge=1)]
    num_tgt_chars: Annotated[int, Field(ge=1)]


@dataclass(frozen=True)
class Run:
    """One training of one system with one seed.

    Attributes:
        system: Name of the system.
        seed: Seed of weights, batches and dropout.
        directory: Directory of all files of the run.
    """

    system: str
    seed: int
    directory: Path

    @property
    def name(self) -> str:
        """Name of the run for messages: system and seed, such as `luong/dot, seed 1`."""
        return f"{self.system}, seed {self.seed}"

    @property
    def model_directory(self) -> Path:
        """Directory of the trained model."""
        return self.directory / "model"

    @property
    def result_file(self) -> Path:
        """File with the measurements of the run; exists once the run has finished."""
        return self.directory / "result.json"

    @property
    def fingerprint_file(self) -> Path:
        """File with the hash of the options that the run was started with; see `Experiment.fingerprint`."""
        return self.directory / "fingerprint"

    @property
    def lock(self) -> Lock:
        """Lock that a process holds while it trains this run."""
        return Lock(self.directory / "locks")


@dataclass(frozen=True)
class Experiment:
    """A comparison of several systems, each trained with several seeds, and the directory in which it runs.

    Each training, of one system with one seed, is a run; see `runs`.

    Attributes:
        lab: Description of the comparison (a lab): systems, seeds, corpus, budget.
        directory: Directory in which the models are trained.
        corpus: Training, validation and test text that all systems share.
    """

    lab: Lab
    directory: Path
    corpus: LabCorpus

    def runs(self) -> list[Run]:
        """All runs in the order of training: all systems with the first seed, then with the second, and so on."""
        return [
            Run(system, seed, self.directory / _RUNS / system / f"seed-{seed}")
            for seed in self.lab.seeds
            for system in self.lab.systems
        ]

    def config(self, run: Run) -> DerivedConfig:
        """The training configuration of a run, without options that depend on the machine, such as threads.

        Args:
            run: A run of this lab.

        Returns:
            The configuration of the run's system, with the lab's corpus, vocabulary size and budget and the run's seed.

        Raises:
            ConfigError: An option is invalid.
        """
        config = with_corpus(system_config(self.lab, run.system), self.corpus)
        facts = self._facts(config)
        size, tokens = facts.pop("vocab_size"), facts.pop("tgt_tokens")
        subword = config.subword.model_copy(update={"vocab_size": size})
        train = config.train.model_copy(update={"seed": run.seed, **self._budget_options(tokens)})
        return derive(config.model_copy(update={"subword": subword, "train": train}), **facts)[0]

    def tokens_per_epoch(self, run: Run) -> int:
        """Number of target tokens in the training text, segmented into the subwords of a run, including `</s>`."""
        return self._facts(with_corpus(system_config(self.lab, run.system), self.corpus))["tgt_tokens"]

    def _facts(self, config: Config) -> dict[str, int]:
        path = self.vocabulary_directory(config) / _FACTS
        tree = read_sealed(path, max_bytes=_MAX_BYTES, remedy=_CURE)
        try:
            return _Facts.model_validate(tree).model_dump()
        except ValidationError as error:
            raise CheckpointError(f"{path}: damaged: {validation_messages(error)[0]}: {_CURE}") from None

    def _budget_options(self, tokens_per_epoch: int) -> dict[str, object]:
        """Training options for the lab's budget, which replaces the length that a preset sets."""
        budget = self.lab.budget
        options: dict[str, object] = {"tensorboard": False}
        if budget != BudgetConfig():
            options["max_minutes"] = budget.minutes
        if budget.steps:
            options |= {"steps": budget.steps, "epochs": None}
        if budget.tokens:
            options |= {"steps": None, "epochs": budget.tokens / tokens_per_epoch}
        return options

    def vocabulary_directory(self, config: Config) -> Path:
        """Directory of the vocabulary that a configuration needs; runs with equal subword options use the same one."""
        terms = [config.train.guided_file] if config.train.terms else []  # its symbols, and the links beside it
        options = json.dumps([config.subword.model_dump(exclude={"sample_alpha"}), config.data.max_len, *terms])
        return self.directory / _VOCABULARIES / hashlib.sha256(options.encode()).hexdigest()[:12]

    def fingerprint(self, run: Run) -> str:
        """Hash of all options on which the result of a run depends, in hexadecimal."""
        config = self.config(run)
        without = {
            "data": config.data.model_copy(update=dict.fromkeys(("src", "tgt", "val_src", "val_tgt"))),
            "train": TrainConfig.model_validate({**dict(config.train), "threads": None}),
        }
        options = dump_config(Config.model_validate({**dict(config), **without}))
        measured = self.lab.measure.model_dump_json(exclude={"lengths", "frequencies", "trials"})
        return hashlib.sha256((options + measured).encode()).hexdigest()[:16]

    def check_fingerprint(self, run: Run) -> str:
        """Checks that a run was started with the lab's present options; a run not yet started is accepted.

        Args:
            run: A run of this lab.

        Returns:
            Hash of the run's options, from `fingerprint`.

        Raises:
            ConfigError: The run was started with other options, or an option is invalid.
        """
        fingerprint = self.fingerprint(run)
        exists = os.path.lexists(run.fingerprint_file)
        if exists and read_text(run.fingerprint_file, max_bytes=_MAX_BYTES, remedy=_CURE).strip() != fingerprint:
            raise ConfigError(
                f"{run.directory}: this training of one system with one seed was started with other options: use the "
                "same options, start `regard lab run` in another directory, or remove this directory to train again"
            )
        return fingerprint

    def is_finished(self, run: Run) -> bool:
        """Whether a run has finished: its model was trained and measured.

        Args:
            run: A run of this lab.

        Returns:
            Whether the result file of the run exists.

        Raises:
            ConfigError: The run was started with other options than the lab has now.
        """
        return os.path.lexists(run.result_file) and bool(self.check_fingerprint(run))

    def result(self, run: Run) -> RunResult:
        """Reads the result of a finished run.

        Args:
            run: A run of this lab.

        Returns:
            The result of the run.

        Raises:
            CheckpointError: The result file is missing or damaged, or belongs to another run or another test text.
        """
        return read_result(run.result_file, of=(run.system, run.seed), num_sentences=self.corpus.sizes.get("test"))


def set_up(lab: Lab, directory: Path) -> Experiment:
    """Prepares the directory of a lab (a comparison of systems): writes corpus, vocabularies and the lab's description.

    If the directory already contains the lab, its content is checked and used again.

    Args:
        lab: Description of the lab.
        directory: Directory of the lab, existing or new.

    Returns:
        The lab with its directory.

    Raises:
        ConfigError: The options of a system are invalid, or the directory contains the corpus of another lab, or runs
            that were started with other options. The existing files are then unchanged.
        DataError: The corpus cannot be read.
    """
    check_encodable(str(checked_path(directory, "the lab's directory").absolute()), "the lab's directory")
    check_encodable(dump_lab(lab), "a file that the lab names")
    configs = system_configs(lab).values()  # reports wrong options before anything is written
    experiment = Experiment(lab, directory, prepare_corpus(lab.corpus, directory / _CORPUS))
    for config in configs:
        _learn_vocabulary(experiment, with_corpus(config, experiment.corpus))
    for run in experiment.runs():
        experiment.check_fingerprint(run)  # also reports impossible options before anything is trained
    if lab.base.file:
        base_file = directory / _BASE
        text = read_text(Path(lab.base.file), max_bytes=4 * MAX_CHARS, remedy="save it as UTF-8", error=ConfigError)
        write_shared_text(base_file, text)
        lab = lab.model_copy(update={"base": lab.base.model_copy(update={"file": str(base_file)})})
    write_shared_text(directory / _LAB, dump_lab(lab))
    return replace(experiment, lab=lab)


def open_experiment(directory: Path, lab: Lab | None = None) -> Experiment:
    """Opens the directory of a lab (a comparison of systems) that `set_up` has prepared.

    Args:
        directory: Directory of the lab.
        lab: Description of the lab; by default, the one that was written to the directory last. Labs with the same
            corpus but other systems may use the same directory.

    Returns:
        The lab with its directory.

    Raises:
        CheckpointError: The directory does not contain a lab.
        DataError: The directory does not contain the corpus of a lab.
    """
    return Experiment(lab or _last_lab(directory), directory, open_corpus(directory / _CORPUS))


def _last_lab(directory: Path) -> Lab:
    path = directory / _LAB
    if not os.path.lexists(path):
        raise CheckpointError(
            f"{directory}: expected the directory of a comparison of systems, found no {_LAB} there: start a "
            "comparison with `regard lab run`"
        )
    return parse_lab(read_text(path, max_bytes=4 * MAX_CHARS, remedy=_CURE), where=str(path))


def with_corpus(config: Config, corpus: LabCorpus) -> Config:
    """Copies a configuration, with the training and validation files of a lab (a comparison of systems).

    Args:
        config: Configuration of a system.
        corpus: Text of the lab.

    Returns:
        A copy of the configuration with the paths of the lab's text files in `[data]`.
    """
    folder = corpus.directory.absolute()
    files = {
        "src": str(folder / "train.src"),
        "tgt": str(folder / "train.tgt"),
        "val_src": str(folder / "val.src"),
        "val_tgt": str(folder / "val.tgt"),
    }
    return config.model_copy(update={"data": config.data.model_copy(update=files)})


def prepare_run(experiment: Experiment, run: Run, *, workers: int) -> DerivedConfig:
    """Prepares the training directory of a run, so that `train(..., resume=True)` starts or resumes the training.

    Args:
        experiment: The lab with its directory.
        run: A run of this lab.
        workers: Number of trainings among which this machine's CPU cores are divided.

    Returns:
        The configuration of the run.

    Raises:
        ConfigError: The run was started with other options than the lab has now.
    """
    config = experiment.config(run)
    training, fingerprint = run.model_directory / TRAINING, experiment.check_fingerprint(run)
    if not training.exists():
        with atomic_directory(training) as temporary:
            for file in experiment.vocabulary_directory(config).iterdir():
                shutil.copyfile(file, temporary / file.name)
            save_config(config, temporary)
        write_shared_text(run.fingerprint_file, fingerprint)
    chosen = system_config(experiment.lab, run.system).train.threads
    threads = chosen or max(1, available_cores() // workers)
    config = config.model_copy(update={"train": config.train.model_copy(update={"threads": threads})})
    config_file = training / "config.toml"
    if has_saved_state(training):  # a started training keeps its options, but the lab may have moved
        text = read_text(config_file, max_bytes=4 * MAX_CHARS, remedy=_CURE)
        stored = parse_config(rename_keys(text), where=str(config_file))
        save_config(with_corpus(stored, experiment.corpus), training)
    else:
        save_config(config, training)
    return config


def _learn_vocabulary(experiment: Experiment, config: Config) -> None:
    directory = experiment.vocabulary_directory(config)
    if directory.exists():
        return
    with atomic_directory(directory) as temporary:
        unguided = config.model_copy(update={"train": config.train.model_copy(update={"guided_weight": 0.0})})
        prepared = prepare(unguided, temporary)
        train = prepared.train
        facts = {
            "vocab_size": prepared.config.subword.vocab_size,
            "tgt_tokens": int((train.tgt_lens + 1).sum()),
            "num_pairs": len(train),
            "num_src_chars": sum(len(pair.src) for pair in train.pairs),
            "num_tgt_chars": sum(len(pair.tgt) for pair in train.pairs),
        }
        (temporary / _FACTS).write_text(sealed(facts), encoding="utf-8")
