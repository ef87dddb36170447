"""Whoever reads a model while it is replaced gets the old one or the new one, never half of each."""

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

import regard.store.model
from regard.errors import CheckpointError
from regard.files.atomic import pending_path
from regard.files.reading import open_regular
from regard.model.seq2seq import Seq2Seq
from regard.store import load_model
from regard.store.manifest import MANIFEST, WEIGHTS, Manifest
from regard.store.model import open_model
from regard.store.verified import HashedFile, read_consistently, use_hashed

LOADS = 200


class Made(Protocol):
    """What the fixture `make` makes, see `conftest.py`."""

    model: Seq2Seq

    def save(self, path: Path) -> Path: ...


Make = Callable[..., Made]


@contextmanager
def replaced_all_the_time(directory: Path, models: list[Made]) -> Iterator[Callable[[], int]]:
    """Saves the models one after the other in a thread; tells how many saves there were."""
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
        writer.join()


@pytest.mark.parametrize("kinds", [("rnn", "rnn"), ("rnn", "transformer")])
def test_a_load_during_a_save_is_wholly_one_of_the_two(
    make: Make, tmp_path: Path, kinds: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # more saves in less time
    directory = tmp_path / "model"
    models = [make(kind, "subword.shared=false" if seed else "subword.shared=true", seed=seed)
              for seed, kind in enumerate(kinds)]  # fmt: skip
    known: dict[str, tuple[Manifest, dict[str, torch.Tensor]]] = {}
    for one in models:
        manifest = open_model(one.save(directory)).manifest
        known[manifest.signature] = (manifest, one.model.state_dict())
    seen = set()
    with replaced_all_the_time(directory, models) as saves:
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


def test_a_save_between_the_manifest_and_the_weights_is_not_seen_by_half(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = make(seed=1), make(seed=2)
    directory = old.save(tmp_path / "model")
    told, real = [], regard.store.model.weigh

    def weigh(*args: object, **options: object) -> object:
        told.append(json.loads((directory / MANIFEST).read_text())["signature"])
        if len(told) == 1:
            new.save(directory)
        return real(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(regard.store.model, "weigh", weigh)
    stored = load_model(directory)
    assert len(told) == 2
    assert torch.equal(stored.model.state_dict()["output_bias"], new.model.state_dict()["output_bias"])
    assert torch.equal(stored.model.state_dict()["output_weight"], new.model.state_dict()["output_weight"])
    assert stored.manifest.signature == told[1] != told[0]


def test_what_is_damaged_is_refused_after_one_look(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = make().save(tmp_path / "model")
    (directory / WEIGHTS).write_bytes(b"x" * 100)
    looks, real = [], regard.store.model.weigh
    monkeypatch.setattr(regard.store.model, "weigh", lambda *args, **options: looks.append(1) or real(*args, **options))
    with pytest.raises(CheckpointError, match="changed since the model was saved"):
        load_model(directory)
    assert len(looks) == 1


def test_a_file_that_still_waits_for_its_place_is_found(make: Make, tmp_path: Path) -> None:
    new = make(seed=2)
    directory, waiting = make(seed=1).save(tmp_path / "model"), new.save(tmp_path / "new")
    shutil.copy(waiting / MANIFEST, directory)
    shutil.copy(waiting / WEIGHTS, pending_path(directory / WEIGHTS))
    assert torch.equal(
        load_model(directory).model.state_dict()["output_weight"], new.model.state_dict()["output_weight"]
    )
    assert open_model(directory).sizes[WEIGHTS] == (waiting / WEIGHTS).stat().st_size


def test_the_bytes_that_are_hashed_are_those_that_are_used(tmp_path: Path) -> None:
    """A file is opened once: what its name is given to meanwhile is another file."""
    path, other = tmp_path / "a", tmp_path / "b"
    path.write_bytes(b"old" * 1000)
    other.write_bytes(b"new")

    def use(file: HashedFile) -> bytes:
        os.replace(other, path)
        return file.read(max_bytes=10_000)

    used = use_hashed(path, use, remedy="")
    assert used.get() == b"old" * 1000
    with open_regular(path, remedy="") as file:
        assert HashedFile(file, path, "").hexdigest() != used.sha256


def test_a_reader_gives_up_only_when_nothing_changes(tmp_path: Path) -> None:
    path, tries = tmp_path / "a", []

    def read() -> int:
        tries.append(1)
        if len(tries) < 5:
            path.write_bytes(b"x" * len(tries))
            raise CheckpointError("half of it")
        return len(tries)

    assert read_consistently(read, [path]) == 5

    def fail() -> int:
        tries.append(1)
        raise CheckpointError("damaged")

    tries.clear()
    with pytest.raises(CheckpointError, match="damaged"):
        read_consistently(fail, [path, tmp_path / "none", tmp_path / "\0"])
    assert len(tries) == 1
