"""Options that name the languages of a translation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.errors import ConfigError
from regard.text.languages import canonical, closest

if TYPE_CHECKING:
    from regard.translation.options import Changes


@dataclass(frozen=True)
class LanguageOptions:
    """Options that name target and source language, for a model with several."""

    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="LANG",
            help="Target language, for a model with several, such as fr.",
            show_default=False,
        ),
    ] = None
    source_language: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="LANG",
            help="Source language; warns if the model was not trained on this pair of languages.",
            show_default=False,
        ),
    ] = None

    def to_fields(self) -> Changes:
        """Converts the options to arguments of `TranslateOptions`, as a dictionary by field name.

        Returns:
            `to` for the target language, and `source` for the source language, if they were given.

        Raises:
            ConfigError: The name of a language is not a language code.
        """
        self._check()
        given = {"to": self.to, "source": self.source_language}
        fields: Changes = {}
        for name, code in given.items():
            if code is not None:
                fields[name] = code  # type: ignore[literal-required] # both are fields
        return fields

    def direction(self, models: Sequence[Path], langs: str | None) -> str | None:
        """Finds the source and target language, which glossaries and documents need.

        They are taken from `langs`, or else from `--to` and `--from`, or else from `--to` and the model.

        Args:
            models: Directories of the models.
            langs: Value of the option `--langs`; None = not given.

        Returns:
            Codes of both languages with a hyphen between, such as `en-fr`; None if `langs` and `--to` are not given, or
            the model does not have exactly one source language for this target language.

        Raises:
            ConfigError: The name of a language is not a language code.
        """
        if langs is not None or self.to is None:
            return langs
        from regard.translation.loading import stored_directions

        directions = stored_directions(models[0])
        target = closest(self.to, [tgt for _, tgt in directions]) or canonical(self.to)
        if self.source_language is not None:
            return f"{canonical(self.source_language)}-{target}"
        sources = dict.fromkeys(src for src, tgt in directions if tgt == target)
        return f"{next(iter(sources))}-{target}" if len(sources) == 1 else None

    def _check(self) -> None:
        for option, code in (("--to", self.to), ("--from", self.source_language)):
            try:
                if code is not None:
                    canonical(code)
            except ConfigError as error:
                raise ConfigError(f"{option}: {error}") from None
