"""The check by a model: its scale, both directions, and pairs that the model cannot score."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest

import regard
from regard.errors import ConfigError
from regard.recipes.model_check import ModelScore, model_check
from regard.translation.result import Translation
from regard.translation.translator import Translator
from regard.values import Pair

GOLDEN = Path(__file__).parents[2] / "golden/models/bahdanau"
PAIRS = [Pair(f"number {number} of {number * 7}", f"nombre {number} sur {number * 7}") for number in range(100, 400)]


class CopyTranslator:
    """Finds a token probable if the source contains it: 1 nat, else 3; texts that begin with `long` are not scored."""

    def __init__(self, unseen: float = 3.0) -> None:
        self.unseen = unseen
        self.batches: list[int] = []

    def score(self, sources: Sequence[str], targets: Sequence[str], **options: object) -> list[Translation]:
        """See `Translator.score`."""
        self.batches.append(len(sources))
        return [self._score(source, target) for source, target in zip(sources, targets, strict=True)]

    def _score(self, source: str, target: str) -> Translation:
        if target.startswith("long"):
            return Translation(source, target, 0.0)
        tokens = tuple(target.split())
        losses = [1.0 if token in source.split() else self.unseen for token in tokens]
        return Translation(source, target, -(sum(losses) + 1.0), tokens)


def translator(unseen: float = 3.0) -> Translator:
    return cast("Translator", CopyTranslator(unseen))


def test_random_pairs_fail_and_matching_pairs_pass() -> None:
    check = model_check(translator(), PAIRS)
    shifted = [Pair(pair.src, other.tgt) for pair, other in zip(PAIRS, PAIRS[5:], strict=False)]
    assert not any(check.failures(PAIRS))
    assert all(check.failures(shifted))
    assert check.scores([]) == []


def test_scores_are_mean_losses_on_the_scale_of_the_corpus() -> None:
    # Of five losses, one is of the end of the sentence.
    score = ModelScore(translator(), center=1.0, scale=2.0)
    assert score([Pair("a b c d", "a b x y"), Pair("a", "long")]) == [
        pytest.approx(((2 * 1 + 2 * 3 + 1) / 5 - 1) / 2),
        0,
    ]


def test_two_directions_count_with_their_difference() -> None:
    score = ModelScore(translator(), translator(unseen=5.0))
    forward, backward = (1 + 3 + 1) / 3, (1 + 5 + 5 + 1) / 4
    assert score([Pair("a b c", "a x")]) == [pytest.approx((forward + backward) / 2 + backward - forward)]


def test_batches_are_small() -> None:
    model = CopyTranslator()
    ModelScore(cast("Translator", model))(PAIRS)
    assert sum(model.batches) == len(PAIRS)
    assert max(model.batches) <= 64


def test_a_model_that_knows_nothing_about_the_corpus_is_refused() -> None:
    with pytest.raises(ConfigError, match="expected a model that finds the 20 sampled pairs more probable"):
        model_check(regard.load(GOLDEN), PAIRS[:20])
    with pytest.raises(ConfigError, match="the 0 sampled pairs"):
        model_check(translator(), [])
