"""The loss of a corpus is the mean over its tokens, for any division into batches."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F
from workbench import Workbench

from regard.train.interrupt import Interrupt, Interrupted
from regard.train.validation import corpus_loss


def test_mean_over_tokens(bench: Workbench) -> None:
    model = bench.model().eval()
    stream = bench.stream()
    batches = [next(stream) for _ in range(3)]
    loss, nll = corpus_loss(model, batches, label_smoothing=0.1)
    for value, smoothing in ((loss, 0.1), (nll, 0.0)):
        total, tokens = 0.0, 0
        for batch in batches:
            logits = model.project(model(batch).hidden).flatten(0, 1)
            targets = batch.tgt_out_ids.flatten()
            total += F.cross_entropy(logits, targets, ignore_index=1, label_smoothing=smoothing, reduction="sum").item()
            tokens += int((targets != 1).sum())
        assert value == pytest.approx(total / tokens, rel=1e-5)


def test_it_draws_no_random_numbers(bench: Workbench) -> None:
    before = torch.get_rng_state()
    model = bench.model().eval()
    torch.set_rng_state(before)
    corpus_loss(model, [next(bench.stream())], label_smoothing=0.0)
    assert torch.equal(torch.get_rng_state(), before)


def test_it_can_be_interrupted(bench: Workbench) -> None:
    interrupt = Interrupt()
    interrupt.request()
    with pytest.raises(Interrupted):
        corpus_loss(bench.model(), [next(bench.stream())], label_smoothing=0.0, check=interrupt.check)
