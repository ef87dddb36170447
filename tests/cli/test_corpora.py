"""Verbs that read sentence pairs take corpora of any format in one file, and training takes several."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from regard import load
from regard.data.cleaning.check import CHECKS


class Done(Protocol):
    """Result of a command; see `conftest.py`."""

    status: int
    out: str
    err: str


Run = Callable[..., Done]
QUICK = [
    "--set=train.steps=4", "--set=train.validate_sentences=4", "--set=subword.vocab_size=320", "--set=train.threads=1",
    "--set=train.tensorboard=false", "--set=model.embed_size=8", "--set=model.hidden_size=8",
    "--set=train.precision=float32", "--set=train.seed=5",
]  # fmt: skip


def pairs(directory: Path, name: str) -> list[tuple[str, str]]:
    sides = [(directory / f"{name}.{code}").read_text(encoding="utf-8").splitlines() for code in ("en", "fr")]
    return list(zip(*sides, strict=True))


@pytest.fixture
def table(at_work: Path) -> Path:
    """The training text as a CSV table in another encoding, with a header and a third column."""
    path = at_work / "train.csv"
    with path.open("w", encoding="cp1252", newline="", errors="replace") as file:
        writer = csv.writer(file)
        writer.writerow(["number", "english", "french"])
        writer.writerows([str(n), *pair] for n, pair in enumerate(pairs(at_work, "train")))
    return path


def weights(directory: Path) -> bytes:
    return (directory / "weights.safetensors").read_bytes()


def test_a_table_trains_the_model_that_its_columns_as_plain_files_train(at_work: Path, regard: Run) -> None:
    rows = [{"translation": {"fr": tgt, "en": src, "de": "nichts"}} for src, tgt in pairs(at_work, "train")]
    (at_work / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    plain = regard("train", "--src=train.en", "--tgt=train.fr", "--langs=en-fr", "--out=plain", *QUICK)
    lines = regard("train", "--src=train.jsonl", "--langs=en-fr", "--out=lines", *QUICK)
    assert plain.status == lines.status == 0, lines.err
    assert f"train.jsonl: {len(rows):,} sentence pairs read (jsonl" in lines.err
    assert weights(at_work / "lines") == weights(at_work / "plain")


def test_options_say_how_to_read_a_table(table: Path, regard: Run) -> None:
    options = ["--encoding=cp1252", "--columns=english,french"]
    assert regard("train", f"--src={table}", "--out=t", *options, *QUICK).status == 0
    config = Path("t/config.toml").read_text(encoding="utf-8")
    assert 'encoding = "cp1252"\ncolumns = ["english", "french"]' in config
    done = regard("train", f"--src={table}", "--out=u", "--columns=2", *QUICK)
    assert done.status == 2
    assert "--columns 2: expected the source and the target column" in done.err


def test_several_corpora_are_weighted_shown_and_resumed(at_work: Path, regard: Run) -> None:
    corpora = ["--corpus=train.en,train.fr:0.5", "--corpus=test.tsv:2"]
    done = regard("train", *corpora, "--out=mixed", *QUICK)
    assert done.status == 0, done.err
    assert "test.tsv: " in done.err
    assert ", weight 2, " in done.err
    shown = regard("info", "mixed").out
    assert '[[data.corpora]]\nsrc = "train.en"\ntgt = "train.fr"\nweight = 0.5' in shown
    assert "corpus 2 " in shown
    assert " % of an epoch" in shown
    (at_work / "test.tsv").rename(at_work / "moved.tsv")
    longer = ["train", "--resume", "--out=mixed", "--set=train.steps=6"]
    missing = regard(*longer)
    assert missing.status == 2
    assert "test.tsv: no such file" in missing.err
    assert regard(*longer, "--corpus=train.en,train.fr", "--corpus=moved.tsv").status == 0
    other = regard(*longer, "--corpus=train.en,train.fr", "--corpus=moved.tsv:3")
    assert other.status == 2
    assert "data.corpora[2].weight: expected 2.0" in other.err


def test_weights_change_what_is_trained_on(at_work: Path, regard: Run) -> None:
    for weight in (1, 3):
        corpora = ["--corpus=train.en,train.fr", f"--corpus=test.tsv:{weight}"]
        done = regard("train", *corpora, f"--out=weight-{weight}", "--set=train.batch_tokens=512", *QUICK)
        assert done.status == 0, done.err
    assert weights(at_work / "weight-1") != weights(at_work / "weight-3")


def test_a_tag_is_known_to_the_model(at_work: Path, regard: Run) -> None:
    (at_work / "tags.toml").write_text(
        '[[data.corpora]]\nsrc = "train.en"\ntgt = "train.fr"\n[[data.corpora]]\nsrc = "test.tsv"\ntag = "<test>"\n',
        encoding="utf-8",
    )
    assert regard("train", "tags.toml", "--out=tagged", *QUICK).status == 0
    assert load("tagged").src_subword.encode("<test> a dog").pieces[0] == "▁<test>"
    assert regard("translate", "tagged", stdin=b"<test> a dog\n").status == 0


def test_verbs_read_pairs_from_one_file(at_work: Path, regard: Run) -> None:
    rows = [{"en": src, "fr": tgt, "ko": "x"} for src, tgt in pairs(at_work, "test")]
    (at_work / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    two_files, one_file = ["--src=test.en", "--tgt=test.fr"], ["--src=test.jsonl", "--langs=en-fr"]
    scores = regard("evaluate", "model", "--src=test.en", "--ref=test.fr", "--json")
    assert regard("evaluate", "model", *one_file, "--json").out == scores.out
    links = regard("align", "model", *two_files)
    assert links.status == 0
    assert regard("align", "model", *one_file).out == links.out
    for files, out in ((two_files, "a"), (one_file, "b")):
        assert regard("shortlist", "model", *files, f"--out={out}").status == 0
    assert Path("a").read_bytes() == Path("b").read_bytes()


def test_all_commands_take_the_options_about_reading(
    at_work: Path, regard: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A PO catalog whose name does not tell the format, with an unfinished translation and keyboard shortcuts."""
    rows = pairs(at_work, "train")
    texts = [(f"_{src}", f"_{tgt}") for src, tgt in rows]
    entries = [f"msgid {json.dumps(src)}\nmsgstr {json.dumps(tgt, ensure_ascii=False)}\n" for src, tgt in texts]
    entries[0] = "#, fuzzy\n" + entries[0]
    header = 'msgid ""\nmsgstr ""\n"Language: fr\\n"\n"X-Accelerator-Marker: _\\n"\n'
    Path("catalog.txt").write_text("\n".join([header, *entries]), encoding="utf-8")
    Path("catalog.tsv").write_text("".join(f"{src}\t{tgt}\n" for src, tgt in rows), encoding="utf-8")
    options = ["--input-format=po", "--langs=en-fr", "--include-fuzzy", "--strip-accelerators"]
    checks = [f"--without={name}" for name in (*CHECKS, "duplicate")]
    for command in (
        ["convert", "catalog.txt", "--to=tsv", "--out=convert.tsv"],
        ["clean", "catalog.txt", "--out=clean.tsv", *checks, "--workers=1"],
        ["split", "catalog.txt", "--out=parts", "--val=0", "--test=0"],
    ):
        done = regard("data", *command, *options)
        assert done.status == 0, done.err
    table = Path("catalog.tsv").read_bytes()
    assert [Path(name).read_bytes() for name in ("convert.tsv", "clean.tsv", "parts/train.tsv")] == [table] * 3
    inspected = json.loads(regard("data", "inspect", "catalog.txt", *options, "--json", "--workers=1").out)["corpora"][
        0
    ]
    assert (inspected["format"], inspected["pairs"], inspected["left_out"]) == ("po", len(rows), {})
    read = [
        regard("align", "model", f"--src={name}", *given)
        for name, given in (("catalog.txt", options), ("catalog.tsv", []))
    ]
    assert read[0].out == read[1].out != ""
    assert regard("train", "--src=catalog.txt", "--out=po", *options, *QUICK).status == 0
    assert regard("train", "--src=catalog.tsv", "--langs=en-fr", "--out=tsv", *QUICK).status == 0
    assert weights(at_work / "po") == weights(at_work / "tsv")


def test_languages_that_are_equal_or_in_the_wrong_order(at_work: Path, regard: Run) -> None:
    for command in (
        ["train", "--src=train.en", "--tgt=train.fr", "--out=same", *QUICK],
        ["data", "inspect", "train.en", "train.fr"],
        ["data", "clean", "train.en", "train.fr", "--out=same"],
        ["data", "convert", "train.en", "train.fr", "--to=tsv"],
        ["data", "split", "train.en", "train.fr", "--out=same"],
    ):
        done = regard(*command, "--langs=en-en")
        assert (done.status, done.out) == (2, "")
        assert "--langs en-en: expected two different languages, got en twice" in done.err
    done = regard("train", "--src=train.en", "--tgt=train.fr", "--langs=fr-en", "--out=swapped", *QUICK)
    assert done.status == 0
    assert "warning: train.en and train.fr: " in done.err
    assert "files whose names say the reverse: exchange the files, or write --langs en-fr" in done.err
    assert done.err.index("names say the reverse") < done.err.index("parameters")
    converted = regard("data", "convert", "train.en", "train.fr", "--langs=fr-en", "--to=tsv")
    assert converted.status == 0
    assert "names say the reverse" in converted.err


def test_a_faulty_line_is_left_out_if_the_user_says_so(at_work: Path, regard: Run) -> None:
    with (at_work / "test.tsv").open("ab") as file:
        file.write(b"a line without a tab\n")
    stopped = regard("evaluate", "model", "--src=test.tsv")
    assert stopped.status == 2
    assert f"test.tsv:{len(pairs(at_work, 'test')) + 1}: " in stopped.err
    done = regard("evaluate", "model", "--src=test.tsv", "--on-error=skip")
    assert done.status == 0
    assert "test.tsv: left out 1 faulty unit; the first: test.tsv:" in done.err


def test_a_model_of_several_languages_from_training_to_translation(regard: Callable[..., Done], tmp_path: Path) -> None:
    words = {"fr": ("un chat", "un chien"), "de": ("eine Katze", "ein Hund")}
    corpora = []
    for code, (cat, dog) in words.items():
        rows = [
            f"{'a cat' if number % 3 else 'a dog'} {number}\t{cat if number % 3 else dog} {number}"
            for number in range(90)
        ]
        (tmp_path / f"{code}.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
        corpora += ["--corpus", f"en-{code}={tmp_path / code}.tsv"]
    sizes = {"subword.vocab_size": 330, "model.embed_size": 8, "model.hidden_size": 8, "train.steps": 4}
    sets = [item for key, value in sizes.items() for item in ("--set", f"{key}={value}")]
    quick = ["--set", "train.threads=1", "--set", "train.tensorboard=false", *sets]
    done = regard("train", *corpora, *quick, "--out", str(tmp_path / "model"))
    assert done.status == 0, done
    assert "tag >>fr<<" in done.err and "tag >>de<<" in done.err
    assert "    to de: BLEU" in done.err and "    to fr: BLEU" in done.err
    shown = regard("info", str(tmp_path / "model")).out
    assert "en-fr, en-de" in shown and "validation bleu de" in shown

    (tmp_path / "in").write_text("a cat 1\na dog 2\n", encoding="utf-8")
    translate = ("translate", str(tmp_path / "model"), "--input", str(tmp_path / "in"), "--beam", "1")
    outputs = {}
    for code in words:
        outputs[code] = regard(*translate, "--to", code, "--from", "en")
        assert outputs[code].status == 0 and len(outputs[code].out.splitlines()) == 2
        assert "never trained" not in outputs[code].err
    refused = regard(*translate)
    assert refused.status == 2 and "expected a target language" in refused.err and "--to" in refused.err
    assert regard(*translate, "--to", "it").status == 2
    assert "--to: expected a language code" in regard(*translate, "--to", "x").err
    unseen = regard(*translate, "--to", "de", "--from", "fr")
    assert unseen.status == 0 and unseen.err.count("never trained on sentences in French") == 1
    parts = (
        *translate,
        "--to",
        "de",
        "--from",
        "fr",
        "--workers",
        "1",
        "--threads",
        "1",
        "--output",
        str(tmp_path / "out"),
    )
    chunked = regard(*parts)
    assert chunked.status == 0 and chunked.err.count("never trained on sentences in French") == 1
    assert (tmp_path / "out").read_text(encoding="utf-8") == unseen.out
    evaluated = regard(
        "evaluate", str(tmp_path / "model"), "--src", str(tmp_path / "de.tsv"), "--to", "de", "--beam", "1"
    )
    assert evaluated.status == 0 and "BLEU" in evaluated.out
