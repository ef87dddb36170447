"""Modules with shapes but without numbers: nothing is allocated and nothing drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_WRITERS = frozenset({"normal_", "uniform_", "zero_", "fill_", "mul_", "div_"})
"""Methods of tensors by which constructors write first values; none changes a shape."""


@contextmanager
def init_on_meta() -> Iterator[None]:
    """Modules made within have parameters and buffers on the device `meta`, which only know their shapes.

    `torch.device("meta")` alone would do, but there PyTorch runs initializers such as `normal_` through its compiler's
    Python code, whose import takes longer than that of all the rest. Here they are left out: there is nothing to write.

    Yields:
        Nothing.

    >>> from torch import nn
    >>> with init_on_meta():
    ...     layer = nn.Linear(10**9, 10**9)
    >>> layer.weight.shape, layer.weight.device
    (torch.Size([1000000000, 1000000000]), device(type='meta'))
    """
    with torch.device("meta"), _WithoutInitializers():
        yield


class _WithoutInitializers(TorchFunctionMode):
    def __torch_function__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: Sequence[object] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        kwargs = kwargs or {}
        if func.__name__ in _WRITERS or getattr(func, "__module__", None) == "torch.nn.init":
            written = args[0] if args else kwargs["tensor"]
            if isinstance(written, Tensor) and written.is_meta:
                return written
        return func(*args, **kwargs)
