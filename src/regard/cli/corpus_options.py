"""Options of the commands of `regard data`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli.options import parse_path

if TYPE_CHECKING:
    from regard.data.cleaning.filters import Filters

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
class Checking:
    """Options that choose the checks of sentence pairs: thresholds, checks to leave out, and test sets."""

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
        """Parses the options.

        Returns:
            Names of checks with the thresholds that were given, or None for checks to leave out; and the test sets.

        Raises:
            ConfigError: A name is not that of a check, or a threshold is not a number.
        """
        from regard.data.cleaning.filters import Filters

        return Filters.parse(self.check or (), self.without or (), self.test_set or ())


DEFAULT_CHECKING = Checking()
"""The options if none is given."""
