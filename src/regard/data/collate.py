"""The only place that pads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from regard.values import Batch, Specials

Ids = Sequence[int] | NDArray[np.int32]


def collate(
    src: Sequence[Ids], tgt: Sequence[Ids] | None, *, specials: Specials, indices: Sequence[int] | None = None
) -> Batch:
    """Makes a batch of ids: adds bos and eos, pads at the end.

    Args:
        src: Source ids, one sequence a sentence, without eos.
        tgt: Target ids; None when there are none yet (translation).
        specials: Ids that are not text.
        indices: The sentences' numbers in their corpus; 0, 1, … when not given.

    Returns:
        A batch; without targets its target tensors have shape `(B, 0)`.
    """
    src_ids, src_len = _pad(src, before=[], after=[specials.eos], pad=specials.pad)
    rows = tuple(range(len(src))) if indices is None else tuple(indices)
    if tgt is None:
        nothing = torch.zeros((len(src), 0), dtype=torch.int64)
        return Batch(src_ids, src_len, nothing, nothing, torch.zeros(len(src), dtype=torch.int64), rows, 0)
    tgt_in_ids, tgt_len = _pad(tgt, before=[specials.bos], after=[], pad=specials.pad)
    tgt_out_ids, _ = _pad(tgt, before=[], after=[specials.eos], pad=specials.pad)
    return Batch(src_ids, src_len, tgt_in_ids, tgt_out_ids, tgt_len, rows, int(tgt_len.sum()))


def _pad(rows: Sequence[Ids], *, before: list[int], after: list[int], pad: int) -> tuple[Tensor, Tensor]:
    extra = len(before) + len(after)
    lengths = np.array([len(row) + extra for row in rows], dtype=np.int64)
    padded = np.full((len(rows), int(lengths.max(initial=0))), pad, dtype=np.int64)
    for target, row, length in zip(padded, rows, lengths, strict=True):
        target[: len(before)] = before
        target[len(before) : length - len(after)] = row
        target[length - len(after) : length] = after
    return torch.from_numpy(padded), torch.from_numpy(lengths)
