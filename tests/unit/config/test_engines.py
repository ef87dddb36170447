"""Unsupported options of other engines are named one by one."""

from __future__ import annotations

from typing import get_args

import pytest

from regard.config.engines import unsupported
from regard.config.load import load_config
from regard.config.schema import NormalizerName, TransformerConfig
from regard.errors import ConfigError


@pytest.mark.parametrize(("engine", "name"), [("ctranslate2", "CTranslate2"), ("marian", "MarianMT")])
def test_engines_support_softmax_only(engine: str, name: str) -> None:
    for normalizer in get_args(NormalizerName):
        options = unsupported(TransformerConfig(norm="post", normalizer=normalizer), engine)  # type: ignore[arg-type]
        refused = [("normalizer", f"{name} normalizes scores by softmax only, not by {normalizer!r}")]
        assert options == ([] if normalizer == "softmax" else refused)


def test_options_that_the_export_engine_lacks_are_refused_before_training() -> None:
    options = ["model.kind=transformer", "model.export=ctranslate2", "model.normalizer=entmax15"]
    with pytest.raises(ConfigError, match=r"model\.normalizer: CTranslate2 normalizes .* not by 'entmax15'"):
        load_config(overrides=options)
