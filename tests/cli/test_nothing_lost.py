"""Verbs overwrite neither their input nor files they did not write, and refuse empty paths."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from regard.files.paths import STDIN, STDOUT, refuse_overwriting_input


class Done(Protocol):
    """Result of a command; see `conftest.py`."""

    status: int
    out: str
    err: str


Run = Callable[..., Done]

WRITING = {
    "translate": ("translate", "model", "--input", "test.en", "--output"),
    "align": ("align", "model", "--src", "test.en", "--tgt", "test.fr", "--output"),
    "attend": ("attend", "model", "--src", "test.en", "--tgt", "test.fr", "--html"),
    "shortlist": ("shortlist", "model", "--src", "test.en", "--tgt", "test.fr", "--out"),
}
MOVED = {"src": "train.en", "tgt": "train.fr", "val_src": "val.en", "val_tgt": "val.fr"}


def alias(kind: str, path: Path) -> Path:
    """Another path to a file."""
    other = path.with_name(f"other-{path.name}")
    if kind == "itself":
        return path
    if kind == "symbolic link":
        other.symlink_to(path)
    elif kind == "hard link":
        os.link(path, other)
    else:
        (path.parent / "directory-link").symlink_to(path.parent.absolute())
        return path.parent / "directory-link" / path.name
    return other


@pytest.mark.parametrize("kind", ["itself", "symbolic link", "hard link", "linked directory"])
@pytest.mark.parametrize("verb", WRITING)
@pytest.mark.parametrize("read", ["test.en", "model/weights.safetensors"])
def test_no_verb_overwrites_its_input(at_work: Path, regard: Run, verb: str, kind: str, read: str) -> None:
    path = at_work / read
    before = path.read_bytes()
    done = regard(*WRITING[verb], str(alias(kind, path)))
    assert done.status == 2
    assert "is both input and output" in done.err
    assert "choose another output file" in done.err
    assert path.read_bytes() == before


@pytest.mark.parametrize("verb", ["align", "attend", "shortlist"])
def test_no_verb_overwrites_its_target_side(at_work: Path, regard: Run, verb: str) -> None:
    before = (at_work / "test.fr").read_bytes()
    assert regard(*WRITING[verb], "test.fr").status == 2
    assert (at_work / "test.fr").read_bytes() == before


def test_translate_does_not_overwrite_standard_input(at_work: Path, quick_shell: Callable[..., Done]) -> None:
    (at_work / "in").write_text("a dog\nthe cat\n")
    for line in (
        "regard translate model --output in < in",
        "ln in other; regard translate model --output other < in",
        "regard translate model < in >> in",
        "regard translate model --input in >> in",
    ):
        done = quick_shell(line)
        assert done.status == 2, line
        assert "is both input and output" in done.err
        assert (at_work / "in").read_text() == "a dog\nthe cat\n"
    assert quick_shell("regard translate model < in | regard translate model > out").status == 0
    assert len((at_work / "out").read_text().splitlines()) == 2


def test_devices_and_other_files_are_not_refused(tmp_path: Path) -> None:
    (tmp_path / "in").touch()
    with (tmp_path / "in").open() as file:
        refuse_overwriting_input(tmp_path / "out", [file.fileno(), None, tmp_path / "missing"])
    refuse_overwriting_input(os.devnull, [os.devnull])
    refuse_overwriting_input(tmp_path, [tmp_path])
    assert (STDIN, STDOUT) == (0, 1)


def test_an_import_does_not_replace_a_model(at_work: Path, regard: Run) -> None:
    before = {path: path.read_bytes() for path in (at_work / "model").rglob("*") if path.is_file()}
    done = regard("import", "marian", "somewhere", "--out", "model")
    assert done.status == 2
    assert (
        "model already contains manifest.json and training: choose another --out, or remove that directory" in done.err
    )
    assert {path: path.read_bytes() for path in (at_work / "model").rglob("*") if path.is_file()} == before


def test_a_phrasebook_does_not_replace_other_files(tmp_path: Path, regard: Run) -> None:
    own = tmp_path / "val.fr"
    own.write_text("mon texte\n")
    command = ("phrasebook", "--pairs", "30", "--max-length", "6", "--out", str(tmp_path))
    done = regard(*command)
    assert done.status == 2
    assert f"{own}: exists already with other content: choose another --out, or replace it with --overwrite" in done.err
    assert list(tmp_path.iterdir()) == [own]
    assert own.read_text() == "mon texte\n"
    assert regard(*command, "--overwrite").status == 0
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(written) == 9
    assert regard(*command).status == 0  # identical files may be replaced
    (tmp_path / "train.en").unlink()
    assert regard(*command).status == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == written


def test_a_demo_does_not_replace_another_model(at_work: Path, regard: Run) -> None:
    before = (at_work / "model/weights.safetensors").read_bytes()
    done = regard("demo", "--out", ".", "--pairs", "30")
    assert done.status == 2
    assert "model: expected no model, or a model of an earlier demonstration" in done.err
    assert "--overwrite" in done.err
    assert (at_work / "model/weights.safetensors").read_bytes() == before
    assert not (at_work / "corpus").exists()


@pytest.mark.parametrize(
    "command",
    [
        ("train", "--src", "a", "--tgt", "b", "--out", ""),
        ("train", "--src", "", "--tgt", "b", "--out", "new"),
        ("train", "--resume", "--out="),
        ("demo", "--out", ""),
        ("phrasebook", "--out", ""),
        ("export", "model", "--to", "onnx", "--out", ""),
        ("export", "", "--to", "onnx", "--out", "new"),
        ("import", "marian", "x", "--out", ""),
        ("import", "marian", "", "--out", "new"),
        ("shortlist", "model", "--src", "test.en", "--tgt", "test.fr", "--out", ""),
        ("align", "model", "--src", "test.en", "--tgt", "test.fr", "--output", ""),
        ("translate", "model", "--input", "test.en", "--output", ""),
        ("translate", "", "--input", "test.en"),
        ("translate", "model", "", "--input", "test.en"),
        ("attend", "model", "a", "--html", ""),
        ("attend", "model", "a", "--png", ""),
        ("evaluate", "model", "--src", "test.en", "--ref", ""),
        ("lab", "run", "scores", ""),
        ("lab", "report", ""),
        ("info", ""),
        ("aer", "--gold", "", "--links", "test.align"),
    ],
)
def test_an_empty_path_is_refused(at_work: Path, regard: Run, command: tuple[str, ...]) -> None:
    before = sorted(at_work.rglob("*"))
    done = regard(*command)
    assert done.status == 2
    assert "an empty one" in done.err
    assert sorted(at_work.rglob("*")) == before


def test_file_names_that_are_not_utf_8_are_kept(at_work: Path, quick_shell: Callable[..., Done]) -> None:
    done = quick_shell("cp test.en $'caf\\xe9.en'; regard train --src $'caf\\xe9.en' --tgt test.fr --out new")
    assert done.status == 2
    assert "--src" in done.err or "data.src" in done.err
    assert "caf\\udce9.en" in done.err
    assert "internal error" not in done.err
    assert not (at_work / "new").exists()
    assert quick_shell("regard translate model --input $'caf\\xe9.en' --output $'sort\\xe9'").status == 0


@pytest.mark.parametrize("verb", ["attend --html", "attend --png", "shortlist"])
def test_an_existing_file_is_kept_if_the_disk_is_full(
    at_work: Path, regard: Run, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = at_work / {"attend --html": "page.html", "attend --png": "picture.png", "shortlist": "table"}[verb]
    old.write_text("older")
    command = {
        "attend --html": ("attend", "model", "a dog", "--html", str(old)),
        "attend --png": ("attend", "model", "a dog", "--png", str(old)),
        "shortlist": (*WRITING["shortlist"], str(old)),
    }[verb]

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        done = regard(*command)
    assert done.status == 2
    assert "No space left on device" in done.err
    assert "ake room" in done.err
    assert old.read_text() == "older"
    assert {path.name for path in at_work.iterdir() if path.name.endswith((".new", ".html", ".png"))} <= {old.name}
    assert regard(*command).status == 0
    assert old.read_bytes() != b"older"


def test_pages_are_written_through_links_and_not_over_protected_files(at_work: Path, regard: Run) -> None:
    (at_work / "target.html").write_text("older")
    (at_work / "page.html").symlink_to("target.html")
    assert regard("attend", "model", "a dog", "--html", "page.html").status == 0
    assert (at_work / "page.html").is_symlink()
    assert "<html" in (at_work / "target.html").read_text()


def test_a_resumed_training_finds_moved_texts(at_work: Path, regard: Run) -> None:
    moved = [f"--{side.replace('_', '-')}={name}" for side, name in MOVED.items()]
    done = regard("train", "--resume", "--out", "model", *moved)
    assert done.status == 0, done.err
    config = (at_work / "model/training/config.toml").read_text()
    assert all(f'{side} = "{name}"' in config for side, name in MOVED.items())
    other = regard("train", "--resume", "--out", "model", "--src=test.en", "--tgt=test.fr")
    assert other.status == 2
    assert "text has changed since" in other.err
    fewer = regard("train", "--resume", "--out", "model", "--set", "train.steps=3")
    assert fewer.status == 2
    assert "train.steps = 3: the training in model has done 80 steps already" in fewer.err
    assert (at_work / "model/training/config.toml").read_text() == config
    model = regard("train", "--resume", "--out", "model", "--set", "model.hidden_size=3")
    assert model.status == 2
    assert "model.hidden_size = 3 (it is 48) would change it" in model.err


def test_a_resumed_transformer_gets_more_steps(at_work: Path, regard: Run) -> None:
    """The kind of model, which is not the default, is that of the saved training."""
    new = [f"--{side.replace('_', '-')}={name}" for side, name in MOVED.items()]
    small = ["model.width=8", "model.ff_size=8", "model.heads=1", "train.threads=1", "train.steps=2"]
    settings = [f"--set={setting}" for setting in small]
    done = regard("train", "--preset=transformer-tiny", *new, *settings, "--out=tiny")
    assert done.status == 0, done.err
    more = regard("train", "--resume", "--out=tiny", "--set=train.steps=3")
    assert more.status == 0, more.err
    assert "step 3" in more.err
