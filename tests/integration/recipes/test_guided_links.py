"""Links for guided attention, made by an aligner: once, one line per line of text, and read again later."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

import pytest
from toy_training import Toy

from regard.alignment.error_rate import alignment_error_rate
from regard.config.schema import CorpusConfig
from regard.errors import ConfigError
from regard.recipes import guided_links
from regard.recipes.guided_links import MADE_LINKS
from regard.recipes.prepare import Prepared, load_prepared, prepare
from regard.recipes.saved_config import save_config
from regard.recipes.training import train
from regard.store.training_directory import TRAINING
from regard.text.links import read_pharaoh
from regard.train.interrupt import Interrupt
from regard.train.reporter import StepReport, TrainingPlan, Validation
from regard.values import Links

GUIDED = ("train.guided_weight=0.5", "train.guided_file=eflomal")


class StoppingReporter:
    """A reporter that records messages, and stops the training at the first validation."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.interrupt = Interrupt()

    def on_start(self, plan: TrainingPlan) -> None: ...

    def on_step(self, report: StepReport) -> None: ...

    def on_validation(self, step: int, validation: Validation, *, best: bool) -> None:
        self.interrupt.request()

    def on_message(self, text: str) -> None:
        self.messages.append(text)

    def on_end(self) -> None: ...


@pytest.fixture
def aligner(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Replaces eflomal by a function that links only the last words; returns the sizes of its calls."""
    calls: list[int] = []

    def align_words(sources: Sequence[str], targets: Sequence[str]) -> list[Links]:
        calls.append(len(sources))
        return [((len(src.split()) - 1, len(tgt.split()) - 1),) for src, tgt in zip(sources, targets, strict=True)]

    monkeypatch.setattr(guided_links, "align_words", align_words)
    return calls


def linked(prepared: Prepared) -> list[list[int]]:
    assert prepared.guided_links is not None
    return [prepared.guided_links.links[row].tolist() for row in range(len(prepared.train))]


def test_links_are_made_for_the_pairs_that_are_trained_on(toy: Toy, aligner: list[int]) -> None:
    """One line per line of the text, although pairs were left out; and links point to the right words."""
    lines = {}
    for ending, longest in (("en", "dog "), ("fr", "chien ")):
        path = toy.directory / f"train.{ending}"
        lines[ending] = path.read_text(encoding="utf-8").splitlines()
        lines[ending][4:4] = ["", longest * 300] if ending == "en" else ["vide", longest * 300]
        path.write_text("\n".join(lines[ending]) + "\n\n", encoding="utf-8")
    reporter = StoppingReporter()
    prepared = prepare(toy.config(*GUIDED, "data.max_len=50"), toy.directory / "t", reporter=reporter)
    last = [len(line.split()) - 1 for line in lines["en"]]
    made = (toy.directory / "t" / MADE_LINKS).read_text(encoding="utf-8").split("\n")
    assert made == [*(f"{n}-{n}" if row not in (4, 5) else "" for row, n in enumerate(last)), "", ""]
    assert linked(prepared) == [[n, n] for row, n in enumerate(last) if row not in (4, 5)]
    assert min(last[:4] + last[6:]) == 1  # no first word is linked, but words are counted from 0
    assert aligner == [120]
    start, end = reporter.messages
    assert start == "eflomal links the words of 120 sentence pairs"
    assert "found 120 links in" in end
    assert str(toy.directory / "t" / MADE_LINKS) in end


def test_held_out_pairs_have_no_links(toy: Toy, aligner: list[int]) -> None:
    prepared = prepare(toy.config(*GUIDED, files=("src", "tgt")), toy.directory / "t")
    made = (toy.directory / "t" / MADE_LINKS).read_text(encoding="utf-8").splitlines()
    assert [row for row, line in enumerate(made, 1) if line] == [pair.line for pair in prepared.train.pairs]
    assert len(made) == 120 > len(prepared.train)


def test_links_are_read_again(toy: Toy, aligner: list[int]) -> None:
    first = prepare(toy.config(*GUIDED), toy.directory / "t")
    reporter = StoppingReporter()
    second = load_prepared(toy.directory / "t", reporter=reporter)
    assert linked(second) == linked(first)
    assert aligner == [120]
    assert reporter.messages == []


def test_links_are_made_if_only_the_vocabulary_was_prepared(toy: Toy, aligner: list[int]) -> None:
    """As in a lab."""
    plain = prepare(toy.config(), toy.directory / "t")
    assert not aligner
    save_config(
        plain.config.model_copy(update={"train": toy.config(*GUIDED).train}),
        toy.directory / "t",
    )
    assert linked(load_prepared(toy.directory / "t"))
    assert aligner == [120]


def test_a_file_named_eflomal_is_given_by_its_path(
    toy: Toy, aligner: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(toy.directory)
    (toy.directory / "eflomal").write_text("0-0\n" * 120, encoding="utf-8")
    prepared = prepare(toy.config(GUIDED[0], "train.guided_file=./eflomal"), toy.directory / "t")
    assert linked(prepared) == [[0, 0]] * 120
    assert not aligner


@pytest.mark.parametrize("option", ["train.guided_head=1", "train.guided_layer=2"])
def test_no_links_are_made_with_an_invalid_option(toy: Toy, aligner: list[int], option: str) -> None:
    with pytest.raises(ConfigError, match="expected 0 to 0"):
        prepare(toy.config(*GUIDED, option), toy.directory / "t")
    assert not aligner


def test_without_the_package_nothing_is_left_behind(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regard.files.packages.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'regard\[align\]'"):
        train(toy.config(*GUIDED), toy.directory / "model")
    assert not (toy.directory / "model").exists()


@pytest.mark.skipif(find_spec("eflomal") is None, reason="needs eflomal: pip install 'regard[align]'")
def test_a_training_that_resumes_keeps_its_links(toy: Toy) -> None:
    """With eflomal itself, on a language that is translated word by word."""
    reporter = StoppingReporter()
    stopped = train(toy.config(*GUIDED), toy.directory / "model", reporter=reporter, interrupt=reporter.interrupt)
    assert stopped.interrupted
    path = toy.directory / "model" / TRAINING / MADE_LINKS
    content, written = path.read_bytes(), path.stat().st_mtime_ns
    lengths = [len(line.split()) for line in (toy.directory / "train.en").read_text(encoding="utf-8").splitlines()]
    gold = [tuple((word, word) for word in range(length)) for length in lengths]
    assert alignment_error_rate([line.sure for line in read_pharaoh(path)], gold).aer < 0.1
    result = train(None, toy.directory / "model", resume=True)
    assert not result.interrupted
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (content, written)
    assert sum(message.startswith("eflomal") for message in reporter.messages) == 2


@pytest.mark.parametrize("made", [True, False])
def test_links_of_several_corpora_are_numbered_in_order_and_count_no_tags(
    toy: Toy, aligner: list[int], made: bool
) -> None:
    """The links of a pair are those of its own words, wherever its corpus comes and whether it has a tag."""
    (toy.directory / "b.tsv").write_text("cat big dog\tchat grand chien\n\nbig cat\tgrand chat\n", encoding="utf-8")
    (toy.directory / "c.tsv").write_text("dog\tchien\none big cat\tun grand chat\n", encoding="utf-8")
    links = toy.directory / "given.align"
    links.write_text("2-2\n\n1-1\n0-0\n2-2\n", encoding="utf-8")
    config = toy.config(*(GUIDED if made else (GUIDED[0], f"train.guided_file={links}")), files=("val_src", "val_tgt"))
    corpora = tuple(
        CorpusConfig(src=str(toy.directory / name), tag=tag) for name, tag in (("b.tsv", "<web>"), ("c.tsv", None))
    )
    config = config.model_copy(update={"data": config.data.model_copy(update={"corpora": corpora})})
    prepared = prepare(config, toy.directory / "t")
    assert [pair.src for pair in prepared.train.pairs][:3] == ["<web> cat big dog", "<web> big cat", "dog"]
    assert [pair.line for pair in prepared.train.pairs] == [1, 3, 4, 5]
    assert linked(prepared) == [[3, 2], [2, 1], [0, 0], [2, 2]]
    if made:
        text = (toy.directory / "t" / MADE_LINKS).read_text(encoding="utf-8")
        assert text == links.read_text(encoding="utf-8")
    assert linked(load_prepared(toy.directory / "t")) == linked(prepared)
