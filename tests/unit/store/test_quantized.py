"""Models stored in 8 bits: the int8 engine holds the same numbers as before, and damage is reported."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest
import torch
from safetensors.torch import load_file, save_file

from regard.config.schema import Config
from regard.errors import CheckpointError
from regard.model.packing import pack_for_search
from regard.model.seq2seq import Seq2Seq
from regard.native.int8 import Int8Linear, has_int8
from regard.native.int8_levels import quantize_rows
from regard.store import load_model, save_model
from regard.store.manifest import StoredReadout
from regard.store.model import open_model, write_readout
from regard.store.quantized import decode_tensors, quantize_tensors
from regard.text.subword import Subword

LARGE = {
    "transformer": ["model.width=64", "model.ff_size=80"],
    "rnn": ["model.embed_size=40", "model.hidden_size=48"],
}


class Made(Protocol):
    """Result of the fixture `make`, see `conftest.py`, or a loaded model."""

    @property
    def model(self) -> Seq2Seq: ...
    @property
    def config(self) -> Config: ...
    @property
    def src_subword(self) -> Subword: ...
    @property
    def tgt_subword(self) -> Subword: ...


Make = Callable[..., Made]


def save(made: Made, path: Path) -> Path:
    save_model(
        path, model=made.model, config=made.config, src_subword=made.src_subword, tgt_subword=made.tgt_subword,
        quantization="int8",
    )  # fmt: skip
    return path


def edit(directory: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    """Changes the weights and the hashes in the manifest."""
    tensors = load_file(directory / "weights.safetensors")
    change(tensors)
    save_file(tensors, directory / "weights.safetensors")
    path = directory / "manifest.json"
    tree = json.loads(path.read_text(encoding="utf-8"))
    tree["files"]["weights.safetensors"] = hashlib.sha256((directory / "weights.safetensors").read_bytes()).hexdigest()
    before = tree["signature"].rsplit("|", 1)[0]
    tree["signature"] = f"{before}|w:{tree['files']['weights.safetensors'][:8]}"
    path.write_text(json.dumps(tree), encoding="utf-8")


@pytest.mark.parametrize("kind", ["transformer", "rnn"])
def test_matrices_are_stored_in_8_bits_and_read_as_rounded(make: Make, tmp_path: Path, kind: str) -> None:
    made = make(kind, *LARGE[kind])
    directory = save(made, tmp_path / "model")
    stored = load_file(directory / "weights.safetensors")
    loaded = load_model(directory)
    quantized = [name for name, tensor in stored.items() if tensor.dtype == torch.int8]
    assert len(quantized) > 3
    for name, own in made.model.state_dict().items():
        weight = loaded.model.state_dict()[name]
        if name in quantized:
            factors, scales = quantize_rows(own)
            assert torch.equal(stored[name], factors)
            assert torch.equal(stored[f"{name}.scales"], scales)
            assert torch.equal(weight, factors * scales[:, None])
        elif own.numel() < 4096 or own.dim() < 2:
            assert torch.equal(weight, own)
    assert loaded.manifest.quantization == "int8"
    assert loaded.manifest.num_parameters == sum(parameter.numel() for parameter in made.model.parameters())
    assert open_model(directory).manifest == loaded.manifest


def test_a_quantized_model_is_four_times_smaller(make: Make, tmp_path: Path) -> None:
    made = make("transformer", "model.width=256", "model.ff_size=512")
    directory = save(made, tmp_path / "model")
    assert (directory / "weights.safetensors").stat().st_size < 1.1 * loaded_parameters(made)


def loaded_parameters(made: Made) -> int:
    return sum(parameter.numel() for parameter in made.model.parameters())


@pytest.mark.skipif(not has_int8(), reason="needs the compiled int8 kernel")
def test_a_search_in_8_bits_holds_the_same_numbers_as_with_the_original_weights(make: Make, tmp_path: Path) -> None:
    made = make("transformer", *LARGE["transformer"])
    loaded = load_model(save(made, tmp_path / "model"))
    original, again = (int8_parts(model) for model in (made.model, loaded.model))
    assert original.keys() == again.keys()
    assert len(original) > 10
    for name, part in original.items():
        for tensor in ("weight", "scales", "totals", "bias"):
            first, second = getattr(part, tensor), getattr(again[name], tensor)
            assert (first is None and second is None) or torch.equal(first, second), (name, tensor)


def int8_parts(model: Seq2Seq) -> dict[str, Int8Linear]:
    modules = pack_for_search(model, "int8").named_modules()
    return {name: module for name, module in modules if isinstance(module, Int8Linear)}


def test_saving_a_loaded_model_again_gives_the_same_bytes(make: Make, tmp_path: Path) -> None:
    made = make("transformer", *LARGE["transformer"])
    first = save(made, tmp_path / "first")
    second = save(load_model(first), tmp_path / "second")
    assert (first / "weights.safetensors").read_bytes() == (second / "weights.safetensors").read_bytes()


def test_rounding_again_changes_nothing_whatever_the_size_of_the_weights() -> None:
    torch.manual_seed(3)
    sizes = torch.logspace(-34, 34, 69)[:, None]
    weight = torch.cat([torch.randn(69, 100) * sizes, torch.zeros(3, 100)])
    stored = quantize_tensors({"x": weight})
    decoded = decode_tensors("file", stored)
    assert decoded.keys() == {"x"}
    again = quantize_tensors(decoded)
    assert torch.equal(again["x"], stored["x"])
    assert torch.equal(again["x.scales"], stored["x.scales"])


def test_models_without_quantized_weights_keep_the_older_format(make: Make, tmp_path: Path) -> None:
    made = make("transformer")
    save_model(
        tmp_path / "m", model=made.model, config=made.config, src_subword=made.src_subword, tgt_subword=made.tgt_subword
    )
    tree = json.loads((tmp_path / "m" / "manifest.json").read_text(encoding="utf-8"))
    assert tree["format_version"] == 2
    assert "quantization" not in tree  # version 2 of the format refuses unknown keys
    quantized = json.loads((save(made, tmp_path / "q") / "manifest.json").read_text(encoding="utf-8"))
    assert (quantized["format_version"], quantized["quantization"]) == (3, "int8")


def test_storing_a_readout_keeps_the_quantization(make: Make, tmp_path: Path) -> None:
    directory = save(make("transformer", *LARGE["transformer"]), tmp_path / "model")
    write_readout(directory, StoredReadout(layer=1, head=0))
    manifest = load_model(directory).manifest
    assert (manifest.quantization, manifest.format_version) == ("int8", 3)
    assert manifest.readout == StoredReadout(layer=1, head=0)


def first_quantized(tensors: dict[str, torch.Tensor]) -> str:
    return next(name for name, tensor in sorted(tensors.items()) if tensor.dtype == torch.int8)


def set_scales(
    value: float | Callable[[torch.Tensor], torch.Tensor] | None,
) -> Callable[[dict[str, torch.Tensor]], None]:
    def change(tensors: dict[str, torch.Tensor]) -> None:
        name = f"{first_quantized(tensors)}.scales"
        if value is None:
            del tensors[name]
        elif isinstance(value, float):
            tensors[name][0] = value
        else:
            tensors[name] = value(tensors[name])

    return change


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float("nan"), r"scales: 1 of \d+ are not positive finite numbers"),
        (float("inf"), "1 of .* are not positive"),
        (-1.0, "1 of .* are not positive"),
        (0.0, "1 of .* are not positive"),
        (3e38, "some are NaN or infinite"),
        (None, r"missing: .*\.scales \d+"),
        (lambda scales: scales[:-1].clone(), r"scales should be \d+ in torch\.float32, but is \d+ in"),
        (lambda scales: scales[:, None].clone(), r"scales should be .*, but is \d+x1 in torch\.float32"),
        (lambda scales: scales.double(), r"but is \d+ in torch\.float64"),
        (lambda scales: scales.to(torch.int8), r"in torch\.int8|missing: .*\.scales\.scales"),
    ],
)
def test_wrong_scales_are_refused(
    make: Make, tmp_path: Path, value: float | Callable[[torch.Tensor], torch.Tensor] | None, message: str
) -> None:
    directory = save(make("transformer", *LARGE["transformer"]), tmp_path / "model")
    edit(directory, set_scales(value))
    with pytest.raises(CheckpointError, match=rf"(?s)weights\.safetensors: .*{message}"):
        load_model(directory)


def test_wrong_quantized_tensors_are_refused(make: Make, tmp_path: Path) -> None:
    made = make("transformer", *LARGE["transformer"])

    def refused(change: Callable[[dict[str, torch.Tensor]], object], message: str) -> None:
        directory = save(made, tmp_path / "model")
        edit(directory, change)
        with pytest.raises(CheckpointError, match=message):
            load_model(directory)

    refused(lambda tensors: tensors[first_quantized(tensors)].fill_(65), r"from -64 to 64, found 65 to 65")
    refused(lambda tensors: tensors[first_quantized(tensors)].fill_(-128), r"from -64 to 64, found -128 to -128")
    refused(lambda tensors: tensors.update({"x": torch.ones((), dtype=torch.int8)}), "x: a scalar, which has no rows")
    refused(lambda tensors: tensors.update({"y.scales": torch.ones(3)}), r"unexpected: y\.scales 3")
    refused(
        lambda tensors: tensors.update({first_quantized(tensors): torch.ones(7, 7, dtype=torch.int8)}),
        r"scales should be 7 in torch\.float32",
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"quantization": None}, "unexpected: .*scales"),
        ({"format_version": 2}, "a model of format version 2 has no quantized weights, but quantization is 'int8'"),
        ({"quantization": "int4"}, "damaged: quantization"),
        ({"format_version": 4}, "format version 4, but this version of regard reads format versions up to 3"),
    ],
)
def test_manifests_that_contradict_the_weights_are_refused(
    make: Make, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    directory = save(make("transformer", *LARGE["transformer"]), tmp_path / "model")
    path = directory / "manifest.json"
    tree = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**tree, **changes}), encoding="utf-8")
    with pytest.raises(CheckpointError, match=rf"(?s){message}"):
        load_model(directory)
