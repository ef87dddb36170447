"""No command prints control characters, even if models, labs or names contain them."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from measured import Forks, Measured

from regard.config.load import load_config
from regard.model.build import build_model
from regard.store import save_model
from regard.text.subword import Subword

HOSTILE = "\x1b[2J\x1b]0;x\x07\x9b31m\u202eabc\u2066\r\x7f"
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
SYLLABLES = ["ba", "de", "fi", "go", "hu", "ka", "le", "mi", "no", "pu"]
LINES = [f"how was your day {a}{b} {b}{a}{c} ?" for a in SYLLABLES for b in SYLLABLES for c in SYLLABLES[:3]]
VERBS = (
    ("info",),
    ("info", "--json"),
    ("translate", "--device", "cpu"),
    ("translate", "--device", "cpu", "--json", "--retry"),
    ("attend", "how was"),
    ("attend", "how was", "--html", "page.html"),
    ("evaluate", "--src", "few", "--ref", "few", "--device", "cpu"),
    ("evaluate", "--src", "few", "--ref", "few", "--device", "cpu", "--json"),
    ("align", "--src", "few", "--tgt", "few", "--device", "cpu"),
    ("shortlist", "--src", "few", "--tgt", "few", "--out", "table", "--device", "cpu"),
    ("export", "--to", "ctranslate2", "--out", "export"),
)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A valid model with control characters in its configuration and details."""
    directory = tmp_path_factory.mktemp("hostile")
    subword = Subword.train([*LINES, *(line.upper() for line in LINES)], vocab_size=310)
    config = load_config(overrides=["model.embed_size=8", "model.hidden_size=8", "model.decoder=bahdanau"])
    data = config.data.model_copy(update={"src": HOSTILE, "tgt": f"{HOSTILE}/b", "val_src": HOSTILE})
    config = config.model_copy(update={"data": data, "preset": HOSTILE})
    model = build_model(config.model, src_vocab=len(subword), tgt_vocab=len(subword), shared=True)
    details: dict[str, str | float | int] = {HOSTILE: HOSTILE, "a\nb": "c\nd", "x" * 100_000: 1}
    save_model(
        directory / "model", model=model, config=config, src_subword=subword, tgt_subword=subword, details=details
    )
    (directory / "few").write_text(f"{LINES[0]}\n{HOSTILE}\n", encoding="utf-8")
    return directory


def check(done: Measured, *, status: int | None = None) -> None:
    assert status is None or done.status == status, done.err
    assert done.status in (0, 2), done.err
    for output in (done.out, done.err):
        assert not CONTROLS.search(output.decode("utf-8")), output


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_control_characters_in_a_model_are_escaped(
    hostile: Path, tmp_path: Path, forks: Forks, verb: tuple[str, ...]
) -> None:
    for name in ("model", HOSTILE.replace("/", "")):
        shutil.copytree(hostile / "model", tmp_path / name)
        shutil.copy(hostile / "few", tmp_path)
        done = forks.run(verb[0], name, *verb[1:], directory=tmp_path, stdin=f"{LINES[3]}\n{HOSTILE}\n\xff".encode())
        check(done, status=2 if verb[0] == "export" else 0)  # CTranslate2 does not support recurrent models
        if verb == ("info",):
            rows = done.out.decode().split("\n\n")[0].splitlines()
            assert "a\\nb" in "\n".join(rows)
            assert max(len(row) for row in rows if "xxxx" not in row) < 300  # one long name must not widen all rows
        if verb == ("info", "--json"):
            assert json.loads(done.out)["details"][HOSTILE] == HOSTILE
        shutil.rmtree(tmp_path / "export", ignore_errors=True)


def test_control_characters_in_error_messages_are_escaped(hostile: Path, tmp_path: Path, forks: Forks) -> None:
    text = (hostile / "model" / "manifest.json").read_text(encoding="utf-8")
    keys = ["format", "regard_version", "src_vocabulary", "signature", "num_parameters", "files", "details", HOSTILE]
    for number, key in enumerate(keys):
        for other, value in enumerate((HOSTILE, {HOSTILE: HOSTILE}, {"config.toml": HOSTILE}, [HOSTILE])):
            shutil.copytree(hostile / "model", tmp_path / f"{number}-{other}")
            tree = {**json.loads(text), key: value}
            (tmp_path / f"{number}-{other}" / "manifest.json").write_text(json.dumps(tree), encoding="utf-8")
            check(forks.run("info", f"{number}-{other}", directory=tmp_path))
    files = {
        "a.toml": f"'{HOSTILE}' = 1".replace("\r", "").replace("\x1b", "").replace("\x07", "").replace("\x7f", ""),
        "b.toml": '"\\u001B[2J" = 1',
        "c.toml": 'preset = "\\u001B[2J\\u009B"',
        "d.toml": 'model.kind = "\\u001B[2J\\u202E"',
        "e.toml": "[data]\nsrc = 3\n'\u202e\x9b' = 4",
        "f.toml": "train.steps = \x1b",
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
        check(forks.run("train", name, "--out", "new", directory=tmp_path), status=2)
        check(forks.run("lab", "run", name, "new", directory=tmp_path), status=2)


@pytest.mark.parametrize("name", [HOSTILE, "caf\udce9", "a\nb"], ids=["controls", "bytes", "lines"])
def test_control_characters_in_names_are_escaped(hostile: Path, tmp_path: Path, forks: Forks, name: str) -> None:
    shutil.copytree(hostile / "model", tmp_path / "model")
    for command in (
        ("info", name),
        ("translate", name),
        ("translate", "model", "--input", name),
        ("translate", "model", "--device", name),
        ("translate", "model", name),
        ("translate", "model", "--shortlist", name),
        ("evaluate", "model", "--src", name, "--ref", name),
        ("align", "model", "--src", name, "--tgt", name),
        ("attend", "model", "how", "--png", f"{name}.bmp"),
        ("train", name, "--out", "new"),
        ("train", "--src", name, "--tgt", name, "--out", "new"),
        ("train", "--set", f"{name}=3", "--out", "new"),
        ("train", "--set", f"train.device={name}", "--out", "new", "--src", name),
        ("export", "model", "--to", name, "--out", "new"),
        ("import", "marian", name, "--out", "new"),
        ("lab", "run", name),
        ("lab", "report", name),
        (name,),
    ):
        check(forks.run(*command, directory=tmp_path), status=2)


def test_control_characters_in_a_lab_are_escaped(tmp_path: Path, forks: Forks) -> None:
    text = json.dumps(HOSTILE)  # valid TOML, too
    (tmp_path / "lab.toml").write_text(
        f'title = {text}\nabout = {text}\nbaseline = "a"\nsystems = {{a = [], b = [{text}]}}\n'
        'corpus = {phrasebook = "en-fr", pairs = 60}\n',
        encoding="utf-8",
    )
    done = forks.run("lab", "run", "lab.toml", HOSTILE.replace("/", ""), directory=tmp_path)
    check(done, status=2)
    (tmp_path / "b.toml").write_text(f"baseline = {text}\nsystems = {{{text} = []}}\n", encoding="utf-8")
    check(forks.run("lab", "run", "b.toml", "lab", directory=tmp_path), status=2)
