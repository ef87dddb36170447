"""Options of search and sampling in requests: all reach the translator, and values out of range are refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from regard.search.sample import SampleOptions
from regard.service.v1_models import TranslateRequest
from regard.service.v1_search import Sampling, SearchFields
from regard.translation.options import TranslateOptions


def test_fields_become_options() -> None:
    assert TranslateOptions(**SearchFields().to_fields()) == TranslateOptions()
    given = {"no_repeat_ngram": 3, "repetition_penalty": 2, "min_len_ratio": 0.5, "max_len_ratio": 2.0, "groups": 2}
    request = TranslateRequest.model_validate({"text": "a", **given, "diversity": 0.3})
    assert TranslateOptions(**request.to_fields()) == TranslateOptions(
        no_repeat_ngram=3, repetition_penalty=2.0, min_len_ratio=0.5, max_len_ratio=2.0, groups=2, diversity=0.3
    )
    sample = {"num_samples": 3, "temperature": 0.5, "top_k": 4, "top_p": 0.9, "epsilon": 0.1, "seed": 8}
    request = TranslateRequest.model_validate({"text": "a", "sample": sample})
    assert request.to_fields()["sample"] == SampleOptions(3, 0.5, 4, 0.9, 0.1, 8)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("no_repeat_ngram", -1), ("no_repeat_ngram", 101), ("no_repeat_ngram", True), ("no_repeat_ngram", "3"),
        ("repetition_penalty", 0.9), ("repetition_penalty", "2"), ("min_len_ratio", -0.1), ("max_len_ratio", 0),
        ("groups", 0), ("diversity", -1), ("sample", {"num_samples": 0}), ("sample", {"temperature": 0}),
        ("sample", {"epsilon": 1}), ("sample", {"seed": -1}), ("sample", {"top_p": 1.5}), ("sample", {"beam": 3}),
    ],
)  # fmt: skip
def test_values_out_of_range_are_refused(name: str, value: Any) -> None:  # noqa: ANN401
    with pytest.raises(ValidationError, match=name):
        TranslateRequest.model_validate({"text": "a", name: value})


def test_sampling_has_the_options_of_the_library() -> None:
    names = {"num_samples", "temperature", "top_k", "top_p", "epsilon", "seed"}
    assert set(Sampling.model_fields) == names
    assert SampleOptions(**Sampling().model_dump()) == SampleOptions()
