"""Trainings with terms in sources: their links, their vocabulary and their batches."""

from __future__ import annotations

import pytest
from toy_training import Toy

from regard.config.schema import Config
from regard.errors import ConfigError
from regard.recipes.prepare import load_prepared, prepare
from regard.recipes.streams import training_stream
from regard.recipes.training import train
from regard.text.source_terms import term_symbols


def config(toy: Toy, *overrides: str) -> Config:
    """A configuration with terms, whose links are those of equal words."""
    lines = (toy.directory / "train.en").read_text(encoding="utf-8").splitlines()
    links = toy.directory / "links"
    links.write_text("".join(" ".join(f"{n}-{n}" for n in range(len(line.split()))) + "\n" for line in lines))
    return toy.config("train.terms=0.9", f"train.guided_file={links}", *overrides)


@pytest.mark.parametrize(("shared", "weight"), [("true", "0"), ("false", "0.1")])
def test_batches_have_terms_and_only_guided_ones_have_targets(toy: Toy, shared: str, weight: str) -> None:
    options = (f"subword.shared={shared}", f"train.guided_weight={weight}")
    prepared = prepare(config(toy, *options), toy.directory / "t")
    symbols = term_symbols(prepared.src_subword)
    assert symbols is not None
    assert (term_symbols(prepared.tgt_subword) is None) == (shared == "false")
    first, again = training_stream(prepared), training_stream(load_prepared(toy.directory / "t"))
    for _ in range(20):
        batch = next(first)
        assert next(again).src_ids.equal(batch.src_ids)
        assert (batch.alignment_targets is None) == (weight == "0")
        assert set(symbols) < set(batch.src_ids.flatten().tolist())


def test_terms_need_links(toy: Toy) -> None:
    with pytest.raises(
        ConfigError, match=r"train.terms = 0\.1 needs word links of the training text: set train.guided"
    ):
        prepare(toy.config("train.terms=0.1"), toy.directory / "t")


def test_the_vocabulary_of_a_parent_needs_the_symbols(toy: Toy) -> None:
    parents = toy.directory / "plain", toy.directory / "reading"
    for own, parent in zip((toy.config(), config(toy)), parents, strict=True):
        train(own, parent)
    with pytest.raises(ConfigError, match=r"train.terms = 0\.9: the vocabulary of .*plain has no symbols for terms"):
        prepare(config(toy, f"train.parent={parents[0]}"), toy.directory / "t")
    prepare(config(toy, f"train.parent={parents[1]}"), toy.directory / "t")
    prepare(config(toy, f"train.parent={parents[0]}", "train.parent_vocabulary=new"), toy.directory / "u")
