"""Default values that depend on the size of the corpus and on the number of CPU cores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

from regard.config.auto import apply_rules
from regard.config.resolved import DerivedConfig, DerivedSubwordConfig, DerivedTrainConfig
from regard.config.schema import Config, TrainConfig
from regard.config.threads import available_cores

Number = TypeVar("Number", int, float)

_VOCABULARY = ((5_000, 1_000), (20_000, 2_000), (50_000, 4_000), (200_000, 8_000), (1_000_000, 16_000))
"""`(pairs, subwords)`: vocabulary size for up to so many pairs; in a larger one most subwords are too rare to learn."""
_LARGEST_VOCABULARY = 32_000
_EPOCHS = ((5_000, 60.0), (20_000, 40.0), (50_000, 30.0), (200_000, 20.0), (1_000_000, 10.0))
"""`(pairs, epochs)`: epochs for up to so many pairs."""
_FEWEST_EPOCHS = 5.0
_CHARACTERS_PER_TOKEN = ((1_000, 3.0), (2_000, 3.4), (4_000, 3.8), (8_000, 4.2))
"""`(subwords, characters)`: characters per token, typical of European languages, by vocabulary size."""
_CHARACTERS_BEYOND = 4.5
_MIN_BATCH_TOKENS = 512
"""Smallest batch size that is derived."""
_VALIDATIONS = 20
_MIN_STEPS_BETWEEN = 50
"""Steps between validations, at least: more frequent ones would dominate the time of a short training."""


def derive(
    config: Config,
    *,
    num_pairs: int,
    num_src_chars: int,
    num_tgt_chars: int,
    cores: int | None = None,
    workers: int = 1,
) -> tuple[DerivedConfig, list[str]]:
    """Sets options that are None from the size of the corpus and the machine.

    These are vocabulary size, batch size, steps, validation interval and threads. `train.precision` and `train.device`
    stay "auto", because training chooses them on the machine it runs on. `train.steps` stays None if `train.epochs` is
    set. First, `apply_rules` sets the options of the preset `auto`; it may raise a `ConfigError`.

    Args:
        config: The user's configuration. If `derive` completed it before, its values stay the same.
        num_pairs: Number of training pairs.
        num_src_chars: Number of characters in all source sentences.
        num_tgt_chars: Number of characters in all target sentences.
        cores: Value for `train.threads`; by default, the number of cores that this process may use.
        workers: Number of processes that train together. If `train.batch_tokens` is not set and `train.accumulate`, the
            number of batches per update, is less than `workers`, each update gets smaller batches, one per worker.

    Returns:
        The completed configuration, and one note for the user per derived value.

    >>> from regard.config.schema import Config
    >>> done, notes = derive(Config(), num_pairs=29_000, num_src_chars=1_700_000, num_tgt_chars=1_900_000, cores=2)
    >>> notes[0]
    'subword.vocab_size = 4000, for 29,000 sentence pairs'
    """
    config, notes = apply_rules(config, num_pairs)
    vocab_size, train = config.subword.vocab_size, config.train
    if vocab_size is None:
        vocab_size = _by_size(_VOCABULARY, num_pairs, _LARGEST_VOCABULARY)
        notes.append(f"subword.vocab_size = {vocab_size}, for {num_pairs:,} sentence pairs")
    tokens = max(num_src_chars, num_tgt_chars) / _by_size(_CHARACTERS_PER_TOKEN, vocab_size, _CHARACTERS_BEYOND)
    batch_tokens, accumulate = train.batch_tokens, train.accumulate
    if batch_tokens is None:
        batch_tokens = _batch_tokens(config, tokens)
        note = f"train.batch_tokens = {batch_tokens}, for about {_rounded(tokens):,} subwords"
        if accumulate < workers:
            batch_tokens, accumulate, note = _divided(batch_tokens * accumulate, workers)
        notes.append(note)
    length, length_notes = _length(train, num_pairs, max(1.0, tokens / (batch_tokens * accumulate)))
    notes += length_notes
    threads = train.threads
    if threads is None:
        threads = available_cores() if cores is None else cores
        notes.append(f"train.threads = {threads}, all cores")
    complete = {
        **dict(train), **length, "batch_tokens": batch_tokens, "accumulate": accumulate, "threads": threads,
    }  # fmt: skip
    sections = {
        "subword": DerivedSubwordConfig.model_validate({**dict(config.subword), "vocab_size": vocab_size}),
        "train": DerivedTrainConfig.model_validate(complete),
    }
    return DerivedConfig.model_validate({**dict(config), **sections}), notes


def _length(train: TrainConfig, num_pairs: int, steps_per_epoch: float) -> tuple[dict[str, int | None], list[str]]:
    """Steps, unless epochs are set, and steps between validations; with a note on each derived value."""
    notes = []
    steps, validate_every = train.steps, train.validate_every
    if steps is not None:
        planned = steps
    elif train.epochs is not None:
        planned = math.ceil(train.epochs * steps_per_epoch)
    else:
        epochs = _by_size(_EPOCHS, num_pairs, _FEWEST_EPOCHS)
        steps = planned = max(1_000, _rounded(epochs * steps_per_epoch))
        notes.append(f"train.steps = {steps}, about {steps / steps_per_epoch:.0f} passes over the text")
    if validate_every is None:
        validate_every = min(planned, max(_MIN_STEPS_BETWEEN, min(2_000, _rounded(planned / _VALIDATIONS))))
        notes.append(f"train.validate_every = {validate_every} steps")
    return {"steps": steps, "validate_every": validate_every}, notes


def _batch_tokens(config: Config, tokens: float) -> int:
    """The model's default batch size, or half of it for a small corpus, which needs more steps per epoch."""
    default = config.model.default_batch_tokens
    return default if tokens > 60 * default else max(_MIN_BATCH_TOKENS, default // 2)


def _divided(update_tokens: int, workers: int) -> tuple[int, int, str]:
    """Batch size and batches per update of several workers, and a note on them."""
    batch_tokens = max(_MIN_BATCH_TOKENS, math.ceil(update_tokens / workers))
    same = "as many tokens per update as with one worker"
    more = f"more tokens per update than with one worker, which has {update_tokens}"
    note = (
        f"train.batch_tokens = {batch_tokens} and train.accumulate = {workers}, for {workers} workers: "
        f"{same if batch_tokens * workers < update_tokens + workers else more}"
    )
    return batch_tokens, workers, note


def _by_size(table: Sequence[tuple[int, Number]], size: int, beyond: Number) -> Number:
    return next((value for limit, value in table if size <= limit), beyond)


def _rounded(number: float) -> int:
    """Rounds to two leading digits: an estimate is no more precise."""
    if number < 100:
        return max(1, round(number))
    magnitude = int(10 ** (len(str(int(number))) - 2))
    return round(number / magnitude) * magnitude
