"""Models and glossary terms in requests and responses of the routes under `/v1`."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StrictBool, WithJsonSchema

ITEM = {"type": "string", "pattern": r"^[^\u0000]*$"}
"""JSON Schema of a text that may be empty."""


class InlineTerm(BaseModel):
    """A term in the source language and its translations.

    Attributes:
        source: The term, or several spellings of the term with `|` between them. Empty = `target` contains only
            translations with `!`, which are forbidden in every sentence.
        target: The translations with `|` between them; a translation that begins with `!` must not be used.
        case: Whether the term matches only with the same upper and lower case letters.
        inflect: Whether the term also matches with endings of up to three letters on its first and last word.
        keep: Whether the term is kept as it is in the source sentence; `target` is then left empty.
    """

    model_config = ConfigDict(extra="forbid")

    source: Annotated[str, WithJsonSchema(ITEM)] = ""
    target: Annotated[str, WithJsonSchema(ITEM)] = ""
    case: StrictBool = False
    inflect: StrictBool = False
    keep: StrictBool = False


class UsedTerm(BaseModel):
    """A glossary term in a source sentence, and whether the translation of the sentence follows the glossary.

    Attributes:
        source: The term, as the sentence contains it; empty for a translation that is forbidden in every sentence.
        span: Range `[start, end)` of the term's characters in the sentence; None if `source` is empty.
        targets: Translations of the term, any of which may be used; if `forbidden`, a translation not to be used.
        forbidden: Whether `targets` must not be used.
        met: Whether the translation follows the glossary: it has one of `targets`, or none if `forbidden`.
        target_spans: Ranges `[start, end)` of the characters of the translation where one of `targets` occurs.
    """

    source: str
    span: tuple[int, int] | None
    targets: list[str]
    forbidden: bool
    met: bool
    target_spans: list[tuple[int, int]]


class Model(BaseModel):
    """A model of the service.

    Attributes:
        name: Direction of the model, such as `en-fr`.
        source: Source language.
        target: Target language.
        loaded: Whether the model is in memory.
        signature: Text that identifies architecture and weights; None while the model is not loaded.
        memory_bytes: Estimated memory that the model takes, in bytes.
    """

    name: str
    source: str
    target: str
    loaded: bool
    signature: str | None
    memory_bytes: int


class ModelsAnswer(BaseModel):
    """The models of the service, as the route `/v1/models` returns them.

    Attributes:
        models: All models that the service offers, whether loaded or not.
        glossaries: Names of the glossaries that requests may use.
    """

    models: list[Model]
    glossaries: list[str] = []
