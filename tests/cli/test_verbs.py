"""Output of the verbs."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from regard.evaluate.scores import corpus_scores
from regard.files.atomic import sha256


class Done(Protocol):
    """Result of a command; see `conftest.py`."""

    status: int
    out: str
    err: str


Run = Callable[..., Done]
TIMEOUT = 1800
"""Seconds until a test gives up, only so that nothing waits forever."""


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


# --- translate -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["\n", ""])
def test_one_line_out_for_each_line_in(at_work: Path, regard: Run, ending: str) -> None:
    sources = ["How was your day?", "", "   ", "I see a cat.", "", "日本語 😀"]
    done = regard("translate", "model", "--beam", "2", stdin=("\n".join(sources) + ending).encode())
    assert done.status == 0
    assert all(line.startswith("regard: sentence ") for line in done.err.splitlines())  # the model has barely learned
    translations = done.out.split("\n")
    assert len(translations) == len(sources) + 1
    assert [bool(translation) for translation in translations[:3]] == [True, False, False]
    assert translations[4] == ""


def test_empty_input_gives_empty_output(at_work: Path, regard: Run) -> None:
    assert regard("translate", "model").out == ""


def test_files_and_streams_give_the_same(at_work: Path, regard: Run) -> None:
    text = (at_work / "test.en").read_bytes()
    streamed = regard("translate", "model", "--beam", "1", stdin=text)
    done = regard("translate", "model", "--beam", "1", "--input", "test.en", "--output", "out.fr")
    assert (done.status, done.out) == (0, "")
    assert (at_work / "out.fr").read_text(encoding="utf-8") == streamed.out
    assert streamed.out.count("\n") == text.count(b"\n")


def test_json_lines(at_work: Path, regard: Run) -> None:
    options = ["--json", "--attention", "--beam", "3", "--n-best", "2"]
    done = regard("translate", "model", *options, stdin=b"How was your day?\n\nI see a cat.\n")
    first, empty, _ = [json.loads(line) for line in done.out.splitlines()]
    scores = {"score", "token_scores"}
    assert first.keys() == {"text", "tokens", "alignment", "n_best", "warnings", "quality_flags", "attention"} | scores
    assert len(first["token_scores"]) == len(first["tokens"])
    assert first["n_best"][0]["text"] == first["text"]
    assert len(first["n_best"]) == 2
    assert first["n_best"][0]["score"] >= first["n_best"][1]["score"]
    assert all(len(link) == 2 and 0 <= link[0] < 4 for link in first["alignment"])
    [layer] = first["attention"]["layers"]
    assert len(layer["weights"][0][0]) == len(first["attention"]["src"]["pieces"]) + 1
    assert (empty["text"], empty["tokens"], empty["alignment"]) == ("", [], [])
    plain = regard("translate", "model", "--json", stdin=b"How was your day?\n")
    assert "attention" not in json.loads(plain.out)


def test_an_ensemble_of_a_model_with_itself_is_the_model(at_work: Path, regard: Run) -> None:
    alone = regard("translate", "model", "--threads", "1", stdin=b"How was your day?\n")
    twice = regard("translate", "model", "model", "--threads", "1", stdin=b"How was your day?\n")
    assert twice.status == 0
    assert alone.out == twice.out


def _command(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "regard", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A test run in the background of a shell ignores SIGINT, and its child processes would inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def test_a_closed_output_pipe_is_not_reported(at_work: Path) -> None:
    with _command("translate", "model", "--beam", "1") as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        process.stdin.write(b"How was your day?\n" * 200)
        process.stdin.close()
        messages = process.stderr.read().decode()
        assert process.wait(TIMEOUT) in (0, 1)
        assert all(line.startswith("regard: sentence ") for line in messages.splitlines())


def test_ctrl_c_ends_without_a_traceback(at_work: Path) -> None:
    with _command("translate", "model", "--beam", "1") as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(b"How was your day?\n" * 2000)
        process.stdin.flush()
        assert process.stdout.readline()  # it is translating
        process.send_signal(signal.SIGINT)
        process.stdin.close()
        process.stdout.read()
        assert process.wait(TIMEOUT) == 130
        messages = process.stderr.read().decode()
        assert all(line.startswith("regard: sentence ") for line in messages.splitlines())


# --- the others ----------------------------------------------------------------------------------------------------


def test_evaluate(at_work: Path, regard: Run) -> None:
    arguments = ["evaluate", "model", "--src", "test.en", "--ref", "test.fr", "--beam", "1"]
    done = regard(*arguments, "--json")
    assert (done.status, done.err) == (0, "")
    scores = json.loads(done.out)
    assert scores.keys() >= {"bleu", "chrf", "ter", "signature"}
    assert "nrefs:1" in scores["signature"]
    assert scores["model"].startswith("regard:")
    text = regard(*arguments).out
    assert f"BLEU  {scores['bleu']:6.2f}  nrefs:1" in text
    assert scores["model"] in text


def test_evaluate_with_another_tokenizer(at_work: Path, regard: Run) -> None:
    arguments = ["evaluate", "model", "--src", "test.en", "--ref", "test.fr", "--beam", "1", "--json", "--tokenize"]
    scores = {name: json.loads(regard(*arguments, name).out) for name in ("auto", "13a", "char")}
    assert "|tok:char|" in scores["char"]["signature"]
    assert scores["auto"]["bleu"] == scores["13a"]["bleu"] != scores["char"]["bleu"]
    done = regard(*arguments, "moses")
    assert done.status == 2
    assert "tokenizer of BLEU: expected one of auto, none, zh" in done.err


def test_evaluate_ignores_unicode_normalization(at_work: Path, regard: Run) -> None:
    composed = "".join(f"été à {line}\n" for line in lines(at_work / "test.fr"))
    (at_work / "decomposed.fr").write_text(unicodedata.normalize("NFD", composed), encoding="utf-8")
    (at_work / "composed.fr").write_text(composed, encoding="utf-8")
    scores = [
        regard("evaluate", "model", "--src", "test.en", "--ref", name, "--beam", "1").out
        for name in ("decomposed.fr", "composed.fr")
    ]
    assert scores[0] == scores[1]


def test_int8_precision(at_work: Path, regard: Run) -> None:
    arguments = ["evaluate", "model", "--src", "test.en", "--ref", "test.fr", "--beam", "1", "--json"]
    float32, int8 = (json.loads(regard(*arguments, *more).out) for more in ((), ("--precision", "int8")))
    assert int8["model"] == f"{float32['model']}|precision:int8"
    assert int8["chrf"] == pytest.approx(float32["chrf"], abs=3)
    done = regard("translate", "model", "--precision", "int8", stdin=b"how are you\n")
    assert (done.status, done.out.count("\n")) == (0, 1)
    for precision in ("int9", "INT8"):
        done = regard("translate", "model", "--precision", precision, stdin=b"how are you\n")
        assert done.status == 2
        assert f"one of float32, bfloat16, int8, got '{precision}'" in done.err


def test_a_shortlist_is_used_and_in_the_signature(at_work: Path, regard: Run) -> None:
    few = ("--links", "1", "--frequent", "1", "--out", "table")
    assert regard("shortlist", "model", "--src", "train.en", "--tgt", "train.fr", *few).status == 0
    greedy = ("--beam", "1", "--shortlist", "table")
    assert regard("translate", "model", "--input", "test.en", "--output", "test.out", *greedy).status == 0
    scores = corpus_scores(lines(at_work / "test.out"), lines(at_work / "test.fr"))
    limited = json.loads(regard("evaluate", "model", "--src", "test.en", "--ref", "test.fr", "--json", *greedy).out)
    free = json.loads(regard("evaluate", "model", "--src", "test.en", "--ref", "test.fr", "--json", "--beam", "1").out)
    assert limited["chrf"] == pytest.approx(scores.chrf)
    assert limited["chrf"] != free["chrf"]
    assert limited["model"] == f"{free['model']}|shortlist:{sha256(at_work / 'table')[:8]}"


def test_align(at_work: Path, regard: Run) -> None:
    done = regard("align", "model", "--src", "test.en", "--tgt", "test.fr")
    assert (done.status, done.err) == (0, "")
    sources, targets, links = lines(at_work / "test.en"), lines(at_work / "test.fr"), done.out.splitlines()
    assert len(links) == len(sources)
    for src, tgt, line in zip(sources, targets, links, strict=True):
        for link in line.split():
            i, j = map(int, link.split("-"))
            assert i < len(src.split())
            assert j < len(tgt.split())
    regard("align", "model", "--src", "test.en", "--tgt", "test.fr", "--output", "test.guess")
    assert lines(at_work / "test.guess") == links


def test_empty_lines_have_no_links(at_work: Path, regard: Run) -> None:
    (at_work / "a").write_text("hello\n\nhello\n\n")
    (at_work / "b").write_text("salut\n\n\nsalut\n")
    done = regard("align", "model", "--src", "a", "--tgt", "b")
    assert done.status == 0
    assert done.out.split("\n")[1:] == ["", "", "", ""]


def test_attend(at_work: Path, regard: Run) -> None:
    done = regard("attend", "model", "How was your day?", "--html", "a.html", "--png", "a.svg")
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith("How was your day?\n")
    assert "alignment" in done.out
    assert "<html" in (at_work / "a.html").read_text()
    assert "<svg" in (at_work / "a.svg").read_text()


def test_attend_with_a_given_translation(at_work: Path, regard: Run) -> None:
    done = regard(
        "attend", "model", "How was your day?", "--target", "Comment ça va ?", "--subwords", "--readout", "layer=0"
    )
    assert done.status == 0
    assert done.out.splitlines()[1] == "Comment ça va ?"
    for word in ("Comment", "ça", "va", "?"):
        assert f"\n{word}: most " in done.out


def data_of(page: Path) -> list[dict[str, Any]]:
    """The models on an attention page, with their sentences."""
    match = re.search('<script type="application/json" id="data">(.*?)</script>', page.read_text())
    assert match
    models: list[dict[str, Any]] = json.loads(match[1])
    return models


def test_attend_prints_markup_as_it_is(at_work: Path, regard: Run) -> None:
    assert regard("attend", "model", "a [b]:cat:[/b] here").out.startswith("a [b]:cat:[/b] here\n")


def test_attend_with_a_file(at_work: Path, regard: Run) -> None:
    (at_work / "few.en").write_text("the cat sleeps\n\nHow was your day?\n")
    done = regard("attend", "model", "--src", "few.en", "--html", "a.html")
    assert (done.status, done.out) == (0, "")
    assert "sentence 2 is left out" in done.err
    [model] = data_of(at_work / "a.html")
    assert [record["src"]["words"] for record in model["records"]] == [
        ["the", "cat", "sleeps"],
        ["How", "was", "your", "day?"],
    ]
    assert "<title>few.en</title>" in (at_work / "a.html").read_text()
    assert regard("attend", "model", "--src", "few.en").out.count("\nalignment ") == 2


def test_attend_with_a_model_beside(at_work: Path, regard: Run) -> None:
    shutil.copytree("model", "other")
    (at_work / "few.en").write_text("the cat sleeps\nHow was your day?\n")
    (at_work / "few.fr").write_text("le chat dort\nComment ça va ?\n")
    done = regard("attend", "model", "--beside", "other", "--src", "few.en", "--tgt", "few.fr", "--html", "a.html")
    assert (done.status, done.out, done.err) == (0, "", "")
    models = data_of(at_work / "a.html")
    assert [model["name"] for model in models] == ["model", "other"]
    assert [[record["tgt"]["words"][0] for record in model["records"]] for model in models] == [["le", "Comment"]] * 2


def test_phrasebook(tmp_path: Path, regard: Run) -> None:
    for name in ("one", "two"):
        done = regard("phrasebook", "--pairs", "50", "--seed", "3", "--max-length", "8", "--out", str(tmp_path / name))
        assert (done.status, done.out) == (0, "")
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == [f"{part}.{end}" for part in ("test", "train", "val") for end in ("align", "en", "fr")]
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in names)
    sources = lines(tmp_path / "one" / "train.en")
    assert len(sources) == 50
    assert max(len(source.split()) for source in sources) <= 8


def test_info(at_work: Path, regard: Run) -> None:
    info = json.loads(regard("info", "model", "--json").out)
    assert info["config"]["model"]["decoder"] == "bahdanau"
    assert info["bytes"].keys() == {"config.toml", "weights.safetensors", "subword.model"}
    text = regard("info", "model").out
    assert info["signature"] in text
    assert f"{info['num_parameters']:,}" in text
    assert "validation bleu" in text
    assert 'decoder = "bahdanau"' in text


def test_info_of_the_machine(regard: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KMP_AFFINITY", "\x1b[31m1\n")
    monkeypatch.setenv("COLUMNS", "60")
    done = regard("info", "--machine")
    assert (done.status, done.err) == (0, "")
    assert "KMP_AFFINITY=\ufffd[31m1\ufffd" in done.out
    assert "\x1b" not in done.out
    lines = done.out.splitlines()
    assert [line.split()[0] for line in lines if line[:1].strip()] == [
        *("processor", "cores", "memory", "instructions", "limits", "kernels"),
        *("float32", "bfloat16", "int8", "GPU", "versions", "packages"),
    ]
    assert max(len(line) for line in lines if "-" not in line) <= 60  # words without spaces are not cut
    machine = json.loads(regard("info", "--machine", "--json").out)
    assert machine["limits"]["variables"]["KMP_AFFINITY"] == "\x1b[31m1\n"
    assert machine["bfloat16"]["training"] in ("float32", "bfloat16")
    assert all({"found", "why"} <= topic.keys() for topic in machine.values())


def test_train_writes_a_model_and_prints_derived_settings(at_work: Path, regard: Run) -> None:
    sets = ["train.steps=3", "model.embed_size=8", "model.hidden_size=8", "train.threads=1", "subword.vocab_size=320"]
    arguments = ["train", "--preset", "luong-dot", "--src", "val.en", "--tgt", "val.fr", "--out", "new"]
    done = regard(*arguments, *(f"--set={setting}" for setting in sets))
    assert (done.status, done.out) == (0, "")
    assert "train.batch_tokens = " in done.err
    info = json.loads(regard("info", "new", "--json").out)
    assert info["config"]["train"]["steps"] == 3
    assert info["config"]["model"]["attention"]["score"] == "dot"
    assert regard(*arguments, *(f"--set={setting}" for setting in sets)).status == 2  # it exists now
    assert regard(*arguments, "--overwrite", *(f"--set={setting}" for setting in sets)).status == 0


def test_demo_prints_its_results(tmp_path: Path, regard: Run) -> None:
    sets = ["train.steps=3", "model.embed_size=8", "model.hidden_size=8", "train.threads=1", "subword.vocab_size=400"]
    sets += ["train.validate_sentences=4", "train.tensorboard=false"]
    done = regard("demo", "--out", str(tmp_path), "--json", "--pairs", "300", *(f"--set={setting}" for setting in sets))
    assert done.status == 0, done
    result = json.loads(done.out.splitlines()[-1])
    assert result.keys() == {"bleu", "aer", "translation", "train_seconds", "model"}
    assert (tmp_path / "attention.html").is_file()
    assert Path(result["model"]) == tmp_path / "model"


def test_attend_reports_missing_glyphs_and_empty_translations(
    at_work: Path, regard: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matplotlib import font_manager

    fonts = [font for font in font_manager.fontManager.ttflist if font.name == "DejaVu Sans"]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", fonts)
    done = regard("attend", "model", "你好 hello", "--target", "안녕", "--png", "x.png")
    assert done.status == 0
    assert "regard: x.png: no installed font has 你好녕안, drawn as \ufffd: install one that has them" in done.err
    assert regard("attend", "model", "hello", "--target", "é", "--png", "x.png").err == ""
    for empty in ("", "  "):
        done = regard("attend", "model", "hello", "--target", empty)
        assert (done.status, done.err) == (
            2,
            "regard: error: --target: expected a translation of at least one word, got an empty one\n",
        )
