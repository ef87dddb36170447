"""Padding of sentences into batches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from regard.errors import ShapeError
from regard.values import Batch, Specials

Ids = Sequence[int] | NDArray[np.int32]
"""Ids of one sentence, without bos and eos."""


def collate(
    src: Sequence[Ids], tgt: Sequence[Ids] | None, *, specials: Specials, indices: Sequence[int] | None = None
) -> Batch:
    """Makes a batch of tensors from B tokenized sentences: adds bos or eos, and pads sentences at their end.

    Args:
        src: Subword ids of the B source sentences, without bos and eos.
        tgt: Subword ids of the B target sentences, without bos and eos; None = there are no targets, as in translation.
        specials: Ids of the special tokens.
        indices: Row numbers of the sentences in their corpus, stored with the batch; by default, 0 to B - 1.

    Returns:
        A batch with source ids and eos, `(B, S)`, and target ids, `(B, T)`, once with bos as decoder input and once
        with eos as decoder output; T is 0 without targets.

    Raises:
        ShapeError: The numbers of targets or of indices differ from the number of sources.
    """
    for name, given in (("targets", tgt), ("indices", indices)):
        if given is not None and len(given) != len(src):
            raise ShapeError(f"expected {len(src)} {name}, one per source sentence, got {len(given)}")
    numbers = range(len(src)) if indices is None else indices
    rows = tuple(int(number) for number in numbers)
    src_ids, src_len = _pad(src, specials, after=specials.eos)
    if tgt is None:
        nothing = torch.zeros((len(src), 0), dtype=torch.int64)
        return Batch(src_ids, src_len, nothing, nothing, torch.zeros(len(src), dtype=torch.int64), rows, 0)
    tgt_in_ids, tgt_len = _pad(tgt, specials, before=specials.bos)
    tgt_out_ids, _ = _pad(tgt, specials, after=specials.eos)
    return Batch(src_ids, src_len, tgt_in_ids, tgt_out_ids, tgt_len, rows, int(tgt_len.sum()))


def _pad(
    rows: Sequence[Ids], specials: Specials, *, before: int | None = None, after: int | None = None
) -> tuple[Tensor, Tensor]:
    """`(B, L)` ids with one special id before or after each row, and `(B,)` lengths including it."""
    lengths = np.array([len(row) + 1 for row in rows], dtype=np.int64)
    padded = np.full((len(rows), int(lengths.max(initial=0))), specials.pad, dtype=np.int64)
    first = 0 if before is None else 1
    for target, row in zip(padded, rows, strict=True):
        target[first : first + len(row)] = row
    if before is not None:
        padded[:, :1] = before
    if after is not None:
        padded[np.arange(len(rows)), lengths - 1] = after
    return torch.from_numpy(padded), torch.from_numpy(lengths)
