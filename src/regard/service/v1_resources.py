"""Models, glossaries and terms under `/v1`, as OpenAPI describes them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StrictBool, WithJsonSchema

ITEM = {"type": "string", "pattern": r"^[^\u0000]*$"}
"""JSON Schema of a text that may be empty."""


class InlineTerm(BaseModel):
    """A term and its translations.

    Attributes:
        source: The term; spellings are separated by `|`. Empty = the translations are forbidden in every sentence.
        target: Translations, separated by `|`; those that begin with `!` must not be used.
        case: Whether upper and lower case letters are distinguished.
        inflect: Whether the first and the last word may have endings of up to three letters in the text.
        keep: Whether the term is not translated; it has no `target` then.
    """

    model_config = ConfigDict(extra="forbid")

    source: Annotated[str, WithJsonSchema(ITEM)] = ""
    target: Annotated[str, WithJsonSchema(ITEM)] = ""
    case: StrictBool = False
    inflect: StrictBool = False
    keep: StrictBool = False


class UsedTerm(BaseModel):
    """A term of a sentence, and whether the translation has it.

    Attributes:
        source: The term, as the sentence contains it; empty for a translation that is forbidden in every sentence.
        span: Range `[start, end)` of its characters in the sentence.
        targets: Translations, any of which may be used; or a translation that must not be used.
        forbidden: Whether the translation must not be used.
        met: Whether one of the translations was used, or the forbidden one was not.
        target_spans: Ranges of the characters of the translation that are one of `targets`.
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
    """The models of the service, as the route `/models` returns them.

    Attributes:
        models: All models that the service offers, whether loaded or not.
        glossaries: Names of the glossaries that requests may name.
    """

    models: list[Model]
    glossaries: list[str] = []
