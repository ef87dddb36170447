"""A model whose probabilities are tables, so that the results of searches can be computed in plain Python."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from regard.model.decoder import State
from regard.values import Specials, StepOutput


@dataclass(frozen=True)
class TableState(State):
    src_ids: Tensor
    src_len: Tensor
    before: Tensor
    position: int = 0


class TableModel:
    """A model whose next token depends only on the last two tokens and the first source word.

    Attributes:
        logits: `(words, V, V, V)`: source word, token before last, last token, next token.
        attention: `(V, S)` scores of source positions by last token.
        rows: Number of rows in each call of `step`.
    """

    def __init__(self, *, vocab: int = 6, words: int = 8, max_src: int = 12, seed: int = 0, sharpness: float = 1.0):
        generator = torch.Generator().manual_seed(seed)
        self.logits = sharpness * torch.randn(words, vocab, vocab, vocab, generator=generator)
        self.attention = torch.randn(vocab, max_src, generator=generator)
        self.rows: list[int] = []

    def start(self, src_ids: Tensor, src_len: Tensor) -> TableState:
        return TableState(src_ids, src_len, torch.zeros(len(src_ids), dtype=torch.int64))

    def step(self, ids: Tensor, state: State, *, need_weights: bool = False) -> tuple[StepOutput, TableState]:
        assert isinstance(state, TableState)
        self.rows.append(len(ids))
        assert len(ids) == len(state.src_ids)
        logits = self.logits[state.src_ids[:, 0], state.before, ids]
        weights: tuple[Tensor, ...] = ()
        if need_weights:
            num_src = state.src_ids.shape[1]
            padding = torch.arange(num_src)[None] >= state.src_len[:, None]
            scores = self.attention[ids, :num_src] + 0.3 * state.before[:, None] * torch.arange(num_src)
            first = scores.masked_fill(padding, -torch.inf).softmax(-1)
            second = (2 * scores).masked_fill(padding, -torch.inf).softmax(-1)
            weights = (torch.stack((first, second), 1), second[:, None])  # two layers, with two heads and with one
        return StepOutput(logits, weights), TableState(state.src_ids, state.src_len, ids, state.position + 1)

    def log_probs(self, word: int, before: int, last: int) -> list[float]:
        """Log-probabilities of the next token, in float64."""
        return self.logits[word, before, last].double().log_softmax(-1).tolist()


@pytest.fixture
def table_model() -> type[TableModel]:
    return TableModel


@pytest.fixture
def specials() -> Specials:
    return Specials()
