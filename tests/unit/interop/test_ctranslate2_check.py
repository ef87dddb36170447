"""Model files of CTranslate2 that are damaged, or do not fit the rest of an export."""

from __future__ import annotations

import math
import struct
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from regard.config.schema import RNNConfig
from regard.errors import CheckpointError
from regard.interop.ctranslate2 import check
from regard.interop.ctranslate2.check import Variable, check_model, read_variables

PATH = Path("model.bin")
FLOAT, INT8, INT32 = 0, 1, 3


def text(value: str, end: bytes = b"\0") -> bytes:
    data = value.encode() + end
    return struct.pack("<H", len(data)) + data


def tensor(name: str, shape: tuple[int, ...] = (2,), kind: int = FLOAT) -> bytes:
    size = math.prod(shape) * (1 if kind == INT8 else 4)
    head = text(name) + struct.pack("<B", len(shape)) + struct.pack(f"<{len(shape)}I", *shape)
    return head + struct.pack("<BI", kind, size) + bytes(size)


def model(*tensors: bytes, aliases: tuple[tuple[str, str], ...] = (), version: int = 6, name: bytes = b"") -> bytes:
    head = struct.pack("<I", version) + (name or text("TransformerSpec")) + struct.pack("<II", 7, len(tensors))
    tail = struct.pack("<I", len(aliases)) + b"".join(text(own) + text(other) for own, other in aliases)
    return head + b"".join(tensors) + tail


def test_tensors_and_their_other_names_are_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(model(tensor("w", (2, 3)), tensor("n", (), INT32), aliases=(("v", "w"),)))
    found = read_variables(tmp_path / "a")
    assert found == {"w": Variable((2, 3), "float32", None), "v": found["w"], "n": Variable((), "int32", 0)}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            model(version=5),
            "expected a CTranslate2 model file for TransformerSpec version 6, found another kind or version",
        ),
        (model(name=text("WhisperSpec")), "found another kind or version"),
        (model(name=text("TransformerSpec", end=b"x")), "the name of a tensor does not end with a zero byte"),
        (model(tensor("w"), tensor("w")), "its tensor 'w' occurs twice"),
        (model(tensor("w", kind=6)), "its tensor 'w' has an unknown type"),
        (model(tensor("w"), aliases=(("w", "w"),)), "lists 'w' as another name of the tensor 'w'"),
        (model(tensor("w"), aliases=(("v", "u"),)), "lists 'v' as another name of the tensor 'u'"),
        (model(tensor("w")) + b"x", "bytes follow its last tensor"),
    ],
)
def test_damaged_files_are_refused(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(CheckpointError, match="not a complete model of CTranslate2") as caught:
        read_variables(tmp_path / "a")
    assert message in str(caught.value)


SHAPES = {"w/weight": (2, 3), "w/bias": (2,)}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"w/bias": None}, ""),  # a linear map of SwiGLU has none
        ({"w/weight_scale": Variable((2,), "float32", None)}, ""),
        ({"w/weight_scale": Variable((), "float16", None)}, ""),
        ({"w/weight": None}, "w/weight is missing"),
        ({"w/weight": Variable((3, 2), "float32", None)}, r"w/weight should be \(2, 3\), but is \(3, 2\)"),
        ({"w/weight_scale": Variable((3,), "float32", None)}, r"w/weight_scale should be \(2,\), but is \(3,\)"),
        ({"w/weight_scale": Variable((2,), "int8", None)}, "w/weight_scale should be"),
        ({"x": Variable((2,), "float32", None)}, "it has 'x', which is unknown"),
    ],
)
def test_shapes_are_those_of_the_configuration(changes: dict[str, Variable | None], message: str) -> None:
    found = {name: Variable(shape, "float32", None) for name, shape in SHAPES.items()} | changes
    present = {name: variable for name, variable in found.items() if variable is not None}
    if message:
        with pytest.raises(CheckpointError, match=message):
            check._check_sizes(present, SHAPES, PATH)
    else:
        check._check_sizes(present, SHAPES, PATH)


@pytest.mark.parametrize(
    ("types", "quantization", "message"),
    [
        ({"w/weight": "float32", "w/bias": "float32"}, "float32", ""),
        ({"w/weight": "int8", "w/weight_scale": "float32", "w/bias": "bfloat16"}, "int8_bfloat16", ""),
        ({"w/weight": "float32"}, "int8", "w/weight is float32, but export.json says 'int8'"),
        ({"w/weight": "int8"}, "int8", "w/weight_scale is missing"),
        ({"w/weight": "float32", "w/bias": "int32"}, "float32", "w/bias is int32, expected a floating-point type"),
    ],
)
def test_types_are_those_of_the_quantization(types: dict[str, str], quantization: str, message: str) -> None:
    found = {name: Variable((2,), kind, None) for name, kind in types.items()}
    if message:
        with pytest.raises(CheckpointError, match=message):
            check._check_types(found, quantization, PATH)
    else:
        check._check_types(found, quantization, PATH)


def exported(*files: str, config: object = None, pieces: tuple[str, str] = ("a", "a")) -> Any:  # noqa: ANN401
    return SimpleNamespace(
        path=Path("export"),
        config=SimpleNamespace(model=config),
        manifest=SimpleNamespace(files=dict.fromkeys(files)),
        src_subword=pieces[0],
        tgt_subword=pieces[1],
    )


def test_a_recurrent_model_is_none_of_ctranslate2() -> None:
    with pytest.raises(CheckpointError, match="expected the export of a Transformer, got the export of a recurrent"):
        check_model(exported(config=RNNConfig()))


def test_vocabularies_are_listed_and_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "all_pieces", lambda subword: [subword])
    checked: list[str] = []
    monkeypatch.setattr(check, "_check_pieces", lambda path, _: checked.append(path.name))
    shared = (check.MODEL, check.SETTINGS, check.SHARED)
    check._check_vocabularies(exported(*shared))
    check._check_vocabularies(exported(check.MODEL, check.SETTINGS, *check.SEPARATE, pieces=("a", "b")))
    assert checked == [check.SHARED, *check.SEPARATE]
    with pytest.raises(CheckpointError, match="source and target have different vocabularies"):
        check._check_vocabularies(exported(*shared, pieces=("a", "b")))
    with pytest.raises(CheckpointError, match=r"expected export\.json to list model\.bin, config\.json and source_"):
        check._check_vocabularies(exported(check.MODEL, check.SETTINGS))
