"""Vocabularies and corpora from text; the second time they are read without learning them again."""

from __future__ import annotations

import pytest
from toy_training import Toy

from regard.config.threads import available_cores
from regard.errors import CheckpointError, ConfigError, DataError
from regard.recipes.prepare import load_prepared, prepare


def test_everything_is_prepared(toy: Toy) -> None:
    prepared = prepare(toy.config(), toy.directory / "t")
    assert (len(prepared.train), len(prepared.val)) == (120, 12)
    assert prepared.src_subword is prepared.tgt_subword
    text = prepared.train.pairs[5]
    assert prepared.src_subword.decode(prepared.train.src[5].tolist()).text == text.src
    assert prepared.tgt_subword.decode(prepared.train.tgt[5].tolist()).text == text.tgt
    assert prepared.config.train.steps == 8


def test_unset_options_are_derived_and_noted(toy: Toy) -> None:
    config = toy.config()
    incomplete = config.train.model_copy(update={"steps": None, "batch_tokens": None, "threads": None})
    prepared = prepare(config.model_copy(update={"train": incomplete}), toy.directory / "t")
    assert prepared.config.train.steps is not None
    assert prepared.config.train.batch_tokens is not None
    assert any(note.startswith("train.steps = ") for note in prepared.notes)


@pytest.mark.parametrize("shared", ["true", "false"])
def test_a_prepared_training_is_loaded_unchanged(toy: Toy, shared: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = prepare(toy.config(f"subword.shared={shared}"), toy.directory / "t")
    monkeypatch.setattr("regard.recipes.prepare.Subword.train", lambda *_, **__: pytest.fail("learned again"))
    second = load_prepared(toy.directory / "t")
    assert second.config == first.config
    for before, after in ((first.train, second.train), (first.val, second.val)):
        assert before.pairs == after.pairs
        assert before.src.values.tolist() == after.src.values.tolist()
        assert before.tgt.values.tolist() == after.tgt.values.tolist()
    assert (second.src_subword is second.tgt_subword) == (shared == "true")
    assert second.tgt_subword.fingerprint() == first.tgt_subword.fingerprint()


def test_a_value_that_is_missing_from_the_stored_configuration_is_derived_again(toy: Toy) -> None:
    prepare(toy.config(), toy.directory / "t")
    path = toy.directory / "t" / "config.toml"
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith(("threads", "#"))]
    path.write_text("\n".join(lines), encoding="utf-8")
    second = load_prepared(toy.directory / "t")
    assert second.config.train.threads == available_cores()
    assert f"train.threads = {available_cores()}, all cores" in second.notes


def test_without_validation_text_some_is_held_out(toy: Toy) -> None:
    toy.write("train", 600, seed=4)
    first = prepare(toy.config(files=("src", "tgt")), toy.directory / "one")
    second = prepare(toy.config(files=("src", "tgt")), toy.directory / "two")
    other = prepare(toy.config("train.seed=2", files=("src", "tgt")), toy.directory / "three")
    assert 5 <= len(first.val) <= 20
    assert len(first.train) + len(first.val) == 600
    assert not {pair.src for pair in first.train.pairs} & {pair.src for pair in first.val.pairs}
    assert first.val.pairs == second.val.pairs
    assert first.val.pairs != other.val.pairs
    assert any("of the 600 pairs are held out" in note for note in first.notes)


def test_one_sentence_cannot_be_divided(toy: Toy) -> None:
    toy.write("train", 1, seed=4)
    with pytest.raises(DataError, match=r"at least 2 different source sentences.*got 1.*--val-src"):
        prepare(toy.config(files=("src", "tgt")), toy.directory / "t")


def test_pairs_that_are_left_out_are_noted(toy: Toy) -> None:
    with (toy.directory / "train.en").open("a") as src, (toy.directory / "train.fr").open("a") as tgt:
        src.write("dog\n" + "dog " * 300 + "\n")
        tgt.write("\n" + "chien " * 300 + "\n")
    notes = prepare(toy.config("data.max_len=50"), toy.directory / "t").notes
    assert any("train.en: left out 1 pair with an empty side" in note for note in notes)
    assert any("left out 1 training pair longer than 50 subwords" in note for note in notes)


def test_text_must_be_named(toy: Toy) -> None:
    with pytest.raises(ConfigError, match=r"data\.src: expected .* got none: give --src"):
        prepare(toy.config(files=()), toy.directory / "t")


def test_loading_needs_a_prepared_training(toy: Toy) -> None:
    with pytest.raises(CheckpointError, match=r"no training to resume.*without --resume"):
        load_prepared(toy.directory / "t")


@pytest.mark.parametrize("name", ["train", "val"])
def test_a_changed_text_is_refused(toy: Toy, name: str) -> None:
    prepare(toy.config(), toy.directory / "t")
    for ending, word in (("en", "dog"), ("fr", "chien")):
        with (toy.directory / f"{name}.{ending}").open("a") as file:
            file.write(f"{word}\n")
    with pytest.raises(DataError, match=r"text has changed since.*another --out"):
        load_prepared(toy.directory / "t")
