"""Bodies of the requests and responses of the routes under `/v1`, from which FastAPI makes the OpenAPI description."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, WithJsonSchema

from regard.service.v1_resources import ITEM, InlineTerm, UsedTerm
from regard.service.v1_search import SearchFields, refuse_other_types
from regard.translation.markup.keep import MAX_PATTERN, MAX_PATTERNS

_TEXT = {"type": "string", "minLength": 1, "pattern": r"^[^\u0000]+$"}


# The limits come first: those around the validator would be missing from the description.
Positive = Annotated[int, Field(ge=1), BeforeValidator(refuse_other_types)]
Penalty = Annotated[float, Field(ge=0, le=10), BeforeValidator(refuse_other_types)]
Code = Annotated[str, Field(max_length=35, description="Language code of BCP 47, such as en, pt-BR or zh-Hant.")]
Text = Annotated[str, WithJsonSchema(_TEXT)]
Texts = Annotated[
    str | list[str],
    WithJsonSchema(
        {
            "description": "A text or a list of texts.",
            "anyOf": [_TEXT, {"type": "array", "minItems": 1, "items": ITEM}],
        }
    ),
]
Prefix = Annotated[str, WithJsonSchema(ITEM)]
Prefixes = Annotated[
    str | list[str] | None,
    WithJsonSchema({"anyOf": [ITEM, {"type": "array", "items": ITEM}, {"type": "null"}]}),
]
Pattern = Annotated[str, Field(min_length=1, max_length=MAX_PATTERN)]
MAX_NUMBERS = 100
_Number = Annotated[int, Field(ge=0, le=1000), BeforeValidator(refuse_other_types)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")

    api_key: str | None = Field(None, max_length=200, description="API key, if it is not in the Authorization header.")


class AttentionChoice(BaseModel):
    """Layers and heads whose attention is returned.

    Attributes:
        layers: Numbers of layers, from 0; None = all.
        heads: Numbers of heads, from 0; None = all.
    """

    model_config = ConfigDict(extra="forbid")

    layers: list[_Number] | None = Field(None, min_length=1, max_length=MAX_NUMBERS)
    heads: list[_Number] | None = Field(None, min_length=1, max_length=MAX_NUMBERS)


class _TranslateOptions(_Request, SearchFields):
    """Languages and options of a translation.

    Attributes:
        source: Source language; `auto` detects it; may be left out if exactly one model fits.
        target: Target language; may be left out if exactly one model fits.
        format: Format of the texts.
        beam: Width of the beam; 1 is greedy search; the model's own by default.
        n_best: Translations returned for each sentence.
        retry: Whether to check the attention, and to translate again where it looks wrong.
        length_penalty: α of Wu et al. 2016, eq. 14; the model's own by default.
        coverage_penalty: β of the same equation; the model's own by default.
        alignment: Whether to return word alignments.
        attention: true = return the attention of all layers and heads; an object `{"layers": [...], "heads": [...]}` =
            of these only; false = none.
        glossary: Name of a glossary of the service.
        terms: Terms of this request, instead of a glossary.
        terms_in_source: Whether terms are written into the source instead of required by the search; only for models
            trained with it.
        keep: Regular expressions for text that is not translated, such as article numbers.
        attributes: Whether to translate the attributes `alt`, `title`, `placeholder` and `aria-label` of HTML.
        stand_ins: Whether the model reads a name or number in the place of a placeholder such as `{name}`, which it
            otherwise does not read at all.
    """

    source: Code | None = None
    target: Code | None = None
    format: Literal["text", "html"] = "text"
    beam: Positive | None = None
    n_best: Positive = 1
    retry: StrictBool = False
    length_penalty: Penalty | None = None
    coverage_penalty: Penalty | None = None
    alignment: StrictBool = False
    attention: StrictBool | AttentionChoice = False
    glossary: Annotated[str, Field(max_length=64)] | None = None
    terms: list[InlineTerm] | None = None
    terms_in_source: StrictBool = False
    keep: list[Pattern] = Field([], max_length=MAX_PATTERNS)
    attributes: StrictBool = False
    stand_ins: StrictBool = False


class TranslateRequest(_TranslateOptions):
    """Texts to translate.

    Attributes:
        text: A text, or a list of texts.
        prefix: Text with which the translation must begin; a list with one prefix for each text if `text` is a list.
            With prefixes, each text is translated as a single sentence.
    """

    text: Texts
    prefix: Prefixes = None


class StreamRequest(_TranslateOptions):
    """A text to translate sentence by sentence.

    Attributes:
        text: The text.
    """

    text: Text


class ScoreRequest(_Request):
    """Given translations to score.

    Attributes:
        text: A source sentence, or a list of them.
        translation: Its translation, or a list with the translation of each sentence.
        source: Source language; may be left out if exactly one model fits.
        target: Target language; may be left out if exactly one model fits.
        attention: true = return the attention of all layers and heads; an object `{"layers": [...], "heads": [...]}` =
            of these only; false = none.
    """

    text: Texts
    translation: Texts
    source: Code | None = None
    target: Code | None = None
    attention: StrictBool | AttentionChoice = False


class AlignRequest(_Request):
    """Sentence pairs whose words are to be linked.

    Attributes:
        text: A source sentence, or a list of them.
        translation: Its translation, or a list with the translation of each sentence.
        source: Source language; may be left out if exactly one model fits.
        target: Target language; may be left out if exactly one model fits.
    """

    text: Texts
    translation: Texts
    source: Code | None = None
    target: Code | None = None


class AlternativesRequest(_Request):
    """Request for other words at one position of a translation.

    Attributes:
        text: The source sentence.
        prefix: The translation up to this position; empty = the first word is requested.
        source: Source language; may be left out if exactly one model fits.
        target: Target language; may be left out if exactly one model fits.
        count: Number of words to return.
    """

    text: Text
    prefix: Prefix = ""
    source: Code | None = None
    target: Code | None = None
    count: Annotated[int, Field(ge=1, le=20), BeforeValidator(refuse_other_types)] = 5


class QualityFlag(BaseModel):
    """A sign of a bad translation.

    Attributes:
        kind: `unfinished` (cut off at the length limit), `repetition` (a phrase is repeated), `length` (much shorter or
            longer than the source), `coverage` (source words without attention) or `entropy` (attention spread over
            the whole source).
        value: The measurement that the flag is based on, such as the number of repetitions.
        where: Range `[first, last)` of word numbers, from 0: source words for `coverage`, target words for
            `repetition`; null for other kinds.
    """

    model_config = ConfigDict(extra="allow")

    kind: str


class Ranked(BaseModel):
    """An entry of an n-best list.

    Attributes:
        text: The translation.
        score: Log-probability of the translation after length and coverage penalty, in nats.
    """

    text: str
    score: float


class Readout(BaseModel):
    """The layer and head from whose attention the word alignment was derived.

    Attributes:
        layer: Number of the layer, from 0; None = mean over the layers.
        head: Number of the head, from 0; None = mean over the heads.
    """

    layer: int | None
    head: int | None


class Sentence(BaseModel):
    """A translated sentence.

    Attributes:
        source: The source sentence, normalized.
        text: The translation.
        score: Log-probability of the translation after length and coverage penalty, in nats.
        tokens: Subwords of the translation.
        token_scores: Log-probability of each subword, in nats.
        source_words: Words of the source sentence, split at spaces.
        words: Words of the translation.
        word_scores: Log-probability of each word, in nats.
        alignment: Links `[source word, target word]` between word numbers, which start at 0.
        n_best: The best translations, the best first; empty unless more than one was requested.
        warnings: Warnings for the user, each a sentence.
        quality_flags: Signs of a bad translation.
        attention: Attention weights by layer, as `regard.inspection.compact.compact_record` encodes them; null if not
            requested or not available.
        readout: Layer and head from whose attention the alignment was derived.
        terms: Glossary terms that the source sentence contains.
        unmet: Required terms that the translation lacks, and forbidden terms that it contains.
        read_as: The sentence as the model read it, if upper and lower case letters were changed before the translation,
            such as in a sentence in capitals.
    """

    source: str
    text: str
    score: float
    tokens: list[str]
    token_scores: list[float]
    source_words: list[str]
    words: list[str]
    word_scores: list[float]
    alignment: list[tuple[int, int]]
    n_best: list[Ranked]
    warnings: list[str]
    quality_flags: list[QualityFlag]
    attention: dict[str, object] | None = None
    readout: Readout | None = None
    terms: list[UsedTerm] = []
    unmet: list[str] = []
    read_as: str | None = None


class TranslatedText(BaseModel):
    """A translated text.

    Attributes:
        text: The translation.
        sentences: The sentences of the text, each with its translation.
    """

    text: str
    sentences: list[Sentence]


class Detected(BaseModel):
    """A detected language.

    Attributes:
        language: Code of the language.
        confidence: Probability in percent, 0 to 100.
    """

    language: str
    confidence: int


class TranslateAnswer(BaseModel):
    """Translated texts.

    Attributes:
        source: Source language; that of the first text if languages were detected.
        target: Target language.
        path: Languages from source to target; three if the text was translated through another language.
        detected: Detected language of each text; None if the source was given.
        translations: A translation of each text.
    """

    source: str
    target: str
    path: list[str]
    detected: list[Detected] | None = None
    translations: list[TranslatedText]


class ScoreAnswer(BaseModel):
    """Scored translations.

    Attributes:
        source: Source language.
        target: Target language.
        translations: The given translations, with their scores, alignments and attention.
    """

    source: str
    target: str
    translations: list[TranslatedText]


class Alignment(BaseModel):
    """The word alignment of a sentence pair.

    Attributes:
        source_words: Words of the source sentence.
        words: Words of the translation.
        links: Links `[source word, target word]` between word numbers, which start at 0.
    """

    source_words: list[str]
    words: list[str]
    links: list[tuple[int, int]]


class AlignAnswer(BaseModel):
    """Word alignments.

    Attributes:
        source: Source language.
        target: Target language.
        alignments: One alignment per sentence pair.
    """

    source: str
    target: str
    alignments: list[Alignment]


class Alternative(BaseModel):
    """A word that may follow the given beginning of a translation.

    Attributes:
        word: The word.
        text: The whole translation, with the beginning and the word.
        score: Log-probability of the whole translation, in nats.
    """

    word: str
    text: str
    score: float


class AlternativesAnswer(BaseModel):
    """Words that may follow the given beginning of a translation.

    Attributes:
        source: Source language.
        target: Target language.
        alternatives: The words, the most probable first.
    """

    source: str
    target: str
    alternatives: list[Alternative]


class ErrorAnswer(BaseModel):
    """Body of an error response.

    Attributes:
        error: What is wrong, in a sentence.
        code: Short name of the kind of error for programs, such as `queue_full`.
    """

    error: str
    code: str
