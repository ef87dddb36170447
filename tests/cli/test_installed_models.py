"""Models in packages of their own, stored in 8 bits: every command that reads a model takes their names."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest
from model_packages import install

import regard as library


class Done(Protocol):
    """Result of a command; see `conftest.py`."""

    status: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def installed(at_work: Path, regard: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The workshop with its model in 8 bits as `small`, and the same model installed as `xx-yy`."""
    done = regard("export", "model", "--to", "regard", "--out", "small")
    assert done.status == 0, done
    return install(at_work / "site", monkeypatch, at_work / "small")


def test_a_model_in_8_bits_is_smaller_and_described(installed: Path, regard: Run) -> None:
    size = Path("small/weights.safetensors").stat().st_size
    assert size < Path("model/weights.safetensors").stat().st_size / 2
    described = json.loads(regard("info", "small", "--json").out)
    assert (described["quantization"], described["format_version"]) == ("int8", 3)
    assert described["bytes"]["weights.safetensors"] == size
    before = json.loads(regard("info", "model", "--json").out)
    assert (described["readout"], described["details"]) == (before["readout"], before["details"])
    assert "matrices in int8" in regard("info", "small").out


def test_an_export_can_be_decoded_again_and_changes_nothing_more(installed: Path, regard: Run) -> None:
    assert regard("export", "small", "--to", "regard", "--quantization", "float32", "--out", "large").status == 0
    assert regard("export", "large", "--to", "regard", "--out", "again").status == 0
    assert Path("again/weights.safetensors").read_bytes() == Path("small/weights.safetensors").read_bytes()
    lines = Path("test.en").read_bytes()
    for precision in ("float32", "int8"):
        small, large = (regard("translate", name, "--precision", precision, stdin=lines) for name in ("small", "large"))
        assert small.status == 0, small
        assert small.out == large.out


def test_an_export_names_what_it_cannot_do(installed: Path, regard: Run) -> None:
    done = regard("export", "model", "--to", "regard", "--out", "other", "--quantization", "int16")
    assert done.status == 2
    assert "expected float32 or int8 for a model of regard, got 'int16'" in done.err
    done = regard("export", "model", "--to", "regard", "--out", "small")
    assert done.status == 2
    assert "it exists already" in done.err


def test_every_command_takes_the_name_of_an_installed_model(installed: Path, regard: Run) -> None:
    lines = Path("test.en").read_bytes()
    sentence = "How was your day?"
    Path("lists.jsonl").write_text(regard("translate", "small", "--json", "--n-best", "2", stdin=lines).out)
    pair = ("--src", "test.en", "--tgt", "test.fr")
    commands: list[tuple[str, ...]] = [
        ("translate", "{}"),
        ("translate", "{}", "model"),
        ("attend", "{}", sentence),
        ("evaluate", "{}", "--src", "test.en", "--ref", "test.fr"),
        ("score", "{}", *pair),
        ("align", "{}", *pair),
        ("align", "model", *pair, "--reverse-model", "{}"),
        ("rerank", "lists.jsonl", "--src", "test.en", "--model", "{}:0.5"),
        ("info", "{}", "--json"),
    ]
    for command in commands:
        by_name, by_path = (
            regard(*(part.format(name) for part in command), stdin=lines) for name in ("xx-yy", str(installed))
        )
        assert by_name.status == 0, (command, by_name)
        assert by_name.out == by_path.out, command
    assert regard("attend", "model", sentence, "--beside", "xx-yy", "--html", "page.html").status == 0
    assert regard("shortlist", "xx-yy", *pair, "--out", "x.shortlist").status == 0
    assert regard("export", "xx-yy", "--to", "regard", "--out", "copy").status == 0


def test_an_installed_model_can_be_the_start_of_a_training(installed: Path, regard: Run) -> None:
    quick = [f"train.{option}" for option in ("steps=2", "validate_sentences=4", "tensorboard=false", "threads=1")]
    options = [part for option in quick for part in ("--set", option)]
    done = regard("train", "--from", "xx-yy", "--src", "train.en", "--tgt", "train.fr", "--out", "mine", *options)
    assert done.status == 0, done
    assert json.loads(regard("info", "mine", "--json").out)["quantization"] is None


def test_the_library_and_the_service_take_the_name(installed: Path) -> None:
    from regard.service.catalog import parse_model

    [named] = library.load("xx-yy").translate(["how was your day ?"])
    [direct] = library.load(installed).translate(["how was your day ?"])
    assert named.text == direct.text
    assert library.load_model("xx-yy").manifest.quantization == "int8"
    [entry] = parse_model("de-fr=xx-yy")
    assert entry.paths == (installed,)
    with pytest.raises(library.RegardError, match=r"yy-zz: expected the directory.*\(.*xx-yy.*\), found none"):
        parse_model("de-fr=yy-zz")


def test_a_directory_of_the_same_name_is_used_and_reported(installed: Path, regard: Run) -> None:
    lines = b"How was your day?\n"
    Path("model").rename("xx-yy")
    done = regard("translate", "xx-yy", stdin=lines)
    assert done.status == 0
    assert "xx-yy: using the directory here, not the installed model of this name; give ./xx-yy" in done.err
    again = regard("translate", "./xx-yy", stdin=lines)
    assert (again.out, again.err) == (done.out, "")


def test_installed_models_are_listed(installed: Path, regard: Run) -> None:
    done = regard("info")
    assert done.status == 0
    assert f"xx-yy  {installed}\n" in done.out
    assert json.loads(regard("info", "--json").out)["installed"]["xx-yy"] == str(installed)


def test_without_an_installed_model_info_says_how_to_get_one(regard: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regard.files.installed_models.entry_points", lambda group: ())
    done = regard("info")
    assert (done.status, done.err) == (0, "")
    assert "No model is installed; pip install 'regard[en-fr]' installs one. Name a directory" in done.out
    assert json.loads(regard("info", "--json").out) == {"installed": {}}


def test_an_unknown_name_lists_the_installed_models(installed: Path, regard: Run) -> None:
    done = regard("translate", "xx-zz")
    assert done.status == 2
    assert "xx-zz: no such model; expected a directory with" in done.err
    assert "the name of an installed model (" in done.err
    assert "xx-yy" in done.err


def test_a_readout_is_not_stored_in_an_installed_package(installed: Path, regard: Run) -> None:
    before = (installed / "manifest.json").read_bytes()
    done = regard("align", "xx-yy", "--src", "val.en", "--tgt", "val.fr", "--tune")
    assert done.status == 2
    assert "is part of an installed package: copy it by" in done.err
    assert (installed / "manifest.json").read_bytes() == before
