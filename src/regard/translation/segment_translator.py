"""Translation of segments, the parts of lines that a model can translate at once."""

from __future__ import annotations

from collections.abc import Sequence

from regard.alignment.readout import Readout
from regard.config.schema import SearchConfig
from regard.search.engine import Engine
from regard.search.length_limits import LengthLimits
from regard.text.normalize import normalize, text_list
from regard.text.subword import Subword
from regard.translation.filling import split_lines
from regard.translation.mbr import filling
from regard.translation.options import TranslateOptions
from regard.translation.pickling import PickledByPath
from regard.translation.result import Segment
from regard.translation.terms import GivenConstraints

_DEFAULT = TranslateOptions()


class SegmentTranslator(PickledByPath):
    """Divides lines into segments, and translates segments; base class of `Translator`.

    Attributes:
        engine: The engine that searches.
        src_subword: Source vocabulary.
        tgt_subword: Target vocabulary.
        search: Search options of the model.
        limits: Length limits of the model.
        readout: How word alignments are read off the attention.
    """

    engine: Engine
    src_subword: Subword
    tgt_subword: Subword
    search: SearchConfig
    limits: LengthLimits
    readout: Readout

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

    def fill(self, segments: Sequence[Segment], options: TranslateOptions = _DEFAULT) -> list[Segment]:
        """Translates segments.

        Args:
            segments: Segments from `split`, of any lines.
            options: Options of the translation.

        Returns:
            The same segments, in their order, with their translations.

        Raises:
            SearchError: As in `translate`.
        """
        return filling(options)(self, segments, options)
