"""`regard align` and `regard aer`: formats, two directions, word index bases, guided training, and user errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest


class Done(Protocol):
    """Result of a command; see `conftest.py`."""

    status: int
    out: str
    err: str


Run = Callable[..., Done]
FILES = ("--src", "test.en", "--tgt", "test.fr")


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def test_all_formats_hold_the_same_links(at_work: Path, regard: Run) -> None:
    outputs = {
        name: regard("align", "model", *FILES, "--format", name).out.splitlines()
        for name in ("pharaoh", "json", "tsv", "naacl")
    }
    sources, targets = lines(at_work / "test.en"), lines(at_work / "test.fr")
    expected = [
        (number, *map(int, link.split("-"))) for number, line in enumerate(outputs["pharaoh"]) for link in line.split()
    ]
    assert expected
    objects = [json.loads(line) for line in outputs["json"]]
    assert [(n, *link) for n, pair in enumerate(objects) for link in pair["links"]] == expected
    assert [pair["src"] for pair in objects] == [line.split() for line in sources]
    assert [tuple(int(x) - 1 for x in line.split()) for line in outputs["naacl"]] == expected
    rows = [line.split("\t") for line in outputs["tsv"]]
    assert [(int(n) - 1, int(i), int(j)) for n, i, j, _, _ in rows] == expected
    assert all(sources[int(n) - 1].split()[int(i)] == word for n, i, _, word, _ in rows)
    assert all(targets[int(n) - 1].split()[int(j)] == word for n, _, j, _, word in rows)


def test_two_directions(at_work: Path, regard: Run) -> None:
    """With a shared vocabulary the model can score the opposite direction too, however badly."""

    def links(*options: str) -> list[set[str]]:
        done = regard("align", "model", *FILES, *options)
        assert done.status == 0
        return [set(line.split()) for line in done.out.splitlines()]

    forward = links()
    backward = [
        {"-".join(reversed(link.split("-"))) for link in line.split()}
        for line in regard("align", "model", "--src", "test.fr", "--tgt", "test.en").out.splitlines()
    ]
    both = ("--reverse-model", "model", "--symmetrize")
    assert links(*both, "intersection") == [a & b for a, b in zip(forward, backward, strict=True)]
    assert links(*both, "union") == [a | b for a, b in zip(forward, backward, strict=True)]
    assert links(*both, "intersection") == links("--reverse-model", "model")
    assert links(*both, "gdfa") == links(*both, "grow-diag-final-and")
    done = regard("align", "model", *FILES, *both, "diagonal")
    assert done.status == 2
    assert "got 'diagonal'" in done.err


def test_rules_and_thresholds(at_work: Path, regard: Run) -> None:
    def links(*options: str) -> list[set[str]]:
        return [set(line.split()) for line in regard("align", "model", *FILES, *options).out.splitlines()]

    strongest = links("--readout", "rule=strongest", "--readout", "end=1")
    assert all(len({link.split("-")[1] for link in pair_links}) == len(pair_links) for pair_links in strongest)
    rule = ("--readout", "rule=threshold", "--readout")
    few, many = links(*rule, "threshold=0.3"), links(*rule, "threshold=0.05")
    assert all(a <= b for a, b in zip(few, many, strict=True))
    assert few != many
    assert links("--readout", "shift=true") != links("--readout", "shift=false") == links()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("size=3", "expected one of rule=..., threshold=..., end=..., layer=..., head=..., shift=..."),
        ("layer=-1", "expected layer to be the number of a layer, from 0, got '-1'"),
        ("head", "expected head to be the number of a head, from 0, got ''"),
        ("threshold=2", "expected threshold to be a number from 0 to 1, got '2'"),
        ("rule=best", "expected rule to be hmm, shares, strongest or threshold, got 'best'"),
        ("shift=1", "expected shift to be true or false, got '1'"),
    ],
)
def test_settings_of_the_readout_are_checked(at_work: Path, regard: Run, setting: str, message: str) -> None:
    done = regard("align", "model", *FILES, "--readout", setting)
    assert done.status == 2
    assert f"--readout {setting}: {message}" in done.err


def test_the_readout_is_tuned_and_stored(at_work: Path, regard: Run) -> None:
    before = (at_work / "model" / "manifest.json").read_text()
    assert json.loads(before)["readout"] is None
    plain = regard("translate", "model", "--json", "--input", "test.en").out
    wider = ("--readout", "rule=threshold", "--readout", "threshold=0.05")
    tuned = regard("align", "model", *FILES, "--tune", *wider)
    assert (tuned.status, "stored as the model's readout" in tuned.err) == (0, True)
    stored = json.loads((at_work / "model" / "manifest.json").read_text())["readout"]
    assert (stored["rule"], stored["threshold"]) == ("threshold", 0.05)
    assert regard("align", "model", *FILES).out == tuned.out
    translated = regard("translate", "model", "--json", "--input", "test.en").out
    assert [json.loads(line)["text"] for line in translated.splitlines()] == [
        json.loads(line)["text"] for line in plain.splitlines()
    ]
    assert translated != plain
    assert "rule threshold" in regard("info", "model").out
    assert regard("align", "model", "model", *FILES, "--tune").status == 2
    (at_work / "model" / "manifest.json").write_text(before)


def test_gold_links_select_a_head_and_the_selection_is_reported(at_work: Path, regard: Run) -> None:
    done = regard("align", "model", *FILES, "--gold", "test.align")
    assert done.status == 0
    assert "regard: model: reading layer 0, head 0" in done.err
    assert "1 - AER on gold links" in done.err
    done = regard("align", "model", *FILES, "--readout", "layer=3")
    assert done.status == 2
    assert "there is no layer 3" in done.err


def test_gold_links_may_count_words_from_one(at_work: Path, regard: Run) -> None:
    counted = [[tuple(map(int, link.split("-"))) for link in line.split()] for line in lines(at_work / "test.align")]
    from_one = "".join(" ".join(f"{i + 1}-{j + 1}" for i, j in line) + "\n" for line in counted)
    (at_work / "one.align").write_text(from_one)
    some = [
        line
        for line in regard("align", "model", *FILES, "--format", "naacl").out.splitlines()
        if line[:2] in ("1 ", "2 ")
    ]
    (at_work / "naacl.align").write_text("\n".join(some))
    messages = [regard("align", "model", *FILES, "--gold", name).err for name in ("test.align", "one.align")]
    assert "1 - AER on gold links" in messages[0]
    assert messages[0] == messages[1]
    (at_work / "wrong.align").write_text(from_one.replace("1-1", "0-0 99-1", 1))
    wrong = regard("align", "model", *FILES, "--gold", "wrong.align")
    assert wrong.status == 2
    assert "is beyond the end of the sentence pair" in wrong.err
    assert regard("align", "model", *FILES, "--gold", "naacl.align").status == 0  # the last pairs have no links


def test_aer(at_work: Path, regard: Run) -> None:
    (at_work / "gold").write_text("1-1 2p2 3?3\n1-2\n")
    (at_work / "guess").write_text("0-0 1-1\n1-1\n")
    options = ("aer", "--gold", "gold", "--links", "guess")
    done = regard(*options)
    assert done.status == 2
    assert "--gold-base" in done.err
    scores = json.loads(regard(*options, "--gold-base", "1", "--json").out)
    # 3 predicted, 2 of them possible; 2 sure (0-0 and 0-1), 1 of them predicted.
    assert scores == {
        "aer": pytest.approx(1 - 3 / 5), "precision": pytest.approx(2 / 3), "recall": 0.5,
        "guessed": 3, "sure": 2, "sentences": 2,
    }  # fmt: skip
    assert regard(*options, "--gold-base", "1").out.splitlines()[0] == "AER       0.4000"
    (at_work / "a").write_text("x y z\nx y\n")
    (at_work / "b").write_text("x y z\nx y\n")
    assert json.loads(regard(*options, "--src", "a", "--tgt", "b", "--json").out) == scores


def test_aer_counts_words_as_align_does(at_work: Path, regard: Run) -> None:
    (at_work / "odd.en").write_text("foo\u2009bar baz\n", encoding="utf-8")
    (at_work / "odd.fr").write_text("un\u00a0deux trois\n", encoding="utf-8")
    (at_work / "guess").write_text("0-0 2-2\n")
    files = ("--gold", "guess", "--links", "guess", "--src", "odd.en", "--tgt", "odd.fr")
    assert regard("aer", *files).out.splitlines()[0] == "AER       0.0000"


def test_aer_of_naacl_lines_whose_last_pairs_have_no_links(at_work: Path, regard: Run) -> None:
    (at_work / "gold").write_text("0-0\n1-1\n0-1\n")
    (at_work / "guess").write_text("1 1 1\n2 1 1\n")
    for gold, links, figures in (("gold", "guess", (2, 3, 1)), ("guess", "gold", (3, 2, 1))):
        scores = json.loads(regard("aer", "--gold", gold, "--links", links, "--json").out)
        assert (scores["guessed"], scores["sure"], scores["sentences"]) == (*figures[:2], 3)
        assert scores["precision"] == pytest.approx(1 / figures[0])


def test_aer_of_files_that_do_not_belong_together(at_work: Path, regard: Run) -> None:
    (at_work / "guess").write_text("0-0 1-1\n")
    done = regard("aer", "--gold", "test.align", "--links", "guess")
    assert done.status == 2
    assert "give files with one line for each sentence pair" in done.err
    done = regard("aer", "--gold", "test.align", "--links", "test.align", "--src", "test.en")
    assert done.status == 2
    assert "expected --src and --tgt together" in done.err
    done = regard("aer", "--gold", "test.align", "--links", "test.align", "--src", "test.en", "--tgt", "test.en")
    assert done.status == 2
    assert "is beyond the end of the sentence pair" in done.err


TRAIN = (
    "train", "--preset", "demo", "--src", "train.en", "--tgt", "train.fr", "--val-src", "val.en", "--val-tgt", "val.fr",
    "--set", "train.steps=4", "--set", "train.validate_sentences=4", "--set", "subword.vocab_size=400",
    "--set", "model.embed_size=8", "--set", "model.hidden_size=8", "--set", "train.threads=1",
    "--set", "train.tensorboard=false", "--set", "subword.sample_alpha=0.2",
)  # fmt: skip


def test_gold_files_without_links_are_refused(at_work: Path, regard: Run) -> None:
    Path("empty").touch()
    Path("blank").write_text("\n\n", encoding="utf-8")
    for name in ("empty", "blank"):
        done = regard("aer", "--gold", name, "--links", name)
        assert done.status == 2
        assert f"{name}: expected gold links to compare with, found none" in done.err
    Path("blank").write_text("\n" * len(lines(at_work / "test.en")), encoding="utf-8")
    done = regard("align", "model", *FILES, "--gold", "blank")
    assert done.status == 2
    assert "blank: expected gold links to compare with, found none" in done.err


def test_a_sentence_number_far_beyond_the_corpus_is_refused(at_work: Path, regard: Run) -> None:
    Path("far").write_text("9999999 1 1\n", encoding="utf-8")
    for arguments in (("aer", "--gold", "far", "--links", "far"), ("align", "model", *FILES, "--gold", "far")):
        done = regard(*arguments)
        assert done.status == 2
        assert "far:1: sentence number 9999999 is out of range" in done.err


def test_guided_training(at_work: Path, regard: Run) -> None:
    """From a word-level file, with sampled segmentations; a wrong link is reported with its line and left out."""
    links = lines(at_work / "train.align")
    links[6] += " 77-0"
    (at_work / "links").write_text("\n".join(links) + "\n")
    guided = ("--set", "train.guided_weight=0.5", "--set", "train.guided_file=links", "--out", "guided")
    done = regard(*TRAIN, *guided)
    assert done.status == 0, done.err
    assert "links:7: link 77-0 was left out" in done.err.replace("\n", " ")
    assert regard("align", "guided", *FILES).status == 0


def test_a_guided_head_gives_the_links_of_every_command(at_work: Path, regard: Run) -> None:
    """Even below a picture of the mean of all heads."""
    small = [
        f"model.{option}" for option in ("width=16", "ff_size=16", "heads=2", "encoder_layers=1", "decoder_layers=2")
    ]
    guided = [f"train.guided_{option}" for option in ("weight=1", "file=train.align", "shift=true")]
    options = (
        "subword.vocab_size=400",
        "train.steps=4",
        "train.validate_sentences=4",
        "train.threads=1",
        *small,
        *guided,
    )
    sets = [part for option in options for part in ("--set", option)]
    files = ("--src", "train.en", "--tgt", "train.fr", "--val-src", "val.en", "--val-tgt", "val.fr")
    done = regard("train", "--preset", "transformer-tiny", *files, *sets, "--out", "head")
    assert done.status == 0, done.err
    source, target = lines(at_work / "test.en")[0], lines(at_work / "test.fr")[0]
    (at_work / "one.en").write_text(f"{source}\n")
    (at_work / "one.fr").write_text(f"{target}\n")
    pair = ("--src", "one.en", "--tgt", "one.fr")
    own, shares = (regard("align", "head", *pair, *rule).out.strip() for rule in ((), ("--readout", "rule=shares")))
    assert own != shares
    assert regard("attend", "head", source, "--target", target).out.splitlines()[-1].split()[1:] == own.split()
    for layer, head in ("00", "10"):  # the first is the guided one, named or not
        readout = ("--readout", f"layer={layer}", "--readout", f"head={head}")
        drawn = regard("attend", "head", source, "--target", target, *readout).out.splitlines()[-1].split()[1:]
        assert drawn == regard("align", "head", *pair, *readout).out.split()
        assert (drawn == own.split()) == (layer == "0")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "set train.guided_file to a file in Pharaoh format"),
        (("guided_file=nowhere",), "nowhere"),
        (("guided_file=val.align",), "but the training text has 400"),
        (("guided_file=train.align", "guided_head=1"), "train.guided_head: expected 0 to 0"),
        (("guided_file=train.align", "guided_layer=2"), "train.guided_layer: expected 0 to 0"),
        (("guided_file=train.align", "guided_shift=true"), "train.guided_shift: not possible for a recurrent model"),
    ],
)
def test_wrong_options_of_guided_training(at_work: Path, regard: Run, options: tuple[str, ...], message: str) -> None:
    named = [part for option in ("guided_weight=0.5", *options) for part in ("--set", f"train.{option}")]
    done = regard(*TRAIN, *named, "--out", "guided")
    assert done.status == 2
    assert message in " ".join(done.err.split())


def test_attention_weights_that_can_be_zero_cannot_be_guided(at_work: Path, regard: Run) -> None:
    guided = ("--set", "train.guided_weight=0.5", "--set", "train.guided_file=train.align")
    done = regard(*TRAIN, *guided, "--set", "model.attention.normalizer=sparsemax", "--out", "guided")
    assert done.status == 2
    assert "model.attention.normalizer = 'sparsemax' sets to zero have no gradient" in " ".join(done.err.split())


def test_a_model_without_attention_cannot_be_guided(at_work: Path, regard: Run) -> None:
    guided = ("--set", "train.guided_weight=0.5", "--set", "train.guided_file=train.align")
    done = regard(*TRAIN, *guided, "--set", "model.decoder=plain", "--out", "guided")
    assert done.status == 2
    assert "no attention to guide" in " ".join(done.err.split())
