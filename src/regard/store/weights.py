"""Tensors on disk: written once each, read only after names, shapes and numbers are checked."""

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

_SHOWN, _LONGEST = 20, 300
# Faults listed in one message, of which a wrong model has hundreds, and characters of each.
_WEIGHTS = frozenset({torch.float64, torch.float32, torch.float16, torch.bfloat16})
# Types that weights may be stored in; those of 8 bits need scales, which are elsewhere.


def own_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Parameters and persistent buffers, each once: a tied matrix under the first of its names.

    Args:
        model: Any module.

    Returns:
        The module's own tensors of any shape, `(...)`, by name; writing to them changes the module.
    """
    seen: set[int] = set()
    own = {}
    for name, tensor in model.state_dict(keep_vars=True).items():
        if id(tensor) not in seen:
            seen.add(id(tensor))
            own[name] = tensor.detach()
    return own


def write_tensors(path: Path, tensors: Mapping[str, Tensor], *, metadata: dict[str, str] | None = None) -> None:
    """Writes tensors in the safetensors format; the same tensors give the same bytes.

    Args:
        path: The file.
        tensors: Of any shape, `(...)`, by name.
        metadata: At most one entry: the format keeps several in no fixed order.
    """
    # Views of one storage are refused by the format, so every tensor is written from memory of its own.
    ready = {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}
    path.touch()
    usual = path.stat().st_mode
    save_file(ready, path, metadata=metadata)
    path.chmod(usual)  # safetensors lets nobody but the owner read


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Reads all tensors of a file, as a map of it: numbers come from the disk when they are looked at.

    Args:
        path: The file.

    Returns:
        Tensors of any shape, `(...)`, by name, and the file's metadata.

    Raises:
        CheckpointError: The file is missing, cut short or not in the safetensors format.
    """
    return map_tensors(path)


def read_metadata(path: Path) -> dict[str, str]:
    """Reads what a file says beside its tensors, and nothing of them.

    Args:
        path: The file.

    Returns:
        The file's metadata.

    Raises:
        CheckpointError: The file is missing, cut short or not in the safetensors format.
    """
    with open_regular(path, remedy="copy it again or train again") as file:
        return read_header(HashedFile(file, path, "copy it again or train again")).metadata


def check_shapes(where: str, expected: Mapping[str, tuple[int, ...]], found: Mapping[str, tuple[int, ...]]) -> None:
    """Compares what a model needs with what a file has, and tells every difference at once.

    Args:
        where: What to call the file in the message.
        expected: Shapes by name that the model needs.
        found: Shapes by name that the file has.

    Raises:
        CheckpointError: They differ.
    """
    faults = [f"missing: {name} {shape_text(expected[name])}" for name in sorted(expected.keys() - found.keys())]
    faults += [f"unexpected: {name} {shape_text(found[name])}" for name in sorted(found.keys() - expected.keys())]
    faults += [
        f"wrong shape: {name} should be {shape_text(expected[name])}, but is {shape_text(found[name])}"
        for name in sorted(expected.keys() & found.keys())
        if expected[name] != found[name]
    ]
    _refuse(f"{where}: the tensors are not those of the model in config.toml", faults)


def check_finite(where: str, tensors: Mapping[str, Tensor], *, cure: str) -> None:
    """Refuses numbers that no computation can go on with.

    Args:
        where: What to call their place in the message.
        tensors: Of any shape, `(...)`, by name.
        cure: What to do about it.

    Raises:
        CheckpointError: A tensor is not of floating point, or holds NaN or infinity.
    """
    faults = [f"{name}: {tensor.dtype}" for name, tensor in sorted(tensors.items()) if tensor.dtype not in _WEIGHTS]
    _refuse(f"{where}: weights should be floating-point numbers of 16 to 64 bits; {cure}", faults)
    # A sum is finite only if all its terms are, and takes no memory; what is too great for a sum is looked at in full.
    suspects = [(name, tensor) for name, tensor in sorted(tensors.items()) if not math.isfinite(_as_used(tensor).sum())]
    counts = [(name, int((~torch.isfinite(_as_used(tensor))).sum()), tensor.numel()) for name, tensor in suspects]
    faults = [f"{name}: {count} of {total}" for name, count, total in counts if count]
    _refuse(f"{where}: weights should be finite in float32, but there are NaN or infinite ones; {cure}", faults)


def _as_used(tensor: Tensor) -> Tensor:
    """In the type that is computed with: what float64 holds may be beyond it."""
    return tensor.float() if tensor.dtype == torch.float64 else tensor


def copy_tensors(model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Copies tensors into a model's own.

    Args:
        model: A module whose own tensors have these names and shapes.
        tensors: Of any shape, `(...)`, by name.
    """
    with torch.no_grad():
        for name, own in own_tensors(model).items():
            own.copy_(tensors[name])


def is_fully_stored(model: nn.Module) -> bool:
    """Whether every parameter and buffer of a module is among its own tensors, as buffers need not be."""
    stored = {id(tensor) for tensor in model.state_dict(keep_vars=True).values()}
    return all(id(tensor) in stored for tensor in (*model.parameters(), *model.buffers()))


def assign_tensors(model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Gives a module that was made under `init_on_meta` tensors for its own; what is tied stays tied.

    Args:
        model: A module that is stored whole, whose own tensors have these names and shapes.
        tensors: Of any shape, `(...)`, by name; nobody else may write to them.
    """
    adopted: dict[int, Tensor] = {}
    state = {}
    for name, blank in model.state_dict(keep_vars=True).items():
        if id(blank) not in adopted:
            own = tensors[name].to(blank.dtype)
            is_parameter = isinstance(blank, nn.Parameter)
            adopted[id(blank)] = nn.Parameter(own, requires_grad=blank.requires_grad) if is_parameter else own
        state[name] = adopted[id(blank)]
    model.load_state_dict(state, assign=True)


def _refuse(what: str, faults: list[str]) -> None:
    if faults:
        more = f"\n  and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise CheckpointError(what + "".join(f"\n  {fault[:_LONGEST]}" for fault in faults[:_SHOWN]) + more)


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape as messages have it.

    >>> shape_text((3, 4)), shape_text(())
    ('3x4', 'scalar')

    Args:
        shape: Of a tensor.

    Returns:
        Its sizes.
    """
    return "x".join(map(str, shape)) or "scalar"
