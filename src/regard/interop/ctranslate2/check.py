"""Checks CTranslate2's model files before CTranslate2 reads them: only files as regard writes them are accepted.

A model file is a list of tensors: name, shape, type, elements. CTranslate2 does not check these; here they are compared
with the configuration and the vocabularies of the export.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

from regard.config.schema import TransformerConfig
from regard.errors import CheckpointError
from regard.files.json_text import parse_json
from regard.files.reading import open_regular
from regard.interop.ctranslate2.spec import all_pieces, empty_sides, max_positions
from regard.interop.exported import Exported
from regard.interop.foreign_json import MAX_BYTES
from regard.text.file_type import read_file
from regard.text.subword import Subword

MODEL, SETTINGS = "model.bin", "config.json"
SHARED, SEPARATE = "shared_vocabulary.json", ("source_vocabulary.json", "target_vocabulary.json")
_ALSO_READ = ("vmap.txt", "shared_vocabulary.txt", "source_vocabulary.txt", "target_vocabulary.txt", SHARED, *SEPARATE)
_VERSION, _NAME = 6, "TransformerSpec"
_TYPES = ("float32", "int8", "int16", "int32", "float16", "bfloat16")
_SIZES = (4, 1, 2, 4, 2, 2)
_MAX_VARIABLES, _MAX_RANK = 100_000, 4
_CURE = "export the model again"


@dataclass(frozen=True, slots=True)
class Variable:
    """One tensor of a CTranslate2 model file.

    Attributes:
        shape: Shape of the tensor; empty for a single number.
        type: CTranslate2's name of the tensor's number type, such as `float32` or `int8`.
        number: Value of the tensor if it is a single integer, else None.
    """

    shape: tuple[int, ...]
    type: str
    number: int | None


def check_model(exported: Exported) -> None:
    """Checks that a CTranslate2 model fits the configuration and the vocabularies of its export.

    Args:
        exported: The opened export.

    Raises:
        CheckpointError: A file is damaged, or the files contradict one another.
    """
    config = exported.config.model
    if not isinstance(config, TransformerConfig):
        raise CheckpointError(
            f"{exported.path}: expected the export of a Transformer, got the export of a recurrent model, which "
            f"CTranslate2 cannot run: {_CURE}"
        )
    found = read_variables(exported.path / MODEL)
    _check_layers(found, config, exported.path / MODEL)
    _check_sizes(found, dict(_sizes(exported, config)), exported.path / MODEL)
    _check_types(found, exported.manifest.quantization, exported.path / MODEL)
    _check_scalars(found, config, exported.path / MODEL)
    _check_settings(exported)
    _check_vocabularies(exported)


def read_variables(path: Path) -> dict[str, Variable]:
    """Reads names, shapes and types of all tensors of a CTranslate2 model file, without their elements.

    Args:
        path: Path of the file.

    Returns:
        Tensors by name; a tensor with several names is listed under each of them.

    Raises:
        CheckpointError: The file is missing or truncated, or is not a CTranslate2 model.
    """
    with open_regular(path, remedy=_CURE) as raw, cast("BinaryIO", BufferedReader(raw)) as file:
        try:
            found = _read(file)
            if file.read(1):
                raise ValueError("the model file is damaged: bytes follow its last tensor")
        except (ValueError, struct.error, EOFError) as error:
            raise CheckpointError(f"{path}: not a complete model of CTranslate2 ({error}): {_CURE}") from None
    return found


def _read(file: BinaryIO) -> dict[str, Variable]:
    size = file.seek(0, 2)
    file.seek(0)
    version = _number(file, "<I")
    if version != _VERSION or _text(file) != _NAME:
        raise ValueError(
            f"expected a CTranslate2 model file for {_NAME} version {_VERSION}, found another kind or version"
        )
    _number(file, "<I")  # revision of the specification
    found: dict[str, Variable] = {}
    for _ in range(_count(file)):
        name = _text(file)
        shape = struct.unpack(f"<{(rank := _rank(file))}I", _bytes(file, 4 * rank))
        kind = _number(file, "<B")
        if kind >= len(_TYPES) or name in found:
            problem = "occurs twice" if name in found else "has an unknown type"
            raise ValueError(f"the model file is damaged: its tensor {name[:80]!r} {problem}")
        length, start = _number(file, "<I"), file.tell()
        if length != math.prod(shape) * _SIZES[kind] or start + length > size:
            raise ValueError(
                f"the model file is damaged: expected {math.prod(shape) * _SIZES[kind]} bytes for its tensor "
                f"{name[:80]!r} of shape {shape}, found {length}, of which {min(length, size - start)} are in the file"
            )
        number = None
        if not shape and _TYPES[kind].startswith("int"):
            number = int.from_bytes(_bytes(file, length), "little", signed=True)
        file.seek(start + length)
        found[name] = Variable(shape, _TYPES[kind], number)
    for _ in range(_count(file)):
        alias, name = _text(file), _text(file)
        if alias in found or name not in found:
            raise ValueError(
                f"the model file is damaged: it lists {alias[:80]!r} as another name of the tensor {name[:80]!r}, but "
                "this tensor does not exist, or the other name is already in use"
            )
        found[alias] = found[name]
    return found


def _bytes(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise EOFError("the model file is damaged: it ends too early")
    return data


def _number(file: BinaryIO, form: str) -> int:
    (number,) = struct.unpack(form, _bytes(file, struct.calcsize(form)))
    return int(number)


def _count(file: BinaryIO) -> int:
    count = _number(file, "<I")
    if count > _MAX_VARIABLES:
        raise ValueError(f"the model file is damaged: expected at most {_MAX_VARIABLES} tensors, found {count}")
    return count


def _rank(file: BinaryIO) -> int:
    rank = _number(file, "<B")
    if rank > _MAX_RANK:
        raise ValueError(f"the model file is damaged: expected tensors of at most {_MAX_RANK} dimensions, found {rank}")
    return rank


def _text(file: BinaryIO) -> str:
    data = _bytes(file, _number(file, "<H"))
    if not data.endswith(b"\0"):
        raise ValueError("the model file is damaged: the name of a tensor does not end with a zero byte")
    return data[:-1].decode()


def _check_layers(found: Mapping[str, Variable], config: TransformerConfig, path: Path) -> None:
    for side, expected in (("encoder", config.encoder_layers), ("decoder", config.decoder_layers)):
        layers = {name.split("/")[1] for name in found if name.startswith(f"{side}/layer_") and name.count("/") > 2}
        if len(layers) != expected:
            raise _contradiction(path, f"the {side} has {len(layers)} layers, expected {expected}")


def _sizes(exported: Exported, config: TransformerConfig) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes of all tensors, except for single numbers and scales."""
    width, vocabularies = config.width, (len(exported.src_subword), len(exported.tgt_subword))
    names = ("encoder/embeddings_0/weight", "decoder/embeddings/weight")
    yield from ((name, (rows, width)) for name, rows in zip(names, vocabularies, strict=True))
    yield from (("decoder/projection/weight", (vocabularies[1], width)), ("decoder/projection/bias", vocabularies[1:]))
    for side, depth, attentions in (
        ("encoder", config.encoder_layers, (("self_attention", (3, 1)),)),
        ("decoder", config.decoder_layers, (("self_attention", (3, 1)), ("attention", (1, 2, 1)))),
    ):
        if config.position != "rotary":
            yield f"{side}/position_encodings/encodings", (max_positions(exported.config), width)
        if config.norm == "pre":
            yield from _norm(f"{side}/layer_norm", width)
        for number in range(depth):
            layer = f"{side}/layer_{number}"
            for name, joined in attentions:
                yield from _norm(f"{layer}/{name}/layer_norm", width)
                for position, count in enumerate(joined):
                    yield from _linear(f"{layer}/{name}/linear_{position}", count * width, width)
            yield from _norm(f"{layer}/ffn/layer_norm", width)
            for name in ("linear_0", *(["linear_0_noact"] if config.activation == "swiglu" else [])):
                yield from _linear(f"{layer}/ffn/{name}", config.ff_size, width)
            yield from _linear(f"{layer}/ffn/linear_1", width, config.ff_size)


def _norm(name: str, width: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield from ((f"{name}/gamma", (width,)), (f"{name}/beta", (width,)))


def _linear(name: str, rows: int, columns: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield from ((f"{name}/weight", (rows, columns)), (f"{name}/bias", (rows,)))


def _check_sizes(found: Mapping[str, Variable], expected: Mapping[str, tuple[int, ...]], path: Path) -> None:
    for name, shape in expected.items():
        variable = found.get(name)
        if variable is None and not name.endswith("/bias"):  # regard's SwiGLU has no biases
            raise _contradiction(path, f"{name} is missing")
        if variable is not None and variable.shape != shape:
            raise _contradiction(path, f"{name} should be {shape}, but is {variable.shape}")
    for name, variable in found.items():
        if name.endswith("_scale") and name.removesuffix("_scale") in expected:
            rows = expected[name.removesuffix("_scale")][:1]
            if variable.shape not in ((), rows) or variable.type not in ("float32", "float16", "bfloat16"):
                raise _contradiction(path, f"{name} should be {rows}, but is {variable.shape}")
        elif variable.shape and name not in expected:
            raise _contradiction(path, f"it has {name[:80]!r}, which is unknown")


def _check_types(found: Mapping[str, Variable], quantization: str, path: Path) -> None:
    expected = quantization.split("_")[0]
    scaled = {id(found.get(name.removesuffix("_scale"))) for name in found if name.endswith("_scale")}
    for name, variable in found.items():
        if name.endswith("/weight"):
            if variable.type != expected:
                raise _contradiction(path, f"{name} is {variable.type}, but export.json says {quantization[:40]!r}")
            if expected.startswith("int") and id(variable) not in scaled:  # a scale may be under another name
                raise _contradiction(path, f"{name}_scale is missing")
        elif variable.shape and not variable.type.endswith(("float32", "float16")) and variable.type != "bfloat16":
            raise _contradiction(path, f"{name[:80]} is {variable.type}, expected a floating-point type")


def _check_scalars(found: Mapping[str, Variable], config: TransformerConfig, path: Path) -> None:
    """Compares single integers with those of an empty specification, such as the number of heads."""
    for side, spec in zip(("encoder", "decoder"), empty_sides(config), strict=True):
        for name, variable in found.items():
            prefix, _, key = name.partition("/")
            expected = getattr(spec, key, None) if prefix == side and "/" not in key else None
            if expected is not None and not variable.shape and variable.number not in (None, int(expected)):
                raise _contradiction(path, f"{name} is {variable.number}, expected {int(expected)}")


def _check_settings(exported: Exported) -> None:
    path, pieces, specials = exported.path / SETTINGS, all_pieces(exported.tgt_subword), exported.tgt_subword.specials
    tree = parse_json(
        read_file(path, expected="settings of CTranslate2", most=MAX_BYTES), where=str(path), remedy=_CURE
    )
    expected: dict[str, object] = {
        "add_source_bos": False,
        "add_source_eos": True,
        "bos_token": pieces[specials.bos],
        "decoder_start_token": pieces[specials.bos],
        "eos_token": pieces[specials.eos],
        "layer_norm_epsilon": 1e-5,
        "unk_token": pieces[specials.unk],
    }
    settings = tree if isinstance(tree, dict) else {}
    for key, value in expected.items():
        if type(settings.get(key)) is not type(value) or settings[key] != value:
            raise _contradiction(path, f"{key} should be {value!r}, but is {str(settings.get(key))[:40]!r}")
    for key in settings.keys() - expected.keys():
        if settings[key] is not None and settings[key] is not False:
            raise _contradiction(path, f"it has {key[:40]!r}, which is unknown")


def _check_vocabularies(exported: Exported) -> None:
    path, listed = exported.path, set(exported.manifest.files)
    sides = (exported.src_subword, exported.tgt_subword)
    expected = {SHARED: sides[0]} if SHARED in listed else dict(zip(SEPARATE, sides, strict=True))
    if SHARED in listed and all_pieces(sides[0]) != all_pieces(sides[1]):
        raise _contradiction(path / SHARED, "source and target have different vocabularies")
    other = next((name for name in _ALSO_READ if name not in expected and (path / name).exists()), None)
    if other is not None:
        raise CheckpointError(
            f"{path / other}: CTranslate2 would read this file, but regard did not write it: remove the file"
        )
    for name, subword in expected.items():
        if not {MODEL, SETTINGS, name} <= listed:
            raise CheckpointError(
                f"{path}: expected export.json to list {MODEL}, {SETTINGS} and {name}, but one is missing: {_CURE}"
            )
        _check_pieces(path / name, subword)


def _check_pieces(path: Path, subword: Subword) -> None:
    data = read_file(path, expected="a vocabulary of CTranslate2", most=MAX_BYTES)
    if parse_json(data, where=str(path), remedy=_CURE) != list(all_pieces(subword)):
        raise _contradiction(path, "its pieces are not those of the subword model")


def _contradiction(path: Path, fault: str) -> CheckpointError:
    return CheckpointError(f"{path}: {fault}: the files of this export do not belong together; {_CURE}")
