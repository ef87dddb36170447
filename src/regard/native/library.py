"""Finds the compiled kernels and says what their arguments are."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import torch  # before the kernels: they take their threads from the OpenMP that it loads
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
# Arguments of each kernel; its name goes on with a suffix of KINDS.

_OF_BYTES = {
    "regard_int8_linear": (
        *(_POINTER, _LONG, *[_POINTER] * 5, _LONG, _LONG, _INT),
        *(_POINTER, _POINTER, _LONG, _POINTER, _INT, _INT),
    )
}

KINDS = {torch.float32: ("f32", _SIGNATURES), torch.bfloat16: ("bf16", _SIGNATURES), torch.int8: ("s8", _OF_BYTES)}
"""The types that there are kernels for: the suffix of their names, and which ones they are."""


INSTRUCTION_SETS = ("default", "avx2", "avx512")
"""Sets of instructions that the kernels are compiled for, each with those before it; "default" is any processor."""

_NEEDED = {"default": (), "avx2": ("AVX2", "FMA"), "avx512": ("AVX2", "FMA", "AVX-512")}
_chosen: list[str | None] = []  # by `limited_to`, the innermost last


def instruction_set() -> str | None:
    """The set of instructions whose kernels run here.

    It is the one that PyTorch's own operators use, so that `ATEN_CPU_CAPABILITY=avx2` or `default` limits both; a
    smaller one where the compiler could not make that.

    Returns:
        One of `INSTRUCTION_SETS`; None when nothing was compiled, or nothing may be used.
    """
    if _chosen:
        return _chosen[-1]
    found = available_instruction_sets()
    return found[-1] if found else None


@cache
def available_instruction_sets() -> tuple[str, ...]:
    """The sets of instructions that kernels were compiled for and that this process may use, smallest first."""
    capability = torch.backends.cpu.get_cpu_capability().lower()
    usable = (
        INSTRUCTION_SETS[: INSTRUCTION_SETS.index(capability) + 1]
        if capability in INSTRUCTION_SETS
        else INSTRUCTION_SETS[:1]
    )
    processor = cpu_features()  # PyTorch takes what ATEN_CPU_CAPABILITY asks for, whether the processor has it or not
    return tuple(
        name
        for name in usable
        if all(processor.get(needed, True) for needed in _NEEDED[name]) and _library(name) is not None
    )


def compiled_instruction_sets() -> tuple[str, ...]:
    """The sets of instructions that there are files of kernels for, whether or not this process may use them."""
    return tuple(name for name in INSTRUCTION_SETS if _files(name))


@contextmanager
def limited_to(name: str | None) -> Iterator[None]:
    """Runs the kernels of another set of instructions, or none, inside a `with` block: for tests and comparisons.

    What was built before and holds a kernel, such as a packed model, keeps it.

    Args:
        name: One of `available_instruction_sets()`; None for PyTorch's own operators alone.

    Returns:
        A context manager; also a decorator.

    Raises:
        ValueError: There are no such kernels here.
    """
    if name is not None and name not in available_instruction_sets():
        raise ValueError(
            f"expected one of {', '.join(available_instruction_sets()) or 'no kernels at all'}, got {name!r}"
        )
    _chosen.append(name)
    try:
        yield
    finally:
        _chosen.pop()


@cache
def _library(name: str) -> ctypes.CDLL | None:
    for path in _files(name):
        try:
            library = ctypes.CDLL(str(path))
            for kind, signatures in KINDS.values():
                for function_name, arguments in signatures.items():
                    function = getattr(library, f"{function_name}_{kind}")
                    function.argtypes, function.restype = arguments, None
        except (OSError, AttributeError):  # another system's, or an older source's
            continue
        return library
    return None


def _files(name: str) -> list[Path]:
    return sorted(Path(__file__).parent.glob(f"_kernels_{name}.*"))


def kernel(name: str, like: Tensor) -> Callable[..., None] | None:
    """A compiled kernel for a tensor.

    Args:
        name: What it is called, without the type.
        like: A tensor of any shape `(...)`, whose device and type the kernel must fit.

    Returns:
        A function of pointers and numbers, or None where there is no such kernel: nothing was compiled, another
        device, another type.
    """
    kind, used = KINDS.get(like.dtype), instruction_set()
    library = _library(used) if kind and used and like.device.type == "cpu" else None
    return None if kind is None or library is None else getattr(library, f"regard_{name}_{kind[0]}")
