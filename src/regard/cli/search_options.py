"""Options that say how translations are searched for, in the commands that translate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli.options import Beam

if TYPE_CHECKING:
    from regard.translation.options import Changes


@dataclass(frozen=True)
class SearchOptions:
    """Options of the search."""

    beam: Beam = None
    retry: Annotated[
        bool,
        typer.Option("--retry", help="Check the attention, and translate again where it looks wrong."),
    ] = False

    def to_fields(self) -> Changes:
        """The options as fields of `TranslateOptions`."""
        return {"beam": self.beam, "retry": self.retry}


DEFAULT_SEARCH = SearchOptions()
"""Search options of the model."""
