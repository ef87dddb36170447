"""The part of a translator that chooses the target language and scores given translations."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import TYPE_CHECKING

from regard.alignment.readout import Readout
from regard.errors import SearchError
from regard.search.source_prefix import with_source_prefix
from regard.text.normalize import text_list
from regard.translation.filling import TranslatorParts
from regard.translation.forced import score_pairs
from regard.translation.languages import ModelLanguages
from regard.translation.options import TranslateOptions
from regard.translation.pickling import PickledByPath
from regard.translation.result import GeneralWarning, Translation

if TYPE_CHECKING:
    from typing_extensions import Self


class DirectedTranslator(PickledByPath, TranslatorParts):
    """Chooses the target language and scores given translations; base class of `Translator`.

    Attributes:
        languages: Languages of the model.
        target: Canonical code of the target language that was chosen by `for_target`; None = no language was
            chosen.
        direction_warning: Warning about the pair of languages that was chosen; None = no warning.
    """

    languages: ModelLanguages
    target: str | None = None
    direction_warning: GeneralWarning | None = None

    def for_target(self, to: str, source: str | None = None) -> Self:
        """A copy of this translator that translates into one of the target languages of the model.

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

    def score(
        self,
        sources: str | Sequence[str],
        targets: str | Sequence[str],
        *,
        first: int = 1,
        only: Readout | None = None,
        attention: bool = True,
    ) -> list[Translation]:
        """Scores given translations by forced decoding, and computes their attention and word alignment.

        Args:
            sources: One source sentence or several.
            targets: One translation per source sentence.
            first: Number of the first sentence in warnings and errors, which count the sentences from there.
            only: To save memory, keep only the attention of this readout's layer and head, as one layer with one head;
                None = keep all layers and heads.
            attention: Whether to compute attention and word alignment, without which scoring is faster, needs less
                memory, and works for exports to CTranslate2.

        Returns:
            One translation per pair: the given text, its log-probability in nats as score, attention and alignment.
            Pairs with an empty sentence are not scored: score 0, without attention and alignment. The same holds for
            pairs that are too long for the model or whose attention would exceed the memory limit; their warnings say
            so.

        Raises:
            DataError: A sentence is not text.
            SearchError: The numbers of sources and targets differ, or the model computed NaN or infinite numbers.
        """
        left, right = text_list(sources, first=first), text_list(targets, kind="translation", first=first)
        if len(left) != len(right):
            raise SearchError(
                f"expected one translation for each of the {len(left)} source sentences, got {len(right)} translations"
            )
        return score_pairs(self, left, right, first=first, only=only, attention=attention)

    def _directed(self, options: TranslateOptions) -> Self:
        """The translator for the target language of options."""
        to = options.to
        if to is None and options.source is not None and len(self.languages.targets) == 1:
            [to] = self.languages.targets
        return self if to is None else self.for_target(to, options.source)


def _for_target(translator: DirectedTranslator, to: str, source: str | None) -> DirectedTranslator:
    return translator.for_target(to, source)
