"""Constructs modules on the device `meta`, without allocating memory or drawing random numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_INITIALIZERS = frozenset({"normal_", "uniform_", "zero_", "fill_", "mul_", "div_"})
"""Tensor methods that constructors use to initialize parameters; none changes a shape."""


@contextmanager
def init_on_meta() -> Iterator[None]:
    """Context in which new modules have parameters and buffers on the device `meta`, with shapes but no data.

    `torch.device("meta")` alone has the same effect, but then initializers such as `normal_` make PyTorch import its
    compiler, which takes longer than all other imports together. In this context initializers are skipped.

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
        if func.__name__ in _INITIALIZERS or getattr(func, "__module__", None) == "torch.nn.init":
            tensor = args[0] if args else kwargs["tensor"]
            if isinstance(tensor, Tensor) and tensor.is_meta:
                return tensor
        return func(*args, **kwargs)
