"""The readout in a model's manifest: stored, replaced, removed, and refused where the model cannot have it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from regard.config.schema import Config
from regard.errors import CheckpointError
from regard.files.atomic import put_text
from regard.model.seq2seq import Seq2Seq
from regard.store import load_model
from regard.store.manifest import MANIFEST, StoredReadout
from regard.store.model import open_model, write_readout
from regard.text.subword import Subword

SECOND_HEAD = StoredReadout(rule="threshold", layer=1, head=3, shifted=True, threshold=0.3, end=0.8)


class Made(Protocol):
    """Result of the fixture `make`, see `conftest.py`."""

    model: Seq2Seq
    config: Config
    src_subword: Subword
    tgt_subword: Subword

    def save(self, path: Path) -> Path: ...


Make = Callable[..., Made]


@pytest.fixture
def directory(make: Make, tmp_path: Path) -> Path:
    """A stored Transformer of 2 decoder layers with 4 heads each."""
    return make("transformer", "model.decoder_layers=2", "model.heads=4").save(tmp_path / "model")


def other_files(directory: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in directory.iterdir() if file.name != MANIFEST}


def test_readout_is_stored_replaced_and_removed(directory: Path) -> None:
    before, unchanged = open_model(directory).manifest, other_files(directory)
    assert load_model(directory).readout is None
    for readout in (SECOND_HEAD, StoredReadout(), None):
        write_readout(directory, readout)
        stored = load_model(directory)
        assert stored.readout == stored.manifest.readout == open_model(directory).manifest.readout == readout
        assert stored.manifest.model_copy(update={"readout": None}) == before
        assert other_files(directory) == unchanged
    assert open_model(directory).manifest == before


def test_older_versions_of_regard_do_not_read_a_rule_that_they_do_not_know(directory: Path) -> None:
    hmm = StoredReadout(rule="hmm", layer=1, head=3, shifted=True)
    for readout, version in ((SECOND_HEAD, 2), (hmm, 3), (None, 2)):
        write_readout(directory, readout)
        assert json.loads((directory / MANIFEST).read_text())["format_version"] == version
        assert load_model(directory).readout == readout


def test_a_model_of_format_1_keeps_its_format(tmp_path: Path) -> None:
    shutil.copytree(Path(__file__).parent / "fixtures" / "format-1", tmp_path / "model")
    hmm = StoredReadout(rule="hmm", layer=0, head=0)
    write_readout(tmp_path / "model", hmm)
    assert json.loads((tmp_path / "model" / MANIFEST).read_text())["format_version"] == 1
    assert load_model(tmp_path / "model").readout == hmm


def test_new_model_has_no_readout_of_the_old_one(directory: Path, make: Make) -> None:
    write_readout(directory, SECOND_HEAD)
    make("rnn").save(directory)
    assert load_model(directory).readout is None


def test_readout_is_not_written_over_another_model(
    directory: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make("transformer", "model.decoder_layers=2", "model.heads=4", seed=2)

    def put_after_replacement(path: Path, text: str) -> None:
        monkeypatch.undo()
        other.save(directory)
        put_text(path, text)

    monkeypatch.setattr("regard.store.model.put_text", put_after_replacement)
    with pytest.raises(CheckpointError, match=r"model: another process replaced the model .*: try again"):
        write_readout(directory, SECOND_HEAD)
    assert load_model(directory).readout is None
    assert open_model(directory).manifest == open_model(other.save(directory.with_name("other"))).manifest


@pytest.mark.parametrize(
    ("readout", "reason"),
    [
        (StoredReadout(layer=2), "for word alignment, readout.layer is 2, but the model has layers 0 to 1"),
        (StoredReadout(head=4), "for word alignment, readout.head is 4, but the model has heads 0 to 3"),
        (StoredReadout(layer=1000, head=1000), "for word alignment, readout.layer is 1000"),
    ],
)
def test_missing_layers_and_heads_are_refused(directory: Path, readout: StoredReadout, reason: str) -> None:
    manifest = (directory / MANIFEST).read_bytes()
    with pytest.raises(CheckpointError, match=f"manifest.json: {reason}.*choose a layer and a head"):
        write_readout(directory, readout)
    assert (directory / MANIFEST).read_bytes() == manifest
    edit_readout(directory, readout.model_dump())
    for read in (load_model, open_model):
        with pytest.raises(CheckpointError, match=f"manifest.json: {reason}.*copy the model again"):
            read(directory)


def test_recurrent_models_have_the_heads_of_their_one_layer(make: Make, tmp_path: Path) -> None:
    single = make("rnn").save(tmp_path / "single")
    write_readout(single, StoredReadout(layer=0, head=0))
    with pytest.raises(CheckpointError, match=r"readout\.layer is 1, but the model has only layer 0"):
        write_readout(single, StoredReadout(layer=1))
    several = make("rnn", "model.attention.heads=3").save(tmp_path / "several")
    write_readout(several, StoredReadout(layer=0, head=2))
    assert load_model(several).readout == StoredReadout(layer=0, head=2)
    with pytest.raises(CheckpointError, match=r"readout\.head is 3, but the model has heads 0 to 2"):
        write_readout(several, StoredReadout(head=3))


def test_models_without_attention_have_no_layer_and_no_head(make: Make, tmp_path: Path) -> None:
    plain = make("plain").save(tmp_path / "model")
    write_readout(plain, StoredReadout())
    for readout in (StoredReadout(layer=0), StoredReadout(head=0)):
        with pytest.raises(CheckpointError, match="is 0, but the model has no attention"):
            write_readout(plain, readout)


@pytest.mark.parametrize(
    "hostile",
    [
        {"layer": 10**9},
        {"layer": -1},
        {"layer": True},
        {"layer": 1.0},
        {"layer": "1"},
        {"head": 10**9},
        {"head": -1},
        {"rule": "x"},
        {"rule": None},
        {"threshold": float("nan")},
        {"threshold": float("inf")},
        {"threshold": 1.5},
        {"threshold": -0.1},
        {"threshold": "0.5"},
        {"end": float("nan")},
        {"end": 2},
        {"end": None},
        {"shifted": 1},
        {"more": 1},
        [],
        "layer 1",
        7,
        False,
    ],
    ids=json.dumps,
)
def test_hostile_readouts_are_refused(directory: Path, hostile: object) -> None:
    edit_readout(directory, hostile)
    for read in (load_model, open_model):
        with pytest.raises(CheckpointError, match=r"manifest\.json: "):
            read(directory)
    with pytest.raises(CheckpointError, match=r"manifest\.json: "):
        write_readout(directory, None)


def edit_readout(directory: Path, readout: object) -> None:
    """Writes any JSON value as the readout of a manifest."""
    path = directory / MANIFEST
    tree = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**tree, "readout": readout}), encoding="utf-8")
