"""`regard train`: trains a model from text files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from regard.cli.exit_status import INTERRUPTED
from regard.cli.loading import loading
from regard.cli.options import Set, examples, parse_path, warn_replaced, with_groups
from regard.cli.parallel import DEFAULT_READING, Reading
from regard.config.presets import preset_names
from regard.config.toml_text import write_value
from regard.corpora.naming import parse_corpus
from regard.errors import ConfigError
from regard.files.paths import check_encodable, checked_path

EXAMPLES = examples(
    "regard train --preset bahdanau --src train.en --tgt train.fr --val-src val.en --val-tgt val.fr --out my-model",
    "regard train --corpus train.en,train.fr --corpus test.tsv:0.5 --out mixed",
    "regard train --resume --out my-model",
)
_RESUMABLE = ("train.steps", "train.max_minutes", "train.threads")
_MOVABLE = (
    "data.src",
    "data.tgt",
    "data.val_src",
    "data.val_tgt",
    "data.corpora",
    "data.prepared",
    "train.guided_file",
)

_Corpora = Annotated[
    list[str] | None,
    typer.Option(
        "--corpus",
        metavar="CORPUS",
        help="One of several corpora, in place of --src and --tgt: FILE or SRC,TGT, and :WEIGHT, such as b.tsv:0.5 for "
        "half of its pairs per epoch; may be repeated.",
        show_default=False,
    ),
]


@dataclass(frozen=True)
class Texts:
    """Options that name the files of the text."""

    src: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Sentence pairs as TMX, PO, XLIFF, TSV, CSV, JSON lines, ...; or source sentences, one per line.",
            show_default=False,
        ),
    ] = None
    tgt: Annotated[
        str | None, typer.Option(metavar="FILE", help="Target sentences, one per line.", show_default=False)
    ] = None
    val_src: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Validation text, like --src.", show_default="held out of the text"),
    ] = None
    val_tgt: Annotated[
        str | None, typer.Option(metavar="FILE", help="Validation target sentences.", show_default=False)
    ] = None
    corpora: _Corpora = None

    def settings(self) -> list[str]:
        """The settings of the section `[data]`, refusing paths that a configuration cannot hold."""
        files = {"src": self.src, "tgt": self.tgt, "val_src": self.val_src, "val_tgt": self.val_tgt}
        return [*_file_settings(files), *_corpus_settings(self.corpora or [])]


NO_TEXTS = Texts()
"""The options if none is given."""


@with_groups
def train(
    out: Annotated[
        Path, typer.Option(parser=parse_path, metavar="DIR", help="Directory of the new model.", show_default=False)
    ],
    config: Annotated[
        Path | None,
        typer.Argument(parser=parse_path, metavar="CONFIG", help="TOML configuration file.", show_default=False),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(metavar="NAME", help=f"Preset to start from: {', '.join(preset_names())}.", show_default=False),
    ] = None,
    texts: Texts = NO_TEXTS,
    reading: Reading = DEFAULT_READING,
    overrides: Set = None,
    resume: Annotated[bool, typer.Option("--resume", help="Resume the interrupted training in DIR.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the model or training in DIR.")] = False,
) -> int:
    """Train a model on parallel text.

    Settings that are not given are derived from the corpus and printed.
    """
    sets = warn_replaced([*texts.settings(), *reading.settings(), *(overrides or [])])

    from regard.config.load import load_config, read_overrides

    if resume:
        _check_resumable(out, config, preset, sets)
        settings = read_overrides(sets) if sets else None
    else:
        settings = load_config(config, preset=preset, overrides=sets)

    with loading():
        from regard.recipes.process import interrupt_on_signals, prepare_process
        from regard.recipes.training import train as run
        from regard.train.console import ConsoleReporter

    prepare_process()
    with interrupt_on_signals() as interrupt:
        result = run(settings, out, resume=resume, overwrite=overwrite, reporter=ConsoleReporter(), interrupt=interrupt)
    return INTERRUPTED if result.interrupted else 0


def _file_settings(files: dict[str, str | None]) -> list[str]:
    """Settings of the text files that were given, refusing paths that a configuration cannot hold."""
    for key, value in files.items():
        if value is not None:
            option = f"--{key.replace('_', '-')}"
            check_encodable(str(checked_path(value, option)), option)
    return [f"data.{key}={write_value(value)}" for key, value in files.items() if value is not None]


def _corpus_settings(names: list[str]) -> list[str]:
    """The setting of `data.corpora` for the corpora that were given, if any."""
    corpora = [parse_corpus(name) for name in names]
    for corpus in corpora:
        for file in (corpus.src, corpus.tgt or ""):
            check_encodable(file, "--corpus")
    given = [{key: value for key, value in corpus._asdict().items() if value is not None} for corpus in corpora]
    return [f"data.corpora={write_value(given)}"] if given else []


def _check_resumable(out: Path, config: Path | None, preset: str | None, sets: list[str]) -> None:
    """Refuses changes to a training that resumes, except to its limits and to the paths of its texts."""
    keys = [override.partition("=")[0].strip() for override in sets]
    changed = [key for key in keys if key not in (*_RESUMABLE, *_MOVABLE)]
    changed += ["CONFIG"] * (config is not None) + ["--preset"] * (preset is not None)
    if changed:
        raise ConfigError(
            f"{out}: a training that resumes keeps its configuration, but {', '.join(changed)} would change it: leave "
            f"that out (only {', '.join(_RESUMABLE)} and the paths of its texts may be set), or start a new "
            "training in another directory"
        )
