"""Forged and incomplete ONNX exports: refused with a clear error, without running anything of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from interop_models import store

from regard.config.schema import RNNConfig
from regard.errors import CheckpointError, ConfigError, SearchError
from regard.files import packages
from regard.files.atomic import sha256
from regard.interop.exported import open_export
from regard.interop.onnx.exporter import export_onnx
from regard.interop.onnx.step_model import OnnxStepModel
from regard.text.subword import Subword
from regard.translation.loading import load

if TYPE_CHECKING:
    from onnx import ModelProto, TensorProto

onnx = pytest.importorskip("onnx", reason="needs onnx: pip install 'regard[interop]'")
pytest.importorskip("onnxruntime", reason="needs ONNX Runtime: pip install 'regard[interop]'")

Forge = Callable[["ModelProto"], None]
AGAIN = "export the model again"


@pytest.fixture(scope="module")
def exported(vocabulary: Subword, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a model, `model-1`, and its export."""
    directory = tmp_path_factory.mktemp("exported")
    config = RNNConfig(embed_size=12, hidden_size=16)
    export_onnx(store(config, directory / "model-1", vocabulary, vocabulary), directory / "export")
    return directory


@pytest.fixture
def export(exported: Path, tmp_path: Path) -> Path:
    """A copy of the export, which a test may damage, next to the model."""
    shutil.copytree(exported, tmp_path, dirs_exist_ok=True)
    return tmp_path / "export"


def sign(export: Path) -> None:
    """Corrects the hashes in the manifest, as an attacker would."""
    manifest = json.loads((export / "export.json").read_text())
    manifest["files"] = {name: sha256(export / name) for name in manifest["files"]}
    (export / "export.json").write_text(json.dumps(manifest))


def first_large(model: ModelProto) -> TensorProto:
    large: TensorProto = next(tensor for tensor in model.graph.initializer if tensor.external_data)
    return large


def with_entry(key: str, value: str) -> Forge:
    def change(model: ModelProto) -> None:
        [entry] = [entry for entry in first_large(model).external_data if entry.key == key]
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


def with_larger_shape(model: ModelProto) -> None:
    first_large(model).dims[0] += 1


def with_negative_shape(model: ModelProto) -> None:
    tensor = first_large(model)
    tensor.dims[:] = [-size for size in tensor.dims]


def with_unknown_entry(model: ModelProto) -> None:
    first_large(model).external_data.add(key="checksum", value="0")


FORGED: dict[str, tuple[Forge, str]] = {
    "another file": (with_entry("location", "../model-1/weights.safetensors"), r"not within weights\.bin"),
    "a file of the system": (with_entry("location", "/etc/passwd"), r"not within weights\.bin"),
    "behind the end": (with_entry("offset", str(1 << 40)), r"not within weights\.bin"),
    "before the beginning": (with_entry("offset", "-64"), r"not within weights\.bin"),
    "no number": (with_entry("offset", "x"), r"not within weights\.bin"),
    "too short": (with_entry("length", "4"), r"not within weights\.bin"),
    "too wide": (with_larger_shape, r"not within weights\.bin"),
    "negative": (with_negative_shape, r"not within weights\.bin"),
    "further keys": (with_unknown_entry, r"not within weights\.bin"),
    "a loop": (with_operator("Loop"), r"it has the operator ai\.onnx\.Loop"),
    "another domain": (with_operator("Add", "com.evil"), r"it has the operator com\.evil\.Add"),
    "a tensor in an attribute": (with_tensor, "an attribute of .* holds a graph or a tensor"),
    "a function": (with_function, "it holds more than a graph"),
}


@pytest.mark.parametrize("graph", ["start.onnx", "step.onnx"])
@pytest.mark.parametrize(("forge", "message"), FORGED.values(), ids=FORGED.keys())
def test_content_that_regard_never_writes_is_refused(export: Path, graph: str, forge: Forge, message: str) -> None:
    model = onnx.load(export / graph, load_external_data=False)
    forge(model)
    (export / graph).write_bytes(model.SerializeToString())
    with pytest.raises(CheckpointError, match="changed since the model was exported"):
        load([export])
    sign(export)
    with pytest.raises(CheckpointError, match=rf"{graph}: .*{message}.*{AGAIN}"):
        load([export])


@pytest.mark.parametrize("graph", ["start.onnx", "step.onnx"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_graph_is_refused(export: Path, graph: str, share: float) -> None:
    data = (export / graph).read_bytes()
    (export / graph).write_bytes(data[: int(len(data) * share)])
    sign(export)
    with pytest.raises(CheckpointError, match="export"):
        load([export])


def test_truncated_or_linked_weights_are_refused(export: Path, tmp_path: Path) -> None:
    weights = export / "weights.bin"
    data = weights.read_bytes()
    weights.write_bytes(data[:-1])
    sign(export)
    with pytest.raises(CheckpointError, match=r"not within weights\.bin"):
        load([export])
    (tmp_path / "elsewhere").write_bytes(data)
    weights.unlink()
    weights.symlink_to(tmp_path / "elsewhere")
    sign(export)
    with pytest.raises(CheckpointError, match=r"not within weights\.bin"):
        load([export])
    manifest = json.loads((export / "export.json").read_text())
    del manifest["files"]["weights.bin"]
    (export / "export.json").write_text(json.dumps(manifest))
    with pytest.raises(CheckpointError, match=r"to list start\.onnx, step\.onnx and weights\.bin"):
        load([export])


def test_graphs_that_do_not_fit_together_are_refused(export: Path) -> None:
    shutil.copy(export / "start.onnx", export / "step.onnx")
    sign(export)
    with pytest.raises(CheckpointError, match=r"outputs of start\.onnx are not the inputs of step\.onnx"):
        load([export])


def test_logits_of_another_vocabulary_are_refused(export: Path) -> None:
    vocab = len(open_export(export).tgt_subword)
    model = OnnxStepModel(export, tgt_vocab=vocab + 1)
    state = model.start(torch.tensor([[5, 3]]), torch.tensor([2]))
    with pytest.raises(CheckpointError, match=rf"expected logits of shape \(1, {vocab + 1}\), got shape"):
        model.step(torch.tensor([2]), state)


def test_errors_of_onnx_runtime_are_reported(export: Path) -> None:
    model = OnnxStepModel(export, tgt_vocab=len(open_export(export).tgt_subword))
    with pytest.raises(SearchError, match="ONNX Runtime failed to run a graph of the export"):
        model.start(torch.tensor([[1 << 40, 3]]), torch.tensor([2]))


def test_missing_packages_are_named(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"the package onnxruntime is needed: pip install 'regard\[interop\]'"):
        load([export])
