"""Options that name the configuration and the text of a training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from regard.cli.options import parse_path
from regard.config.presets import preset_names
from regard.config.toml_text import write_value
from regard.data.corpora.naming import parse_corpus, split_languages
from regard.files.paths import check_encodable, checked_path

ConfigFile = Annotated[
    Path | None,
    typer.Argument(parser=parse_path, metavar="CONFIG", help="TOML configuration file.", show_default=False),
]
Preset = Annotated[
    str | None,
    typer.Option(metavar="NAME", help=f"Preset to start from: {', '.join(preset_names())}.", show_default=False),
]
_Corpora = Annotated[
    list[str] | None,
    typer.Option(
        "--corpus",
        metavar="CORPUS",
        help="One of several corpora, in place of --src and --tgt: FILE or SRC,TGT, and :WEIGHT, such as b.tsv:0.5 for "
        "half of its pairs per epoch; with LANGS= before it for several languages, such as en-fr=c.tmx; may be "
        "repeated.",
        show_default=False,
    ),
]


@dataclass(frozen=True)
class Texts:
    """Options that name the files of the training and validation text."""

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
        """Converts the options that were given to configuration settings, such as `data.src="train.en"`."""
        files = {"src": self.src, "tgt": self.tgt, "val_src": self.val_src, "val_tgt": self.val_tgt}
        return [*_file_settings(files), *_corpus_settings(self.corpora or [])]


NO_TEXTS = Texts()
"""The options if none is given."""


def _file_settings(files: dict[str, str | None]) -> list[str]:
    """Settings of the text files that were given, refusing paths that a configuration cannot hold."""
    for key, value in files.items():
        if value is not None:
            option = f"--{key.replace('_', '-')}"
            check_encodable(str(checked_path(value, option)), option)
    return [f"data.{key}={write_value(value)}" for key, value in files.items() if value is not None]


def _corpus_settings(names: list[str]) -> list[str]:
    """The setting of `data.corpora` for the corpora that were given, if any."""
    divided = [split_languages(name) for name in names]
    corpora = [parse_corpus(name) for _, name in divided]
    for corpus in corpora:
        for file in (corpus.src, corpus.tgt or ""):
            check_encodable(file, "--corpus")
    described = [{**corpus._asdict(), "langs": langs} for (langs, _), corpus in zip(divided, corpora, strict=True)]
    given = [{key: value for key, value in entry.items() if value is not None} for entry in described]
    return [f"data.corpora={write_value(given)}"] if given else []
