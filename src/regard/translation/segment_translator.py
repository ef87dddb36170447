"""The part of a translator that divides lines into segments, and translates segments into a target language."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING

from regard.search.source_prefix import with_source_prefix
from regard.text.normalize import normalize, text_list
from regard.translation.filling import TranslatorParts, fill_segments, split_lines
from regard.translation.languages import ModelLanguages, with_warning
from regard.translation.mbr import fill_with_least_risk
from regard.translation.options import TranslateOptions
from regard.translation.pickling import PickledByPath
from regard.translation.result import GeneralWarning, Segment
from regard.translation.terms import GivenConstraints

if TYPE_CHECKING:
    from typing_extensions import Self

DEFAULT = TranslateOptions()


class SegmentTranslator(PickledByPath, TranslatorParts):
    """Divides lines into segments, and translates segments; base class of `Translator`.

    Attributes:
        languages: Languages of the model.
        target: Canonical code of the target language that was chosen by `for_target`; None = none was.
        direction_warning: Warning about the pair of languages that was chosen; None = no warning.
    """

    languages: ModelLanguages
    target: str | None = None
    direction_warning: GeneralWarning | None = None

    def split(
        self,
        lines: str | Sequence[str],
        *,
        first: int = 1,
        prefixes: str | Sequence[str] | None = None,
        constraints: GivenConstraints | None = None,
    ) -> list[Segment]:
        """Divides lines into segments that the model can translate at once.

        `fill` translates segments, in any order and mixed with those of other lines, and
        `regard.translation.result.join_lines` joins the translated segments of each line.

        Args:
            lines: One line or several.
            first: Number of the first line.
            prefixes: Target text that the translation of each line begins with, empty for none; None = no prefixes.
            constraints: Terms that the translations must and must not contain; see `translate`.

        Returns:
            The segments of all lines, in order; an empty line without a prefix has none.

        Raises:
            DataError: As in `translate`.
            SearchError: There is not one prefix per line, or the vocabulary does not contain a character of one.
        """
        normalized = [normalize(line) for line in text_list(lines, first=first)]
        return split_lines(self, normalized, first=first, prefixes=prefixes, constraints=constraints)

    def fill(self, segments: Sequence[Segment], options: TranslateOptions = DEFAULT) -> list[Segment]:
        """Translates segments.

        Args:
            segments: Segments from `split`, of any lines.
            options: Options of the translation.

        Returns:
            The same segments, in their order, with their translations.

        Raises:
            SearchError: As in `translate`.
        """
        fill = fill_segments if options.mbr is None else fill_with_least_risk
        translator = self._directed(options)
        if translator.target is None:
            self.languages.check_tagged(segments)
        return with_warning(fill(translator, segments, options), translator.direction_warning)

    def for_target(self, to: str, source: str | None = None) -> Self:
        """The same translator for one target language of a model with several.

        Args:
            to: Code of the target language, in any spelling.
            source: Code of the source language; None = not known.

        Returns:
            A new translator. Translations have a warning if the model was never trained on this pair of languages.

        Raises:
            SearchError: The model does not translate to the language.
        """
        twin = copy(self)
        twin.target = self.languages.find_target(to)
        twin.direction_warning = self.languages.warning(source, twin.target)
        if twin.target in self.languages.tag_ids:
            twin.engine = with_source_prefix(self.engine, [self.languages.tag_ids[twin.target]])
        return twin.reopened_with(_for_target, self, to, source)

    def _directed(self, options: TranslateOptions) -> Self:
        """The translator for the target language of options."""
        to = options.to
        if to is None and options.source is not None and len(self.languages.targets) == 1:
            [to] = self.languages.targets
        return self if to is None else self.for_target(to, options.source)


def _for_target(translator: SegmentTranslator, to: str, source: str | None) -> SegmentTranslator:
    return translator.for_target(to, source)
