"""Options that say how sentences are read before they are translated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from regard.translation.options import Changes


@dataclass(frozen=True)
class InputOptions:
    """Options about the case of sentences."""

    no_recase: Annotated[
        bool,
        typer.Option(
            "--no-recase",
            help="Translate sentences in capitals as they are, not from their ordinary case.",
        ),
    ] = False

    def to_fields(self) -> Changes:
        """The options as fields of `TranslateOptions`."""
        return {"recase": not self.no_recase}


DEFAULT_INPUT = InputOptions()
"""Capitals that the vocabulary cannot read are translated from their ordinary case."""
