"""Weights in safetensors files, and checks of their names, shapes and values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from regard.errors import CheckpointError
from regard.files.reading import open_regular
from regard.store.tensor_file import map_tensors, read_header
from regard.store.verified import HashedFile

_MAX_LINES, _MAX_LENGTH = 20, 300
# Lines of a message, of which a wrong model could give hundreds, and characters of each.
_WEIGHT_TYPES = frozenset({torch.float64, torch.float32, torch.float16, torch.bfloat16})
# Types of stored weights; for those in 8 bits, with scales, see `regard.store.quantized`.


def own_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Parameters and persistent buffers of a module; a tied tensor appears once, under its first name.

    Args:
        model: Any module.

    Returns:
        Tensors of any shape, `(...)`, by name. They share memory with the module, so writing to them changes it.
    """
    seen: set[int] = set()
    tensors = {}
    for name, tensor in model.state_dict(keep_vars=True).items():
        if id(tensor) not in seen:
            seen.add(id(tensor))
            tensors[name] = tensor.detach()
    return tensors


def write_tensors(path: Path, tensors: Mapping[str, Tensor], *, metadata: dict[str, str] | None = None) -> None:
    """Writes tensors in the safetensors format; equal tensors give equal bytes.

    Args:
        path: Path of the file.
        tensors: Tensors of any shape, `(...)`, by name.
        metadata: Text to store with the tensors, by name; at most one entry, because the order of several entries in
            the file is not defined.
    """
    # safetensors refuses tensors that share memory, so every tensor is copied.
    copies = {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}
    path.touch()
    usual = path.stat().st_mode
    save_file(copies, path, metadata=metadata)
    path.chmod(usual)  # safetensors makes files readable by the owner only


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Maps all tensors of a safetensors file into memory; values are read from disk on access.

    Args:
        path: Path of the file.

    Returns:
        Tensors of any shape, `(...)`, by name, and the file's metadata.

    Raises:
        CheckpointError: The file is missing, truncated or not in the safetensors format.
    """
    return map_tensors(path)


def read_metadata(path: Path) -> dict[str, str]:
    """Reads the metadata of a safetensors file without its tensors.

    Args:
        path: Path of the file.

    Returns:
        The metadata: texts by name.

    Raises:
        CheckpointError: The file is missing, truncated or not in the safetensors format.
    """
    with open_regular(path, remedy="copy it again or train again") as file:
        return read_header(HashedFile(file, path, "copy it again or train again")).metadata


def check_shapes(where: str, expected: Mapping[str, tuple[int, ...]], found: Mapping[str, tuple[int, ...]]) -> None:
    """Compares tensor names and shapes of a file with those of a model, and reports all differences.

    Args:
        where: Path of the file, for messages.
        expected: Shapes of the model's tensors, by name.
        found: Shapes of the file's tensors, by name.

    Raises:
        CheckpointError: Names or shapes differ.
    """
    lines = [f"missing: {name} {shape_text(expected[name])}" for name in sorted(expected.keys() - found.keys())]
    lines += [f"unexpected: {name} {shape_text(found[name])}" for name in sorted(found.keys() - expected.keys())]
    lines += [
        f"wrong shape: {name} should be {shape_text(expected[name])}, but is {shape_text(found[name])}"
        for name in sorted(expected.keys() & found.keys())
        if expected[name] != found[name]
    ]
    refuse(f"{where}: tensor names or shapes are not those of the model that config.toml describes", lines)


def check_finite(where: str, tensors: Mapping[str, Tensor], *, remedy: str) -> None:
    """Raises an error if weights are not finite or not floating-point numbers.

    Args:
        where: Path of the weights, for messages.
        tensors: The weights: tensors of any shape, `(...)`, by name.
        remedy: What the user should do if the check fails, for messages.

    Raises:
        CheckpointError: A tensor is not of a floating-point type, or contains NaN or infinity.
    """
    lines = [f"{name}: {tensor.dtype}" for name, tensor in sorted(tensors.items()) if tensor.dtype not in _WEIGHT_TYPES]
    refuse(f"{where}: weights should be floating-point numbers of 16 to 64 bits; {remedy}", lines)
    # A finite sum means finite terms and takes no memory; sums that overflow are checked element by element.
    suspects = [(name, tensor) for name, tensor in sorted(tensors.items()) if not math.isfinite(_as_used(tensor).sum())]
    counts = [(name, int((~torch.isfinite(_as_used(tensor))).sum()), tensor.numel()) for name, tensor in suspects]
    lines = [f"{name}: {count} of {total}" for name, count, total in counts if count]
    refuse(f"{where}: weights should be finite in float32, but some are NaN or infinite; {remedy}", lines)


def _as_used(tensor: Tensor) -> Tensor:
    """The tensor in the type that models compute in: float64 values may overflow in it."""
    return tensor.float() if tensor.dtype == torch.float64 else tensor


def copy_tensors(model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Copies values into the parameters and persistent buffers of a module.

    Args:
        model: Module that receives the values.
        tensors: The values: tensors of any shape, `(...)`, by name; names and shapes are those of `model`'s tensors.
    """
    with torch.no_grad():
        for name, own in own_tensors(model).items():
            own.copy_(tensors[name])


def is_fully_stored(model: nn.Module) -> bool:
    """Whether the state dict of a module holds all its tensors, that is, no buffer is non-persistent."""
    stored = {id(tensor) for tensor in model.state_dict(keep_vars=True).values()}
    return all(id(tensor) in stored for tensor in (*model.parameters(), *model.buffers()))


def assign_tensors(model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Replaces the parameters and buffers of a module on the meta device by given tensors, without copying.

    Tied parameters stay tied.

    Args:
        model: Module for which `is_fully_stored` is True; built without values, on the meta device.
        tensors: Tensors of any shape, `(...)`, by name, which become part of the module; names and shapes are those of
            `model`'s tensors.
    """
    assigned: dict[int, Tensor] = {}
    state = {}
    for name, blank in model.state_dict(keep_vars=True).items():
        if id(blank) not in assigned:
            own = tensors[name].to(blank.dtype)
            is_parameter = isinstance(blank, nn.Parameter)
            assigned[id(blank)] = nn.Parameter(own, requires_grad=blank.requires_grad) if is_parameter else own
        state[name] = assigned[id(blank)]
    model.load_state_dict(state, assign=True)


def refuse(message: str, lines: list[str]) -> None:
    """Raises an error that lists faults, one per line; does nothing if there are no faults.

    Args:
        message: First line of the error message: what is wrong, with the path of the file.
        lines: A line for each fault; only the first 20 are shown.

    Raises:
        CheckpointError: `lines` is not empty.
    """
    if lines:
        more = f"\n  and {len(lines) - _MAX_LINES} more" if len(lines) > _MAX_LINES else ""
        raise CheckpointError(message + "".join(f"\n  {line[:_MAX_LENGTH]}" for line in lines[:_MAX_LINES]) + more)


def shape_text(shape: tuple[int, ...]) -> str:
    """Formats a shape for messages.

    >>> shape_text((3, 4)), shape_text(())
    ('3x4', 'scalar')

    Args:
        shape: Shape of a tensor.

    Returns:
        Sizes joined by `x`.
    """
    return "x".join(map(str, shape)) or "scalar"
