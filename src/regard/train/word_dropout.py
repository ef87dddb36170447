"""Word dropout: in training, some tokens of both sides are replaced by the unknown token."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from regard.values import Batch, Specials


def drop_words(batch: Batch, rate: float, specials: Specials) -> Batch:
    """Replaces random tokens of the source and of the decoder's input by the unknown token (Zhang et al. 2020).

    Special tokens are not replaced, and the tokens to predict stay the same. Sennrich and Zhang (2019) set the
    embeddings of dropped words to zero instead.

    Args:
        batch: Batch on any device; the default random generator of the device chooses the tokens.
        rate: Probability that a token is replaced.
        specials: Ids of the special tokens.

    Returns:
        The batch with other `src_ids`, `(B, S)`, and `tgt_in_ids`, `(B, T)`.
    """

    def dropped(ids: Tensor) -> Tensor:
        is_word = (ids != specials.pad) & (ids != specials.bos) & (ids != specials.eos)
        chosen = torch.rand(ids.shape, device=ids.device) < rate
        return ids.masked_fill(chosen & is_word, specials.unk)

    return replace(batch, src_ids=dropped(batch.src_ids), tgt_in_ids=dropped(batch.tgt_in_ids))
