"""Exports with correct hashes and contradictory files: refused before another engine reads them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from foreign import edit_json

from regard.config.schema import TransformerConfig
from regard.errors import CheckpointError, RegardError
from regard.interop.ctranslate2.check import read_variables
from regard.interop.ctranslate2.exporter import export_ctranslate2
from regard.interop.exported import open_export
from regard.interop.onnx.exporter import export_onnx
from regard.store import StoredModel
from regard.translation.loading import load

pytest.importorskip("ctranslate2", reason="needs CTranslate2: pip install 'regard[interop]'")
pytest.importorskip("onnxruntime", reason="needs ONNX Runtime: pip install 'regard[interop]'")

Change = Callable[[Path], object]
CT2, ONNX = "ctranslate2", "onnx"


@pytest.fixture(scope="module")
def exported_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exports")


@pytest.fixture
def export(make: Callable[..., StoredModel], exported_once: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Copies an export for an engine."""

    def copied(engine: str) -> Path:
        path = exported_once / engine
        if not path.exists():
            stored = make(encoder_layers=1, decoder_layers=2, width=16, heads=2)
            (export_onnx if engine == ONNX else export_ctranslate2)(stored, path, quantization="int8")
        return Path(shutil.copytree(path, tmp_path / engine))

    return copied


def sign(directory: Path) -> None:
    """Corrects the hashes in the manifest, as an attacker would."""
    path = directory / "export.json"
    manifest = json.loads(path.read_bytes())
    hashes = {name: hashlib.sha256((directory / name).read_bytes()).hexdigest() for name in manifest["files"]}
    path.write_text(json.dumps({**manifest, "files": hashes}))


def in_bytes(name: str, old: bytes, new: bytes) -> Change:
    def change(directory: Path) -> None:
        data = (directory / name).read_bytes()
        assert old in data
        (directory / name).write_bytes(data.replace(old, new, 1))

    return change


def in_json(name: str, **values: object) -> Change:
    return lambda directory: edit_json(directory / name, **values)


def scalar(name: str, value: int) -> Change:
    """Replaces a number in model.bin, which is stored as name, no dimensions, type int16, two bytes."""
    prefix = name.encode() + b"\0\0\2" + struct.pack("<I", 2)

    def change(directory: Path) -> None:
        data = (directory / "model.bin").read_bytes()
        offset = data.index(prefix) + len(prefix)
        (directory / "model.bin").write_bytes(data[:offset] + struct.pack("<h", value) + data[offset + 2 :])

    return change


def truncate(name: str, size: int) -> Change:
    return lambda directory: os.truncate(directory / name, size)


def append_bytes(name: str) -> Change:
    return lambda directory: (directory / name).write_bytes((directory / name).read_bytes() + b"\0" * 64)


CONTRADICTIONS: dict[str, tuple[str, Change, str]] = {
    "another width": (CT2, in_bytes("config.toml", b"width = 16", b"width = 32"), "as in the signature"),
    "another signature": (CT2, in_json("export.json", signature="regard:\x1b[2J"), "to identify a model"),
    "another engine": (CT2, in_json("export.json", engine="tensorrt"), "manifest of an export for ctranslate2 or onnx"),
    "another format": (CT2, in_json("export.json", format="notes"), "expected the manifest of an export for"),
    "a number as text": (CT2, in_json("export.json", weight_levels="64"), "damaged"),
    "impossible levels": (CT2, in_json("export.json", weight_levels=500), "damaged"),
    "another weight type": (CT2, in_json("export.json", quantization="float32"), "is int8, but export.json says 'flo"),
    "start token in a list": (CT2, in_json("config.json", decoder_start_token=["<s>"]), "start_token should be '<s>'"),
    "no start token": (CT2, in_json("config.json", decoder_start_token=None), "decoder_start_token should be '<s>'"),
    "a boolean as a number": (CT2, in_json("config.json", add_source_bos=0), "add_source_bos should be False"),
    "a bos before sources": (CT2, in_json("config.json", add_source_bos=True), "add_source_bos should be False"),
    "unknown settings": (CT2, in_json("config.json", multi_query_attention=1), "_attention', which is unknown"),
    "settings twice": (CT2, in_bytes("config.json", b'"bos', b'"eos_token": "x", "bos'), "duplicate key"),
    "other pieces": (CT2, in_bytes("shared_vocabulary.json", b'"<pad>"', b'"<dap>"'), "not those of the subword model"),
    "other heads": (CT2, scalar("decoder/num_heads", 4), "decoder/num_heads is 4, expected 2"),
    "no heads": (CT2, scalar("encoder/num_heads", 0), "encoder/num_heads is 0, expected 2"),
    "an unknown name": (CT2, in_bytes("model.bin", b"decoder/projection/bias", b"decoder/projection/bits"), "bits"),
    "no layers": (CT2, in_bytes("model.bin", b"encoder/layer_0/ffn/linear_0/weight\0", b"encoder/layer_7/ffn/linear_0"
                                b"/weight\0"), "the encoder has 2 layers, expected 1"),
    "truncated": (CT2, truncate("model.bin", 5000), "not a complete model of CTranslate2"),
    "empty": (CT2, truncate("model.bin", 0), "not a complete model of CTranslate2"),
    "bytes after the model": (CT2, append_bytes("model.bin"), "bytes follow its last tensor"),
    "bytes after the weights": (ONNX, append_bytes("weights.bin"), "weights.bin: .*, as the graphs use"),
    "an unknown type": (ONNX, in_json("export.json", quantization="int4"), "quantization, one of float32, int8"),
    "another type": (ONNX, in_json("export.json", quantization="float32"), "expected a float32 graph, as export"),
    "start as step": (ONNX, lambda path: shutil.copy(path / "start.onnx", path / "step.onnx"), "different exports"),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_contradictory_files_are_refused(export: Callable[[str], Path], name: str) -> None:
    engine, change, message = CONTRADICTIONS[name]
    path = export(engine)
    change(path)
    sign(path)
    with pytest.raises(RegardError, match=message):
        load([path], threads=1)


@pytest.mark.parametrize("kind", ["pipe", "directory", "device", "gone"])
def test_pipes_directories_and_devices_are_refused(export: Callable[[str], Path], kind: str) -> None:
    path = export(CT2)
    for name in ("export.json", *json.loads((path / "export.json").read_bytes())["files"]):
        file, content = path / name, (path / name).read_bytes()
        file.unlink()
        if kind == "pipe":
            os.mkfifo(file)
        elif kind == "directory":
            file.mkdir()
        elif kind == "device":
            file.symlink_to("/dev/zero")
        with pytest.raises(CheckpointError, match=f"{name}: (expected a file, found a|missing|no such file)"):
            open_export(path)
        file.rmdir() if kind == "directory" else file.unlink(missing_ok=True)
        file.write_bytes(content)
    open_export(path)


def test_other_files_that_ctranslate2_would_read_are_refused(export: Callable[[str], Path]) -> None:
    path = export(CT2)
    (path / "vmap.txt").write_text("a\tb\n")
    with pytest.raises(CheckpointError, match=r"vmap\.txt: CTranslate2 would read this file"):
        load([path], threads=1)


def test_an_export_that_is_replaced_during_reading_is_refused(export: Callable[[str], Path]) -> None:
    exported = open_export(export(ONNX))
    exported.check_same()
    edit_json(exported.path / "export.json", regard_version="another")
    with pytest.raises(CheckpointError, match="this export was replaced by another one while it was read: try again"):
        exported.check_same()


def test_huge_sizes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    name = b"TransformerSpec\0"
    head = struct.pack("<IH", 6, len(name)) + name + struct.pack("<I", 7)
    variable = struct.pack("<H", 2) + b"x\0" + struct.pack("<BIIBI", 2, 1 << 31, 1 << 31, 0, (1 << 32) - 4)
    for data in (
        head + struct.pack("<I", 1 << 31),
        head + struct.pack("<I", 1) + variable,
        head + struct.pack("<IH", 1, 65535),
        head + struct.pack("<IH", 1, 2) + b"x\0\xff",
        struct.pack("<IH", 6, 65535),
    ):
        path.write_bytes(data)
        with pytest.raises(CheckpointError, match="not a complete model of CTranslate2"):
            read_variables(path)


def test_every_transformer_passes_the_checks(make: Callable[..., StoredModel], tmp_path: Path) -> None:
    variants: list[dict[str, object]] = [
        {"norm": "post", "activation": "gelu"},
        {"norm": "pre", "activation": "swiglu", "position": "rotary", "width": 32, "heads": 2},
        {"position": "learned", "max_positions": 40, "tie_embeddings": False, "shared": False},
    ]
    for number, options in enumerate(variants):
        TransformerConfig.model_validate({key: value for key, value in options.items() if key != "shared"})  # valid
        for quantization in ("float32", "int8", "int8_float32", "int16", "float16", "bfloat16"):
            path = tmp_path / f"{number}-{quantization}"
            export_ctranslate2(make(**options, seed=number + 1), path, quantization=quantization)
            assert len(load([path], threads=1).translate(["a man"])) == 1
