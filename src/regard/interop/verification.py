"""Compares another engine with regard on random sentences, before an export is written."""

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
"""Difference of two log-probabilities, in nats, below which rounding decides which token is chosen, so that both
choices are accepted."""

Ids = tuple[int, ...]
Run = Callable[[Sequence[Ids], int], list[Ids]]
"""Greedy search of another engine. Arguments: token ids of the source sentences, without eos, and the largest length.
Returns the token ids of the translations, with eos unless the largest length was reached."""


def sample_sources(stored: StoredModel) -> list[Ids]:
    """Draws random source sentences of different lengths; the same sentences every time for the same model.

    Args:
        stored: Model whose vocabulary and length limits are used.

    Returns:
        Token ids of `NUM_SAMPLES` sentences, without eos.
    """
    subword, generator = stored.src_subword, random.Random(1)
    text_ids = [i for i in range(len(subword)) if subword.decode([i]).text]
    longest = min(25, stored.config.data.max_len, stored.config.model.num_positions - 1)
    return [tuple(generator.choices(text_ids, k=1 + number * longest // NUM_SAMPLES)) for number in range(NUM_SAMPLES)]


def verify(stored: StoredModel, run: Run, *, engine: str) -> None:
    """Compares greedy translations of random sentences by another engine with regard's.

    Args:
        stored: The model in regard.
        run: Function that translates by greedy search in the other engine, with weights that are not rounded. It takes
            the token ids of source sentences without eos, and the largest length of a translation in tokens. It returns
            the token ids of the translations, with eos unless that length was reached.
        engine: Name of the other engine, for messages.

    Raises:
        CheckpointError: Two translations differ, and not only by a choice between tokens whose log-probabilities are
            less than `TIE` apart.
    """
    sources = sample_sources(stored)
    batch = collate(sources, None, specials=stored.src_subword.specials)
    limit = min(MAX_LEN, stored.config.model.num_positions)
    limits = torch.full((len(sources),), limit)
    ours = greedy_search(
        stored.model, batch.src_ids, batch.src_len, max_len=limits, specials=stored.tgt_subword.specials
    )
    pairs = zip(sources, ours, run(sources, limit), strict=True)
    num_equal = sum(_agree(stored, source, our, their) for source, our, their in pairs)
    if num_equal < NUM_SAMPLES:
        raise CheckpointError(
            f"{engine} and regard translate {NUM_SAMPLES - num_equal} of {NUM_SAMPLES} random sentences differently, "
            f"so nothing was exported: this is a bug in regard or in this version of {engine}; please report it with "
            "the versions of both"
        )


def verify_logits(stored: StoredModel, model: StepModel, *, engine: str, close: float) -> None:
    """Compares the logits of another engine with regard's, step by step for the same target prefixes.

    Args:
        stored: The model in regard.
        model: The exported model in the other engine, with weights that are not rounded.
        engine: Name of the other engine, for messages.
        close: Largest difference of two logits that still count as equal.

    Raises:
        CheckpointError: Two logits differ by more than `close`, or one is NaN.
    """
    batch = collate(sample_sources(stored), None, specials=stored.src_subword.specials)
    ids = torch.full_like(batch.src_len, stored.tgt_subword.specials.bos)
    with torch.inference_mode():
        our_state, their_state = (each.start(batch.src_ids, batch.src_len) for each in (stored.model, model))
        for _ in range(min(MAX_LEN, stored.config.model.num_positions)):
            our_step, our_state = stored.model.step(ids, our_state)
            their_step, their_state = model.step(ids, their_state)
            difference = float((our_step.logits - their_step.logits).abs().max())
            if not difference <= close:  # also if it is NaN
                raise CheckpointError(
                    f"logits of {engine} differ from regard's by up to {difference:.2g}, so nothing was exported: this "
                    f"is a bug in regard or in this version of {engine}; please report it with the versions of both"
                )
            ids = our_step.logits.argmax(-1)


def _agree(stored: StoredModel, source: Ids, ours: Hypothesis, theirs: Ids) -> bool:
    """Whether two translations are equal up to the end, or up to a tie."""
    if ours.ids == theirs:
        return True
    first = next((n for n, (a, b) in enumerate(zip(ours.ids, theirs, strict=False)) if a != b), None)
    if first is None:
        return False
    batch = collate([source], None, specials=stored.src_subword.specials)
    specials = stored.tgt_subword.specials
    prefix = theirs[: first + (theirs[first] != specials.eos)]  # force_decode adds the eos
    [forced] = force_decode(stored.model, batch.src_ids, batch.src_len, [prefix], specials=specials)
    return ours.log_probs[first] - forced.log_probs[first] < TIE
