"""Sentences in capitals or in title case, which are translated from the case that the vocabulary knows.

A model that was trained on ordinary text has seen few words in capitals: its vocabulary spells them letter by letter,
and the translation is unrelated to the sentence. Which case of a word is usual is taken from the vocabulary, whose
subwords and their probabilities come from the training text, so this depends on no language.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from regard.search.constraints import Term
from regard.text.sentences import sentence_spans
from regard.text.subword import Subword
from regard.translation.result import Segment, Translation
from regard.translation.term_use import occurrences

MIN_RATIO = 1.3
"""Smallest ratio of the numbers of subwords, as it stands and recased, from which a sentence is recased."""
MIN_LETTERS = 5
"""Fewest letters of a sentence in capitals; a shorter one may be an acronym."""
MIN_TITLE_WORDS = 3
"""Fewest words of two letters of a sentence in title case."""
_TITLE_SHARE = 0.8
"""Smallest share of capitalized words of a sentence in title case; articles and prepositions may be in lower case."""

Case = Literal["capitals", "title"]


@dataclass(frozen=True, slots=True)
class RecasedSegment:
    """A segment in unusual case, with the segment that is translated instead.

    Attributes:
        given: The segment as it was given.
        read: The segment in ordinary case, of the same length.
        case: Case of the given segment.
    """

    given: Segment
    read: Segment
    case: Case

    def restored(self, filled: Segment) -> Segment:
        """The given segment with the translations of the other one.

        Args:
            filled: The segment `read` with its translations.

        Returns:
            The given segment. Of a segment in capitals, translations are put into capitals, except for terms that must
            have a certain case; each translation says what was read.
        """
        terms = [term for term in filled.constraints.include if not term.ignore_case]
        found = [self._restored(translation, terms) for translation in filled.found]
        return replace(filled, source=self.given.source, found=found)

    def _restored(self, translation: Translation, terms: Sequence[Term]) -> Translation:
        text = _capitals(translation.text, terms) if self.case == "capitals" else translation.text
        done = ", and put into capitals" if self.case == "capitals" else ""
        kind = "capitals" if self.case == "capitals" else "title case"
        warning = f"in {kind}, which the vocabulary hardly contains: translated as {self.read.source.text!r}{done}"
        return replace(
            translation,
            source=self.given.source.text,
            text=text,
            read_as=self.read.source.text,
            warnings=(*translation.warnings, warning),
        )


def recase_segments(segments: Sequence[Segment], subword: Subword) -> dict[int, RecasedSegment]:
    """Finds the segments in capitals or in title case that the vocabulary can read better in ordinary case.

    Args:
        segments: Segments; those with a prefix are left as they are, since the prefix has the case of the translation.
        subword: Source vocabulary.

    Returns:
        What is translated instead, by the number of the segment.
    """
    result = {}
    for number, segment in enumerate(segments):
        case = None if segment.prefix else case_of(segment.source.text)
        if case is None:
            continue
        text = ordinary_case(segment.source.text, subword)
        source = subword.encode(text)
        if len(text) == len(segment.source.text) and len(segment.source.ids) >= MIN_RATIO * len(source.ids):
            result[number] = RecasedSegment(segment, replace(segment, source=source), case)
    return result


def case_of(text: str) -> Case | None:
    """Whether a sentence is in capitals or in title case.

    >>> case_of("HOW WAS YOUR DAY?"), case_of("How Was Your Day?"), case_of("How was NASA?"), case_of("NATO")
    ('capitals', 'title', None, None)

    Args:
        text: The sentence.

    Returns:
        The case; None if it is neither.
    """
    num_upper = sum(map(str.isupper, text))
    if num_upper >= MIN_LETTERS and not any(map(str.islower, text)):
        return "capitals"
    words = [letters for word in text.split() if len(letters := "".join(filter(str.isalpha, word))) > 1]
    num_title = sum(word[0].isupper() and word[1:].islower() for word in words)
    return "title" if num_title >= max(MIN_TITLE_WORDS, _TITLE_SHARE * len(words)) else None


def ordinary_case(text: str, subword: Subword) -> str:
    """Gives each word of a sentence the case that is most probable by the vocabulary.

    Args:
        text: The sentence, normalized.
        subword: Source vocabulary: the fewest subwords count first, then their probability.

    Returns:
        The sentence; the first word of each of its sentences is capitalized, unless the vocabulary has no capitals.
    """
    if not subword.has_capitals:
        return text.lower()
    starts = {start for start, _ in sentence_spans(text)}
    words = text.split(" ")
    choices: list[list[str]] = []
    position = 0
    for word in words:
        capitalized = _capitalized(word)
        choices.append([capitalized, word] if position in starts else [word.lower(), capitalized, word])
        position += len(word) + 1
    flat = list(dict.fromkeys(choice for own in choices for choice in own))
    costs = dict(zip(flat, map(subword.cost, subword.encode_ids(flat)), strict=True))
    return " ".join(min(own, key=costs.__getitem__) for own in choices)


def _capitalized(word: str) -> str:
    """A word in lower case but for its first letter, which may stand behind a quotation mark."""
    for index, character in enumerate(word):
        if character.isalpha():
            return word[:index] + character.upper() + word[index + 1 :].lower()
    return word


def _capitals(text: str, terms: Sequence[Term]) -> str:
    """A text in capitals of the same length, in which terms are left as they are."""
    kept = {index for term in terms for start, end in occurrences(term, text) for index in range(start, end)}
    return "".join(
        character.upper() if index not in kept and len(character.upper()) == 1 else character
        for index, character in enumerate(text)
    )
