"""Options of every command that reads a parallel corpus in any format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import typer

from regard.corpora.unit import ReadOptions
from regard.errors import ConfigError
from regard.text.languages import parse_direction


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
