"""What other engines cannot run is named, option by option."""

from __future__ import annotations

from typing import get_args

import pytest

from regard.config.engines import unsupported
from regard.config.load import load_config
from regard.config.schema import NormalizerName, TransformerConfig
from regard.errors import ConfigError


@pytest.mark.parametrize(("engine", "name"), [("ctranslate2", "CTranslate2"), ("marian", "MarianMT")])
def test_engines_know_the_softmax_alone(engine: str, name: str) -> None:
    for normalizer in get_args(NormalizerName):
        found = unsupported(TransformerConfig(norm="post", normalizer=normalizer), engine)  # type: ignore[arg-type]
        told = [("normalizer", f"{name} makes weights of scores by a softmax only, not by {normalizer!r}")]
        assert found == ([] if normalizer == "softmax" else told)


def test_a_model_that_is_meant_for_an_engine_is_refused_before_training() -> None:
    options = ["model.kind=transformer", "model.export=ctranslate2", "model.normalizer=entmax15"]
    with pytest.raises(ConfigError, match=r"model\.normalizer: CTranslate2 makes .* not by 'entmax15'"):
        load_config(overrides=options)
