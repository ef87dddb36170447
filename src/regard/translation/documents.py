"""Translation of documents: all sentences in one pass, then the document with their translations."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from regard.translation.markup.files import FileDocument
from regard.translation.markup.sentence import TranslatedSentence
from regard.translation.markup.stand_ins import CANDIDATE_NAMES, CANDIDATE_NUMBERS, StandIns
from regard.translation.options import TranslateOptions
from regard.translation.result import Translation
from regard.translation.translator import DEFAULT, Translator

_WORD = re.compile(r"\w+")
_FRAMES = ("{}.", "{}?", "{}, {}.")
_CANDIDATES = (*CANDIDATE_NAMES, *CANDIDATE_NUMBERS)
STAND_IN_LINES = tuple(frame.format(candidate, candidate) for frame in _FRAMES for candidate in _CANDIDATES)
"""Lines whose translations show which names and numbers a model copies."""
STAND_IN_OPTIONS = TranslateOptions(beam=1, scores=False)
"""Options with which these lines are translated."""
Observe = Callable[[Iterator[Translation]], Iterable[Translation]]
"""A function of an iterator that yields the same translations as they arrive, such as one that shows the progress."""


def translate_document(
    translator: Translator,
    document: FileDocument,
    options: TranslateOptions = DEFAULT,
    *,
    observe: Observe = iter,
) -> bytes:
    """Translates a document.

    Args:
        translator: The translator.
        document: The document, from `regard.translation.markup.files.open_file`.
        options: Options of the translation; the word alignment is computed if the document needs it.
        observe: Function that is called once with an iterator over all translations, one per sentence of the document,
            and returns an iterable of the same translations, such as one that also shows the progress. The default
            only passes them on.

    Returns:
        The translated document, in its own format.
    """
    options = replace(options, alignment=document.needs_alignment)
    translations = translator.translate_lines(document.sentences, options)
    return document.render([as_sentence(translation) for translation in observe(translations)])


def find_stand_ins(translator: Translator) -> StandIns:
    """Finds names and numbers that a model copies, to stand for placeholders in the sentences that it translates.

    Each candidate, such as `Paris`, is tested in short sentences without other words, so any source language works.

    Args:
        translator: The translator.

    Returns:
        The names and numbers that the model copies; there may be none, such as if the target language has another
        script.
    """
    return copied_stand_ins([result.text for result in translator.translate_lines(STAND_IN_LINES, STAND_IN_OPTIONS)])


def copied_stand_ins(translations: Sequence[str]) -> StandIns:
    """Finds names and numbers that a model copies, given its translations.

    Args:
        translations: The model's translations of `STAND_IN_LINES`, short sentences with a name or number each.

    Returns:
        The names and numbers that all translations contain as often as the source.
    """
    copied = set(_CANDIDATES)
    for candidate, line, text in zip(_CANDIDATES * len(_FRAMES), STAND_IN_LINES, translations, strict=True):
        if _WORD.findall(text).count(candidate) != line.count(candidate):
            copied.discard(candidate)
    return StandIns(
        tuple(name for name in CANDIDATE_NAMES if name in copied),
        tuple(number for number in CANDIDATE_NUMBERS if number in copied),
    )


def as_sentence(translation: Translation) -> TranslatedSentence:
    """Converts a translation to the form from which documents are rendered.

    Args:
        translation: The translation of a sentence.

    Returns:
        The text and word links of the translation. If the translation is empty, its text is the source sentence.
    """
    text = translation.text or translation.source
    return TranslatedSentence(translation.source, text, translation.alignment)
