"""The readout that is selected at the end of training, on validation pairs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pytest
from random_translators import ENGLISH, FRENCH, random_model

from regard.alignment.readout import Readout
from regard.config.schema import Config
from regard.data.corpus import Corpus
from regard.recipes.readout import NUM_PAIRS, select_readout
from regard.recipes.training import train
from regard.store import StoredModel, load_model
from regard.text.subword import Subword
from regard.translation.aligner import rank_readouts
from regard.translation.loading import load
from regard.translation.translator import Translator
from regard.values import Pair


class Toy(Protocol):
    """Result of the fixture `toy`, see `conftest.py`."""

    directory: Path

    def config(self, *overrides: str) -> Config: ...


@pytest.fixture(scope="module")
def subword() -> Subword:
    return Subword.train((ENGLISH + FRENCH) * 5, vocab_size=320)


def validation(subword: Subword, *, repeat: int) -> Corpus:
    pairs = [Pair(src, tgt) for src, tgt in zip(ENGLISH * repeat, FRENCH * repeat, strict=True)]
    return Corpus.encode(pairs, subword, subword, max_len=100)


def guided(stored: StoredModel, **train: object) -> StoredModel:
    """The model, as if word links had guided its training."""
    changed: dict[str, Any] = {"guided_weight": 0.1, **train}
    return replace(
        stored, config=stored.config.model_copy(update={"train": stored.config.train.model_copy(update=changed)})
    )


def test_the_best_dictionary_wins(subword: Subword) -> None:
    stored = random_model("learned", subword)
    selected = select_readout(stored, validation(subword, repeat=4))
    best = rank_readouts(Translator.of([stored]), ENGLISH * 4, FRENCH * 4, readout=Readout())[0]
    assert best.score > 0
    assert selected == best.readout.to_stored()


def test_a_guided_head_needs_no_selection(subword: Subword) -> None:
    stored = guided(random_model("learned", subword), guided_layer=1, guided_head=1)
    assert select_readout(stored, validation(subword, repeat=4)) == Readout(layer=1, head=1).to_stored()
    shifted = guided(stored, guided_shift=True)
    expected = Readout("hmm", 1, 1, shifted=True).to_stored()
    assert select_readout(shifted, validation(subword, repeat=4)) == expected


@pytest.mark.parametrize("kind", ["plain", "bahdanau"])
def test_models_with_one_matrix_or_none_have_nothing_to_select(subword: Subword, kind: str) -> None:
    assert select_readout(random_model(kind, subword), validation(subword, repeat=4)) is None


def test_too_few_pairs_select_nothing(subword: Subword) -> None:
    stored = random_model("learned", subword)
    assert select_readout(stored, Corpus.encode([Pair("a", "un")], subword, subword, max_len=100)) is None


def test_the_number_of_pairs_is_limited(subword: Subword, monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[int] = []

    def count_pairs(_: Translator, sources: list[str], targets: list[str], **__: object) -> list[object]:
        assert len(sources) == len(targets)
        counts.append(len(sources))
        return []

    monkeypatch.setattr("regard.recipes.readout.rank_readouts", count_pairs)
    for repeat in (2, 100):
        assert select_readout(random_model("learned", subword), validation(subword, repeat=repeat)) is None
    assert counts == [6, NUM_PAIRS]


def test_training_stores_the_readout(toy: Toy) -> None:
    out, heads = toy.directory / "model", ["model.attention.heads=2", "model.hidden_size=12"]
    train(toy.config(*heads), out)
    translator = load(out, device="cpu")
    stored = load_model(out).readout
    assert stored is not None
    assert (translator.readout.to_stored(), translator.readout_is_known) == (stored, True)
    lines = [(toy.directory / name).read_text(encoding="utf-8").splitlines() for name in ("val.en", "val.fr")]
    assert stored == rank_readouts(translator, *lines, readout=Readout())[0].readout.to_stored()


def test_training_of_a_single_matrix_stores_no_readout(toy: Toy) -> None:
    train(toy.config(), toy.directory / "model")
    assert load_model(toy.directory / "model").readout is None
