"""Integer products of an export: the same on every processor, by what its files hold."""

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
from regard.interop.onnx import overflow as onnx_sums
from regard.interop.onnx import quantize as onnx_int8
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


def vpmaddubsw(given: Integers, weights: Integers) -> Integers:
    """Products `(N, out)` as x86 adds them without VNNI: neighbors in 16 bits that saturate, the rest in 32."""
    pairs = given[:, ::2, None] * weights[::2] + given[:, 1::2, None] * weights[1::2]  # (N, in / 2, out)
    return pairs.clip(-(1 << 15), (1 << 15) - 1).sum(1)


def hardest(weights: Integers, rng: np.random.Generator) -> Integers:
    """Bytes `(N, in)`: at random, and for some outputs those that make their sums largest and smallest."""
    columns = weights[:, rng.choice(weights.shape[1], 8)].T
    extremes = [np.where(columns > 0, 255, 0), np.where(columns < 0, 255, 0)]
    return np.concatenate([rng.integers(0, 256, (8, len(weights))), *extremes])


def multiplied(export: Path) -> Iterator[Integers]:
    """Every matrix `(in, out)` that the graphs of an export multiply as integers."""
    for name in ("start.onnx", "step.onnx"):
        graph = onnx.load(str(export / name)).graph
        held = {one.name: one for one in graph.initializer}
        for node in graph.node:
            if node.op_type == "MatMulInteger":
                yield onnx.numpy_helper.to_array(held[node.input[1]]).astype(np.int64)


def exact_everywhere(weights: Integers) -> bool:
    rng = np.random.default_rng(1)
    for _ in range(3):  # whichever two are neighbors
        weights = weights[rng.permutation(len(weights) // 2 * 2)]
        given = hardest(weights, rng)
        if not np.array_equal(vpmaddubsw(given, weights), given @ weights):
            return False
    return True


@pytest.mark.parametrize("config", MODELS.values(), ids=MODELS.keys())
def test_no_two_products_of_an_onnx_export_leave_16_bits(
    keep: Keep, tmp_path: Path, config: ModelConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = keep(config)
    export_onnx(stored, tmp_path / "export", quantization="int8")
    found = list(multiplied(tmp_path / "export"))
    assert len(found) > 5
    assert all(exact_everywhere(one) for one in found)
    assert json.loads((tmp_path / "export" / "export.json").read_text())["weight_levels"] == MAX_INT8_WEIGHT
    # With a bit more they do, and the export is refused.
    monkeypatch.setattr(
        onnx_int8,
        "quantize_rows",
        lambda weight, max_magnitude=127: quantize_rows(weight, max_magnitude=max_magnitude),
    )
    with pytest.raises(CheckpointError, match="a rounded weight is 127 where at most 64 is exact on every processor"):
        export_onnx(stored, tmp_path / "wide", quantization="int8")
    monkeypatch.setattr("regard.interop.onnx.exporter.weight_levels", lambda *graphs: 0)
    export_onnx(stored, tmp_path / "wide", quantization="int8")
    assert not any(exact_everywhere(one) for one in multiplied(tmp_path / "wide"))


def test_one_level_more_would_be_too_many() -> None:
    sums = [2 * 255 * levels for levels in (MAX_INT8_WEIGHT, MAX_INT8_WEIGHT + 1)]
    assert sums[0] < 1 << 15 <= sums[1]
    factors, scales = quantize_rows(torch.tensor([[1.0, -3.0], [0.0, 0.0], [1e-20, 0.0]]))
    assert factors.tolist() == [[21, -64], [0, 0], [64, 0]]
    assert torch.isfinite(scales).all()


@pytest.mark.parametrize("quantization", ["int8", "int8_float32", "int8_bfloat16", "int16", "float16"])
def test_weights_for_ctranslate2_are_rounded_to_7_bits_and_the_model_stays_as_it_is(
    keep: Keep, quantization: str
) -> None:
    stored = keep(MODELS["transformer"])
    before = {name: one.clone() for name, one in stored.model.named_parameters()}
    spec = fill_spec(stored)
    spec.validate()
    levels = round_weights(spec, quantization)
    assert all(torch.equal(one, before[name]) for name, one in stored.model.named_parameters())
    held = {name: one for name, one in spec.variables().items() if not isinstance(one, str) and not one.is_scalar()}
    in_bytes = {name: one.numpy().astype(np.int64) for name, one in held.items() if one.dtype == "int8"}
    assert levels == (MAX_INT8_WEIGHT if quantization.startswith("int8") else None)
    assert bool(in_bytes) == quantization.startswith("int8")
    for name, factors in in_bytes.items():
        assert np.abs(factors).max() == MAX_INT8_WEIGHT
        assert exact_everywhere(factors.T)
        assert held[f"{name}_scale"].numpy().shape == factors.shape[:1]
    if in_bytes:
        exact = stored.model.output_weight.detach().numpy()
        table = "decoder/embeddings/weight" if "decoder/embeddings/weight" in in_bytes else "decoder/projection/weight"
        off = in_bytes[table] / held[f"{table}_scale"].numpy()[:, None] - exact
        assert np.abs(off).max() <= 0.51 * np.abs(exact).max() / MAX_INT8_WEIGHT


def test_exports_for_ctranslate2_note_their_levels_and_are_not_rounded_while_loading(
    keep: Keep, tmp_path: Path
) -> None:
    export_ctranslate2(keep(MODELS["transformer"]), tmp_path / "export", quantization="int8")
    assert open_export(tmp_path / "export").manifest.weight_levels == MAX_INT8_WEIGHT
    export_ctranslate2(keep(MODELS["transformer"]), tmp_path / "exact")
    assert "weight_levels" not in (tmp_path / "exact" / "export.json").read_text()
    with pytest.raises(ConfigError, match=r"stored as float32, not as int8: export .* with --quantization int8"):
        load(tmp_path / "exact", precision="int8", device="cpu", threads=1)
    load(tmp_path / "export", precision="int8", device="cpu", threads=1)


def test_an_export_that_an_older_version_rounded_warns_where_its_sums_overflow(
    keep: Keep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export_onnx(keep(MODELS["rnn"]), tmp_path / "export", quantization="int8")
    monkeypatch.setattr(onnx_engine, "cut_off_here", lambda: True)
    load([tmp_path / "export"])  # ours is exact there
    note = json.loads((tmp_path / "export" / "export.json").read_text())
    del note["weight_levels"]
    (tmp_path / "export" / "export.json").write_text(json.dumps(note))
    with pytest.warns(UserWarning, match="overflow on this processor .* export the model again"):
        load([tmp_path / "export"])
    monkeypatch.setattr(onnx_engine, "cut_off_here", lambda: False)
    load([tmp_path / "export"])


def test_a_processor_is_tried_once() -> None:
    assert onnx_sums.overflows_here() is onnx_sums.overflows_here()
