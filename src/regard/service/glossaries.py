"""Glossaries of the service: named ones, read from files, and terms that come with a request."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from regard.errors import ConfigError, RegardError
from regard.service.errors import ServiceError
from regard.text.languages import parse_direction
from regard.translation.glossary import Glossary, GlossaryEntry
from regard.translation.glossary_files import read_glossary

_LOG = logging.getLogger("regard.service")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

Direction = tuple[str, str]
"""Canonical codes of a source and a target language."""


@dataclass(frozen=True, slots=True)
class NamedGlossary:
    """A glossary file, and the name by which requests ask for it.

    Attributes:
        name: The name.
        path: Path of the file.
        direction: The only translation direction in which the glossary is used; None = all directions, each with the
            entries for its two languages.
    """

    name: str
    path: Path
    direction: Direction | None = None


def parse_named_glossary(text: str) -> NamedGlossary:
    """Parses a glossary argument of the command line.

    >>> parse_named_glossary("legal:en-fr=legal.tsv").direction
    ('en', 'fr')

    Args:
        text: `NAME=FILE`, or `NAME:SOURCE-TARGET=FILE` for a glossary of one direction.

    Returns:
        Name, file and direction.

    Raises:
        ConfigError: The text has another form.
    """
    left, separator, file = text.partition("=")
    name, colon, langs = left.partition(":")
    if not (separator and file and _NAME.fullmatch(name)) or (colon and not langs):
        raise ConfigError(
            f"--glossary: expected NAME=FILE, or NAME:SRC-TGT=FILE for one direction, with a NAME of letters, digits, "
            f"'.', '_' and '-', got {text!r:.80}"
        )
    return NamedGlossary(name, Path(file), parse_direction(langs) if colon else None)


class Glossaries:
    """The named glossaries of a service, each read once for each direction that needs it.

    Call the methods only in the event loop of the service, or before the loop runs.

    Args:
        sources: The glossary files; files with the same name must be for different directions.

    Raises:
        ConfigError: Two files have the same name and direction.
    """

    def __init__(self, sources: Sequence[NamedGlossary] = ()) -> None:
        keys = [(source.name, source.direction) for source in sources]
        if len(set(keys)) < len(keys):
            name = next(name for name, direction in keys if keys.count((name, direction)) > 1)
            raise ConfigError(
                f"--glossary: the name {name} was given to two files for the same direction: rename one of the two"
            )
        self._sources = tuple(sources)
        self._read: dict[tuple[NamedGlossary, Direction], Glossary] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the glossaries, in the order given."""
        return tuple(dict.fromkeys(source.name for source in self._sources))

    def load(self, directions: Iterable[Direction]) -> None:
        """Reads all glossaries for the directions of the models, so that faulty files are found at the start.

        The service calls this method before it accepts requests.

        Args:
            directions: Directions of the models.

        Raises:
            RegardError: A file cannot be read; the message names file and line.
        """
        for direction in directions:
            for source in self._sources:
                if source.direction in (None, direction):
                    self._read[source, direction] = read_glossary(source.path, langs=direction)

    def reload(self) -> None:
        """Reads all glossaries again; one that cannot be read stays as it was, and the error is logged."""
        for source, direction in tuple(self._read):
            try:
                self._read[source, direction] = read_glossary(source.path, langs=direction)
            except RegardError as error:
                _LOG.error("glossary not reloaded", extra={"glossary": source.name, "reason": str(error)})
            else:
                _LOG.info("glossary reloaded", extra={"glossary": source.name})

    def get(self, name: str, direction: Direction) -> Glossary:
        """Returns the glossary with a given name for a translation direction.

        Args:
            name: Name of the glossary.
            direction: Source and target language of the translation.

        Returns:
            The glossary. If `load` did not read it for this direction, because the model of the direction was added
            while the service was running, it is read now.

        Raises:
            ServiceError: There is no glossary of this name for this direction.
        """
        source = self._find(name, direction)
        if source is None:
            raise unknown_glossary(name, direction)
        if (source, direction) not in self._read:
            self._read[source, direction] = read_glossary(source.path, langs=direction)
        return self._read[source, direction]

    def _find(self, name: str, direction: Direction) -> NamedGlossary | None:
        own = [source for source in self._sources if source.name == name]
        exact = (source for source in own if source.direction == direction)
        return next(exact, None) or next((source for source in own if source.direction is None), None)


@dataclass(frozen=True, slots=True)
class RequestedTerms:
    """The glossary terms that a request asks for.

    Attributes:
        name: Name of a glossary of the service; None = none.
        inline: Terms that came with the request; None = none.
        in_source: Whether the translations of the terms are written into the source sentence, from which the model
            copies them, instead of being enforced by the search.
    """

    name: str | None = None
    inline: Glossary | None = None
    in_source: bool = False

    def __bool__(self) -> bool:
        """Whether any terms are asked for."""
        return self.name is not None or self.inline is not None


NO_TERMS = RequestedTerms()
"""No terms."""


def inline_glossary(entries: Iterable[GlossaryEntry]) -> Glossary:
    """Makes a glossary of the terms that came with a request.

    Args:
        entries: The terms with their translations.

    Returns:
        The glossary.

    Raises:
        ServiceError: A term has no translation, is too long, or contradicts another.
    """
    try:
        return Glossary(entries)
    except RegardError as error:
        raise ServiceError(f"Invalid request: terms: {error}", code="invalid_terms", status=409) from None


def unknown_glossary(name: str, direction: Direction | None = None) -> ServiceError:
    """Makes the error for a glossary that does not exist, or that the request's API key may not use.

    Args:
        name: Name of the requested glossary.
        direction: Direction of the translation, to be named in the message; None = it is left out.

    Returns:
        The error.
    """
    where = "" if direction is None else f" for {direction[0]}-{direction[1]}"
    return ServiceError(
        f"Invalid request: there is no glossary {name[:64]!r}{where}", status=404, code="unknown_glossary"
    )
