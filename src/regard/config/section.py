"""A part of the configuration, and the ranges of numbers that its parts share."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError


def _no_mistaken_number(value: object) -> object:
    """Python takes True for 1, and pydantic "3" for 3: whoever wrote it meant something else."""
    if isinstance(value, (bool, str)):
        raise PydanticCustomError("number_type", "expected a number")
    return value


NUMBER = BeforeValidator(_no_mistaken_number)
Switch = Annotated[bool, Field(strict=True)]
Fraction = Annotated[float, NUMBER, Field(ge=0.0, lt=1.0)]
Layers = Annotated[int, NUMBER, Field(ge=1, le=256)]
Heads = Annotated[int, NUMBER, Field(ge=1, le=1024)]
Width = Annotated[int, NUMBER, Field(ge=1, le=65_536)]
Subwords = Annotated[int, NUMBER, Field(ge=1, le=100_000)]
"""Of a sentence."""
Count = Annotated[int, NUMBER, Field(ge=1, le=1_000_000_000)]
"""Steps, sentences and the like, which only time limits."""
Seed = Annotated[int, NUMBER, Field(ge=0, le=2**63 - 1)]
Minutes = Annotated[float, NUMBER, Field(ge=0.0001, le=10_000_000)]

ADDED_LATER = "later"
"""Marks an option that came after the first models were stored. It is written down only where it is not its default:
so settings that were there before keep their text, and with it their signature."""


class Section(BaseModel):
    """A part of the configuration: frozen, and a misspelled key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
