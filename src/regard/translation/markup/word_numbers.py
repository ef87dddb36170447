"""Splits the words of a block into sentences, and numbers the words within each sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from regard.text.normalize import normalize, replace_blanks
from regard.text.sentences import sentence_spans
from regard.translation.markup.block import Atom
from regard.translation.markup.entities import SpelledText


class Fragment(NamedTuple):
    """A word, or a part of a word between tags.

    Attributes:
        text: The text of the fragment, with its spelling in the document.
        glued: Whether this fragment and the fragment before it are parts of one word.
        copied: Number, from 1, of the text such as `10 km` that is copied to the translation and of which this is a
            part; 0 = this is not copied.
    """

    text: SpelledText
    glued: bool
    copied: int = 0


@dataclass(slots=True)
class NumberedWords:
    """The words of a block, such as a paragraph, each with the numbers of its sentence and of itself.

    A fragment is a word, or a part of a word between tags. A fragment with a sentence boundary within it, as in scripts
    without spaces, becomes two atoms; every other fragment becomes one.

    Attributes:
        atoms: The words and parts of words. Each atom has its sentence number in the block and its word number in the
            sentence.
        positions: Index of the first atom of each fragment; at the end, the number of atoms.
        sentences: Normalized text of each sentence.
    """

    atoms: list[Atom] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)


def number_words(fragments: Sequence[Fragment], breaks: set[int]) -> NumberedWords:
    """Splits the words of a block, such as a paragraph, into sentences and numbers the words of each sentence.

    Args:
        fragments: The words and parts of words of the block.
        breaks: Indices of fragments that begin a sentence even without punctuation before them.

    Returns:
        The sentences, and the words with their sentence and word numbers.
    """
    result = NumberedWords()
    edges = sorted({0, len(fragments), *breaks})
    for first, last in pairwise(edges):
        _number_paragraph(fragments[first:last], result)
    result.positions.append(len(result.atoms))
    return result


def _number_paragraph(fragments: Sequence[Fragment], result: NumberedWords) -> None:
    parts, starts, length = [], [], 0
    for index, (text, glued, _) in enumerate(fragments):
        if index and not glued:
            parts.append(" ")
            length += 1
        starts.append(length)
        parts.append(replace_blanks(text.text))
        length += len(text.text)
    paragraph = "".join(parts)
    spans = sentence_spans(paragraph)
    begins = [start for start, _ in spans]
    first_sentence, number, word = len(result.sentences), 0, -1
    for index, ((text, glued, copied), start) in enumerate(zip(fragments, starts, strict=True)):
        result.positions.append(len(result.atoms))
        end = start + len(text.text)
        while start < end:
            opens = number < len(begins) and begins[number] == start
            if opens:
                number, word = number + 1, -1
            stop = min(end, begins[number]) if number < len(begins) else end
            glued = glued and not opens and bool(index)
            word += not glued
            part = text.part(start - end + len(text.text), stop - end + len(text.text))
            result.atoms.append(Atom(normalize(part.text), part.raw, glued, first_sentence + number - 1, word, copied))
            start, glued = stop, True
    result.sentences += [normalize(paragraph[start:end]) for start, end in spans]
