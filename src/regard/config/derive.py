"""Default values that depend on the size of the corpus and on the machine."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Sequence

from regard.config.schema import Config

_VOCABULARY = ((5_000, 1_000), (20_000, 2_000), (50_000, 4_000), (200_000, 8_000), (1_000_000, 16_000))
"""`(pairs, subwords)`: vocabulary size for up to so many pairs; in a larger one most subwords are too rare to learn."""
_LARGEST_VOCABULARY = 32_000
_EPOCHS = ((5_000, 60.0), (20_000, 40.0), (50_000, 30.0), (200_000, 20.0), (1_000_000, 10.0))
"""`(pairs, epochs)`: epochs for up to so many pairs."""
_FEWEST_EPOCHS = 5.0
_CHARACTERS_PER_TOKEN = ((1_000, 3.0), (2_000, 3.4), (4_000, 3.8), (8_000, 4.2))
"""`(subwords, characters)`: characters per token, typical of European languages, by vocabulary size."""
_CHARACTERS_BEYOND = 4.5
_VALIDATIONS = 20
_MIN_STEPS_BETWEEN = 50
"""Steps between validations, at least: more frequent ones would dominate the time of a short training."""


def derive(
    config: Config, *, num_pairs: int, num_src_chars: int, num_tgt_chars: int, cores: int | None = None
) -> tuple[Config, list[str]]:
    """Sets options that are None from the size of the corpus and the machine.

    These are vocabulary size, batch size, steps, validation interval and threads. `train.precision` and `train.device`
    stay "auto", because training resolves them on the machine it runs on. `train.steps` stays None if `train.epochs`
    is set.

    Args:
        config: The user's configuration.
        num_pairs: Number of training pairs.
        num_src_chars: Number of characters in all source sentences.
        num_tgt_chars: Number of characters in all target sentences.
        cores: Value for `train.threads`; by default, the number of cores that this process may use.

    Returns:
        The completed configuration, and one note for the user per derived value.

    >>> from regard.config.schema import Config
    >>> done, notes = derive(Config(), num_pairs=29_000, num_src_chars=1_700_000, num_tgt_chars=1_900_000, cores=2)
    >>> notes[0]
    'subword.vocab_size = 4000, for 29,000 sentence pairs'
    """
    notes: list[str] = []
    subword, train = config.subword, config.train
    if subword.vocab_size is None:
        size = _by_size(_VOCABULARY, num_pairs, _LARGEST_VOCABULARY)
        subword = subword.model_copy(update={"vocab_size": size})
        notes.append(f"subword.vocab_size = {size}, for {num_pairs:,} sentence pairs")
    derived: dict[str, int] = {}
    tokens = max(num_src_chars, num_tgt_chars) / _by_size(
        _CHARACTERS_PER_TOKEN, subword.vocab_size or 0, _CHARACTERS_BEYOND
    )
    if train.batch_tokens is None:
        derived["batch_tokens"] = _batch_tokens(config, tokens)
        notes.append(f"train.batch_tokens = {derived['batch_tokens']}, for about {_rounded(tokens):,} subwords")
    batch_tokens = train.batch_tokens or derived["batch_tokens"]
    steps_per_epoch = max(1.0, tokens / (batch_tokens * train.accumulate))
    epochs = train.epochs or _by_size(_EPOCHS, num_pairs, _FEWEST_EPOCHS)
    if train.steps is None and train.epochs is None:
        derived["steps"] = max(1_000, _rounded(epochs * steps_per_epoch))
        passes = derived["steps"] / steps_per_epoch
        notes.append(f"train.steps = {derived['steps']}, about {passes:.0f} passes over the text")
    if train.validate_every is None:
        steps = train.steps or derived.get("steps") or math.ceil(epochs * steps_per_epoch)
        derived["validate_every"] = min(steps, max(_MIN_STEPS_BETWEEN, min(2_000, _rounded(steps / _VALIDATIONS))))
        notes.append(f"train.validate_every = {derived['validate_every']} steps")
    if train.threads is None:
        derived["threads"] = cores or available_cores()
        notes.append(f"train.threads = {derived['threads']}, all cores")
    train = train.model_copy(update=derived)
    return config.model_copy(update={"subword": subword, "train": train}), notes


def available_cores() -> int:
    """Number of CPU cores that this process may run on, at least 1."""
    if sys.platform == "linux":
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def _batch_tokens(config: Config, tokens: float) -> int:
    """The model's default batch size, or half of it for a small corpus, which needs more steps per epoch."""
    default = config.model.default_batch_tokens
    return default if tokens > 60 * default else max(512, default // 2)


def _by_size(table: Sequence[tuple[int, int | float]], size: int, beyond: float) -> int | float:
    return next((value for limit, value in table if size <= limit), beyond)


def _rounded(number: float) -> int:
    """Rounds to two leading digits: an estimate is no more precise."""
    if number < 100:
        return max(1, round(number))
    magnitude = int(10 ** (len(str(int(number))) - 2))
    return round(number / magnitude) * magnitude
