"""The words of the translations, cut and linked so that tags within source words find their place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from regard.text.words import word_spans
from regard.translation.markup.block import Atom, Block
from regard.translation.markup.copies import Copy, find_whole, with_copies
from regard.translation.markup.entities import escape, make_movable
from regard.translation.markup.sentence import TranslatedSentence
from regard.values import Span

_IN_WORD = re.compile(r"[^\W_]")


@dataclass(frozen=True, slots=True)
class TargetAtom:
    """A word of a translation, or a part of a word before or after which a tag may stand.

    Attributes:
        text: The text without escapes.
        raw: The text as it is to be written in the document.
        sources: Indices in `Block.atoms` of the source words, or parts of words, that are aligned to this atom, in
            order; empty if none is.
        glued: Whether this atom and the atom before it are parts of one word.
        space: The white space before the word in the translation; empty for the first word of a sentence.
        sentence: Number of the sentence in the block, from 0.
    """

    text: str
    raw: str
    sources: tuple[int, ...]
    glued: bool
    space: str
    sentence: int


def target_atoms(block: Block, translations: Sequence[TranslatedSentence | None]) -> list[TargetAtom]:
    """Cuts the translations of a block into atoms: words, and parts of words where a tag may stand between them.

    A target word that equals the source word aligned to it is cut where tags cut the source word. Otherwise only
    punctuation before and after a word is cut off, and only if a tag stands there in the source.

    Args:
        block: The source text, such as a paragraph, with its tags.
        translations: One per sentence of the block; None = the sentence stays as it is.

    Returns:
        The atoms of all sentences in order.
    """
    result: list[TargetAtom] = []
    words = _source_words(block)
    for number, translation in enumerate(translations):
        sentence = _Sentence(block, number, words[number])
        if translation is None or translation.text == block.sentences[number]:
            result += sentence.unchanged()
        else:
            result += sentence.translated(with_copies(translation, sentence.copies()))
    return result


def _source_words(block: Block) -> list[list[list[int]]]:
    """The atoms of each word of each sentence."""
    sentences: list[list[list[int]]] = [[] for _ in block.sentences]
    for index, atom in enumerate(block.atoms):
        words = sentences[atom.sentence]
        if len(words) <= atom.word:
            words.append([])
        words[-1].append(index)
    return sentences


class _Sentence:
    """Cuts the translation of one sentence of a block into words and parts of words.

    Args:
        block: The source text with its tags.
        number: Number of the sentence in the block, from 0.
        words: For each source word of the sentence, the indices of its parts in `Block.atoms`.
    """

    def __init__(self, block: Block, number: int, words: Sequence[Sequence[int]]) -> None:
        self._block, self._number, self._words = block, number, words
        self._texts = ["".join(block.atoms[index].text for index in word) for word in words]

    def copies(self) -> list[Copy]:
        """The texts of the sentence that are copied to the translation, such as `10 km`, in order."""
        atoms: dict[int, list[tuple[int, str]]] = {}
        stand_ins: set[int] = set()
        for number, word in enumerate(self._words):
            for index in word:
                atom = self._block.atoms[index]
                if atom.copied:
                    atoms.setdefault(atom.copied, []).append((number, atom.text))
                    if atom.text not in atom.raw:
                        stand_ins.add(atom.copied)
        return [
            Copy(tuple(word for word, _ in parts), tuple(text for _, text in parts), number in stand_ins)
            for number, parts in atoms.items()
        ]

    def unchanged(self) -> Iterator[TargetAtom]:
        """The words of the source sentence, for a sentence that is not translated."""
        for number, word in enumerate(self._words):
            yield from self._copy(word, " " if number else "", ())

    def translated(self, translation: TranslatedSentence) -> Iterator[TargetAtom]:
        """The words of a translation."""
        spans = word_spans(translation.text)
        links = self._links(translation, [translation.text[start:end] for start, end in spans])
        previous_end = spans[0][0] if spans else 0
        for number, (start, end) in enumerate(spans):
            space = translation.text[previous_end:start]
            yield from self._translated_word(translation.text[start:end], links.get(number, []), space)
            previous_end = end

    def _links(self, translation: TranslatedSentence, targets: Sequence[str]) -> Mapping[int, list[int]]:
        """The source words of each target word; an unaligned word is linked to an unaligned source word equal to it."""
        links: dict[int, list[int]] = {}
        for source, target in sorted(set(translation.alignment)):
            if 0 <= source < len(self._words) and 0 <= target < len(targets):
                links.setdefault(target, []).append(source)
        if links:
            linked = {source for sources in links.values() for source in sources}
            unlinked = {text: number for number, text in enumerate(self._texts) if number not in linked}
            for number, text in enumerate(targets):
                if number not in links and text in unlinked:
                    links[number] = [unlinked.pop(text)]
        return links

    def _translated_word(self, text: str, sources: Sequence[int], space: str) -> Iterator[TargetAtom]:
        equal = next((source for source in sources if self._texts[source] == text), None)
        if equal is not None:
            others = [index for source in sources if source != equal for index in self._words[source]]
            yield from self._copy(self._words[equal], space, others)
            return
        copied = self._copied_parts(text, sources)
        if copied:
            yield from self._around_copies(text, copied, sources, space)
            return
        kinds = [self._by_kind(self._words[source]) for source in sources]
        for number, (kind, part) in enumerate(_parts(text, kinds)):
            indices = [index for source_kinds in kinds for index in source_kinds[kind]]
            indices = indices or [index for source in sources for index in self._words[source]]
            yield TargetAtom(
                part, self._spelling(part, indices), tuple(indices), number > 0, space if not number else "",
                self._number,
            )  # fmt: skip

    def _copied_parts(self, text: str, sources: Sequence[int]) -> list[tuple[Span, int]]:
        """The characters of a target word that are copied atoms of the source words, in order, and these atoms."""
        parts: list[tuple[Span, int]] = []
        free = text
        for index in (index for source in sources for index in self._words[source]):
            span = find_whole(self._block.atoms[index].text, free) if self._block.atoms[index].copied else None
            if span is not None:
                parts.append((span, index))
                free = free[: span[0]] + "\ufdd0" * (span[1] - span[0]) + free[span[1] :]
        return sorted(parts)

    def _around_copies(
        self, text: str, copied: Sequence[tuple[Span, int]], sources: Sequence[int], space: str
    ) -> Iterator[TargetAtom]:
        own = [index for _, index in copied]
        others = [index for source in sources for index in self._words[source] if index not in own]
        position, previous, glued = 0, -1, False
        for (start, end), index in [*copied, ((len(text), len(text)), len(self._block.atoms))]:
            between = tuple(atom for atom in others if previous < atom < index)
            for part, atoms in ((text[position:start], between), (text[start:end], (index,))):
                if part:
                    raw = self._block.atoms[index].raw if atoms == (index,) else escape(part, self._block.escaping)
                    yield TargetAtom(part, raw, atoms, glued, "" if glued else space, self._number)
                    glued = True
            position, previous = end, index

    def _copy(self, word: Sequence[int], space: str, others: Sequence[int]) -> Iterator[TargetAtom]:
        for number, index in enumerate(word):
            atom = self._block.atoms[index]
            raw = make_movable(atom.raw, self._block.escaping, within_word=len(word) > 1)
            sources = tuple(sorted({index, *others}))
            yield TargetAtom(atom.text, raw, sources, number > 0, space if not number else "", self._number)

    def _by_kind(self, word: Sequence[int]) -> dict[str, list[int]]:
        """The atoms of a word: punctuation before it, the word, punctuation after it."""
        marks = [not any(character.isalnum() for character in self._block.atoms[index].text) for index in word]
        if all(marks):
            return {"lead": [], "core": list(word), "tail": []}
        lead, tail = marks.index(False), len(word) - marks[::-1].index(False)
        return {"lead": list(word[:lead]), "core": list(word[lead:tail]), "tail": list(word[tail:])}

    def _spelling(self, text: str, indices: Sequence[int]) -> str:
        atoms: list[Atom] = [self._block.atoms[index] for index in indices]
        equal = next((atom for atom in atoms if atom.text == text), None)
        if equal is not None:
            return make_movable(equal.raw, self._block.escaping, within_word=True)
        return escape(text, self._block.escaping)


def _parts(text: str, kinds: Sequence[Mapping[str, Sequence[int]]]) -> list[tuple[str, str]]:
    """Cuts punctuation off a word where the punctuation of a source word is an atom of its own."""
    has_lead, has_tail = any(source["lead"] for source in kinds), any(source["tail"] for source in kinds)
    if not has_lead and not has_tail:
        return [("core", text)]
    first, last = _IN_WORD.search(text), _IN_WORD.search(text[::-1])
    if first is None or last is None:
        return [("tail" if has_tail else "lead", text)]
    start, end = first.start() if has_lead else 0, len(text) - last.start() if has_tail else len(text)
    parts = [("lead", text[:start]), ("core", text[start:end]), ("tail", text[end:])]
    return [(kind, part) for kind, part in parts if part]
