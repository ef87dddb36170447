"""Saved models load unchanged, and every damage of a directory is reported."""

from __future__ import annotations

import errno
import hashlib
import itertools
import json
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest
import torch
from safetensors.torch import load_file, save_file

from regard.config.schema import Config
from regard.errors import CheckpointError, ConfigError
from regard.model.seq2seq import Seq2Seq
from regard.store import load_model, save_model
from regard.store.model import open_model
from regard.text.subword import Subword

FIXTURES = Path(__file__).with_name("fixtures")


class Made(Protocol):
    """Result of the fixture `make`, see `conftest.py`."""

    model: Seq2Seq
    config: Config
    src_subword: Subword
    tgt_subword: Subword

    def save(self, path: Path) -> Path: ...


Make = Callable[..., Made]


def rehash(directory: Path, **changes: object) -> None:
    """Updates the hashes in the manifest for files that were changed, and changes other entries."""
    path = directory / "manifest.json"
    tree = json.loads(path.read_text(encoding="utf-8"))
    for name in tree["files"]:
        tree["files"][name] = hashlib.sha256((directory / name).read_bytes()).hexdigest()
    path.write_text(json.dumps({**tree, **changes}), encoding="utf-8")


def edit_weights(directory: Path, edit: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = load_file(directory / "weights.safetensors")
    edit(tensors)
    save_file(tensors, directory / "weights.safetensors")
    rehash(directory)


@pytest.mark.parametrize("kind", ["rnn", "plain", "transformer"])
@pytest.mark.parametrize("shared", ["true", "false"])
def test_a_loaded_model_equals_the_saved_one(make: Make, tmp_path: Path, kind: str, shared: str) -> None:
    made = make(kind, f"subword.shared={shared}")
    manifest = save_model(
        tmp_path / "deep" / "model",
        model=made.model,
        config=made.config,
        src_subword=made.src_subword,
        tgt_subword=made.tgt_subword,
        details={"bleu": 12.5, "chosen": "best"},
    )
    loaded = load_model(tmp_path / "deep" / "model")
    before, after = made.model.state_dict(), loaded.model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert loaded.config == made.config
    assert loaded.manifest == manifest
    assert manifest.details == {"bleu": 12.5, "chosen": "best"}
    assert not loaded.model.training
    assert loaded.src_subword.fingerprint() == manifest.src_vocabulary == made.src_subword.fingerprint()
    assert loaded.tgt_subword.fingerprint() == manifest.tgt_vocabulary == made.tgt_subword.fingerprint()
    assert (loaded.src_subword is loaded.tgt_subword) is (shared == "true")
    assert manifest.num_parameters == sum(parameter.numel() for parameter in made.model.parameters())


def test_tied_matrices_are_stored_once_and_stay_tied(make: Make, tmp_path: Path) -> None:
    made = make("transformer")
    directory = made.save(tmp_path / "model")
    stored = sum(tensor.numel() for tensor in load_file(directory / "weights.safetensors").values())
    assert stored == sum(parameter.numel() for parameter in made.model.parameters())
    loaded = load_model(directory).model
    assert loaded.output_weight is loaded.decoder.embedder.embedding.weight  # type: ignore[union-attr]


def test_equal_models_give_equal_bytes(make: Make, tmp_path: Path) -> None:
    for name in ("first", "second"):
        make().save(tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert files == ["config.toml", "manifest.json", "subword.model", "weights.safetensors"]
    for name in files:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_loading_keeps_the_callers_random_state(make: Make, tmp_path: Path) -> None:
    directory = make().save(tmp_path / "model")
    torch.manual_seed(5)
    load_model(directory)
    drawn = torch.rand(3)
    torch.manual_seed(5)
    assert torch.equal(drawn, torch.rand(3))


def test_signatures_differ_between_models(make: Make, tmp_path: Path) -> None:
    signature = open_model(make().save(tmp_path / "a")).manifest.signature
    parts = dict(part.split(":", 1) for part in signature.split("|"))
    assert list(parts) == ["regard", "model", "params", "vocab", "seed", "c", "w"]
    assert (parts["model"], parts["vocab"]) == ("luong-general-lstm-12", "unigram-310")
    other = open_model(make(seed=2).save(tmp_path / "b")).manifest.signature
    assert other.split("|")[:-1] == signature.split("|")[:-1]
    assert other != signature
    sparse = open_model(make("rnn", "model.attention.normalizer=entmax15").save(tmp_path / "e")).manifest.signature
    assert "|model:luong-general-entmax15-lstm-12|" in sparse
    plain = open_model(make("plain", "subword.shared=false").save(tmp_path / "c")).manifest.signature
    assert "|model:plain-lstm-12|" in plain
    assert "|vocab:unigram-310-300|" in plain
    assert (
        "|model:transformer-scaled-dot-1+3-16|"
        in open_model(make("transformer").save(tmp_path / "d")).manifest.signature
    )


def test_a_new_model_replaces_the_old_one_and_no_other_files(make: Make, tmp_path: Path) -> None:
    directory = make("rnn", "subword.shared=false").save(tmp_path / "model")
    (directory / "training").mkdir()
    (directory / "training" / "state").write_text("kept")
    made = make("transformer")
    made.save(directory)
    assert load_model(directory).config == made.config
    assert sorted(path.name for path in directory.iterdir()) == [
        "config.toml", "manifest.json", "subword.model", "training", "weights.safetensors"
    ]  # fmt: skip
    assert (directory / "training" / "state").read_text() == "kept"


# --- crashes -------------------------------------------------------------------------------------------------------


class Crash(BaseException):
    """Simulates a kill. Clean-up code runs after it, so the state of the directory is copied before."""


def test_a_crash_at_any_moment_leaves_the_old_or_the_new_model(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = make("rnn", "subword.shared=false", seed=1), make("transformer", seed=2)
    found = []
    for moment in range(40):
        directory = old.save(tmp_path / f"model{moment}")
        with monkeypatch.context() as patch:
            finished = _crash_at(moment, patch, directory, tmp_path / f"found{moment}", new)
        if finished:
            break
        found.append(load_model(tmp_path / f"found{moment}").config)
        assert found[-1] in (old.config, new.config)
        # The next save works, too.
        assert load_model(old.save(tmp_path / f"found{moment}")).config == old.config
    else:
        pytest.fail("the save never finished")
    assert found[0] == old.config
    assert found[-1] == new.config
    assert found == sorted(found, key=lambda config: config == new.config)  # never the old one after the new one


def _crash_at(moment: int, patch: pytest.MonkeyPatch, directory: Path, copy: Path, new: Made) -> bool:
    calls = itertools.count()

    def crashing(real: Callable[..., object]) -> Callable[..., object]:
        def wrapped(*args: object, **kwargs: object) -> object:
            if next(calls) == moment:
                shutil.copytree(directory, copy)
                raise Crash
            return real(*args, **kwargs)

        return wrapped

    patch.setattr(os, "fsync", crashing(os.fsync))
    patch.setattr(os, "replace", crashing(os.replace))
    patch.setattr(Path, "unlink", crashing(Path.unlink))
    try:
        new.save(directory)
    except Crash:
        return False
    return True


def test_a_failed_save_keeps_the_model_of_an_interrupted_save(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The interrupted save was committed, but its files are pending under the names that the next save uses."""
    made = make("transformer")
    directory = make("rnn").save(tmp_path / "model")
    complete = made.save(tmp_path / "complete")
    shutil.copy(complete / "manifest.json", directory)
    for name in ("config.toml", "weights.safetensors", "subword.model"):
        shutil.copy(complete / name, directory / f"{name}.new")
    assert load_model(directory).config == made.config
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full_disk)
        with pytest.raises(CheckpointError, match="No space left"):
            make("plain").save(directory)
    assert load_model(directory).config == made.config


def full_disk(handle: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_reported_and_keeps_the_old_model(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = make()
    directory = old.save(tmp_path / "model")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full_disk)
        with pytest.raises(
            CheckpointError, match=r"config\.toml: cannot be written: No space left on device.*Make room"
        ):
            make("transformer").save(directory)
    assert load_model(directory).config == old.config
    assert not list(directory.glob("*.new"))


# --- invalid models ---------------------------------------------------------------------------------------------


def test_models_with_nan_are_not_saved(make: Make, tmp_path: Path) -> None:
    made = make()
    with torch.no_grad():
        made.model.output_bias[3] = float("nan")
    with pytest.raises(CheckpointError, match=r"output_bias: 1 of 310"):
        made.save(tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_file_with_the_name_of_the_directory_is_kept(make: Make, tmp_path: Path) -> None:
    (tmp_path / "model").write_text("here first")
    with pytest.raises(CheckpointError, match="expected a directory or an unused path, but this is a file"):
        make().save(tmp_path / "model")
    assert (tmp_path / "model").read_text() == "here first"


def test_other_directories_and_files_are_refused(tmp_path: Path) -> None:
    files = "manifest.json, config.toml, weights.safetensors and subword.model"
    with pytest.raises(CheckpointError, match=f"no such model; expected a directory with {files}"):
        load_model(tmp_path / "missing")
    with pytest.raises(CheckpointError, match=r"found nothing: give the directory"):
        load_model(tmp_path)
    for number in range(12):
        (tmp_path / f"f{number:02d}").touch()
    with pytest.raises(CheckpointError, match=r"found f00, f01, f02, f03, f04, f05, f06, f07, \.\.\.: give"):
        load_model(tmp_path)
    with pytest.raises(CheckpointError, match="found a file"):
        load_model(tmp_path / "f00")


@pytest.mark.parametrize("name", ["config.toml", "weights.safetensors", "subword.model"])
def test_missing_and_changed_files(make: Make, tmp_path: Path, name: str) -> None:
    directory = make().save(tmp_path / "model")
    with (directory / name).open("ab") as file:
        file.write(b"\n")
    with pytest.raises(
        CheckpointError, match=rf"{name}: changed since the model was saved: expected a hash that starts with"
    ):
        load_model(directory)
    (directory / name).unlink()
    with pytest.raises(CheckpointError, match=rf"{name}: missing, but manifest\.json lists it"):
        load_model(directory)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[]", "expected the manifest of a regard model"),
        ('{"format": "other"}', "expected the manifest of a regard model"),
        ('{"format": "regard-model"}', "format_version should be an integer of at least 1, but is None"),
        ('{"format": "regard-model", "format_version": true}', "format_version should be an integer"),
        (
            '{"format": "regard-model", "format_version": 99}',
            "has format version 99.*install a newer version of regard",
        ),
        ('{"format": "regard-model", "format_version": 1}', "expected 'files' to list config.toml"),
        (
            '{"format": "regard-model", "format_version": 1, "files": {"config.toml": "", "../../x": ""}}',
            "expected 'files' to list config.toml",
        ),
    ],
)
def test_other_manifests_are_refused(make: Make, tmp_path: Path, text: str, message: str) -> None:
    directory = make().save(tmp_path / "model")
    (directory / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(CheckpointError, match=message):
        load_model(directory)


def test_manifests_with_invalid_entries_are_refused(make: Make, tmp_path: Path) -> None:
    directory = make().save(tmp_path / "model")
    rehash(directory, num_parameters="many", extra=1)
    with pytest.raises(CheckpointError, match=r"damaged: num_parameters: .*; extra: "):
        load_model(directory)
    directory = make().save(tmp_path / "model")
    tree = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
    del tree["files"]["subword.model"]
    (directory / "manifest.json").write_text(json.dumps(tree), encoding="utf-8")
    with pytest.raises(
        CheckpointError, match=r"lists the files config\.toml, weights\.safetensors, but a model consists of"
    ):
        load_model(directory)


def test_all_differences_from_the_model_are_reported(make: Make, tmp_path: Path) -> None:
    directory = make().save(tmp_path / "model")

    def edit(tensors: dict[str, torch.Tensor]) -> None:
        tensors["output_bias"] = torch.zeros(7, 2)
        tensors["foreign"] = torch.zeros(())
        del tensors["output_weight"]

    edit_weights(directory, edit)
    with pytest.raises(CheckpointError) as error:
        load_model(directory)
    assert str(error.value).splitlines()[1:] == [
        "  missing: output_weight 310x8",
        "  unexpected: foreign scalar",
        "  wrong shape: output_bias should be 310, but is 7x2",
    ]


def test_long_lists_of_differences_are_shortened(make: Make, tmp_path: Path) -> None:
    directory = make().save(tmp_path / "model")
    edit_weights(directory, lambda tensors: tensors.update({f"foreign{i:03d}": torch.zeros(1) for i in range(100)}))
    with pytest.raises(CheckpointError, match=r"unexpected: foreign019 1\n  and 80 more$"):
        load_model(directory)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(make: Make, tmp_path: Path, value: float) -> None:
    directory = make().save(tmp_path / "model")
    edit_weights(directory, lambda tensors: tensors["output_bias"].fill_(value))
    with pytest.raises(CheckpointError, match=r"some are NaN or infinite.*\n  output_bias: 310 of 310"):
        load_model(directory)


def test_integer_weights_are_refused(make: Make, tmp_path: Path) -> None:
    directory = make().save(tmp_path / "model")
    edit_weights(directory, lambda tensors: tensors.update(output_bias=torch.zeros(310, dtype=torch.int64)))
    with pytest.raises(CheckpointError, match=r"should be floating-point numbers.*\n  output_bias: torch\.int64"):
        load_model(directory)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"abc",
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 10**12) + b"{}",
        struct.pack("<Q", 2) + b"{}" + b"surplus",
        struct.pack("<Q", 66) + b'{"x":{"dtype":"F32","shape":[1000000000],"data_offsets":[0,4]}}   ' + b"1234",
        b"\x80\x04\x95" + b"pickled" * 9,
    ],
)
def test_weights_that_are_not_safetensors_are_refused(make: Make, tmp_path: Path, content: bytes) -> None:
    directory = make().save(tmp_path / "model")
    (directory / "weights.safetensors").write_bytes(content)
    rehash(directory)
    with pytest.raises(CheckpointError, match=r"weights\.safetensors: not a valid safetensors file"):
        load_model(directory)


def test_truncated_weights_are_refused(make: Make, tmp_path: Path) -> None:
    directory = make().save(tmp_path / "model")
    path = directory / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    rehash(directory)
    with pytest.raises(CheckpointError, match="not a valid safetensors file"):
        load_model(directory)


def test_a_huge_model_is_refused_before_memory_is_allocated(make: Make, tmp_path: Path) -> None:
    directory = make().save(tmp_path / "model")
    path = directory / "config.toml"
    text = path.read_text()
    path.write_text(text.replace("embed_size = 8", "embed_size = 65536"))
    rehash(directory)
    with pytest.raises(CheckpointError, match="wrong shape: output_weight should be 310x65536, but is 310x8"):
        load_model(directory)
    path.write_text(text.replace("embed_size = 8", "embed_size = 8000000000"))
    rehash(directory)
    message = r"config\.toml:\d+: model\.embed_size must be a whole number from 1 to 65,536, but is 8000000000"
    with pytest.raises(ConfigError, match=message):
        load_model(directory)


def test_unknown_keys_are_reported_with_their_line(make: Make, tmp_path: Path) -> None:
    directory = make().save(tmp_path / "model")
    path = directory / "config.toml"
    path.write_text("color = 1\n" + path.read_text())
    rehash(directory)
    with pytest.raises(ConfigError, match=r"config\.toml:1: unknown key 'color'"):
        load_model(directory)


def test_a_damaged_vocabulary_is_refused(make: Make, tmp_path: Path) -> None:
    directory = make().save(tmp_path / "model")
    (directory / "subword.model").write_bytes(b"nonsense")
    rehash(directory)
    with pytest.raises(CheckpointError, match=r"subword\.model: expected a SentencePiece model"):
        load_model(directory)


def test_unknown_devices_are_refused(make: Make, tmp_path: Path) -> None:
    directory = make().save(tmp_path / "model")
    with pytest.raises(ConfigError, match=r"device 'gpu' cannot be used: .*choose another device, such as cpu"):
        load_model(directory, device="gpu")


# --- old formats ---------------------------------------------------------------------------------------------------


def test_a_model_of_format_version_1_still_loads() -> None:
    """The fixture was written once by the version of regard that used this format; do not write it again."""
    stored = load_model(FIXTURES / "format-1")
    assert json.loads((FIXTURES / "format-1" / "manifest.json").read_text())["format_version"] == 1
    src_ids = torch.tensor([[*stored.src_subword.encode("how was your day ?").ids, stored.src_subword.specials.eos]])
    with torch.inference_mode():
        state = stored.model.start(src_ids, torch.tensor([src_ids.shape[1]]))
        step, _ = stored.model.step(torch.tensor([stored.tgt_subword.specials.bos]), state)
    expected = json.loads((FIXTURES / "format-1.expected.json").read_text())
    assert src_ids[0].tolist() == expected["src_ids"]
    torch.testing.assert_close(step.logits[0, :8], torch.tensor(expected["logits"]), rtol=1e-4, atol=1e-5)
