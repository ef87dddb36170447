"""Whether another engine says what regard says: checked on every export, before anybody relies on it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import torch

from regard.data.collate import collate
from regard.errors import CheckpointError
from regard.model.decoder import StepModel
from regard.search.greedy import greedy_search
from regard.search.score import force_decode
from regard.store import StoredModel
from regard.values import Hypothesis

NUM_SAMPLES = 16
MAX_LEN = 40
TIE = 1e-3
"""Nats between two tokens that count as equally likely: sums of floats in another order may choose either."""

Ids = tuple[int, ...]
Run = Callable[[Sequence[Ids], int], list[Ids]]
"""Translates greedily by another engine: ids without eos and a limit in, ids with eos (where it came) out."""


def sample_sources(stored: StoredModel) -> list[Ids]:
    """Sources of all lengths, drawn from the vocabulary: the same for the same model.

    Args:
        stored: The model.

    Returns:
        `NUM_SAMPLES` lists of ids, without eos.
    """
    subword, generator = stored.src_subword, random.Random(1)
    text = [i for i in range(len(subword)) if subword.decode([i]).text]
    longest = min(25, stored.config.data.max_len, stored.config.model.num_positions - 1)
    return [tuple(generator.choices(text, k=1 + number * longest // NUM_SAMPLES)) for number in range(NUM_SAMPLES)]


def verify(stored: StoredModel, run: Run, *, engine: str) -> None:
    """Refuses an export that does not translate as the model does.

    Args:
        stored: The model in regard.
        run: The engine, with weights that were not rounded.
        engine: Its name, for the message.

    Raises:
        CheckpointError: A sample came out differently.
    """
    sources = sample_sources(stored)
    batch = collate(sources, None, specials=stored.src_subword.specials)
    limit = min(MAX_LEN, stored.config.model.num_positions)
    limits = torch.full((len(sources),), limit)
    ours = greedy_search(
        stored.model, batch.src_ids, batch.src_len, max_len=limits, specials=stored.tgt_subword.specials
    )
    pairs = zip(sources, ours, run(sources, limit), strict=True)
    same = sum(_agree(stored, source, mine, theirs) for source, mine, theirs in pairs)
    if same < NUM_SAMPLES:
        raise CheckpointError(
            f"{engine} translates {NUM_SAMPLES - same} of {NUM_SAMPLES} samples otherwise than regard, so nothing was "
            "exported: this is a fault of regard or of that engine's version; please report it with both versions"
        )


def verify_logits(stored: StoredModel, model: StepModel, *, engine: str, close: float) -> None:
    """Refuses an export whose logits are not the model's, step by step behind the same tokens.

    Args:
        stored: The model in regard.
        model: The same by the engine, with weights that were not rounded.
        engine: Its name, for the message.
        close: The most that a logit may differ.

    Raises:
        CheckpointError: One differs by more.
    """
    batch = collate(sample_sources(stored), None, specials=stored.src_subword.specials)
    ids = torch.full_like(batch.src_len, stored.tgt_subword.specials.bos)
    with torch.inference_mode():
        ours, theirs = (one.start(batch.src_ids, batch.src_len) for one in (stored.model, model))
        for _ in range(min(MAX_LEN, stored.config.model.num_positions)):
            mine, ours = stored.model.step(ids, ours)
            their, theirs = model.step(ids, theirs)
            off = float((mine.logits - their.logits).abs().max())
            if not off <= close:
                raise CheckpointError(
                    f"logits of {engine} differ from regard's by up to {off:.2g}, so nothing was exported: this is a "
                    "fault of regard or of that engine's version; please report it with both versions"
                )
            ids = mine.logits.argmax(-1)


def _agree(stored: StoredModel, source: Ids, ours: Hypothesis, theirs: Ids) -> bool:
    if ours.ids == theirs:
        return True
    where = next((n for n, (a, b) in enumerate(zip(ours.ids, theirs, strict=False)) if a != b), None)
    if where is None:
        return False
    batch = collate([source], None, specials=stored.src_subword.specials)
    specials = stored.tgt_subword.specials
    read = theirs[: where + (theirs[where] != specials.eos)]  # force_decode adds the eos
    [forced] = force_decode(stored.model, batch.src_ids, batch.src_len, [read], specials=specials)
    return ours.log_probs[where] - forced.log_probs[where] < TIE
