"""The direction in which a file with one source and one target language is read."""

from __future__ import annotations

from dataclasses import dataclass

from regard.data.corpora.language_choice import choose_language, language_code
from regard.data.corpora.unit import ReadReport
from regard.errors import DataError

_MAX_DIRECTIONS = 10_000
"""Number of pairs of languages that are remembered."""


@dataclass(frozen=True, slots=True)
class Direction:
    """Languages of a file, and whether its source and target must be exchanged.

    Attributes:
        languages: Source and target language of the file, as it spells them; empty where it does not name them.
        is_reversed: Whether to exchange them: the source of the file is in the requested target language.
        target_name: Name of the language of the file's target, for counts in the report.
    """

    languages: tuple[str, str]
    is_reversed: bool
    target_name: str


class FileLanguages:
    """The direction in which texts are read, for formats that name a source and a target language.

    A language that the file does not name is taken to be the requested one.

    Args:
        langs: Canonical codes that were requested; None = those that the file names first.
        report: Where faults, languages and units that are left out are counted.
    """

    def __init__(self, langs: tuple[str, str] | None, report: ReadReport) -> None:
        self._langs = langs
        self._is_inferred = False
        self._report = report
        self._directions: dict[tuple[str, str], Direction | str] = {}

    def direction(self, source: str, target: str, where: str, *, num_units: int = 1) -> Direction | None:
        """Decides whether to read units of a file as they are, with both sides exchanged, or not at all.

        Units in other languages than the requested ones are left out, and counted in the report.

        Args:
            source: Language of the file's source text, as the file spells it; empty if the file does not name it.
            target: Language of the file's target text, in the same way.
            where: File and line, for messages.
            num_units: Number of units in these languages, by which the report counts them.

        Returns:
            The direction, which says whether source and target are to be exchanged; None if the units are left out.
        """
        known = self._directions.get((source, target))
        if known is None:
            try:
                known = self._find(source, target, where)
            except DataError as error:
                self._report.fault(str(error))
                return None
            if len(self._directions) < _MAX_DIRECTIONS:
                self._directions[source, target] = known
        if isinstance(known, str):
            self._report.left_out[known] += num_units
            return None
        return known

    def count(self, direction: Direction) -> None:
        """Counts the languages of a unit that was read."""
        for language in direction.languages:
            if language:
                self._report.languages[language] += 1
        self._report.num_exchanged += direction.is_reversed

    def _find(self, source: str, target: str, where: str) -> Direction | str:
        """The direction, or the reason to leave the unit out."""
        if self._langs is None:
            codes = language_code(source), language_code(target)
            if codes[0] is None or codes[1] is None:
                return Direction((source, target), False, target or "target")
            self._langs, self._is_inferred = (codes[0], codes[1]), True
        src, tgt = self._langs
        for is_reversed, (first, second) in enumerate(((source, target), (target, source))):
            if _matches(src, first, where) and _matches(tgt, second, where):
                return Direction((source, target), bool(is_reversed), src if is_reversed else tgt)
        if self._is_inferred:
            raise DataError(
                f"{where}: expected {src} and {tgt} as before in this file, found {source} and {target}: name the "
                f"source and the target, such as --langs {src}-{tgt}"
            )
        missing = tgt if _matches(src, source, where) or _matches(src, target, where) else src
        return f"no {missing} text"


def _matches(code: str, spelling: str, where: str) -> bool:
    return not spelling or choose_language(code, [spelling], where=where) is not None
