"""Vocabularies of a few subwords, in which texts have many spellings, and plain checks of constraints."""

from __future__ import annotations

import random
from collections.abc import Sequence

from regard.search.constraints import Constraints, Term
from regard.text.term_vocabulary import TermVocabulary
from regard.text.tokenizers import Surface, join_pieces
from regard.values import Specials

LETTERS: Sequence[Surface] = [None, None, None, None, "▁a", "b", "▁", "a", "▁ab"]
MIXED: Sequence[Surface] = [None, None, None, None, "▁a", "A", "a", "-", "▁", 0xC3, 0xA9]
UNSPACED: Sequence[Surface] = [None, None, None, None, "▁", "日", "日本", "本", "a", "本a"]


def vocabulary(surfaces: Sequence[Surface]) -> TermVocabulary:
    """A vocabulary that segments text from the left, into the longest subwords."""
    texts = {surface: token for token, surface in enumerate(surfaces) if isinstance(surface, str)}

    def encode(texts_to_encode: Sequence[str]) -> list[list[int]]:
        segmented = []
        for text in texts_to_encode:
            rest, ids = "▁" + text.replace(" ", "▁"), []
            while rest:
                end = next((end for end in range(len(rest), 0, -1) if rest[:end] in texts), 0)
                if end:
                    ids.append(texts[rest[:end]])
                else:
                    ids += [surfaces.index(value) for value in rest[0].encode()]
                rest = rest[max(end, 1) :]
            segmented.append(ids)
        return segmented

    return TermVocabulary(surfaces, Specials(), encode)


def text_of(surfaces: Sequence[Surface], ids: Sequence[int]) -> str:
    return join_pieces(surfaces[token] for token in ids)[0]


def satisfied(constraints: Constraints, text: str) -> bool:
    """Whether a text satisfies constraints, by a check that shares no code with the search."""
    return (
        "\ufffd" not in text
        and all(contains(term, text) for term in constraints.include)
        and not any(contains(term, text) for term in constraints.exclude)
    )


def contains(term: Term, text: str) -> bool:
    if term.ignore_case:
        text = text.lower()
    for alternative in term.alternatives:
        part = alternative.lower() if term.ignore_case else alternative
        for start in range(len(text) - len(part) + 1):
            if text[start : start + len(part)] == part:
                before, after = text[:start][-1:], text[start + len(part) :][:1]
                joined = is_spaced_letter(before) and is_spaced_letter(part[0])
                joined = joined or (is_spaced_letter(after) and is_spaced_letter(part[-1]))
                if not (term.whole_words and joined):
                    return True
    return False


def is_spaced_letter(character: str) -> bool:
    return character.isalpha() and character not in "日本"


def random_constraints(choose: random.Random, characters: str) -> Constraints:
    def term() -> Term:
        texts = {
            "".join(choose.choices(characters, k=choose.randint(1, 3))).strip() for _ in range(choose.randint(1, 2))
        }
        alternatives = tuple(sorted(" ".join(text.split()) for text in texts if text.strip())) or (characters[0],)
        return Term(alternatives, ignore_case=choose.random() < 0.5, whole_words=choose.random() < 0.5)

    return Constraints(
        tuple(term() for _ in range(choose.randint(0, 2))), tuple(term() for _ in range(choose.randint(0, 2)))
    )
