"""Weights of other toolkits: tensors by their names, of floating point, in files of which nothing is run.

What a file claims is checked before anything is made of it: the header of a safetensors file, the table of contents of
PyTorch's own format, which is a .zip archive, and the sizes that its tensors are given.
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
_MOST_HEADER = 8 << 20
_MOST_SHARDS = 200
_OTHERS = {
    "tf_model.h5": "TensorFlow",
    "flax_model.msgpack": "Flax",
    "rust_model.ot": "Rust",
}


def read_weights(directory: Path) -> dict[str, Tensor]:
    """Reads all weights of a model as transformers keeps it.

    Args:
        directory: With model.safetensors or pytorch_model.bin, in one file or in several that an index lists.

    Returns:
        Tensors of floating point and of any shape, `(...)`, by name. What a safetensors file holds is read when it is
        looked at.

    Raises:
        CheckpointError: There are no weights, or a file is missing, damaged, holds more than weights or rounded ones.
    """
    for name in (SAFETENSORS, PICKLED):
        index = directory / f"{name}.index.json"
        if _is_there(directory / name):
            return _read_file(directory / name)
        if _is_there(index):
            return _read_parts(index)
    raise CheckpointError(f"{directory}: expected {SAFETENSORS} or {PICKLED}, found neither{_instead(directory)}")


def _is_there(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _instead(directory: Path) -> str:
    """What to do about the weights that are there."""
    names = {one.name for one in directory.iterdir()}
    found = next(((name, kind) for name, kind in _OTHERS.items() if name in names), None)
    if found is None:
        return "; copy the whole directory"
    return (
        f", but {found[0]}, which is for {found[1]}: load the model with transformers and save it with save_pretrained"
    )


def _read_file(path: Path) -> dict[str, Tensor]:
    tensors = _safe(path) if path.name.endswith(".safetensors") else _unpickled(path)
    wrong = [f"{name!r} ({str(one.dtype).removeprefix('torch.')})" for name, one in tensors.items() if not _floats(one)]
    if wrong:
        raise CheckpointError(
            f"{path}: expected floating-point weights, got {', '.join(wrong[:3])}{_more(wrong, 3)}: they were rounded "
            "for another program; take the model from which they were made"
        )
    return tensors


def _floats(tensor: Tensor) -> bool:
    return tensor.dtype in _FLOATS


def _more(listed: list[str], shown: int) -> str:
    return f" and {len(listed) - shown} more" if len(listed) > shown else ""


def _read_parts(index: Path) -> dict[str, Tensor]:
    """Weights in several files: the index says which file has which."""
    tree = read_object(index, wanted="an index of weights")
    listed = tree.get("weight_map")
    if not isinstance(listed, dict) or not listed or not all(isinstance(one, str) for one in listed.values()):
        raise CheckpointError(f"{index}: expected a weight_map from tensors to files; copy the directory again")
    names, ending = sorted(set(listed.values())), index.name.removesuffix(".index.json").rpartition(".")[2]
    if len(names) > _MOST_SHARDS or not all(_plain(name) and name.endswith(f".{ending}") for name in names):
        raise CheckpointError(f"{index}: expected files of this directory that end in .{ending}; copy it again")
    tensors: dict[str, Tensor] = {}
    for name in names:
        part = _read_file(index.with_name(name))
        due = {tensor for tensor, file in listed.items() if file == name}
        if set(part) != due:
            odd = sorted(set(part) ^ due)
            raise CheckpointError(
                f"{index}: lists other tensors for {name} than it has: {', '.join(map(repr, odd[:3]))}"
                f"{_more(odd, 3)}; copy the directory again"
            )
        tensors |= part
    return tensors


def _plain(name: str) -> bool:
    return bool(name) and Path(name).name == name and "\\" not in name and "\0" not in name


def _safe(path: Path) -> dict[str, Tensor]:
    wanted = "a safetensors file of weights"
    head = check_file(path, wanted=wanted)
    size = int.from_bytes(head[:8], "little")
    if len(head) < 8 or size > _MOST_HEADER:
        raise CheckpointError(
            f"{path}: expected {wanted}, whose first eight bytes tell how long its header is, got {head[:8]!r}: "
            "it was cut short or damaged; copy it again"
        )
    return read_tensors(path)[0]


def _unpickled(path: Path) -> dict[str, Tensor]:
    """Tensors of PyTorch's own format. `weights_only` lets nothing but tensors be made: no code of the file is run."""
    packed = _check_archive(path)
    try:
        # Mapped, so that it costs no memory to find out what it holds; PyTorch maps no file whose name is no UTF-8.
        mapped = packed and str(path) == os.fsencode(path).decode(errors="replace")
        tree = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)  # noqa: TID251
    except Exception:  # whatever a damaged or a hostile file provokes: there are many kinds, and advice against safety
        raise CheckpointError(
            f"{path}: not a file of weights alone: it was damaged, or holds other objects, which would run code of its "
            f"own: copy it again, or save the model as {SAFETENSORS} with the program that wrote it"
        ) from None
    if not isinstance(tree, dict) or not all(isinstance(key, str) and _is_plain(one) for key, one in tree.items()):
        raise CheckpointError(
            f"{path}: expected tensors by their names, got a {type(tree).__name__} with other things; "
            "save the model with save_pretrained of transformers"
        )
    return {name: tensor.detach() for name, tensor in tree.items()}


def _check_archive(path: Path) -> bool:
    """Whether this is a .zip archive, as newer versions of PyTorch write them: not packed, so that its size is real."""
    wanted = "weights of PyTorch"
    if not read_head(path, wanted=wanted).startswith(b"PK"):
        check_file(path, wanted=wanted)
        return False
    with open_regular(path, remedy="copy it again") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                packed = [one for one in archive.infolist() if one.compress_type != zipfile.ZIP_STORED]
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, OverflowError):
            raise CheckpointError(f"{path}: expected {wanted}, got a damaged archive: copy it again") from None
    if packed:
        raise CheckpointError(f"{path}: expected {wanted}, got another .zip archive: unpack it first, or copy it again")
    return True


def _is_plain(value: object) -> bool:
    """Whether a value is a tensor whose numbers are all in the file."""
    if type(value) not in (Tensor, nn.Parameter) or not isinstance(value, Tensor):
        return False
    if value.layout != torch.strided or value.device.type != "cpu" or value.is_quantized:
        return False
    return value.numel() * value.element_size() <= value.untyped_storage().nbytes()


def check_sizes(where: Path, expected: Iterator[tuple[str, tuple[int, ...]]], found: Mapping[str, Tensor]) -> None:
    """Compares sizes, and tells the first differences.

    Args:
        where: What to call the weights in the message.
        expected: Names with shapes; those that may be missing are not given.
        found: Tensors of any shape, `(...)`, by name.

    Raises:
        CheckpointError: A tensor is missing or has another shape.
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
            f"{where}: the weights of {', '.join(missing[:5])} are missing ({len(missing)} in all): copy the directory "
            "again"
        )
    if wrong:
        raise CheckpointError(
            f"{where}: config.json and the weights have different sizes: {'; '.join(wrong[:5])}{_more(wrong, 5)}: the "
            "files belong to different models, or one was damaged; copy the directory again"
        )
