"""Trainings that start from a model: its weights, its vocabulary, frozen parts, low-rank updates, resumption."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from toy_training import WORDS, Toy

from regard.config.load import load_config
from regard.config.schema import Config
from regard.errors import CheckpointError, ConfigError
from regard.recipes.training import train
from regard.store import StoredModel, load_model
from regard.store.model import open_model
from regard.store.weights import own_tensors
from regard.train.interrupt import Interrupt
from regard.train.reporter import StepReport, TrainingPlan, Validation

SMALL = ("train.steps=4", "train.validate_every=2", "train.batch_tokens=128", "train.warmup=1", "train.threads=1",
         "train.precision=float32", "train.device=cpu", "train.tensorboard=false")  # fmt: skip


class Messages:
    """A reporter that keeps messages, and can request a stop at a validation."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.interrupt = Interrupt()
        self.stop_at, self.messages = stop_at, list[str]()

    def on_start(self, plan: TrainingPlan) -> None: ...

    def on_step(self, report: StepReport) -> None: ...

    def on_validation(self, step: int, validation: Validation, *, best: bool) -> None:
        if step == self.stop_at:
            self.interrupt.request()

    def on_message(self, text: str) -> None:
        self.messages.append(text)

    def on_end(self) -> None: ...


@pytest.fixture(scope="module")
def families(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A trained model of each family, with the directory of its text."""
    toy = Toy(tmp_path_factory.mktemp("parents"))
    toy.write("mine", 60, seed=3, words={**WORDS, "horse": "cheval"})
    rnn = train(toy.config(), toy.directory / "rnn").path
    text = [f"data.{key}={toy.directory / name}" for key, name in
            (("src", "train.en"), ("tgt", "train.fr"), ("val_src", "val.en"), ("val_tgt", "val.fr"))]  # fmt: skip
    sizes = ("model.width=16", "model.ff_size=16", "model.heads=2", "subword.vocab_size=300")
    config = load_config(preset="transformer-tiny", overrides=[*text, *SMALL, *sizes])
    return {"rnn": rnn, "transformer": train(config, toy.directory / "transformer").path}


def child_config(parent: Path, *overrides: str, small: Sequence[str] = SMALL) -> Config:
    text = [f"data.{key}={parent.parent / name}" for key, name in
            (("src", "mine.en"), ("tgt", "mine.fr"), ("val_src", "val.en"), ("val_tgt", "val.fr"))]  # fmt: skip
    start = (str(parent), open_model(parent).config)
    return load_config(overrides=[*text, *small, *overrides], parent=start)


def same(first: StoredModel, second: StoredModel) -> set[str]:
    other = own_tensors(second.model)
    return {name for name, tensor in own_tensors(first.model).items() if torch.equal(tensor, other[name])}


@pytest.mark.parametrize("family", ["rnn", "transformer"])
def test_the_weights_are_the_parents_at_first(families: dict[str, Path], tmp_path: Path, family: str) -> None:
    parent = load_model(families[family])
    reporter = Messages()
    rate = "train.learning_rate=1e-30"  # so small that no weight changes
    result = train(child_config(families[family], rate), tmp_path / "child", reporter=reporter)
    child = load_model(result.path)
    assert same(parent, child) == set(own_tensors(parent.model))
    assert child.src_subword.fingerprint() == parent.src_subword.fingerprint()
    assert child.config.model.model_dump() == parent.config.model.model_dump()
    assert any("the training starts from" in message for message in reporter.messages)
    [table] = [message for message in reporter.messages if "validation pairs" in message]
    for metric in ("BLEU", "chrF"):
        before, after = re.search(rf"{metric} +([0-9.]+) +([0-9.]+) +\+0\.0 ", table).groups()  # type: ignore[union-attr]
        assert before == after


def test_parts_are_frozen(families: dict[str, Path], tmp_path: Path) -> None:
    parts = 'train.freeze=["embeddings","encoder","decoder","output"]'
    child = load_model(train(child_config(families["transformer"], parts), tmp_path / "child").path)
    changed = set(own_tensors(child.model)) - same(load_model(families["transformer"]), child)
    assert changed
    assert all("cross" in name for name in changed)


def test_the_parent_has_a_share_of_the_weights(families: dict[str, Path], tmp_path: Path) -> None:
    given, alone, mixed = (
        own_tensors(load_model(path).model)
        for path in (
            families["rnn"],
            train(child_config(families["rnn"], "train.parent_share=0"), tmp_path / "alone").path,
            train(child_config(families["rnn"], "train.parent_share=0.25"), tmp_path / "mixed").path,
        )
    )
    assert any(not torch.equal(alone[name], given[name]) for name in alone)
    for name, tensor in mixed.items():
        torch.testing.assert_close(tensor, 0.75 * alone[name] + 0.25 * given[name])


def test_low_rank_updates_are_merged(families: dict[str, Path], tmp_path: Path) -> None:
    parent = load_model(families["transformer"])
    options = ("train.lora_rank=2", "train.parent_share=0")
    child = load_model(train(child_config(families["transformer"], *options), tmp_path / "child").path)
    assert sorted(own_tensors(child.model)) == sorted(own_tensors(parent.model))
    changed = set(own_tensors(child.model)) - same(parent, child)
    assert "encoder.layers.0.feed_forward.widen.weight" in changed
    assert not any(name.endswith(("bias", "norm.weight")) for name in changed)
    difference = (
        own_tensors(child.model)["encoder.layers.0.feed_forward.widen.weight"]
        - own_tensors(parent.model)["encoder.layers.0.feed_forward.widen.weight"]
    )
    assert int(torch.linalg.matrix_rank(difference, rtol=1e-4)) <= 2


@pytest.mark.parametrize("family", ["rnn", "transformer"])
def test_a_new_vocabulary_keeps_the_embeddings_it_can(families: dict[str, Path], tmp_path: Path, family: str) -> None:
    parent = load_model(families[family])
    options = ("train.parent_vocabulary=new", "subword.vocab_size=310", "train.learning_rate=1e-30")
    reporter = Messages()
    child = load_model(train(child_config(families[family], *options), tmp_path / "child", reporter=reporter).path)
    assert child.tgt_subword.fingerprint() != parent.tgt_subword.fingerprint()
    own, given = own_tensors(child.model), own_tensors(parent.model)
    name = "output_weight"
    ids = {piece: row for row, piece in enumerate(parent.tgt_subword.pieces)}
    kept = composed = 0
    for row, piece in enumerate(child.tgt_subword.pieces):
        if piece in ids:
            kept += 1
            assert torch.equal(own[name][row], given[name][ids[piece]])
            continue
        parts = list(parent.tgt_subword.encode(piece.replace("\u2581", " ").strip()).ids)
        if not piece.startswith("\u2581") and parent.tgt_subword.pieces[parts[0]] == "\u2581":
            parts = parts[1:]
        composed += 1
        torch.testing.assert_close(own[name][row], given[name][parts].mean(0))
    assert kept > 256
    assert composed > 0
    [message] = [text for text in reporter.messages if "have the parent's embedding" in text]
    assert f"of {len(child.tgt_subword)} subwords, {kept} have the parent's embedding, {composed} the mean" in message
    others = {name for name in own if own[name].shape[0] not in (len(child.tgt_subword), len(parent.tgt_subword))}
    assert all(torch.equal(own[name], given[name]) for name in others)


@pytest.mark.parametrize("option", ["train.lora_rank=2", 'train.freeze=["encoder"]'])
def test_a_resumed_training_ends_the_same_and_needs_no_parent(
    families: dict[str, Path], tmp_path: Path, option: str
) -> None:
    moved = tmp_path / "parent"
    shutil.copytree(families["transformer"], moved)
    for name in ("mine", "val"):
        for side in ("en", "fr"):
            shutil.copy(families["transformer"].parent / f"{name}.{side}", tmp_path)
    straight = train(child_config(moved, option, "train.parent_share=0"), tmp_path / "straight")
    stopper = Messages(stop_at=2)
    stopped = train(
        child_config(moved, option, "train.parent_share=0"),
        tmp_path / "stopped",
        reporter=stopper,
        interrupt=stopper.interrupt,
    )
    assert stopped.interrupted
    shutil.rmtree(moved)
    reporter = Messages()
    resumed = train(None, tmp_path / "stopped", resume=True, reporter=reporter)
    hashes = [hashlib.sha256((path / "weights.safetensors").read_bytes()).hexdigest()
              for path in (straight.path, resumed.path)]  # fmt: skip
    assert hashes[0] == hashes[1]
    assert any("the parent cannot be compared" in message for message in reporter.messages)


def test_another_architecture_is_refused(families: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"keeps its architecture, but model\.width = 32 would change it"):
        train(child_config(families["transformer"], "model.width=32"), tmp_path / "child")
    with pytest.raises(ConfigError, match="has the architecture of this model: leave out the preset"):
        load_config(preset="bahdanau", parent=("model", Config()))
    assert not (tmp_path / "child").exists()


def test_what_is_not_a_model_is_refused(families: dict[str, Path], tmp_path: Path) -> None:
    config = child_config(families["rnn"])
    shutil.rmtree(tmp_path / "gone", ignore_errors=True)
    lost = config.model_copy(update={"train": config.train.model_copy(update={"parent": str(tmp_path / "gone")})})
    with pytest.raises(CheckpointError, match=r"train\.parent: .*gone.*`regard import` first"):
        train(lost, tmp_path / "child")


@pytest.mark.parametrize(("options", "message"), [
    (("train.lora_rank=2", 'train.freeze=["encoder"]'), "leave out train.freeze or the rank"),
    (("train.lora_rank=2", "train.parent_vocabulary=new"), "does not train embeddings"),
    (("train.parent_share=0.5", "train.parent_vocabulary=new"), "cannot be averaged with the parent's"),
    (("train.lora_alpha=2",), "train.lora_rank = 0 trains all weights"),
])  # fmt: skip
def test_contradictions_are_refused(families: dict[str, Path], options: Sequence[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        child_config(families["transformer"], *options)
