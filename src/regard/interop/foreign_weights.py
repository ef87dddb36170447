"""Reads weight files of other toolkits: floating-point tensors by name, without running code in the file.

Sizes are checked before memory is allocated: in the header of a safetensors file, in the table of contents of
PyTorch's own format (a .zip archive), and in the tensors themselves.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from regard.errors import CheckpointError
from regard.files.reading import open_regular
from regard.interop.foreign_json import read_object
from regard.store.weights import read_tensors, shape_text
from regard.text.file_type import check_file, read_head

SAFETENSORS, PICKLED = "model.safetensors", "pytorch_model.bin"
_FLOATS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
_MAX_HEADER_BYTES = 8 << 20
_MAX_SHARDS = 200
_OTHER_FORMATS = {
    "tf_model.h5": "TensorFlow",
    "flax_model.msgpack": "Flax",
    "rust_model.ot": "Rust",
}


def read_weights(directory: Path) -> dict[str, Tensor]:
    """Reads all weights of a model in the format of Hugging Face's transformers.

    Args:
        directory: Directory with model.safetensors or pytorch_model.bin, as one file or as several files with an index.

    Returns:
        Floating-point tensors of any shape, `(...)`, by name. Values in safetensors files are read from disk on access.

    Raises:
        CheckpointError: There are no weights, a file is missing or damaged, or a file contains integers or objects
            other than tensors.
    """
    for name in (SAFETENSORS, PICKLED):
        index = directory / f"{name}.index.json"
        if _is_there(directory / name):
            return _read_file(directory / name)
        if _is_there(index):
            return _read_shards(index)
    raise CheckpointError(f"{directory}: expected {SAFETENSORS} or {PICKLED}, found neither{_advice(directory)}")


def _is_there(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _advice(directory: Path) -> str:
    """What the user can do about missing weights, by the files that are there."""
    names = {path.name for path in directory.iterdir()}
    other = next(((name, toolkit) for name, toolkit in _OTHER_FORMATS.items() if name in names), None)
    if other is None:
        return "; copy the whole directory"
    return (
        f", but {other[0]}, which is for {other[1]}: load the model with transformers and save it with save_pretrained"
    )


def _read_file(path: Path) -> dict[str, Tensor]:
    tensors = _read_safetensors(path) if path.name.endswith(".safetensors") else _read_pickled(path)
    wrong = [
        f"{name!r} ({str(tensor.dtype).removeprefix('torch.')})"
        for name, tensor in tensors.items()
        if tensor.dtype not in _FLOATS
    ]
    if wrong:
        raise CheckpointError(
            f"{path}: expected floating-point weights, got {', '.join(wrong[:3])}{_more(wrong, 3)}: they were "
            "quantized for another program; import the original model instead"
        )
    return tensors


def _more(listed: list[str], shown: int) -> str:
    return f" and {len(listed) - shown} more" if len(listed) > shown else ""


def _read_shards(index: Path) -> dict[str, Tensor]:
    """Reads weights in several files; the index maps each tensor to its file."""
    tree = read_object(index, expected="an index of weights")
    weight_map = tree.get("weight_map")
    if (
        not isinstance(weight_map, dict)
        or not weight_map
        or not all(isinstance(file, str) for file in weight_map.values())
    ):
        raise CheckpointError(
            f"{index}: expected a weight_map that names the file of each tensor, got another value; copy the directory "
            "again"
        )
    names, suffix = sorted(set(weight_map.values())), index.name.removesuffix(".index.json").rpartition(".")[2]
    if len(names) > _MAX_SHARDS or not all(_is_file_name(name) and name.endswith(f".{suffix}") for name in names):
        raise CheckpointError(
            f"{index}: expected weight_map to name at most {_MAX_SHARDS} files in the same directory, each with suffix "
            f".{suffix}; copy the directory again"
        )
    tensors: dict[str, Tensor] = {}
    for name in names:
        shard = _read_file(index.with_name(name))
        expected = {tensor for tensor, file in weight_map.items() if file == name}
        if set(shard) != expected:
            different = sorted(set(shard) ^ expected)
            raise CheckpointError(
                f"{index}: the tensors listed for {name} are not the tensors in that file: "
                f"{', '.join(map(repr, different[:3]))}{_more(different, 3)}; copy the directory again"
            )
        tensors |= shard
    return tensors


def _is_file_name(name: str) -> bool:
    return bool(name) and Path(name).name == name and "\\" not in name and "\0" not in name


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    expected = "a safetensors file of weights"
    head = check_file(path, expected=expected)
    size = int.from_bytes(head[:8], "little")
    if len(head) < 8 or size > _MAX_HEADER_BYTES:
        raise CheckpointError(
            f"{path}: expected {expected}, whose first eight bytes are the length of the header, got {head[:8]!r}: "
            "the file was truncated or damaged; copy it again"
        )
    return read_tensors(path)[0]


def _read_pickled(path: Path) -> dict[str, Tensor]:
    """Reads PyTorch's own format with `weights_only`, which creates tensors only and runs no code of the file."""
    is_zip = _check_archive(path)
    try:
        # Mapped, so that its content can be checked without memory; PyTorch cannot map file names that are not UTF-8.
        mapped = is_zip and str(path) == os.fsencode(path).decode(errors="replace")
        tree = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)  # noqa: TID251
    except Exception:  # damaged and hostile files raise many types; the messages advise to turn weights_only off
        raise CheckpointError(
            f"{path}: expected a file with only tensors, got a damaged file, or one with other objects, which could "
            f"run code: copy the file again, or save the model as {SAFETENSORS} with the program that wrote this file"
        ) from None
    if not isinstance(tree, dict) or not all(isinstance(key, str) and _is_plain(value) for key, value in tree.items()):
        raise CheckpointError(
            f"{path}: expected a dict from names to tensors, got a {type(tree).__name__} with other content; "
            "save the model with save_pretrained of transformers"
        )
    return {name: tensor.detach() for name, tensor in tree.items()}


def _check_archive(path: Path) -> bool:
    """Whether a file is a .zip archive, as newer versions of PyTorch write it; refuses compressed archives."""
    expected = "weights of PyTorch"
    if not read_head(path, expected=expected).startswith(b"PK"):
        check_file(path, expected=expected)
        return False
    with open_regular(path, remedy="copy it again") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                compressed = [entry for entry in archive.infolist() if entry.compress_type != zipfile.ZIP_STORED]
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, OverflowError):
            raise CheckpointError(f"{path}: expected {expected}, got a damaged archive: copy it again") from None
    if compressed:
        raise CheckpointError(
            f"{path}: expected {expected}, got a compressed .zip archive: unpack the archive first, or copy the file "
            "again"
        )
    return True


def _is_plain(value: object) -> bool:
    """Whether a value is a dense CPU tensor whose elements are all stored in the file."""
    if type(value) not in (Tensor, nn.Parameter) or not isinstance(value, Tensor):
        return False
    if value.layout != torch.strided or value.device.type != "cpu" or value.is_quantized:
        return False
    return value.numel() * value.element_size() <= value.untyped_storage().nbytes()


def check_sizes(where: Path, expected: Iterator[tuple[str, tuple[int, ...]]], found: Mapping[str, Tensor]) -> None:
    """Compares names and shapes of weights with those that config.json implies.

    Args:
        where: Path of the weights, for messages.
        expected: Names and shapes of the tensors that must exist.
        found: Tensors of any shape, `(...)`, by name.

    Raises:
        CheckpointError: A tensor is missing or has another shape; the message names the first five such tensors.
    """
    missing: list[str] = []
    wrong: list[str] = []
    for name, shape in expected:
        if name not in found:
            missing.append(name)
        elif tuple(found[name].shape) != shape:
            wrong.append(f"{name} should be {shape_text(shape)}, but is {shape_text(tuple(found[name].shape))}")
    if missing:
        raise CheckpointError(
            f"{where}: the weights {', '.join(missing[:5])} are missing ({len(missing)} missing in total): copy the "
            "directory again"
        )
    if wrong:
        raise CheckpointError(
            f"{where}: config.json and the weights disagree about sizes: {'; '.join(wrong[:5])}{_more(wrong, 5)}: the "
            "files belong to different models, or one was damaged; copy the directory again"
        )
