"""Requests for translations and their results; splits texts into sentences, and joins the translated sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from regard.alignment.readout import Readout
from regard.service.detection import DetectedLanguage
from regard.service.glossaries import NO_TERMS, RequestedTerms
from regard.translation.documents import as_sentence
from regard.translation.glossary import Glossary
from regard.translation.markup.document import parse
from regard.translation.markup.markup_document import Document
from regard.translation.markup.markup_options import DEFAULT_MARKUP, MarkupOptions
from regard.translation.markup.sentence import TranslatedSentence
from regard.translation.options import TranslateOptions
from regard.translation.result import Translation

AUTO = "auto"
"""Source language that stands for the detected one."""


@dataclass(frozen=True, slots=True)
class TextRequest:
    """Texts to translate.

    Attributes:
        texts: The texts, each of any length.
        source: Code of the source language; `auto` detects it for each text.
        target: Code of the target language.
        options: Options of the translation.
        format: `text`, `html` or `xml`.
        terms: Glossary terms that the translations must use or avoid.
        markup: Which text is left untranslated, such as placeholders, and which attributes are translated.
        prefixes: The required beginning of the translation of each text. If given, each text is translated as a single
            sentence. Empty = no prefixes.
    """

    texts: tuple[str, ...]
    source: str
    target: str
    options: TranslateOptions
    format: str = "text"
    prefixes: tuple[str, ...] = ()
    terms: RequestedTerms = NO_TERMS
    markup: MarkupOptions = DEFAULT_MARKUP


@dataclass(frozen=True, slots=True)
class TextResult:
    """A translated text.

    Attributes:
        text: The translation, with all markup and white space of the source text.
        sentences: The translation of each sentence.
        source: Code of the source language.
        path: Codes of the languages from source to target; three if the text was translated through another language.
        detected: The detected language; None if the source language was given.
        alternatives: Other translations of the whole text, best first.
        readout: Layer, head and rule by which word alignments were derived from the attention; None after a translation
            through another language.
        glossary: Glossary terms that were used for the translation; None = none.
    """

    text: str
    sentences: tuple[Translation, ...]
    source: str
    path: tuple[str, ...]
    detected: DetectedLanguage | None = None
    alternatives: tuple[str, ...] = ()
    readout: Readout | None = None
    glossary: Glossary | None = None


@dataclass(frozen=True, slots=True)
class StreamedSentence:
    """A translated sentence of a text whose sentences are sent one by one.

    Attributes:
        index: Number of the sentence, from 0.
        total: Number of sentences in the text.
        translation: Translation of the sentence.
        glossary: Glossary terms that were used for the translation; None = none.
    """

    index: int
    total: int
    translation: Translation
    glossary: Glossary | None = None


@dataclass(frozen=True, slots=True)
class _OneSentence:
    """A text that is translated as one sentence.

    Attributes:
        sentences: The text as the only sentence.
    """

    sentences: tuple[str, ...]

    @property
    def needs_alignment(self) -> bool:
        """Always False: without markup or placeholders, no word alignment is needed."""
        return False

    def render(self, translations: Sequence[TranslatedSentence]) -> str:
        """Returns the translation of the only sentence as the whole text. See `Document.render`."""
        return translations[0].text


def with_alignment(options: TranslateOptions, documents: Sequence[Document]) -> TranslateOptions:
    """Turns on the option `alignment` if a document needs word alignments to place its tags or placeholders.

    Args:
        options: Options of a request.
        documents: The texts of the request, parsed.

    Returns:
        The options to translate with.
    """
    if options.alignment or not any(document.needs_alignment for document in documents):
        return options
    return replace(options, alignment=True)


def parse_text(text: str, request: TextRequest) -> Document:
    """Splits a text into the sentences to translate, and the markup between them.

    Args:
        text: One of the request's texts.
        request: The request, which gives the format of the text and the text to leave untranslated.

    Returns:
        The text as a document. If the request has prefixes, the whole text is the only sentence.
    """
    if request.prefixes:
        return _OneSentence((text,))
    return parse(text, request.format, request.markup)


def render_texts(
    documents: Sequence[Document], translations: Sequence[Translation]
) -> list[tuple[str, tuple[Translation, ...], tuple[str, ...]]]:
    """Joins the translations of sentences to translated texts.

    Args:
        documents: The source texts, split into sentences.
        translations: The translations of all sentences of all texts, in order.

    Returns:
        For each text: its translation, the translations of its sentences, and other translations of the whole text,
        best first.
    """
    results, first = [], 0
    for document in documents:
        own = tuple(translations[first : first + len(document.sentences)])
        first += len(own)
        text = document.render([as_sentence(translation) for translation in own])
        results.append((text, own, _alternatives(document, own, text)))
    return results


def _alternatives(document: Document, translations: Sequence[Translation], best: str) -> tuple[str, ...]:
    """Whole texts of the second best translations of all sentences, of the third best, and so on."""
    ranks = max((len(translation.n_best) for translation in translations), default=0)
    texts = []
    for rank in range(1, ranks):
        chosen = [
            translation.n_best[min(rank, len(translation.n_best) - 1)] if translation.n_best else translation
            for translation in translations
        ]
        texts.append(document.render([as_sentence(translation) for translation in chosen]))
    return tuple(text for text in dict.fromkeys(texts) if text != best)
