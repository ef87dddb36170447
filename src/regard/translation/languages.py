"""The languages of a model: target languages, each chosen by a tag before the source, and trained language pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from regard.errors import ConfigError, SearchError
from regard.text.languages import closest, english_name
from regard.text.subword import Subword
from regard.text.tags import tagged_language
from regard.translation.result import GeneralWarning, Segment


@dataclass(frozen=True)
class ModelLanguages:
    """Languages of a model.

    Attributes:
        tag_ids: Id of the source subword that chooses a target language, by canonical code; empty for a model with one
            target language.
        directions: Pairs of source and target language in the training text; empty if they are not known.
    """

    tag_ids: Mapping[str, int] = field(default_factory=dict)
    directions: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, src_subword: Subword) -> ModelLanguages:
        """Finds the target languages for which a vocabulary has tags.

        Args:
            src_subword: Source vocabulary.

        Returns:
            The languages, without directions.
        """
        tag_ids: dict[str, int] = {}
        for tag, number in src_subword.language_tags.items():
            tag_ids.setdefault(tagged_language(tag) or tag, number)
        return cls(tag_ids)

    @property
    def needs_target(self) -> bool:
        """Whether a translation has to name its target language."""
        return len(self.tag_ids) > 1

    @property
    def targets(self) -> tuple[str, ...]:
        """Canonical codes of the target languages; empty if they are not known."""
        return tuple(self.tag_ids) or tuple(dict.fromkeys(target for _, target in self.directions))

    def find_target(self, code: str) -> str:
        """Finds the target language of the model that a language code stands for.

        Args:
            code: Language code in any spelling, such as `fr`, `fra` or `pt_BR`.

        Returns:
            Canonical code of the target language.

        Raises:
            SearchError: The model does not translate to the language.
        """
        try:
            found = closest(code, self.targets)
        except ConfigError as error:
            raise SearchError(f"target language: {error}") from None
        if found is not None:
            return found
        if not self.targets:
            raise SearchError(
                f"target language {code!r}: this model has one target language, and does not know which: leave the "
                "target language out"
            )
        raise SearchError(
            f"target language {code!r}: this model translates to {', '.join(sorted(self.targets))}: choose one of them"
        )

    def warning(self, source: str | None, target: str) -> GeneralWarning | None:
        """A warning if the model was never trained to translate between two languages.

        Args:
            source: Code of the source language; None = not known.
            target: Canonical code of the target language.

        Returns:
            The warning; None if the pair was trained, or if that is not known.

        Raises:
            SearchError: `source` is not a language code.
        """
        if source is None or not self.directions:
            return None
        sources = dict.fromkeys(src for src, _ in self.directions)
        try:
            found = closest(source, sources)
        except ConfigError as error:
            raise SearchError(f"source language: {error}") from None
        if (found, target) in self.directions:
            return None
        pairs = ", ".join("-".join(direction) for direction in self.directions)
        if found is None:
            reason = f"the model was never trained on sentences in {english_name(source)}"
        else:
            reason = f"the model was never trained to translate from {english_name(found)} to {english_name(target)}"
        return GeneralWarning(f"{reason} (zero-shot), so expect worse translations; it was trained on {pairs}")

    def check_tagged(self, segments: Sequence[Segment]) -> None:
        """Checks that each sentence begins with a tag of its target language, for models with several target languages.

        Args:
            segments: Segments of sentences, to be translated without a target language.

        Raises:
            SearchError: A sentence does not begin with a tag.
        """
        tags = set(self.tag_ids.values())
        for segment in segments:
            if segment.first_word == 0 and segment.source.ids and segment.source.ids[0] not in tags:
                raise SearchError(
                    f"sentence {segment.line}: expected a target language, since this model translates to "
                    f"{', '.join(sorted(self.targets))}: choose one with --to in a command, or to= in Python"
                )


def with_warning(segments: Sequence[Segment], warning: GeneralWarning) -> list[Segment]:
    """Adds a warning to the translations of segments.

    Args:
        segments: Translated segments.
        warning: The warning.

    Returns:
        The segments.
    """
    return [
        replace(segment, found=[replace(found, warnings=(warning, *found.warnings)) for found in segment.found])
        for segment in segments
    ]
