"""Loads the compiled kernels and declares their argument types."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch  # before the kernels, which use the OpenMP library that it loads
from torch import Tensor

from regard.native.system import cpu_features

_POINTER, _LONG, _SEED = ctypes.c_void_p, ctypes.c_int64, ctypes.c_uint64
_INT, _FLOAT = ctypes.c_int32, ctypes.c_float
_SIGNATURES = {
    "regard_dropout": (_POINTER, _POINTER, _LONG, _SEED, _INT, _FLOAT, _INT, _INT),
    "regard_dropout_rectified_backward": (_POINTER, _POINTER, _POINTER, _LONG, _FLOAT, _INT),
    "regard_cross_entropy": (
        *(_POINTER, _POINTER, _POINTER, _LONG, _LONG, _FLOAT),
        *(_POINTER, _POINTER, _POINTER, _POINTER, _INT, _INT),
    ),
    "regard_top_log_probs": (_POINTER, _LONG, _LONG, _POINTER, _LONG, _LONG, _POINTER, _POINTER, _INT),
    "regard_attend_rows": (
        _POINTER,
        _LONG,
        *[_POINTER] * 3,
        _LONG,
        _LONG,
        _POINTER,
        *[_LONG] * 5,
        _POINTER,
        _FLOAT,
        _POINTER,
        _POINTER,
        _INT,
    ),
    "regard_few_rows": (_POINTER, _LONG, *[_POINTER] * 3, _LONG, _LONG, _INT, _POINTER, _INT),
    "regard_lstm_forward": (*[_POINTER] * 5, *[_LONG] * 3, _INT),
    "regard_lstm_backward": (*[_POINTER] * 8, *[_LONG] * 4, _INT),
    "regard_additive_forward": (*[_POINTER] * 4, *[_LONG] * 6, _POINTER, _INT),
    "regard_additive_backward": (*[_POINTER] * 7, *[_LONG] * 7, _POINTER, _INT),
}
# Argument types of each kernel; a suffix of KINDS completes its name.

_INT8_SIGNATURES = {
    "regard_int8_linear": (
        *(_POINTER, _LONG, *[_POINTER] * 5, _LONG, _LONG, _INT),
        *(_POINTER, _POINTER, _LONG, _POINTER, _INT, _INT),
    )
}

KINDS = {
    torch.float32: ("f32", _SIGNATURES),
    torch.bfloat16: ("bf16", _SIGNATURES),
    torch.int8: ("s8", _INT8_SIGNATURES),
}
"""For each type with kernels: the suffix of their names, and their signatures."""


INSTRUCTION_SETS = ("default", "avx2", "avx512")
"""Instruction sets that kernels are compiled for, each a superset of the previous; "default" is any processor."""

_REQUIRED_FEATURES = {"default": (), "avx2": ("AVX2", "FMA"), "avx512": ("AVX2", "FMA", "AVX-512")}


@dataclass(frozen=True, eq=False)
class _Limit:
    instruction_set: str | None  # None = no kernels


_limits: list[_Limit] = []  # of the open `limited_to` and `disabled` blocks of all threads, the last one applies


def instruction_set() -> str | None:
    """The instruction set of the compiled kernels that are used now.

    PyTorch's own operators use the same instruction set, so the environment variable `ATEN_CPU_CAPABILITY` (`avx2` or
    `default`) limits both. Kernels use a smaller instruction set if the compiler did not support PyTorch's.

    Returns:
        One of `INSTRUCTION_SETS`; None if no kernel was compiled, or inside a `disabled` block.
    """
    if _limits:
        innermost = _limits[-1:]  # empty if another thread left the last block just now
        if innermost:
            return innermost[0].instruction_set
    available = available_instruction_sets()
    return available[-1] if available else None


@cache
def available_instruction_sets() -> tuple[str, ...]:
    """Instruction sets with compiled kernels that this process can use, smallest first."""
    capability = torch.backends.cpu.get_cpu_capability().lower()
    usable = (
        INSTRUCTION_SETS[: INSTRUCTION_SETS.index(capability) + 1]
        if capability in INSTRUCTION_SETS
        else INSTRUCTION_SETS[:1]
    )
    features = cpu_features()  # PyTorch accepts any ATEN_CPU_CAPABILITY, even if the processor does not support it
    return tuple(
        name
        for name in usable
        if all(features.get(feature, True) for feature in _REQUIRED_FEATURES[name]) and _library(name) is not None
    )


def compiled_instruction_sets() -> tuple[str, ...]:
    """Instruction sets with compiled kernels, whether or not this process can use them."""
    return tuple(name for name in INSTRUCTION_SETS if _files(name))


@contextmanager
def limited_to(name: str) -> Iterator[None]:
    """Uses the kernels compiled for one instruction set, and no others, inside a `with` block.

    It is meant for tests and comparisons, and affects all threads. An object that was built before the block, such as a
    `PackedLinear`, continues to use the kernel that it found then.

    Args:
        name: Name of the instruction set, one of `available_instruction_sets()`.

    Returns:
        A context manager, which also works as a decorator.

    Raises:
        ValueError: This machine has no kernels for that instruction set.
    """
    if name not in available_instruction_sets():
        available = ", ".join(available_instruction_sets())
        expected = f"only {available}" if available else "none, since there are no compiled kernels"
        raise ValueError(f"instruction set: this machine and build support {expected}, got {name!r}")
    with _applied(_Limit(name)):
        yield


@contextmanager
def disabled() -> Iterator[None]:
    """Uses PyTorch's own operators in place of regard's compiled kernels inside a `with` block.

    It is meant for tests and comparisons, and affects all threads. An object that was built before the block, such as a
    `PackedLinear`, continues to use the kernel that it found then.

    Returns:
        A context manager, which also works as a decorator.
    """
    with _applied(_Limit(None)):
        yield


@contextmanager
def _applied(limit: _Limit) -> Iterator[None]:
    _limits.append(limit)
    try:
        yield
    finally:
        _limits.remove(limit)  # not necessarily the last one: blocks of several threads may overlap


@cache
def _library(name: str) -> ctypes.CDLL | None:
    for path in _files(name):
        try:
            library = ctypes.CDLL(str(path))
            for kind, signatures in KINDS.values():
                for function_name, arguments in signatures.items():
                    function = getattr(library, f"{function_name}_{kind}")
                    function.argtypes, function.restype = arguments, None
        except (OSError, AttributeError):  # compiled for another system, or from older sources
            continue
        return library
    return None


def _files(name: str) -> list[Path]:
    # Names without the tag of a Python version: libraries of earlier versions of regard have one, and are not opened.
    paths = (Path(__file__).parent / f"_kernels_{name}{suffix}" for suffix in (".so", ".dll"))
    return [path for path in paths if path.exists()]


def kernel(name: str, like: Tensor) -> Callable[..., None] | None:
    """Finds the compiled C function of an operation for tensors of a device and type.

    Args:
        name: Name of the C function without the prefix `regard_` and the suffix of the type, such as `dropout`.
        like: Any tensor `(...)` with the device and type of the tensors to compute with; its values do not matter.

    Returns:
        The C function; call it with the data pointers and numbers that its C declaration lists. None if there is none
        for this device or type, or if no kernels were compiled; the caller then uses PyTorch.
    """
    kind, current = KINDS.get(like.dtype), instruction_set()
    library = _library(current) if kind and current and like.device.type == "cpu" else None
    return None if kind is None or library is None else getattr(library, f"regard_{name}_{kind[0]}")
