"""Converts sentences in capitals, title case or lower case to ordinary case before they are translated.

A model that was trained on ordinary text has seen few words in capitals: its vocabulary spells them letter by letter,
and the translation is unrelated to the sentence. Which case of a word is usual is taken from the vocabulary, whose
subwords and their probabilities come from the training text, so no rules of a language are needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from regard.search.constraints import Term
from regard.text.sentences import sentence_spans
from regard.text.subword import Subword, scored_surfaces
from regard.translation.result import Segment, Translation
from regard.translation.term_use import occurrences
from regard.values import Encoding

MIN_RATIO = 1.3
"""Smallest ratio of the numbers of subwords, as it stands and recased, from which a sentence is recased."""
MIN_LETTERS = 5
"""Fewest letters of a sentence in capitals; a shorter one may be an acronym."""
MIN_TITLE_WORDS = 3
"""Fewest words of two letters of a sentence in title case."""
_TITLE_SHARE = 0.8
"""Smallest share of capitalized words of a sentence in title case; articles and prepositions may be in lower case."""

MIN_LOWER_WORDS = 3
"""Fewest words of a sentence in lower case; a shorter one may be a phrase."""

LOWER_MARGIN = 3.0
"""Log-probability in nats by which a capitalized word must exceed the word in lower case."""
_FINAL_MARKS = tuple(".!?…")

BYTE_COST = 20.0
"""Cost of a byte of a character that the vocabulary does not contain, in nats."""

Case = Literal["capitals", "title", "lower"]

_NAMES: dict[Case, str] = {
    "capitals": "in capitals, which the vocabulary hardly contains: translated as {!r}, and put into capitals",
    "title": "in title case, which the vocabulary hardly contains: translated as {!r}",
    "lower": "in lower case, where the vocabulary expects capitals: translated as {!r}, and begun in lower case",
}


@dataclass(frozen=True, slots=True)
class _Costs:
    """How unusual each subword of a vocabulary is.

    Attributes:
        costs: Negative log-probability of each subword, by id; its merge rank for BPE.
        has_capitals: Whether any subword contains a capital letter, so that the training text was not in lower case.
    """

    costs: tuple[float, ...]
    has_capitals: bool

    def total(self, ids: Sequence[int]) -> tuple[int, float]:
        """Number of subwords, and the sum of their costs; lower values are more usual."""
        return len(ids), sum(self.costs[i] for i in ids)


@lru_cache(maxsize=8)
def _costs(subword: Subword) -> _Costs:
    scored = scored_surfaces(subword)
    texts = [surface for surface, _ in scored if isinstance(surface, str)]
    costs = tuple(BYTE_COST if isinstance(surface, int) else -score for surface, score in scored)
    return _Costs(costs, any(map(str.isupper, "".join(texts))))


@dataclass(frozen=True, slots=True)
class RecasedSegment:
    """A segment in unusual case, with the segment that is translated instead.

    Attributes:
        given: The original segment, in unusual case.
        read: The segment in ordinary case, of the same length, which the model translates.
        case: Case of the original segment: `capitals`, `title` or `lower`.
    """

    given: Segment
    read: Segment
    case: Case

    def restored(self, filled: Segment) -> Segment:
        """The original segment with the translations of the segment in ordinary case.

        Args:
            filled: The segment in ordinary case, `read`, with its translations.

        Returns:
            The original segment, `given`, with translations. Translations of a segment in capitals are put into
            capitals, except for required terms with `ignore_case=False`; those of a segment in lower case begin in
            lower case. `read_as` and a warning of each translation contain the text that the model read.
        """
        terms = (*filled.constraints.include, *filled.source_terms)
        terms = tuple(term for term in terms if not term.ignore_case)
        found = [self._restored(translation, terms) for translation in filled.found]
        return replace(filled, source=self.given.source, found=found)

    def _restored(self, translation: Translation, terms: Sequence[Term]) -> Translation:
        text = translation.text
        if self.case == "capitals":
            text = _changed(text, str.upper, range(len(text)), terms)
        elif self.case == "lower":
            text = _changed(text, str.lower, range(1), terms)
        warning = _NAMES[self.case].format(self.read.source.text)
        return replace(
            translation,
            source=self.given.source.text,
            text=text,
            read_as=self.read.source.text,
            warnings=(*translation.warnings, warning),
        )


def recase_segments(segments: Sequence[Segment], subword: Subword) -> dict[int, RecasedSegment]:
    """Finds segments in capitals, title case or lower case that the vocabulary fits better in ordinary case.

    Args:
        segments: Segments; those with a prefix are left as they are, since the prefix has the case of the translation.
        subword: Source vocabulary.

    Returns:
        For each segment found, by its index in `segments`: the original, and the segment in ordinary case to translate.
    """
    result = {}
    for number, segment in enumerate(segments):
        case = None if segment.prefix else case_of(segment.source.text)
        if case is None:
            continue
        text = ordinary_case(segment.source.text, subword)
        source = subword.encode(text)
        if len(text) == len(segment.source.text) and _is_better(segment, source, case, subword):
            result[number] = RecasedSegment(segment, replace(segment, source=source), case)
    return result


def _is_better(segment: Segment, read: Encoding, case: Case, subword: Subword) -> bool:
    """Whether the vocabulary knows a segment better in ordinary case than as it stands."""
    given, costs = segment.source, _costs(subword)
    if case == "lower":  # the rest of a longer line begins in lower case, too
        is_sentence = given.text.endswith(_FINAL_MARKS) or costs.total(read.ids) < costs.total(given.ids)
        return segment.first_word == 0 and is_sentence and given.text != read.text
    return len(given.ids) >= MIN_RATIO * len(read.ids)


def case_of(text: str) -> Case | None:
    """Whether a sentence is in capitals, in title case or in lower case.

    >>> case_of("HOW WAS YOUR DAY?"), case_of("How Was Your Day?"), case_of("How was NASA?"), case_of("NATO")
    ('capitals', 'title', None, None)

    Args:
        text: The sentence.

    Returns:
        `capitals`, `title` or `lower`. None if it is none of these, or if the text is too short to tell: fewer than
        `MIN_LETTERS` (5) capital letters may be an acronym, such as "NATO", and one or two words may be a name or a
        phrase.
    """
    if len(text.split()) >= MIN_LOWER_WORDS and any(map(str.islower, text)) and text == text.lower():
        return "lower"
    num_upper = sum(map(str.isupper, text))
    if num_upper >= MIN_LETTERS and not any(map(str.islower, text)):
        return "capitals"
    words = [letters for word in text.split() if len(letters := "".join(filter(str.isalpha, word))) > 1]
    num_title = sum(word[0].isupper() and word[1:].islower() for word in words)
    return "title" if num_title >= max(MIN_TITLE_WORDS, _TITLE_SHARE * len(words)) else None


def ordinary_case(text: str, subword: Subword) -> str:
    """Gives each word of a sentence the case that is most probable by the vocabulary.

    Args:
        text: The sentence, as `regard.text.normalize.normalize` returns it.
        subword: Source vocabulary. The case of a word with the fewest subwords is chosen; among equals, the most
            probable. The log-probability of capitals must be higher by `LOWER_MARGIN` (3 nats), since the beginnings
            of sentences make them frequent.

    Returns:
        The text in ordinary case, with a capital at each beginning of a sentence; in lower case if the vocabulary has
        no capitals.
    """
    costs_of = _costs(subword)
    if not costs_of.has_capitals:
        return text.lower()
    starts = {start for start, _ in sentence_spans(text)}
    words = text.split(" ")
    choices: list[list[str]] = []
    position = 0
    for word in words:
        capitalized = _capitalized(word)
        own = [word.lower(), capitalized, word]
        if position in starts:
            own = [capitalized] if word == word.lower() else [capitalized, word]
        choices.append(own)
        position += len(word) + 1
    flat = list(dict.fromkeys(choice for own in choices for choice in own))
    costs = dict(zip(flat, map(costs_of.total, subword.encode_ids(flat)), strict=True))

    def cost(word: str) -> tuple[int, float]:
        length, score = costs[word]
        return length, score + LOWER_MARGIN * (word != word.lower())

    return " ".join(min(own, key=cost) for own in choices)


def _capitalized(word: str) -> str:
    """A word in lower case but for its first letter, which may stand behind a quotation mark."""
    for index, character in enumerate(word):
        if character.isalpha():
            return word[:index] + character.upper() + word[index + 1 :].lower()
    return word


def _changed(text: str, change: Callable[[str], str], places: range, terms: Sequence[Term]) -> str:
    """A text of the same length with some characters changed to upper or lower case, except for those of terms."""
    kept = {index for term in terms for start, end in occurrences(term, text) for index in range(start, end)}
    return "".join(
        change(character) if index in places and index not in kept and len(change(character)) == 1 else character
        for index, character in enumerate(text)
    )
