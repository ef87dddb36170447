"""Options that all commands of `regard recipe` have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli.chunks import ChunkProgress
from regard.cli.exit_status import INTERRUPTED
from regard.cli.loading import loading
from regard.cli.options import Set, parse_path, warn_replaced
from regard.cli.parallel import Reading
from regard.cli.training_options import ConfigFile, Preset, Texts

if TYPE_CHECKING:
    from regard.config.schema import Config
    from regard.recipes.chunks.job import Progress, Workers
    from regard.train.interrupt import Interrupt
    from regard.train.reporter import Reporter

Out = Annotated[
    Path, typer.Option(parser=parse_path, metavar="DIR", help="Directory of the new model.", show_default=False)
]


@dataclass(frozen=True)
class TrainingOptions:
    """Options of `regard recipe` for the models that it trains: configuration file, preset, and single settings."""

    config: ConfigFile = None
    preset: Preset = None
    overrides: Set = None

    def load(self, texts: Texts, reading: Reading) -> Config:
        """Loads the configuration with which the recipe trains its models.

        Args:
            texts: Files of the training and validation text.
            reading: Options about how these files are read.

        Returns:
            The configuration, with the settings that the options give.
        """
        from regard.config.load import load_config

        sets = [*texts.settings(), *reading.settings(), *(self.overrides or [])]
        return load_config(self.config, preset=self.preset, overrides=warn_replaced(sets))


@dataclass(frozen=True)
class TranslatingOptions:
    """Options of `regard recipe` for the stage that translates text: the number of processes."""

    workers: Annotated[
        int, typer.Option(metavar="N", min=1, help="Number of processes that translate; they share the CPU cores.")
    ] = 1

    def workers_with(self, config: Config) -> Workers:
        """Divides the CPU threads of the training among the processes that translate.

        Args:
            config: Configuration of the training.

        Returns:
            Number of processes; and threads of each, at least 1, or None if `train.threads` is not set.
        """
        from regard.recipes.chunks.job import Workers

        threads = config.train.threads
        return Workers(self.workers, None if threads is None else max(1, threads // self.workers))


def run_recipe(recipe: Callable[[Reporter, Progress, Interrupt], bool]) -> int:
    """Runs a recipe, such as back-translation, with progress on standard error; signals such as Ctrl-C interrupt it.

    Args:
        recipe: Function that runs the recipe; returns True if it finished, False if it was interrupted.

    Returns:
        Exit status: 0 if the recipe finished, 130 if it was interrupted.
    """
    with loading():
        from regard.recipes.process import interrupt_on_signals, prepare_process
        from regard.train.console import ConsoleReporter

    prepare_process()
    with interrupt_on_signals() as interrupt, ChunkProgress() as progress:
        is_finished = recipe(ConsoleReporter(), progress, interrupt)
    return 0 if is_finished else INTERRUPTED
