"""Options of search and sampling, and the verbs that score and rerank."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

LINES = b"How was your day?\n\nI see a cat.\n"


class Done(Protocol):
    """Result of a command; see `conftest.py`."""

    status: int
    out: str
    err: str


Run = Callable[..., Done]


def test_samples_depend_on_seed_and_line_only(at_work: Path, regard: Run) -> None:
    sample = ("translate", "model", "--sample", "1", "--epsilon", "0.01", "--temperature", "1.5")
    first, again, other = (regard(*sample, "--seed", seed, stdin=LINES).out for seed in ("1", "1", "2"))
    assert first == again != other
    assert first.split("\n")[1] == ""
    threads = regard(*sample, "--seed", "1", "--threads", "1", stdin=LINES).out
    assert threads == first
    (at_work / "in").write_bytes(LINES)
    files = ("--input", "in", "--output", "out", "--workers", "1")
    assert regard(*sample, "--seed", "1", *files).status == 0
    assert (at_work / "out").read_text(encoding="utf-8") == first
    many = regard("translate", "model", "--sample", "3", "--top-k", "9", "--top-p", "0.9", "--json", stdin=LINES)
    assert [len(json.loads(line)["n_best"]) for line in many.out.splitlines()] == [3, 0, 3]


def test_mbr(at_work: Path, regard: Run) -> None:
    done = regard("translate", "model", "--mbr", "8", "--beam", "2", "--json", "--n-best", "2", stdin=LINES)
    first, _, _ = [json.loads(line) for line in done.out.splitlines()]
    utilities = [entry["utility"] for entry in first["n_best"]]
    assert utilities == sorted(utilities, reverse=True)
    assert first["utility"] == utilities[0]
    (at_work / "in").write_bytes(LINES)
    files = ("--input", "in", "--output", "out", "--workers", "1")
    assert regard("translate", "model", "--mbr", "8", "--beam", "2", *files).status == 0
    plain = regard("translate", "model", "--mbr", "8", "--beam", "2", stdin=LINES)
    assert (at_work / "out").read_text(encoding="utf-8") == plain.out
    arguments = ["evaluate", "model", "--src", "test.en", "--ref", "test.fr", "--json", "--beam", "1"]
    assert 0 <= json.loads(regard(*arguments, "--mbr", "4").out)["chrf"] <= 100


def test_restrictions_and_groups(at_work: Path, regard: Run) -> None:
    options = (
        "--no-repeat-ngram",
        "1",
        "--repetition-penalty",
        "1.2",
        "--min-len-ratio",
        "0.5",
        "--max-len-ratio",
        "2",
    )
    done = regard("translate", "model", "--json", *options, stdin=LINES)
    for line in done.out.splitlines():
        tokens = json.loads(line)["tokens"]
        assert len(set(tokens)) == len(tokens)
    groups = regard(
        "translate", "model", "--json", "--n-best", "4", "--beam", "4", "--groups", "4", "--diversity", "5", stdin=LINES
    )
    first, *_ = [json.loads(line) for line in groups.out.splitlines()]
    assert len({entry["text"].split()[0] for entry in first["n_best"] if entry["text"]}) >= 2


def test_prefixes_and_alternatives(at_work: Path, regard: Run) -> None:
    done = regard("translate", "model", "--prefix", "Je", "--beam", "2", stdin=LINES)
    assert [line.startswith("Je") for line in done.out.splitlines()] == [True, True, True]
    found = regard("translate", "model", "--prefix", "Je", "--alternatives", "3", "--json", "--beam", "2", stdin=LINES)
    first, empty, _ = [json.loads(line) for line in found.out.splitlines()]
    words = [entry["text"].split()[1:2] for entry in first["n_best"]]
    assert len(words) == len({tuple(word) for word in words}) == 3
    assert empty["n_best"] == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--top-k 3", "--top-k is an option of sampling: add --sample N or --mbr N"),
        ("--sample 2", "the results of --sample 2 do not fit on one line"),
        ("--sample 0", "num_samples of at least 1, got 0"),
        ("--sample 1 --mbr 4", "give only one of both"),
        ("--sample 1 --beam 3", "sample cannot be combined with beam"),
        ("--sample 1 --epsilon 1", "epsilon of at least 0 and below 1, got 1.0"),
        ("--mbr 4 --temperature 0", "temperature above 0, got 0.0"),
        ("--alternatives 3", "the results of --alternatives 3 do not fit on one line"),
        ("--groups 3 --beam 4", "divides the beam of 4, got 3"),
        ("--diversity 1", "diversity has no effect without groups"),
        ("--no-repeat-ngram -2", "no_repeat_ngram from 0 (off) to 100, got -2"),
        ("--repetition-penalty 0.5", "repetition_penalty from 1 (off) to 100, got 0.5"),
        ("--min-len-ratio 3 --max-len-ratio 2", "min_len_ratio of at most max_len_ratio, 2.0, got 3.0"),
        ("--prefix Je --input test.en --output o --workers 2", "--prefix and --alternatives work only for lines"),
    ],
)
def test_bad_values_name_the_range(at_work: Path, regard: Run, options: str, message: str) -> None:
    done = regard("translate", "model", *options.split(), stdin=LINES)
    assert done.status == 2
    assert message in " ".join(done.err.split())


def test_score_and_rerank(at_work: Path, regard: Run) -> None:
    pairs = ("--src", "test.en", "--tgt", "test.fr")
    sources = (at_work / "test.en").read_text(encoding="utf-8").splitlines()
    numbers = [float(line) for line in regard("score", "model", *pairs).out.splitlines()]
    objects = [json.loads(line) for line in regard("score", "model", *pairs, "--json", "--normalize").out.splitlines()]
    assert len(numbers) == len(objects) == len(sources)
    for number, fields in zip(numbers, objects, strict=True):
        assert fields["score"] == pytest.approx(number / (len(fields["tokens"]) + 1), abs=1e-5)
        assert sum(fields["token_scores"]) >= number
    twice = regard("score", "model", "model", *pairs)
    assert [float(line) for line in twice.out.splitlines()] == pytest.approx(numbers, abs=1e-4)
    (at_work / "a").write_text("I see a cat.\n\n\n", encoding="utf-8")
    (at_work / "b").write_text("\n\nJe vois un chat.\n", encoding="utf-8")
    done = regard("score", "model", "--src", "a", "--tgt", "b")
    assert [math.isnan(float(line)) for line in done.out.splitlines()] == [True, False, True]
    assert "sentence 1: not scored: one side is empty" in done.err

    lists = regard("translate", "model", "--json", "--beam", "4", "--n-best", "4", "--input", "test.en").out
    (at_work / "lists").write_text(lists, encoding="utf-8")
    own = regard("rerank", "lists", "--src", "test.en", "--model", "model:0", "--score", "1")
    assert own.out == "".join(json.loads(line)["text"] + "\n" for line in lists.splitlines())
    channel = ("--model", "model", "--reverse", "model:0.5", "--length", "0.1", "--json")
    entries = [json.loads(line) for line in regard("rerank", "lists", "--src", "test.en", *channel).out.splitlines()]
    for entry in entries:
        totals = [
            candidate["features"]["model"] + 0.5 * candidate["features"]["reverse:model"]
            + 0.1 * candidate["features"]["length"]
            for candidate in entry["n_best"]
        ]  # fmt: skip
        assert totals == sorted(totals, reverse=True)
        assert entry["score"] == pytest.approx(totals[0])
    tuned = regard("rerank", "lists", "--src", "test.en", "--model", "model", "--tune", "test.fr")
    assert "weights with a mean chrF of" in tuned.err
    for arguments, message in (
        (("--src", "test.en"), "add --model MODEL, --reverse MODEL, or both"),
        (("--src", "a", "--model", "model"), "expected one list for each of the 3 lines of a"),
        (("--src", "test.en", "--model", "model:inf"), "a finite number as the weight after the colon"),
    ):
        done = regard("rerank", "lists", *arguments)
        assert (done.status, message in done.err) == (2, True)
    (at_work / "lists").write_text('{"text": 3}\n', encoding="utf-8")
    done = regard("rerank", "lists", "--src", "a", "--model", "model")
    assert "lists:1: expected n_best, a list of {text, score}" in done.err
