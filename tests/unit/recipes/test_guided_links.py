"""Links that guide a training, made by an aligner: once, by line, and found again."""

from __future__ import annotations

import signal
from importlib.util import find_spec

import pytest

from regard.alignment.error_rate import alignment_error_rate
from regard.errors import ConfigError
from regard.recipes import guided_links as guiding
from regard.recipes.guided_links import MADE_LINKS
from regard.recipes.prepare import keep_config, prepare, prepare_again
from regard.recipes.training import TRAINING, train
from regard.text.links import read_pharaoh

GUIDED = ("train.guided_weight=0.5", "train.guided_file=eflomal")


class Listener:
    """A reporter that keeps what it is told, and stops the training at the first validation."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def on_start(self, plan) -> None: ...

    def on_step(self, report) -> None: ...

    def on_validation(self, step: int, validation, *, best: bool) -> None:
        signal.raise_signal(signal.SIGTERM)

    def on_message(self, text: str) -> None:
        self.messages.append(text)

    def on_end(self) -> None: ...


@pytest.fixture
def aligner(monkeypatch: pytest.MonkeyPatch):
    """In eflomal's place, what links the last words only; counts its calls."""
    calls = []

    def align_words(sources, targets):
        calls.append(len(sources))
        return [((len(src.split()) - 1, len(tgt.split()) - 1),) for src, tgt in zip(sources, targets, strict=True)]

    monkeypatch.setattr(guiding, "align_words", align_words)
    return calls


def linked(prepared) -> list[list[int]]:
    return [prepared.guided_links.links[row].tolist() for row in range(len(prepared.train))]


def test_links_are_made_for_the_pairs_that_are_trained_on(toy, aligner):
    """One line a line of the text, whatever was left out; and no word is taken for another."""
    lines = {}
    for ending, longest in (("en", "dog "), ("fr", "chien ")):
        path = toy.directory / f"train.{ending}"
        lines[ending] = path.read_text(encoding="utf-8").splitlines()
        lines[ending][4:4] = ["", longest * 300] if ending == "en" else ["vide", longest * 300]
        path.write_text("\n".join(lines[ending]) + "\n\n", encoding="utf-8")
    listener = Listener()
    prepared = prepare(toy.config(*GUIDED, "data.max_len=50"), toy.directory / "t", reporter=listener)
    last = [len(line.split()) - 1 for line in lines["en"]]
    made = (toy.directory / "t" / MADE_LINKS).read_text(encoding="utf-8").split("\n")
    assert made == [*(f"{n}-{n}" if row not in (4, 5) else "" for row, n in enumerate(last)), "", ""]
    assert linked(prepared) == [[n, n] for row, n in enumerate(last) if row not in (4, 5)]
    assert min(last[:4] + last[6:]) == 1  # no first word is linked, and still words are counted from 0
    assert aligner == [120]
    begun, done = listener.messages
    assert begun == "eflomal links the words of 120 sentence pairs, to guide attention"
    assert "found 120 links in" in done
    assert str(toy.directory / "t" / MADE_LINKS) in done


def test_held_out_pairs_have_no_links(toy, aligner):
    prepared = prepare(toy.config(*GUIDED, files=("src", "tgt")), toy.directory / "t")
    made = (toy.directory / "t" / MADE_LINKS).read_text(encoding="utf-8").splitlines()
    assert [row for row, line in enumerate(made, 1) if line] == [pair.line for pair in prepared.train.pairs]
    assert len(made) == 120 > len(prepared.train)


def test_they_are_found_again(toy, aligner):
    first = prepare(toy.config(*GUIDED), toy.directory / "t")
    listener = Listener()
    second = prepare_again(toy.directory / "t", reporter=listener)
    assert linked(second) == linked(first)
    assert aligner == [120]
    assert listener.messages == []


def test_they_are_made_where_only_the_vocabulary_was_laid_out(toy, aligner):
    """As the lab does."""
    plain = prepare(toy.config(), toy.directory / "t")
    assert not aligner
    keep_config(
        plain.config.model_copy(update={"train": toy.config(*GUIDED).train}),
        toy.directory / "t",
    )
    assert linked(prepare_again(toy.directory / "t"))
    assert aligner == [120]


def test_a_file_of_this_name_is_named_by_its_place(toy, aligner, monkeypatch):
    monkeypatch.chdir(toy.directory)
    (toy.directory / "eflomal").write_text("0-0\n" * 120, encoding="utf-8")
    prepared = prepare(toy.config(GUIDED[0], "train.guided_file=./eflomal"), toy.directory / "t")
    assert linked(prepared) == [[0, 0]] * 120
    assert not aligner


@pytest.mark.parametrize("wrong", ["train.guided_head=1", "train.guided_layer=2"])
def test_nothing_is_made_in_vain(toy, aligner, wrong):
    with pytest.raises(ConfigError, match="expected 0 to 0"):
        prepare(toy.config(*GUIDED, wrong), toy.directory / "t")
    assert not aligner


def test_without_the_package_the_way_is_free_for_another_try(toy, monkeypatch):
    monkeypatch.setattr("regard.interop.packages.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'regard\[align\]'"):
        train(toy.config(*GUIDED), toy.directory / "model")
    assert not (toy.directory / "model").exists()


@pytest.mark.skipif(find_spec("eflomal") is None, reason="needs eflomal: pip install 'regard[align]'")
def test_a_training_that_is_gone_on_with_keeps_its_links(toy):
    """With the aligner itself, on a language whose words follow each other one by one."""
    listener = Listener()
    assert train(toy.config(*GUIDED), toy.directory / "model", reporter=listener).interrupted
    path = toy.directory / "model" / TRAINING / MADE_LINKS
    before, written = path.read_bytes(), path.stat().st_mtime_ns
    lengths = [len(line.split()) for line in (toy.directory / "train.en").read_text(encoding="utf-8").splitlines()]
    gold = [tuple((word, word) for word in range(length)) for length in lengths]
    assert alignment_error_rate([one.sure for one in read_pharaoh(path)], gold).aer < 0.1
    result = train(None, toy.directory / "model", resume=True)
    assert not result.interrupted
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (before, written)
    assert sum(message.startswith("eflomal") for message in listener.messages) == 2
