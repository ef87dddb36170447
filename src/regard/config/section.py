"""Base class of the sections of a configuration, and types of options that several sections use."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError


def _refuse_other_types(value: object) -> object:
    """Refuses booleans and text, which pydantic would convert to numbers (True to 1, "3" to 3)."""
    if isinstance(value, (bool, str)):
        raise PydanticCustomError("number_type", "expected a number")
    return value


NUMBER = BeforeValidator(_refuse_other_types)
Switch = Annotated[bool, Field(strict=True)]
Fraction = Annotated[float, NUMBER, Field(ge=0.0, lt=1.0)]
Layers = Annotated[int, NUMBER, Field(ge=1, le=256)]
Heads = Annotated[int, NUMBER, Field(ge=1, le=1024)]
Width = Annotated[int, NUMBER, Field(ge=1, le=65_536)]
Subwords = Annotated[int, NUMBER, Field(ge=1, le=100_000)]
"""Length of a sentence in subwords."""
Count = Annotated[int, NUMBER, Field(ge=1, le=1_000_000_000)]
"""Number of steps, sentences and the like."""
Seed = Annotated[int, NUMBER, Field(ge=0, le=2**63 - 1)]
Minutes = Annotated[float, NUMBER, Field(ge=0.0001, le=10_000_000)]

ADDED_LATER = "later"
"""Marks an option that was added after models had been stored. It is written to TOML only if it differs from its
default, so that configurations of older models keep their text, and with it their signature."""


class Section(BaseModel):
    """Base class of the sections of a configuration, which are immutable and refuse unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    def __eq__(self, other: object) -> bool:
        """Whether all options are equal and one section's class is that of the other, or a subclass of it."""
        if not isinstance(other, Section):
            return NotImplemented
        related = isinstance(other, type(self)) or isinstance(self, type(other))
        return related and dict(self) == dict(other)
