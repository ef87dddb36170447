"""Finds the compiled kernels and says what their arguments are."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from pathlib import Path

import torch  # before the kernels: they take their threads from the OpenMP that it loads
from torch import Tensor

_POINTER, _LONG, _SEED = ctypes.c_void_p, ctypes.c_int64, ctypes.c_uint64
_INT, _FLOAT = ctypes.c_int32, ctypes.c_float
_SIGNATURES = {
    "regard_dropout": (_POINTER, _POINTER, _LONG, _SEED, _INT, _FLOAT, _INT, _INT),
    "regard_dropout_rectified_backward": (_POINTER, _POINTER, _POINTER, _LONG, _FLOAT, _INT),
    "regard_cross_entropy": (
        *(_POINTER, _POINTER, _POINTER, _LONG, _LONG, _FLOAT),
        *(_POINTER, _POINTER, _POINTER, _POINTER, _INT, _INT),
    ),
    "regard_likeliest": (_POINTER, _LONG, _LONG, _POINTER, _LONG, _LONG, _POINTER, _POINTER, _INT),
    "regard_look": (
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
    "regard_additive_forward": (*[_POINTER] * 4, *[_LONG] * 6, _POINTER, _INT, _INT),
    "regard_additive_backward": (*[_POINTER] * 7, *[_LONG] * 7, _POINTER, _INT, _INT),
}
"""Arguments of each kernel; its name goes on with `_f32` or `_bf16`."""

KINDS = {torch.float32: "f32", torch.bfloat16: "bf16"}
"""The types that there are kernels for."""


@cache
def _library() -> ctypes.CDLL | None:
    for path in sorted(Path(__file__).parent.glob("_kernels*.so")):
        try:
            library = ctypes.CDLL(str(path))
            for name, arguments in _SIGNATURES.items():
                for kind in KINDS.values():
                    function = getattr(library, f"{name}_{kind}")
                    function.argtypes, function.restype = arguments, None
        except (OSError, AttributeError):  # another system's, or an older source's
            continue
        return library
    return None


def kernel(name: str, like: Tensor) -> Callable[..., None] | None:
    """A compiled kernel for a tensor.

    Args:
        name: What it is called, without the type.
        like: A tensor of any shape `(...)`, whose device and type the kernel must fit.

    Returns:
        A function of pointers and numbers, or None where there is no such kernel: nothing was compiled, another
        device, another type.
    """
    kind = KINDS.get(like.dtype)
    library = _library() if kind and like.device.type == "cpu" else None
    return None if library is None else getattr(library, f"regard_{name}_{kind}")
