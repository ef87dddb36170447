"""Terms of a glossary as constraints of segments, without those that no translation can satisfy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from regard.search.constraints import Constraints, Term
from regard.search.term_automaton import MAX_TERMS
from regard.text.subword import Subword
from regard.translation.glossary import Glossary, merge_constraints
from regard.translation.result import Segment, Translation


@dataclass(frozen=True)
class GlossaryTerms:
    """Adds the terms of a glossary to segments.

    A term that is impossible in a segment is not an error: it is left out of this segment and reported as not met. A
    term is impossible if the vocabulary cannot spell it, if it contains an excluded term, or if the segment already has
    the largest number of terms.

    Attributes:
        glossary: The glossary.
        subword: Target vocabulary.
    """

    glossary: Glossary
    subword: Subword
    _spelled: dict[str, bool] = field(default_factory=dict)

    def added_to(
        self, segments: Sequence[Segment], *, in_source: bool = False
    ) -> tuple[list[Segment], dict[int, tuple[Term, ...]]]:
        """Adds the glossary terms that occur in each segment's text to its constraints, or to its `source_terms`.

        Args:
            segments: Segments without translations.
            in_source: Whether terms that a translation must contain are added to `source_terms`, which are written into
                the source for the model to read, instead of to the constraints.

        Returns:
            The segments with their terms; and, by the index of the segment, the terms that were left out because they
            are impossible there.
        """
        result, left_out = [], {}
        for number, segment in enumerate(segments):
            found = self.glossary.match(segment.source.text)
            include: list[Term] = []
            impossible: list[Term] = []
            room = MAX_TERMS - len(segment.constraints.include)
            exclude = merge_constraints([segment.constraints, Constraints(exclude=found.exclude)]).exclude
            for term in found.include:
                possible = self._possible(term, exclude)
                if possible is None or (len(include) >= room and not in_source):
                    impossible.append(term)
                else:
                    include.append(possible)
            required = () if in_source else tuple(include)
            constraints = merge_constraints([segment.constraints, Constraints(required, found.exclude)])
            in_text = tuple(include) if in_source else ()
            result.append(replace(segment, constraints=constraints, source_terms=in_text))
            if impossible:
                left_out[number] = tuple(impossible)
        return result, left_out

    def _possible(self, term: Term, exclude: Sequence[Term]) -> Term | None:
        alternatives = tuple(
            text
            for text in term.alternatives
            if self._can_spell(text) and not any(other.occurs_in(text) for other in exclude)
        )
        return replace(term, alternatives=alternatives) if alternatives else None

    def _can_spell(self, text: str) -> bool:
        if text not in self._spelled:
            unk = self.subword.specials.unk
            self._spelled[text] = "\ufffd" not in text and unk not in self.subword.encode_ids([text])[0]
        return self._spelled[text]


def judge_left_out(segment: Segment, terms: Sequence[Term]) -> Segment:
    """Adds left-out terms to `unmet` of each translation that does not contain them.

    Args:
        segment: A segment with its translations.
        terms: Terms that `GlossaryTerms.added_to` left out of the constraints of the segment.

    Returns:
        The segment; its translations have the missing terms in `unmet`, and a warning for each.
    """
    return replace(segment, found=[_with_missing(translation, terms) for translation in segment.found])


def _with_missing(translation: Translation, terms: Sequence[Term]) -> Translation:
    missing = [term.alternatives[0] for term in terms if not term.occurs_in(translation.text)]
    warnings = [
        f"the translation lacks the term {text!r} of the glossary, which is impossible here" for text in missing
    ]
    return replace(translation, unmet=(*missing, *translation.unmet), warnings=(*translation.warnings, *warnings))
