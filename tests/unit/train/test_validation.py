"""The loss of a corpus is the mean over its tokens, whatever the batches."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from regard.train.interrupt import Interrupt, Interrupted
from regard.train.validation import corpus_loss


def test_mean_over_tokens(bench) -> None:
    model = bench.model().eval()
    stream = bench.stream()
    batches = [next(stream) for _ in range(3)]
    loss, nll = corpus_loss(model, batches, label_smoothing=0.1)
    for got, smoothing in ((loss, 0.1), (nll, 0.0)):
        total, tokens = 0.0, 0
        for batch in batches:
            logits = model.project(model(batch).hidden).flatten(0, 1)
            wanted = batch.tgt_out_ids.flatten()
            total += F.cross_entropy(logits, wanted, ignore_index=1, label_smoothing=smoothing, reduction="sum").item()
            tokens += int((wanted != 1).sum())
        assert got == pytest.approx(total / tokens, rel=1e-5)


def test_it_draws_no_random_numbers(bench) -> None:
    before = torch.get_rng_state()
    model = bench.model().eval()
    torch.set_rng_state(before)
    corpus_loss(model, [next(bench.stream())], label_smoothing=0.0)
    assert torch.equal(torch.get_rng_state(), before)


def test_it_can_be_left(bench) -> None:
    interrupt = Interrupt()
    interrupt.requested = True
    with pytest.raises(Interrupted):
        corpus_loss(bench.model(), [next(bench.stream())], label_smoothing=0.0, check=interrupt.check)
