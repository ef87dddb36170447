"""8-bit products of an export: exact on every processor, by the weights in its files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from regard.config.schema import ModelConfig, RNNConfig, TransformerConfig
from regard.errors import CheckpointError, ConfigError
from regard.interop.ctranslate2.exporter import export_ctranslate2
from regard.interop.ctranslate2.quantize import round_weights
from regard.interop.ctranslate2.spec import fill_spec
from regard.interop.exported import open_export
from regard.interop.onnx import engine as onnx_engine
from regard.interop.onnx import overflow as onnx_overflow
from regard.interop.onnx import quantize as onnx_quantize
from regard.interop.onnx.exporter import export_onnx
from regard.native.int8_levels import MAX_INT8_WEIGHT, quantize_rows
from regard.store import StoredModel
from regard.translation.loading import load

onnx = pytest.importorskip("onnx", reason="needs onnx: pip install 'regard[interop]'")
pytest.importorskip("onnxruntime", reason="needs ONNX Runtime: pip install 'regard[interop]'")
pytest.importorskip("ctranslate2", reason="needs CTranslate2: pip install 'regard[interop]'")

Keep = Callable[..., StoredModel]
Integers = NDArray[np.int64]
MODELS: dict[str, ModelConfig] = {
    "rnn": RNNConfig.model_validate(
        {"decoder": "bahdanau", "embed_size": 64, "hidden_size": 64, "attention": {"score": "additive"}}
    ),
    "transformer": TransformerConfig(width=64, ff_size=128, heads=4, encoder_layers=2, decoder_layers=2),
}


def vpmaddubsw(activations: Integers, weights: Integers) -> Integers:
    """Products `(N, out)` on x86 without VNNI: pairs are summed in 16 bits with saturation, the rest in 32 bits."""
    pairs = activations[:, ::2, None] * weights[::2] + activations[:, 1::2, None] * weights[1::2]  # (N, in / 2, out)
    sums: Integers = pairs.clip(-(1 << 15), (1 << 15) - 1).sum(1)
    return sums


def hardest(weights: Integers, rng: np.random.Generator) -> Integers:
    """Activations `(N, in)`: random ones, and those with the largest and smallest sums of some outputs."""
    columns = weights[:, rng.choice(weights.shape[1], 8)].T
    extremes = [np.where(columns > 0, 255, 0), np.where(columns < 0, 255, 0)]
    return np.concatenate([rng.integers(0, 256, (8, len(weights))), *extremes])


def multiplied(export: Path) -> Iterator[Integers]:
    """Every matrix `(in, out)` that the graphs of an export multiply in integers."""
    for name in ("start.onnx", "step.onnx"):
        graph = onnx.load(str(export / name)).graph
        tensors = {tensor.name: tensor for tensor in graph.initializer}
        for node in graph.node:
            if node.op_type == "MatMulInteger":
                yield onnx.numpy_helper.to_array(tensors[node.input[1]]).astype(np.int64)


def exact_everywhere(weights: Integers) -> bool:
    rng = np.random.default_rng(1)
    for _ in range(3):  # for several pairings
        weights = weights[rng.permutation(len(weights) // 2 * 2)]
        activations = hardest(weights, rng)
        if not np.array_equal(vpmaddubsw(activations, weights), activations @ weights):
            return False
    return True


@pytest.mark.parametrize("config", MODELS.values(), ids=MODELS.keys())
def test_products_of_an_onnx_export_do_not_overflow_16_bits(
    keep: Keep, tmp_path: Path, config: ModelConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = keep(config)
    export_onnx(stored, tmp_path / "export", quantization="int8")
    matrices = list(multiplied(tmp_path / "export"))
    assert len(matrices) > 5
    assert all(exact_everywhere(matrix) for matrix in matrices)
    assert json.loads((tmp_path / "export" / "export.json").read_text())["weight_levels"] == MAX_INT8_WEIGHT
    # With eight bits they do, and the export is refused.
    monkeypatch.setattr(
        onnx_quantize,
        "quantize_rows",
        lambda weight, max_magnitude=127: quantize_rows(weight, max_magnitude=max_magnitude),
    )
    with pytest.raises(
        CheckpointError, match="weight is 127, but products are exact on all processors only with weights up to 64"
    ):
        export_onnx(stored, tmp_path / "wide", quantization="int8")
    monkeypatch.setattr("regard.interop.onnx.exporter.weight_levels", lambda *graphs: 0)
    export_onnx(stored, tmp_path / "wide", quantization="int8")
    assert not any(exact_everywhere(matrix) for matrix in multiplied(tmp_path / "wide"))


def test_one_more_level_would_overflow() -> None:
    sums = [2 * 255 * levels for levels in (MAX_INT8_WEIGHT, MAX_INT8_WEIGHT + 1)]
    assert sums[0] < 1 << 15 <= sums[1]
    factors, scales = quantize_rows(torch.tensor([[1.0, -3.0], [0.0, 0.0], [1e-20, 0.0]]))
    assert factors.tolist() == [[21, -64], [0, 0], [64, 0]]
    assert torch.isfinite(scales).all()


@pytest.mark.parametrize("quantization", ["int8", "int8_float32", "int8_bfloat16", "int16", "float16"])
def test_weights_for_ctranslate2_are_rounded_to_7_bits_and_the_model_does_not_change(
    keep: Keep, quantization: str
) -> None:
    stored = keep(MODELS["transformer"])
    before = {name: parameter.clone() for name, parameter in stored.model.named_parameters()}
    spec = fill_spec(stored)
    spec.validate()
    levels = round_weights(spec, quantization)
    assert all(torch.equal(parameter, before[name]) for name, parameter in stored.model.named_parameters())
    matrices = {
        name: variable
        for name, variable in spec.variables().items()
        if not isinstance(variable, str) and not variable.is_scalar()
    }
    in_bytes = {name: matrix.numpy().astype(np.int64) for name, matrix in matrices.items() if matrix.dtype == "int8"}
    assert levels == (MAX_INT8_WEIGHT if quantization.startswith("int8") else None)
    assert bool(in_bytes) == quantization.startswith("int8")
    for name, factors in in_bytes.items():
        assert np.abs(factors).max() == MAX_INT8_WEIGHT
        assert exact_everywhere(factors.T)
        assert matrices[f"{name}_scale"].numpy().shape == factors.shape[:1]
    if in_bytes:
        exact = stored.model.output_weight.detach().numpy()
        table = "decoder/embeddings/weight" if "decoder/embeddings/weight" in in_bytes else "decoder/projection/weight"
        error = in_bytes[table] / matrices[f"{table}_scale"].numpy()[:, None] - exact
        assert np.abs(error).max() <= 0.51 * np.abs(exact).max() / MAX_INT8_WEIGHT


def test_exports_for_ctranslate2_store_their_levels_and_are_not_rounded_on_loading(keep: Keep, tmp_path: Path) -> None:
    export_ctranslate2(keep(MODELS["transformer"]), tmp_path / "export", quantization="int8")
    assert open_export(tmp_path / "export").manifest.weight_levels == MAX_INT8_WEIGHT
    export_ctranslate2(keep(MODELS["transformer"]), tmp_path / "exact")
    assert "weight_levels" not in (tmp_path / "exact" / "export.json").read_text()
    message = r"stored as float32, not as int8: .* export the model again with --quantization int8"
    with pytest.raises(ConfigError, match=message):
        load(tmp_path / "exact", precision="int8", device="cpu", threads=1)
    load(tmp_path / "export", precision="int8", device="cpu", threads=1)


def test_an_older_export_warns_if_its_products_overflow_here(
    keep: Keep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_onnx(keep(MODELS["rnn"]), tmp_path / "export", quantization="int8")
    monkeypatch.setattr(onnx_engine, "overflows_here", lambda: True)
    load([tmp_path / "export"])  # exact there too
    manifest = json.loads((tmp_path / "export" / "export.json").read_text())
    del manifest["weight_levels"]
    (tmp_path / "export" / "export.json").write_text(json.dumps(manifest))
    with pytest.warns(UserWarning, match="overflow on this processor .* export the model again"):
        load([tmp_path / "export"])
    monkeypatch.setattr(onnx_engine, "overflows_here", lambda: False)
    load([tmp_path / "export"])


def test_the_overflow_check_is_cached() -> None:
    assert onnx_overflow.overflows_here() is onnx_overflow.overflows_here()
