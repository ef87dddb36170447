"""Sentence pairs from files that options name: all lines of two files, or a corpus of any format in one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from regard.cli.loading import loading
from regard.cli.messages import warn
from regard.cli.options import parse_path
from regard.config.toml_text import write_value
from regard.data.corpora.formats import HEAD_SIZE, open_corpus
from regard.data.corpora.unit import ReadOptions, ReadReport
from regard.errors import ConfigError, DataError
from regard.files.compression import open_input
from regard.files.printable import counted
from regard.text.languages import parse_direction

if TYPE_CHECKING:
    from regard.recipes.chunks.made_text import MadeText

_PANEL = "Reading sentence pairs"
_OnError = Literal["stop", "skip"]

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
class Reading:
    """Options about how files of sentence pairs are read."""

    langs: Annotated[
        str | None,
        typer.Option(
            "--langs",
            metavar="SRC-TGT",
            help="Languages, such as en-fr, to read from a file with several; a new model stores them.",
            show_default="as the model or the file says",
            rich_help_panel=_PANEL,
        ),
    ] = None
    encoding: Annotated[
        str | None,
        typer.Option(
            "--encoding",
            metavar="NAME",
            help="Encoding, such as cp1252.",
            show_default="UTF-8, or as the file says",
            rich_help_panel=_PANEL,
        ),
    ] = None
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns",
            metavar="SRC,TGT",
            help="Names or numbers of the columns of a table, such as 2,3.",
            show_default="as the header says, or the first two",
            rich_help_panel=_PANEL,
        ),
    ] = None
    on_error: Annotated[
        _OnError | None,
        typer.Option(
            "--on-error",
            help="What to do at a faulty unit: stop, or leave it out and count it.",
            show_default="stop",
            rich_help_panel=_PANEL,
        ),
    ] = None
    format: Annotated[
        str | None,
        typer.Option(
            "--input-format",
            metavar="FORMAT",
            help="Format of the input, such as moses or tsv.",
            show_default="by its name or content",
            rich_help_panel=_PANEL,
        ),
    ] = None
    include_fuzzy: Annotated[
        bool,
        typer.Option(
            "--include-fuzzy",
            help="Also read translations that are marked as not finished.",
            rich_help_panel=_PANEL,
        ),
    ] = False
    strip_accelerators: Annotated[
        bool,
        typer.Option(
            "--strip-accelerators",
            help="Remove the & or _ before the letter of a keyboard shortcut.",
            rich_help_panel=_PANEL,
        ),
    ] = False

    def settings(self) -> list[str]:
        """Converts the options that were given to configuration settings, such as `data.encoding="cp1252"`."""
        given = {
            "langs": self.langs,
            "encoding": self.encoding,
            "columns": self._columns(),
            "on_error": self.on_error,
            "format": self.format,
            "include_fuzzy": self.include_fuzzy or None,
            "accelerators": self.strip_accelerators or None,
        }
        return [f"data.{key}={write_value(value)}" for key, value in given.items() if value is not None]

    def description(self) -> str:
        """Describes the options that were given in a line of text; `default` if none was given."""
        return " ".join(self.settings()) or "default"

    def options(self, langs: str | None = None) -> ReadOptions:
        """Converts the options to those of the functions that read corpora.

        Args:
            langs: Languages to read if `--langs` was not given, such as `en-fr`; None = as the file says.

        Returns:
            Options with which a file of sentence pairs is opened.

        Raises:
            ConfigError: `--langs` is not two languages, or `--columns` is not two columns.
        """
        try:
            chosen = self.langs or langs
            languages = None if chosen is None else parse_direction(chosen)
        except ConfigError as error:
            raise ConfigError(f"--langs: {error}") from None
        return ReadOptions(
            languages,
            self.encoding,
            self._columns(),
            self.on_error or "stop",
            include_fuzzy=self.include_fuzzy,
            accelerators=self.strip_accelerators,
        )

    def _columns(self) -> tuple[str, str] | None:
        if self.columns is None:
            return None
        src, comma, tgt = (part.strip() for part in self.columns.partition(","))
        if not (src and comma and tgt) or "," in tgt:
            raise ConfigError(
                f"--columns {self.columns}: expected the source and the target column with a comma between, such as "
                "2,3 or en,fr: name both; for names with commas, give the numbers of the columns"
            )
        return src, tgt


DEFAULT_READING = Reading()
"""The options if none is given."""


@dataclass(frozen=True)
class PairFiles:
    """The options `--src` and `--tgt`, which name the files of sentence pairs."""

    src: PairsSrc
    tgt: PairsTgt = None

    def inputs(self) -> dict[str, Path | None]:
        """Maps the options `--src` and, if given, `--tgt` to their files; None = standard input."""
        given = {"--src": self.src, "--tgt": self.tgt}
        return {name: None if path == Path("-") else path for name, path in given.items() if path is not None}

    def text(self, reading: Reading, model: Path) -> MadeText:
        """Makes lines for workers that divide the sentence pairs among themselves: a JSON array per pair.

        Args:
            reading: Options about how the files are read.
            model: Directory of the model. If `--langs` was not given, the model's languages are read.

        Returns:
            The lines, each an array of source and target. The files are read only when the work begins.
        """
        from regard.recipes.chunks.pairs import pairs_text

        paths = [self.src] if self.tgt is None else [self.src, self.tgt]
        return pairs_text(paths, lambda: parallel_pairs(self.src, self.tgt, reading=reading, model=model))


def read_parallel(
    src: Path,
    tgt: Path | None = None,
    *,
    reading: Reading = DEFAULT_READING,
    model: Path | None = None,
    option: str = "--tgt",
    limit: int | None = None,
) -> tuple[list[str], list[str]]:
    """Reads all sentence pairs of one file, or of two parallel files, and warns of pairs that are left out.

    Args:
        src: File of source sentences, one per line; or of sentence pairs in any format, without `tgt`.
        tgt: File of target sentences, one per source sentence.
        reading: Options about how files are read: languages, encoding, columns, format.
        model: Directory of a model. If `src` holds more than two languages, those of the model are read, unless
            `reading` names others. None = the languages that the file names.
        option: Name of the command-line option that names `tgt`, for error messages.
        limit: Number of pairs after which reading ends; None = all are read.

    Returns:
        The source sentences and the target sentences, equally many; not normalized, some may be empty.

    Raises:
        ConfigError: An option is invalid.
        DataError: A file cannot be read, there is no sentence pair, or two files have different numbers of lines.
    """
    pairs = list(islice(parallel_pairs(src, tgt, reading=reading, model=model, option=option), limit))
    return [source for source, _ in pairs], [target for _, target in pairs]


def parallel_pairs(
    src: Path,
    tgt: Path | None = None,
    *,
    reading: Reading = DEFAULT_READING,
    model: Path | None = None,
    option: str = "--tgt",
    report: Callable[[str], object] = warn,
) -> Iterator[tuple[str, str]]:
    """Reads sentence pairs one by one. See `read_parallel`, which reads all of them.

    Args:
        src: File of source sentences, one per line; or of sentence pairs in any format, without `tgt`.
        tgt: File of target sentences, one per source sentence.
        reading: Options about how files are read: languages, encoding, columns, format.
        model: Directory of a model. If `src` holds more than two languages, those of the model are read.
        option: Name of the command-line option that names `tgt`, for error messages.
        report: Called at the end with each warning about pairs that were left out.

    Yields:
        Each pair, not normalized; a side may be empty.

    Raises:
        ConfigError: An option is invalid.
        DataError: A file cannot be read, there is no sentence pair, or two files have different numbers of lines.
    """
    langs = None
    if reading.langs is None and tgt is None and model is not None:
        with loading():
            from regard.translation.loading import stored_languages

        langs = stored_languages(model)
    reader = open_corpus(src, tgt, reading.options(langs), reading.format)
    if tgt is None and reader.format == "tsv" and src.is_file() and _has_one_side(src):
        raise DataError(
            f"{src}: expected sentence pairs, found a first line without a tab: name the file of the other side with "
            f"{option}, or give a file with both sides"
        )
    is_empty = True
    for unit in reader.units():
        is_empty = False
        yield unit.src, unit.tgt
    for warning in _left_out(reader.report):
        report(f"{reader.name}: {warning}")
    if is_empty:
        raise DataError(f"{reader.name}: expected at least one sentence, found none: name a file with text")


def _has_one_side(path: Path) -> bool:
    """Whether the first line of a text has no tab."""
    with open_input(path) as file:
        head = file.head(HEAD_SIZE)
    return bool(head.strip()) and b"\t" not in head.split(b"\n")[0]


def _left_out(report: ReadReport) -> Iterator[str]:
    """Warnings about units that a reader left out or changed."""
    yield from report.direction_warnings()
    if report.left_out:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in report.left_out.most_common())
        yield f"left out {counted(report.left_out.total(), 'unit')} ({reasons})"
    if report.num_faults:
        yield f"left out {counted(report.num_faults, 'faulty unit')}; the first: {report.faults[0]}"
