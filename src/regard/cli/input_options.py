"""Options that say how sentences are read before they are translated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli.language_options import LanguageOptions

if TYPE_CHECKING:
    from regard.translation.options import Changes


@dataclass(frozen=True)
class InputOptions(LanguageOptions):
    """Options about the languages and the case of sentences."""

    no_recase: Annotated[
        bool,
        typer.Option(
            "--no-recase",
            help="Translate sentences in capitals as they are, not from their ordinary case.",
        ),
    ] = False

    def to_fields(self) -> Changes:
        """Converts the options to arguments of `TranslateOptions`, as a dictionary by field name."""
        fields = super().to_fields()
        fields["recase"] = not self.no_recase
        return fields


DEFAULT_INPUT = InputOptions()
"""One target language; capitals that the vocabulary cannot read are translated from their ordinary case."""
