"""Invalid input of every kind gives exit status 2 and a message with location and remedy, without a traceback."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

import pytest


class Case(NamedTuple):
    """A command, and the location and remedy that its message must name."""

    command: str
    location: str
    remedy: str
    stdin: bytes = b""


class Done(Protocol):
    """Result of a command; see `conftest.py`."""

    status: int
    out: str
    err: str


TRAIN = "train --out new --src a.en --tgt a.fr"
TRANSLATE = "translate --device cpu"

CASES = {
    # --- text
    "missing file": Case("train --out new --src no.en --tgt a.fr", "no.en: no such file", "check the name"),
    "directory as file": Case("train --out new --src folder --tgt a.fr", "folder", "give the path of a file"),
    "unequal line counts": Case(
        "train --out new --src a.en --tgt short.fr", "a.en has 300 lines but short.fr has 299", "must be equal"
    ),
    "invalid UTF-8": Case("train --out new --src a.en --tgt latin1", "latin1:2", "iconv -f latin1 -t utf-8"),
    "empty corpus": Case("train --out new --src empty --tgt empty", "empty", "check that it is the right file"),
    "blank lines only": Case("train --out new --src blank --tgt blank", "blank", "check that it is the right file"),
    "TSV without a tab": Case("train --out new --src pairs.tsv", "pairs.tsv:2", "write one pair per line"),
    "truncated gz": Case("train --out new --src cut.gz --tgt a.fr", "cut.gz", "fetch it again"),
    "plain text called gz": Case("train --out new --src not.gz --tgt a.fr", "not.gz", "fetch it again"),
    "one sentence": Case("train --out new --src one.en --tgt one.en", "at least 2 different source", "give more text"),
    "no corpus": Case("train --out new", "data.src", "give --src FILE"),
    "no validation target": Case(f"{TRAIN} --val-src one.en", "one.en:1", "write one pair per line, or pass two files"),
    # --- configuration
    "missing configuration": Case("train no.toml --out new", "no.toml: no such file", "--preset NAME"),
    "unknown key": Case("train unknown.toml --out new", "unknown.toml:6", "did you mean 'model.hidden_size'?"),
    "wrong type": Case(
        "train type.toml --out new",
        "type.toml:2",
        "from 1 to 1,000,000,000, but is 'many'",
    ),
    "not TOML": Case("train broken.toml --out new", "broken.toml", "not valid TOML"),
    "unknown preset": Case(
        f"{TRAIN} --preset transformer-tyni", "'transformer-tyni'", "did you mean 'transformer-tiny'?"
    ),
    "unknown preset in a file": Case("train preset.toml --out new", "preset.toml:2", "did you mean 'bahdanau'?"),
    "bad override": Case(f"{TRAIN} --set train.steps", "--set train.steps", "such as --set train.steps=300"),
    "unknown override": Case(f"{TRAIN} --set train.batch=3", "--set train.batch=3", "expected one of steps, epochs"),
    "unknown score": Case(f"{TRAIN} --set model.attention.score=genral", "'genral'", "did you mean 'general'?"),
    "not a number": Case(f"{TRAIN} --set train.learning_rate=nan", "train.learning_rate", "must be a finite number"),
    "odd width": Case(f"{TRAIN} --set model.hidden_size=7", "model.hidden_size", "make it even"),
    "tiny vocabulary": Case(f"{TRAIN} --set subword.vocab_size=10", "subword.vocab_size", "at least"),
    "unknown device": Case(f"{TRAIN} --set train.device=gpu", "'gpu'", "use 'auto' or 'cpu'"),
    # --- output directories
    "output is a file": Case("train --src a.en --tgt a.fr --out a.en", "a.en", "choose another --out"),
    "output within a file": Case("train --src a.en --tgt a.fr --out a.en/new", "a.en", "choose another"),
    "output is taken": Case("train --src a.en --tgt a.fr --out model", "model", "--overwrite"),
    "nothing to resume": Case("train --resume --out new", "new", "without --resume"),
    "resume a finished model": Case(
        "train --resume --out model --preset plain --set model.cell=gru", "model/training", "start a training without"
    ),
    # --- models
    "no such model": Case(f"{TRANSLATE} no-model", "no-model", "give the directory that `regard train --out` wrote"),
    "model is a file": Case(f"{TRANSLATE} a.en", "a.en", "found a file"),
    "wrong model directory": Case(f"{TRANSLATE} folder", "folder: not a model", "give the directory"),
    "NaN in weights": Case(f"{TRANSLATE} nan", "output_bias: 1 of 310", "train again"),
    "truncated weights": Case(f"{TRANSLATE} cut", "cut/weights.safetensors", "copy it again"),
    "weights of another shape": Case(f"{TRANSLATE} reshaped", "output_bias should be 310, but is 5", "config.toml"),
    "edited configuration": Case(f"{TRANSLATE} edited", "edited/config.toml: changed since", "Copy the model again"),
    "newer format": Case(f"{TRANSLATE} newer", "newer/manifest.json", "install a newer version of regard"),
    "missing weights": Case(f"{TRANSLATE} no-weights", "no-weights/weights.safetensors", "copy the whole directory"),
    "broken manifest": Case(f"{TRANSLATE} no-json", "no-json/manifest.json", "copy the model again"),
    "two things to describe": Case("info model --machine", "got model and --machine", "ask for one at a time"),
    "damaged model described": Case("info edited", "edited/config.toml", "Copy the model again"),
    "ensemble of two vocabularies": Case(f"{TRANSLATE} model foreign", "foreign", "vocabular"),
    "device for translating": Case("translate model --device gpu", "'gpu'", "cpu"),
    # --- translating
    "beam of zero": Case(f"{TRANSLATE} model --beam 0", "beam", "from 1 to 1,000", b"hello\n"),
    "beam that is not a number": Case(f"{TRANSLATE} model --beam wide", "--beam", "regard translate --help"),
    "n-best of zero": Case(
        f"{TRANSLATE} model --json --n-best 0", "between 1 and the beam of 5, got 0", "larger beam", b"hello\n"
    ),
    "n-best wider than the beam": Case(f"{TRANSLATE} model --json --beam 2 --n-best 3", "n_best", "beam", b"hello\n"),
    "n-best on lines": Case(f"{TRANSLATE} model --n-best 3", "--n-best 3", "add --json"),
    "attention on lines": Case(f"{TRANSLATE} model --attention", "--attention", "add --json"),
    "missing input": Case(f"{TRANSLATE} model --input no.en", "no.en: no such file", "check the name"),
    "UTF-16 in standard input": Case(
        f"{TRANSLATE} model", "standard input", "iconv -f utf-16", "fine\n".encode("utf-16")
    ),
    "UTF-16 to translate": Case(f"{TRANSLATE} model --input utf16", "utf16", "iconv -f utf-16"),
    "truncated gz to translate": Case(f"{TRANSLATE} model --input cut.gz", "cut.gz", "fetch it again"),
    "output is a directory": Case(f"{TRANSLATE} model --input a.en --output folder", "folder", "choose another path"),
    "output is the input": Case(f"{TRANSLATE} model --input a.en --output a.en", "a.en", "choose another output file"),
    "too many threads": Case(f"{TRANSLATE} model --threads 100000", "--threads: expected 1 to", "leave it out"),
    "threads to align with": Case(
        "align model --src a.en --tgt a.fr --threads 100000", "--threads: expected 1 to", "leave it out"
    ),
    "no threads": Case(f"{TRANSLATE} model --threads 0", "--threads", "leave it out"),
    "a missing shortlist": Case(f"{TRANSLATE} model --shortlist no.short", "no.short: no such file", "a shortlist"),
    "a shortlist that is a directory": Case(
        f"{TRANSLATE} model --shortlist folder", "folder: expected a file, found a directory", "a shortlist"
    ),
    "a packed text": Case(f"{TRANSLATE} model --input a.7z", "a.7z: expected text, found a .7z", "unpack it first"),
    "a pointer of Git LFS": Case(f"{TRANSLATE} model --input lfs", "lfs: expected text, found a", "git lfs pull"),
    "a pointer to train on": Case("train --out new --src lfs --tgt lfs", "lfs: expected text", "git lfs pull"),
    "UTF-16 without a mark": Case(
        f"{TRANSLATE} model", "UTF-16 without a byte order mark", "iconv -f utf-16le", "fine\n".encode("utf-16le")
    ),
    "lines of an old Mac": Case("train --out new --src mac --tgt mac", "mac: expected lines", "tr '\\r' '\\n'"),
    "an archive to evaluate": Case("evaluate model --src a.7z --ref a.7z", "a.7z: expected text", "unpack it first"),
    "an archive to align": Case("align model --src a.7z --tgt a.7z", "a.7z: expected text", "unpack it first"),
    "an archive of links": Case("aer --gold a.7z --links a.7z", "a.7z: expected text", "unpack it first"),
    "missing links": Case("aer --gold no.align --links a.en", "no.align: no such file", "check the name"),
    "nothing to compare": Case("aer --gold empty --links empty", "empty: expected gold links", "check the file name"),
    "huge word numbers": Case("aer --gold far --links far", "far:1: sentence number", "check the numbers"),
    # --- evaluation, alignment and attention
    "evaluation of unequal files": Case(
        "evaluate model --src a.en --ref short.fr", "a.en has 300 lines but short.fr has 299", "must be equal"
    ),
    "evaluation of nothing": Case("evaluate model --src empty --ref empty", "empty", "name a file with text"),
    "alignment of unequal files": Case("align model --src one.en --tgt a.fr", "a.fr has 300", "must be equal"),
    "no words to attend to": Case("attend model ' '", "the sentence is empty", "expected some words"),
    "no attention to show": Case(
        "attend plain hello", "plain: there is no attention to show", "train a model with attention"
    ),
    "no such layer": Case("attend model hello --readout layer=3", "no layer 3", "expected 0 to 0"),
    "picture of another sort": Case(
        "attend model hello --png map.bmp", "map.bmp", "expected a picture file with suffix .png"
    ),
    "nothing to attend to": Case("attend model", "either SENTENCE", "or --src FILE"),
    "a sentence and a file to attend to": Case("attend model hello --src a.en", "either SENTENCE", "or --src FILE"),
    "a model beside no page": Case("attend model hello --beside plain", "--beside", "add --html FILE"),
    "a model beside itself": Case(
        "attend model hello --beside model --html a.html", "model, model", "expected different models"
    ),
    "a model without attention beside": Case(
        "attend model hello --beside plain --html a.html",
        "plain: there is no attention",
        "train a model with attention",
    ),
    "a picture of many sentences": Case(
        "attend model --src one.en --png a.png", "--png draws one sentence", "or draw all with --html"
    ),
    "page in no directory": Case("attend model hello --html no/where.html", "no/where.html", "choose another path"),
    # --- the phrasebook
    "unknown pair": Case("phrasebook --out new --pair en-xx", "en-xx", "en-fr"),
    "no pairs": Case("phrasebook --out new --pairs 0", "pairs", "at least"),
    "lengths that exclude each other": Case(
        "phrasebook --out new --min-length 9 --max-length 3", "min_length=9 and max_length=3", "change the lengths"
    ),
    "lengths below one": Case("phrasebook --out new --min-length -1", "min_length=-1", "change the lengths"),
    "phrasebook over a file": Case("phrasebook --out a.en --pairs 10", "a.en", "choose another"),
    # --- the command itself
    "unknown verb": Case("trian --out new", "'trian'", "Did you mean 'train'?"),
    "unknown option": Case("info model --jason", "--jason", "regard info --help"),
    "missing option": Case(
        "evaluate model --src a.en", "a.en: expected sentence pairs", "name the file of the other side with --ref"
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_messages_name_location_and_remedy(
    name: str, wrong_things: Path, tmp_path: Path, regard: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(wrong_things)
    case = CASES[name]
    command = case.command.replace("--out new", f"--out {tmp_path}/new")
    done = regard(*shlex.split(command), stdin=case.stdin)
    assert done.status == 2, done
    assert done.err.count("regard: error: ") == 1
    message = done.err[done.err.index("regard: error: ") :]
    assert case.location in message
    assert case.remedy in message
    assert "Traceback" not in done.out + done.err
    assert not (tmp_path / "new" / "manifest.json").exists()


def test_there_are_enough() -> None:
    assert len(CASES) >= 60
