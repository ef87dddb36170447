"""Exports for ONNX that somebody forged or that came over in part: refused in plain words, nothing of them is run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from regard.config.schema import RNNConfig
from regard.errors import CheckpointError, ConfigError, SearchError
from regard.files.atomic import sha256
from regard.interop import packages
from regard.interop.exported import open_export
from regard.interop.onnx.exporter import export_onnx
from regard.interop.onnx.step_model import OnnxStepModel
from regard.store import StoredModel
from regard.translation.loading import load

if TYPE_CHECKING:
    from onnx import ModelProto

onnx = pytest.importorskip("onnx", reason="needs onnx: pip install 'regard[interop]'")
pytest.importorskip("onnxruntime", reason="needs ONNX Runtime: pip install 'regard[interop]'")

Forge = Callable[["ModelProto"], None]
AGAIN = "export the model again"


@pytest.fixture
def export(keep: Callable[..., StoredModel], tmp_path: Path) -> Path:
    export_onnx(keep(RNNConfig(embed_size=12, hidden_size=16)), tmp_path / "export")
    return tmp_path / "export"


def sign(export: Path) -> None:
    """Makes the hashes right again, as whoever forges an export would."""
    note = json.loads((export / "export.json").read_text())
    note["files"] = {name: sha256(export / name) for name in note["files"]}
    (export / "export.json").write_text(json.dumps(note))


def first_large(model: ModelProto) -> onnx.TensorProto:
    return next(one for one in model.graph.initializer if one.external_data)


def placed(key: str, value: str) -> Forge:
    def change(model: ModelProto) -> None:
        [entry] = [one for one in first_large(model).external_data if one.key == key]
        entry.value = value

    return change


def with_operator(kind: str, domain: str = "") -> Forge:
    return lambda model: model.graph.node.append(onnx.helper.make_node(kind, [], ["x"], domain=domain))


def with_tensor(model: ModelProto) -> None:
    tensor = onnx.TensorProto(name="x", data_type=1, dims=[1], data_location=onnx.TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="/etc/passwd")
    model.graph.node[0].attribute.append(onnx.helper.make_attribute("value", tensor))


def with_function(model: ModelProto) -> None:
    model.functions.append(onnx.FunctionProto(name="Add", domain=""))


def wider(model: ModelProto) -> None:
    first_large(model).dims[0] += 1


def negative(model: ModelProto) -> None:
    tensor = first_large(model)
    tensor.dims[:] = [-size for size in tensor.dims]


def further(model: ModelProto) -> None:
    first_large(model).external_data.add(key="checksum", value="0")


FORGED: dict[str, tuple[Forge, str]] = {
    "another file": (placed("location", "../model-1/weights.safetensors"), r"is not in weights\.bin"),
    "a file of the system": (placed("location", "/etc/passwd"), r"is not in weights\.bin"),
    "behind the end": (placed("offset", str(1 << 40)), r"is not in weights\.bin"),
    "before the beginning": (placed("offset", "-64"), r"is not in weights\.bin"),
    "no number": (placed("offset", "x"), r"is not in weights\.bin"),
    "too short": (placed("length", "4"), r"is not in weights\.bin"),
    "too wide": (wider, r"is not in weights\.bin"),
    "negative": (negative, r"is not in weights\.bin"),
    "further keys": (further, r"is not in weights\.bin"),
    "a loop": (with_operator("Loop"), r"it has the operator ai\.onnx\.Loop"),
    "another domain": (with_operator("Add", "com.evil"), r"it has the operator com\.evil\.Add"),
    "a tensor in an attribute": (with_tensor, "an attribute of .* holds a graph or a tensor"),
    "a function": (with_function, "it holds more than a graph"),
}


@pytest.mark.parametrize("graph", ["start.onnx", "step.onnx"])
@pytest.mark.parametrize(("forge", "told"), FORGED.values(), ids=FORGED.keys())
def test_what_regard_never_writes_is_refused(export: Path, graph: str, forge: Forge, told: str) -> None:
    model = onnx.load(export / graph, load_external_data=False)
    forge(model)
    (export / graph).write_bytes(model.SerializeToString())
    with pytest.raises(CheckpointError, match="changed since the model was exported"):
        load([export])
    sign(export)
    with pytest.raises(CheckpointError, match=rf"{graph}: .*{told}.*{AGAIN}"):
        load([export])


@pytest.mark.parametrize("graph", ["start.onnx", "step.onnx"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_what_came_over_in_part_is_refused(export: Path, graph: str, share: float) -> None:
    data = (export / graph).read_bytes()
    (export / graph).write_bytes(data[: int(len(data) * share)])
    sign(export)
    with pytest.raises(CheckpointError, match="export"):
        load([export])


def test_weights_that_end_early_or_are_elsewhere_are_refused(export: Path, tmp_path: Path) -> None:
    weights = export / "weights.bin"
    data = weights.read_bytes()
    weights.write_bytes(data[:-1])
    sign(export)
    with pytest.raises(CheckpointError, match=r"is not in weights\.bin"):
        load([export])
    (tmp_path / "elsewhere").write_bytes(data)
    weights.unlink()
    weights.symlink_to(tmp_path / "elsewhere")
    sign(export)
    with pytest.raises(CheckpointError, match=r"is not in weights\.bin"):
        load([export])
    note = json.loads((export / "export.json").read_text())
    del note["files"]["weights.bin"]
    (export / "export.json").write_text(json.dumps(note))
    with pytest.raises(CheckpointError, match=r"lists no start\.onnx, step\.onnx and weights\.bin"):
        load([export])


def test_graphs_that_do_not_fit_together_are_refused(export: Path) -> None:
    shutil.copy(export / "start.onnx", export / "step.onnx")
    sign(export)
    with pytest.raises(CheckpointError, match=r"start\.onnx and step\.onnx do not fit together"):
        load([export])


def test_graphs_of_another_vocabulary_are_noticed(export: Path) -> None:
    vocab = len(open_export(export).tgt_subword)
    model = OnnxStepModel(export, tgt_vocab=vocab + 1)
    state = model.start(torch.tensor([[5, 3]]), torch.tensor([2]))
    with pytest.raises(CheckpointError, match=rf"gives logits \(1, {vocab}\), expected \(1, {vocab + 1}\)"):
        model.step(torch.tensor([2]), state)


def test_what_cannot_be_computed_is_told(export: Path) -> None:
    model = OnnxStepModel(export, tgt_vocab=len(open_export(export).tgt_subword))
    with pytest.raises(SearchError, match="ONNX Runtime cannot compute this"):
        model.start(torch.tensor([[1 << 40, 3]]), torch.tensor([2]))


def test_packages_that_are_missing_are_named(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"the package onnxruntime is needed: pip install 'regard\[interop\]'"):
        load([export])
