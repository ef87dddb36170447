"""`regard train`: trains a model from text files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli.exit_status import INTERRUPTED
from regard.cli.loading import loading
from regard.cli.options import Set, examples, parse_model, parse_path, warn_replaced, with_groups
from regard.cli.parallel import DEFAULT_READING, Reading
from regard.cli.training_options import NO_TEXTS, ConfigFile, Preset, Texts
from regard.config.resume import CHANGEABLE, MOVABLE
from regard.errors import ConfigError, RegardError, WorkerError
from regard.files.paths import check_encodable

if TYPE_CHECKING:
    from regard.config.schema import Config

EXAMPLES = examples(
    "regard train --preset bahdanau --src train.en --tgt train.fr --val-src val.en --val-tgt val.fr --out my-model",
    "regard train --corpus train.en,train.fr --corpus test.tsv:0.5 --out mixed",
    "regard train --from model --src train.en --tgt train.fr --out mine",
    "regard train --resume --out my-model",
)


@dataclass(frozen=True)
class _Start:
    """Options about the model that a training starts from."""

    parent: Annotated[
        Path | None,
        typer.Option(
            "--from",
            parser=parse_model,
            metavar="MODEL",
            help="Model to start from (fine-tuning); it gives the architecture and, unless --new-vocabulary is given, "
            "the vocabulary.",
            show_default=False,
        ),
    ] = None
    new_vocabulary: Annotated[
        bool,
        typer.Option("--new-vocabulary", help="With --from: learn a vocabulary; known subwords keep their embedding."),
    ] = False


_RANDOM_START = _Start()


@with_groups
def train(
    out: Annotated[
        Path, typer.Option(parser=parse_path, metavar="DIR", help="Directory of the new model.", show_default=False)
    ],
    config: ConfigFile = None,
    preset: Preset = None,
    texts: Texts = NO_TEXTS,
    reading: Reading = DEFAULT_READING,
    overrides: Set = None,
    start: _Start = _RANDOM_START,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Resume the interrupted training in DIR; if there is none, start the one described.",
        ),
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the model or training in DIR.")] = False,
) -> int:
    """Train a model on parallel text.

    Settings that are not given are derived from the corpus and printed. torchrun starts several processes that train
    one model together: torchrun --nproc-per-node 4 -m regard train ...
    """
    sets = [*texts.settings(), *reading.settings(), *_vocabulary(start), *(overrides or [])]
    if _is_first():
        warn_replaced(sets)

    with _reported_once():
        settings = _settings(config, preset, sets, parent=start.parent, resume=resume)

    with loading():
        from regard.recipes.process import interrupt_on_signals, prepare_process
        from regard.recipes.same_training import check_same_training
        from regard.recipes.torchrun import joined_workers
        from regard.recipes.training import train as run
        from regard.train.console import ConsoleReporter

    prepare_process()
    with joined_workers(overwrite=overwrite) as (workers, restarted), interrupt_on_signals() as interrupt:
        resume = resume or restarted
        if resume and settings is not None:
            with _reported_once():
                check_same_training(settings, out)
        result = run(
            settings, out, resume=resume, overwrite=overwrite, reporter=ConsoleReporter(),
            interrupt=interrupt, workers=workers,
        )  # fmt: skip
    return INTERRUPTED if result.interrupted else 0


def _vocabulary(start: _Start) -> list[str]:
    if start.new_vocabulary and start.parent is None:
        raise ConfigError(
            "--new-vocabulary needs --from MODEL, since other trainings always learn a vocabulary: leave it out"
        )
    return ["train.parent_vocabulary=new"] if start.new_vocabulary else []


def _parent(path: Path | None) -> tuple[str, Config] | None:
    """Path and configuration of the model that the training starts from."""
    if path is None:
        return None
    from regard.store.model import open_model

    check_encodable(str(path), "--from")
    return str(path), open_model(path).config


def _settings(
    config: Path | None, preset: str | None, sets: list[str], *, parent: Path | None, resume: bool
) -> Config | None:
    """The configuration that was given; None if nothing was given, to resume a training as it is."""
    from regard.config.load import load_config, read_overrides

    keys = {item.partition("=")[0].strip() for item in sets}
    if resume and config is None and preset is None and parent is None and keys <= {*CHANGEABLE, *MOVABLE}:
        return read_overrides(sets) if sets else None
    return load_config(config, preset=preset, overrides=sets, parent=_parent(parent))


def _is_first() -> bool:
    """Whether this is worker 0 under torchrun, or the only process; known before PyTorch is loaded."""
    return os.environ.get("RANK", "0") == "0"


@contextmanager
def _reported_once() -> Iterator[None]:
    """Context for errors that all workers under torchrun find alike; only worker 0 shows them."""
    try:
        yield
    except RegardError as error:
        if not _is_first():
            raise WorkerError(str(error), reported=True) from None
        raise
