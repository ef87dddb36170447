"""Sentence pairs from the files that options name: all lines of two files, or a corpus of any format in one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from regard.cli.loading import loading
from regard.cli.messages import warn
from regard.cli.options import parse_path
from regard.corpora.formats import open_corpus
from regard.corpora.unit import ReadOptions, ReadReport
from regard.errors import ConfigError, DataError
from regard.text.languages import parse_direction

Langs = Annotated[
    str | None,
    typer.Option(
        "--langs",
        metavar="SRC-TGT",
        help="Languages to read from a file that contains several, such as en-fr.",
        show_default="those of the model",
    ),
]
PairsSrc = Annotated[
    Path,
    typer.Option(
        "--src",
        parser=parse_path,
        metavar="FILE",
        help="Source sentences, one per line; or sentence pairs in any format, such as TMX or CSV.",
        show_default=False,
    ),
]
PairsTgt = Annotated[
    Path | None,
    typer.Option(
        "--tgt",
        parser=parse_path,
        metavar="FILE",
        help="Target sentences, one per line; not needed if --src has sentence pairs.",
        show_default=False,
    ),
]


@dataclass(frozen=True)
class PairFiles:
    """Options that name sentence pairs, for a verb with many options."""

    src: PairsSrc
    tgt: PairsTgt = None
    langs: Langs = None


def read_parallel(
    src: Path, tgt: Path | None = None, *, langs: str | None = None, model: Path | None = None
) -> tuple[list[str], list[str]]:
    """Reads all sentence pairs of one file, or of two parallel files, and warns of units that are left out.

    Args:
        src: File of source sentences, one per line; or of sentence pairs in any format, without `tgt`.
        tgt: File of target sentences, one per source sentence.
        langs: Source and target language to read from a file with several, such as `en-fr`; None = as the model says.
        model: Directory of a model that may know its languages; None = as the file says, if it has exactly two.

    Returns:
        The source sentences and the target sentences, equally many; not normalized, some may be empty.

    Raises:
        ConfigError: `langs` is not two languages.
        DataError: A file cannot be read, there is no sentence pair, or two files have different numbers of lines.
    """
    if langs is None and tgt is None and model is not None:
        with loading():
            from regard.translation.loading import stored_languages

        langs = stored_languages(model)
    reader = open_corpus(src, tgt, ReadOptions(langs=_direction(langs)))
    units = list(reader.units())
    _warn_of_left_out(reader.name, reader.report)
    if not units:
        raise DataError(f"{reader.name}: expected at least one sentence, found none: name a file with text")
    return [unit.src for unit in units], [unit.tgt for unit in units]


def _direction(langs: str | None) -> tuple[str, str] | None:
    try:
        return None if langs is None else parse_direction(langs)
    except ConfigError as error:
        raise ConfigError(f"--langs: {error}") from None


def _warn_of_left_out(name: str, report: ReadReport) -> None:
    if report.left_out:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in report.left_out.most_common())
        warn(f"{name}: {report.left_out.total():,} units were left out ({reasons})")
