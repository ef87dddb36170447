"""Products of round numbers of rows, so that a search of any length compiles a bounded number of them.

oneDNN compiles a matrix product anew for every number of rows, in 0.3 to 0.5 ms, and keeps 0.6 MB of each: half until
1,024 others have followed, half for ever. In a search the rows are the prefixes that still grow, and their number takes
every value; in an encoder they are all positions of a batch.
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
DIGITS = 3
"""Leading binary digits of a round number: there are four between a power of two and the next."""


def rounded(rows: int) -> int:
    """The next round number; at most a quarter more, a tenth on average.

    >>> [rounded(rows) for rows in (0, 1, 7, 9, 33, 200, 320, 321)]
    [0, 1, 7, 10, 40, 224, 320, 384]

    Args:
        rows: At least 0.

    Returns:
        A number with at most `DIGITS` binary digits and zeros behind them.
    """
    step = 1 << max(0, rows.bit_length() - DIGITS)
    return -(-rows // step) * step


class RoundedRows(nn.Module):
    """A product that gets rows of zeros up to a round number, which are taken off its result.

    Args:
        product: Maps each row by itself.
    """

    def __init__(self, product: nn.Module) -> None:
        super().__init__()
        self.product = product

    def forward(self, x: Tensor, *added: Tensor) -> Tensor:
        """Maps the last dimension.

        Args:
            x: `(..., in)`.
            *added: `(..., out)`, if something is to be added and the product can do that.

        Returns:
            `(..., out)`.
        """
        rows = x.numel() // x.shape[-1]
        more = rounded(rows) - rows
        y: Tensor
        if not more:
            y = self.product(x, *added)
            return y
        y = self.product(*(F.pad(one.reshape(rows, -1), (0, 0, 0, more)) for one in (x, *added)))[:rows]
        return y.view(*x.shape[:-1], -1)


def round_rows(model: Seq2Seq) -> Seq2Seq:
    """Rounds the rows of all products of a model that oneDNN compiles; of others there are none to save.

    Args:
        model: What `for_search` made; it is changed.

    Returns:
        The same model.
    """
    for module in list(model.modules()):
        for name, child in module.named_children():
            setattr(module, name, _with_round_rows(child))
        if isinstance(module, RecurrentLayer) and module.packed is not None:
            late, hidden = module.packed.late, module.packed.hidden
            module.packed = replace(module.packed, late=_with_round_rows(late), hidden=_with_round_rows(hidden))
    return model


def _with_round_rows(part: T) -> T | RoundedRows:
    """A part of a model; if it is a product that oneDNN compiles, rounded."""
    return RoundedRows(part) if isinstance(part, PackedLinear) and part.uses_onednn else part
