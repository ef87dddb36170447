"""A model that is read while it is replaced is the old one or the new one, never a mixture."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytest
import torch
from deadlines import join

import regard.store.model
from regard.errors import CheckpointError
from regard.files.atomic import pending_path
from regard.files.reading import open_regular
from regard.model.build import ScoreFactory
from regard.model.seq2seq import Seq2Seq
from regard.store import load_model
from regard.store.manifest import MANIFEST, WEIGHTS, Manifest
from regard.store.model import open_model
from regard.store.reading import CheckedWeights, ModelDescription, check_weights
from regard.store.verified import HashedFile, read_consistently, use_hashed

LOADS = 200


class Made(Protocol):
    """Result of the fixture `make`, see `conftest.py`."""

    model: Seq2Seq

    def save(self, path: Path) -> Path: ...


Make = Callable[..., Made]


@contextmanager
def saving_in_background(directory: Path, models: list[Made]) -> Iterator[Callable[[], int]]:
    """Saves the models in turn in a thread; yields a function that returns the number of saves."""
    over, count = threading.Event(), 0

    def write() -> None:
        nonlocal count
        while not over.is_set():
            models[count % len(models)].save(directory)
            count += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield lambda: count
    finally:
        over.set()
        join(writer)


@pytest.mark.parametrize("kinds", [("rnn", "rnn"), ("rnn", "transformer")])
def test_a_load_during_a_save_gives_one_of_the_two_models(
    make: Make, tmp_path: Path, kinds: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # more saves in less time
    directory = tmp_path / "model"
    models = [make(kind, "subword.shared=false" if seed else "subword.shared=true", seed=seed)
              for seed, kind in enumerate(kinds)]  # fmt: skip
    known: dict[str, tuple[Manifest, dict[str, torch.Tensor]]] = {}
    for made in models:
        manifest = open_model(made.save(directory)).manifest
        known[manifest.signature] = (manifest, made.model.state_dict())
    seen = set()
    with saving_in_background(directory, models) as saves:
        for _ in range(LOADS):
            stored = load_model(directory)
            manifest, weights = known[stored.manifest.signature]
            assert stored.manifest == manifest
            found = stored.model.state_dict()
            assert found.keys() == weights.keys()
            assert all(torch.equal(weights[name], tensor) for name, tensor in found.items())
            assert stored.src_subword.fingerprint() == manifest.src_vocabulary
            assert stored.tgt_subword.fingerprint() == manifest.tgt_vocabulary
            seen.add(stored.manifest.signature)
            assert open_model(directory).manifest.signature in known
        assert saves() > 10
    assert len(seen) == 2


def test_a_save_between_reading_manifest_and_weights_is_detected(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = make(seed=1), make(seed=2)
    directory = old.save(tmp_path / "model")
    signatures: list[str] = []

    def replace_then_check(
        description: ModelDescription, *, score: ScoreFactory | None, with_tensors: bool
    ) -> CheckedWeights:
        signatures.append(json.loads((directory / MANIFEST).read_text())["signature"])
        if len(signatures) == 1:
            new.save(directory)
        return check_weights(description, score=score, with_tensors=with_tensors)

    monkeypatch.setattr(regard.store.model, "check_weights", replace_then_check)
    stored = load_model(directory)
    assert len(signatures) == 2
    assert torch.equal(stored.model.state_dict()["output_bias"], new.model.state_dict()["output_bias"])
    assert torch.equal(stored.model.state_dict()["output_weight"], new.model.state_dict()["output_weight"])
    assert stored.manifest.signature == signatures[1] != signatures[0]


def test_damaged_weights_are_refused_after_one_try(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = make().save(tmp_path / "model")
    (directory / WEIGHTS).write_bytes(b"x" * 100)
    calls: list[ModelDescription] = []

    def count_calls(description: ModelDescription, *, score: ScoreFactory | None, with_tensors: bool) -> CheckedWeights:
        calls.append(description)
        return check_weights(description, score=score, with_tensors=with_tensors)

    monkeypatch.setattr(regard.store.model, "check_weights", count_calls)
    with pytest.raises(CheckpointError, match="changed since the model was saved"):
        load_model(directory)
    assert len(calls) == 1


def test_a_pending_file_is_found(make: Make, tmp_path: Path) -> None:
    new = make(seed=2)
    directory, new_directory = make(seed=1).save(tmp_path / "model"), new.save(tmp_path / "new")
    shutil.copy(new_directory / MANIFEST, directory)
    shutil.copy(new_directory / WEIGHTS, pending_path(directory / WEIGHTS))
    assert torch.equal(
        load_model(directory).model.state_dict()["output_weight"], new.model.state_dict()["output_weight"]
    )
    assert open_model(directory).sizes[WEIGHTS] == (new_directory / WEIGHTS).stat().st_size


def test_the_bytes_that_are_used_are_hashed(tmp_path: Path) -> None:
    """A file is opened once: replacing it under its name has no effect."""
    path, other = tmp_path / "a", tmp_path / "b"
    path.write_bytes(b"old" * 1000)
    other.write_bytes(b"new")

    def use(file: HashedFile) -> bytes:
        os.replace(other, path)
        return file.read(max_bytes=10_000)

    result = use_hashed(path, use, remedy="")
    assert result.get() == b"old" * 1000
    with open_regular(path, remedy="") as file:
        assert HashedFile(file, path, "").hexdigest() != result.sha256


def test_a_reader_retries_while_files_change(tmp_path: Path) -> None:
    path, tries = tmp_path / "a", []

    def read() -> int:
        tries.append(1)
        if len(tries) < 5:
            path.write_bytes(b"x" * len(tries))
            raise CheckpointError("incomplete")
        return len(tries)

    assert read_consistently(read, [path]) == 5

    def fail() -> int:
        tries.append(1)
        raise CheckpointError("damaged")

    tries.clear()
    with pytest.raises(CheckpointError, match="damaged"):
        read_consistently(fail, [path, tmp_path / "none", tmp_path / "\0"])
    assert len(tries) == 1
