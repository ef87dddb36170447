"""Pads matrix products to round numbers of rows, so that oneDNN compiles a bounded number of kernels.

oneDNN compiles a kernel for every new number of rows, in 0.3 to 0.5 ms. It keeps 0.6 MB per kernel: it frees half of
this memory after 1,024 other kernels, and the rest never. The number of rows changes all the time: in a search, it is
the number of unfinished hypotheses; in an encoder, the number of positions in the batch.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from torch import Tensor, nn
from torch.nn import functional as F

from regard.model.cells import RecurrentLayer
from regard.model.seq2seq import Seq2Seq
from regard.native.packed import PackedLinear

T = TypeVar("T")
LEADING_BITS = 3
"""Leading binary digits of a round number: there are four round numbers from one power of two to the next."""


def round_up(rows: int) -> int:
    """Rounds a number of rows up to a number with at most three significant binary digits, such as 320.

    The result is at most a quarter larger, on average a tenth.

    >>> [round_up(rows) for rows in (0, 1, 7, 9, 33, 200, 320, 321)]
    [0, 1, 7, 10, 40, 224, 320, 384]

    Args:
        rows: Number of rows, at least 0.

    Returns:
        The smallest number of at least `rows` in which only the first `LEADING_BITS` binary digits may differ from 0.
    """
    step = 1 << max(0, rows.bit_length() - LEADING_BITS)
    return -(-rows // step) * step


class PaddedRows(nn.Module):
    """Runs a linear layer on a rounded number of rows, so that oneDNN compiles few kernels for it.

    The input is padded with rows of zeros to `round_up(rows)` rows, and the padding is cut from the output.

    Args:
        product: Linear layer, or another module that maps each row independently.
    """

    def __init__(self, product: nn.Module) -> None:
        super().__init__()
        self.product = product

    def forward(self, x: Tensor, *added: Tensor) -> Tensor:
        """Runs the linear layer on every row of the input, padded to a rounded number of rows.

        Args:
            x: Input, `(..., in)`.
            *added: At most one tensor, `(..., out)`, to add to the output; passed on to the linear layer.

        Returns:
            The output without padding, `(..., out)`.
        """
        rows = x.numel() // x.shape[-1]
        padding = round_up(rows) - rows
        y: Tensor
        if not padding:
            y = self.product(x, *added)
            return y
        y = self.product(*(F.pad(tensor.reshape(rows, -1), (0, 0, 0, padding)) for tensor in (x, *added)))[:rows]
        return y.view(*x.shape[:-1], -1)


def pad_rows(model: Seq2Seq) -> Seq2Seq:
    """Makes all linear layers of a model that run on oneDNN pad their input to a rounded number of rows.

    oneDNN compiles a kernel for each different number of input rows. Rounding makes most inputs share a few numbers of
    rows, so fewer kernels are compiled, which saves time and memory.

    Args:
        model: Model from `pack_for_search`, which is changed in place.

    Returns:
        The same model.
    """
    for module in list(model.modules()):
        for name, child in module.named_children():
            setattr(module, name, _padded(child))
        if isinstance(module, RecurrentLayer) and module.packed is not None:
            step_weight, hidden_weight = _padded(module.packed.step_weight), _padded(module.packed.hidden_weight)
            module.packed = replace(module.packed, step_weight=step_weight, hidden_weight=hidden_weight)
    return model


def _padded(part: T) -> T | PaddedRows:
    """A part of a model with padded rows, if it is a product that oneDNN compiles; else the part itself."""
    return PaddedRows(part) if isinstance(part, PackedLinear) and part.uses_onednn else part
