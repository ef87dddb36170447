"""Options of every command that reads a parallel corpus in any format."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from regard.cli.options import parse_path
from regard.corpora.unit import ReadOptions
from regard.errors import ConfigError
from regard.text.languages import parse_direction

if TYPE_CHECKING:
    from regard.cleaning.filters import Filters

Corpus = Annotated[
    Path,
    typer.Argument(
        parser=parse_path, metavar="SRC", help="Corpus, or source sentences; - = standard input.", show_default=False
    ),
]
Translations = Annotated[
    Path | None,
    typer.Argument(
        parser=parse_path, metavar="TGT", help="Target sentences, if SRC has only the source.", show_default=False
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="Number of processes.", show_default="number of cores"),
]
WriteFormat = Annotated[
    str | None,
    typer.Option(
        "--to", metavar="FORMAT", help="Format of the output.", show_default="by its name, or two plain files"
    ),
]


@dataclass(frozen=True)
class Reading:
    """How to read a corpus; a group of options for `regard.cli.options.with_groups`."""

    langs: Annotated[
        str | None,
        typer.Option(
            metavar="SRC-TGT", help="Source and target language, such as en-fr.", show_default="as the file says"
        ),
    ] = None
    encoding: Annotated[
        str | None, typer.Option(metavar="NAME", help="Encoding of the input.", show_default="UTF-8, or as declared")
    ] = None
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="SRC,TGT",
            help="Names or numbers of the two columns of a table.",
            show_default="by the header, or 1,2",
        ),
    ] = None
    on_error: Annotated[
        Literal["stop", "skip"],
        typer.Option("--on-error", help="At a faulty unit: stop, or skip it and count it."),
    ] = "stop"

    def options(self) -> ReadOptions:
        """The options for the readers of corpora.

        Returns:
            The options.

        Raises:
            ConfigError: `--langs` is not two languages, or `--columns` is not two columns.
        """
        langs = None if self.langs is None else parse_direction(self.langs)
        return ReadOptions(langs=langs, encoding=self.encoding, columns=self._columns(), on_error=self.on_error)

    def _columns(self) -> tuple[str, str] | None:
        if self.columns is None:
            return None
        names = [name.strip() for name in self.columns.split(",")]
        if len(names) != 2 or not all(names):
            raise ConfigError(
                f"--columns: expected two names or numbers with a comma between, such as 1,2, got {self.columns!r}"
            )
        return names[0], names[1]


DEFAULT_READING = Reading()
"""The options if none is given."""


@dataclass(frozen=True)
class Checking:
    """Which checks to apply; a group of options for `regard.cli.options.with_groups`."""

    check: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=THRESHOLD", help="Threshold of a check; may be repeated.", show_default=False),
    ] = None
    without: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Leave a check out; may be repeated.", show_default=False)
    ] = None
    test_set: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="Test set, whose sentences must not be in the corpus: a file, or SRC,TGT; may be repeated.",
            show_default=False,
        ),
    ] = None

    def filters(self) -> Filters:
        """The checks.

        Returns:
            Names and thresholds of the checks, and the test sets.

        Raises:
            ConfigError: A name is not a check, or a threshold is not a number.
        """
        from regard.cleaning.filters import Filters

        return Filters.parse(self.check or (), self.without or (), self.test_set or ())


DEFAULT_CHECKING = Checking()
"""The options if none is given."""
