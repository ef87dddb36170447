"""The files of a training have hashes: a changed file is refused, with its name and what to do."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from regard.config.load import load_config
from regard.errors import CheckpointError
from regard.files.locks import Lock
from regard.recipes.training import train
from regard.store.checkpoint import load_state, save_state

SYLLABLES = ["ba", "de", "fi", "go", "hu", "ka", "le", "mi", "no", "pu"]
LINES = [f"how was your day {a}{b} {b}{a}{c} ?" for a in SYLLABLES for b in SYLLABLES for c in SYLLABLES[:3]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of four steps with its training; no test changes it."""
    place = tmp_path_factory.mktemp("trained")
    (place / "text").write_text("".join(f"{line}\n" for line in LINES))
    options = [
        *(f"data.{key}={place / 'text'}" for key in ("src", "tgt", "val_src", "val_tgt")),
        "subword.vocab_size=310", "model.embed_size=8", "model.hidden_size=8", "train.steps=4", "train.keep=2",
        "train.validate_every=2", "train.threads=1", "train.device=cpu", "train.tensorboard=false",
        "train.batch_tokens=512", "train.validate_sentences=2", "train.metric=loss",
    ]  # fmt: skip
    train(load_config(overrides=options), place / "model")
    return place / "model"


@pytest.fixture
def own(trained: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copytree(trained, tmp_path / "model"))


def refused(directory: Path, message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        train(None, directory, resume=True)


def test_an_intact_training_resumes(own: Path) -> None:
    assert train(None, own, resume=True).steps == 4


@pytest.mark.parametrize("name", ["config.toml", "subword.src.model", "subword.tgt.model", "state.safetensors"])
def test_a_flipped_bit_is_detected(own: Path, name: str) -> None:
    path = own / "training" / name
    (own / "training/state.previous.safetensors").unlink(missing_ok=True)  # from which the training would resume
    data = path.read_bytes()
    at = data.index(b"0.001") + 4 if name == "config.toml" else len(data) // 2
    path.write_bytes(data[:at] + bytes([data[at] ^ 2]) + data[at + 1 :])
    refused(own, rf"{name}: .*(changed|damaged)")


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"train": 1}', b"\xff\xfe", b'{"train": "a", "train": "b"}'])
def test_damaged_hashes_are_refused(own: Path, data: bytes) -> None:
    (own / "training" / "texts.json").write_bytes(data)
    refused(own, r"texts\.json: .*: restore it, or start the training again with --overwrite")


@pytest.mark.parametrize("name", ["texts.json", "subword.src.model", "subword.tgt.model"])
def test_a_pipe_in_place_of_a_file_is_refused(own: Path, name: str) -> None:
    (own / "training" / name).unlink()
    os.mkfifo(own / "training" / name)
    refused(own, rf"{name}: expected a file, found a pipe")


def test_a_configuration_of_an_earlier_version_without_a_hash_is_read(own: Path) -> None:
    path = own / "training" / "config.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.index("\n# sha256")] + "\n", encoding="utf-8")
    assert train(None, own, resume=True).steps == 4


def test_swapped_checkpoints_are_refused(own: Path) -> None:
    first, second = sorted((own / "training").glob("step-*"))
    shutil.copy(second, first)
    refused(own, r"step-00000002\.safetensors: expected the weights of step 2, found the weights of step 4")


def test_a_checkpoint_of_another_model_is_refused(own: Path) -> None:
    path = own / "training" / "step-00000002.safetensors"
    tensors, scalars = load_state(path)
    save_state(path, {name: tensor[..., :-1].clone() for name, tensor in tensors.items()}, scalars)
    refused(own, r"the checkpoint of step 2: .*\n  wrong shape: ")


@pytest.mark.parametrize(
    "change",
    [
        lambda scalars: scalars.pop("progress"),
        lambda scalars: scalars.update(progress=7),
        lambda scalars: scalars["progress"].update(stranger=1),
        lambda scalars: scalars.update(stream=None),
        lambda scalars: scalars.update(checkpoints=[{"step": "x"}]),
        lambda scalars: scalars.update(limit=[1]),
    ],
)
def test_an_invalid_state_is_refused(own: Path, change: Callable[[dict[str, object]], object]) -> None:
    path = own / "training" / "state.safetensors"
    tensors, scalars = load_state(path)
    change(scalars)  # type: ignore[arg-type]
    save_state(path, tensors, scalars)
    refused(own, r"state\.safetensors: expected the saved state of this training|list of checkpoints is damaged")


@pytest.mark.parametrize(
    "content", ["[]", '{"host": "a", "pid": 1e30}', '{"host": "a", "pid": 99999999999}', "{", '{"pid": -1}']
)
def test_locks_with_invalid_content_have_an_unknown_holder(tmp_path: Path, content: str) -> None:
    (tmp_path / "lock.0").write_text(content)
    (tmp_path / "lock.\u00b2").write_text(json.dumps({}))
    os.utime(tmp_path / "lock.0", (0, 0))
    lock = Lock(tmp_path)
    assert lock.holder() is None
    os.utime(tmp_path / "lock.0")
    assert isinstance(lock.holder(), str)


def test_a_lock_that_is_a_pipe_has_an_unknown_holder(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "lock.0")
    assert isinstance(Lock(tmp_path).holder(), str)
