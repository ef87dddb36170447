"""What a word adds to a recurrence's gates, looked up where a long search would compute it over and over."""

from __future__ import annotations

from threading import Lock

import torch
from torch import Tensor, nn

from regard.model.stack import RecurrentStack

MOST = 64 << 20
"""Bytes that a table may have: of 8,000 words and 512 units, not of 32,000."""
_ROWS = 512  # that are multiplied at once


class EarlyGates:
    """The gates' share of an embedded word, for searches alone: its weights stay as they are.

    A search asks for the same words again and again. When it has asked as often as there are words, all of them are
    multiplied once, and looked up from then on.

    Args:
        embedding: Words to `(..., E)`.
        stack: Whose lowest layer's gates these are.
    """

    def __init__(self, embedding: nn.Embedding, stack: RecurrentStack) -> None:
        self._embedding, self._stack = embedding, stack
        self._asked, self._table = 0, torch.empty(0)
        self._building = Lock()

    def __call__(self, ids: Tensor) -> Tensor:
        """What `RecurrentStack.early_gates` gives for the embedded words: `(R,)` int64 to `(R, gates)`."""
        if len(self._table):
            return self._table.index_select(0, ids)
        gates = self._stack.early_gates(self._embedding(ids))
        self._asked += len(ids)
        words = self._embedding.num_embeddings
        fits = gates.device.type == "cpu" and words * gates.shape[-1] * gates.element_size() <= MOST
        # Who searches another batch meanwhile goes on as before.
        if fits and self._asked >= words and self._building.acquire(blocking=False):
            table = self._embedding.weight.detach()
            parts = [self._stack.early_gates(table[first : first + _ROWS]) for first in range(0, words, _ROWS)]
            self._table = torch.cat(parts)
        return gates
