"""Options of search and sampling in requests under `/v1`, as OpenAPI describes them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from regard.search.sample import SampleOptions
from regard.translation.options import Changes


def refuse_other_types(value: object) -> object:
    """Raises an error for booleans and strings, which pydantic would convert to numbers.

    Args:
        value: Value of a field that should be a number.

    Returns:
        The value, unchanged.

    Raises:
        ValueError: The value is a boolean or a string.
    """
    if isinstance(value, (bool, str)):
        raise ValueError("expected a number")
    return value


class Sampling(BaseModel):
    """Options of sampling.

    Attributes:
        num_samples: Number of translations to draw for each sentence, returned as `n_best`.
        temperature: Divisor of the logits: below 1, likely words become likelier.
        top_k: Number of most probable subwords to sample from; null = all.
        top_p: Total probability of the most probable subwords to sample from; 1 = all.
        epsilon: Smallest probability of the subwords to sample from; 0 = all.
        seed: Seed of the random numbers; equal requests with equal seeds get equal samples.
    """

    model_config = ConfigDict(extra="forbid")

    num_samples: Annotated[int, Field(ge=1, le=1000), BeforeValidator(refuse_other_types)] = 1
    temperature: Annotated[float, Field(gt=0, le=100), BeforeValidator(refuse_other_types)] = 1.0
    top_k: Annotated[int, Field(ge=1, le=1 << 40), BeforeValidator(refuse_other_types)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1), BeforeValidator(refuse_other_types)] = 1.0
    epsilon: Annotated[float, Field(ge=0, lt=1), BeforeValidator(refuse_other_types)] = 0.0
    seed: Annotated[int, Field(ge=0, lt=1 << 53), BeforeValidator(refuse_other_types)] = 0


class SearchFields(BaseModel):
    """Options of the search in a request.

    Attributes:
        no_repeat_ngram: Size of the sequences of subwords that may occur only once in a translation; 0 = no limit.
        repetition_penalty: Factor by which the log-probability of a subword is multiplied if the translation contains
            the subword already; 1 = no penalty.
        min_len_ratio: Smallest number of subwords of a translation per source subword.
        max_len_ratio: Largest number of subwords of a translation per source subword; null = only the limits of the
            model.
        groups: Number of groups of diverse beam search, a divisor of `beam`.
        diversity: Strength of diverse beam search; null = 0.5.
        sample: Options of sampling, if translations are to be drawn at random instead of searched for.
    """

    no_repeat_ngram: Annotated[int, Field(ge=0, le=100), BeforeValidator(refuse_other_types)] = 0
    repetition_penalty: Annotated[float, Field(ge=1, le=100), BeforeValidator(refuse_other_types)] = 1.0
    min_len_ratio: Annotated[float, Field(ge=0, le=100), BeforeValidator(refuse_other_types)] = 0.0
    max_len_ratio: Annotated[float, Field(gt=0, le=100), BeforeValidator(refuse_other_types)] | None = None
    groups: Annotated[int, Field(ge=1, le=1000), BeforeValidator(refuse_other_types)] = 1
    diversity: Annotated[float, Field(ge=0, le=100), BeforeValidator(refuse_other_types)] | None = None
    sample: Sampling | None = None

    def to_fields(self) -> Changes:
        """Converts the options to keyword arguments of `TranslateOptions`."""
        return {
            "no_repeat_ngram": self.no_repeat_ngram,
            "repetition_penalty": self.repetition_penalty,
            "min_len_ratio": self.min_len_ratio,
            "max_len_ratio": self.max_len_ratio,
            "groups": self.groups,
            "diversity": self.diversity,
            "sample": None if self.sample is None else SampleOptions(**self.sample.model_dump()),
        }
