"""Rough estimates of how long trainings and translations take, for the plan of a recipe."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache

import torch

from regard.config.derive import derive
from regard.config.resolved import DerivedConfig
from regard.config.schema import Config
from regard.model.build import build_model
from regard.native.meta_init import init_on_meta
from regard.translation.options import Changes
from regard.translation.translator import Translator

_SIZE, _SECONDS = 512, 0.05
# Order of the square matrices that are multiplied, and for how long.
_TRAINING_SHARE, _SEARCH_SHARE = 0.35, 0.1
# Share of the speed of large products that a training, and a search for translations, reach with small models.
_CHARACTERS_PER_SUBWORD = 4.0
_SAMPLE = 64
# Number of sentences that are translated to measure the speed of a model.


def training_seconds(config: Config, *, num_pairs: int, num_characters: int) -> float:
    """Estimated seconds of a training without validations, from the size of the model and the speed of this machine.

    Args:
        config: Configuration of the training.
        num_pairs: Number of training pairs in an epoch.
        num_characters: Total number of target characters of these pairs.

    Returns:
        Seconds; at most `train.max_minutes` in seconds, if that is set.
    """
    complete, _ = derive(config, num_pairs=num_pairs, num_src_chars=num_characters, num_tgt_chars=num_characters)
    train = complete.train
    update_tokens = train.batch_tokens * train.accumulate
    tokens = num_characters / _CHARACTERS_PER_SUBWORD
    steps = train.steps if train.steps is not None else (train.epochs or 1.0) * tokens / update_tokens
    operations = 6.0 * num_parameters(complete) * update_tokens * steps
    seconds = operations / (_TRAINING_SHARE * products_per_second(train.threads))
    return min(seconds, 60.0 * train.max_minutes) if train.max_minutes is not None else seconds


def translation_seconds(config: Config, *, num_lines: int, num_characters: int, beam: int, threads: int) -> float:
    """Estimated seconds of a translation with a model that is not trained yet.

    Args:
        config: Configuration of the model's training.
        num_lines: Number of sentences.
        num_characters: Total number of characters of these sentences.
        beam: Width of the beam, or number of samples.
        threads: Number of CPU threads.

    Returns:
        Seconds.
    """
    complete, _ = derive(config, num_pairs=num_lines, num_src_chars=num_characters, num_tgt_chars=num_characters)
    tokens = num_characters / _CHARACTERS_PER_SUBWORD
    operations = 2.0 * num_parameters(complete) * tokens * (1 + beam)
    return operations / (_SEARCH_SHARE * products_per_second(threads))


def measured_translation_seconds(
    translator: Translator, sentences: Sequence[str], changes: Changes, *, num_lines: int
) -> float:
    """Estimated seconds of a translation with a model, measured on a sample.

    Args:
        translator: The model's translator.
        sentences: Sentences, of which some are translated.
        changes: Options of the translation.
        num_lines: Number of sentences to translate in all.

    Returns:
        Seconds.
    """
    sample = list(sentences[:: max(1, len(sentences) // _SAMPLE)][:_SAMPLE])
    start = time.perf_counter()
    translator.translate(sample, **changes)
    return (time.perf_counter() - start) * num_lines / max(1, len(sample))


def num_parameters(config: DerivedConfig) -> int:
    """Number of parameters of the model that a training would make.

    Args:
        config: Configuration in which `subword.vocab_size` is set.

    Returns:
        The number.
    """
    size = config.subword.vocab_size
    with init_on_meta():
        model = build_model(config.model, src_vocab=size, tgt_vocab=size, shared=config.subword.shared)
    return sum(weight.numel() for weight in model.parameters())


@lru_cache(maxsize=4)
def products_per_second(threads: int) -> float:
    """Floating-point operations per second of large matrix products on this machine, measured once.

    Args:
        threads: Number of CPU threads.

    Returns:
        Operations per second.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        matrix = torch.ones(_SIZE, _SIZE)
        torch.mm(matrix, matrix)
        start, count = time.perf_counter(), 0
        while (seconds := time.perf_counter() - start) < _SECONDS:
            torch.mm(matrix, matrix)
            count += 1
        return 2.0 * _SIZE**3 * max(1, count) / seconds
    finally:
        torch.set_num_threads(before)


def plain_duration(seconds: float | None) -> str:
    """A rounded duration in words, such as `about 4 minutes`; an empty string if `seconds` is None."""
    if seconds is None:
        return ""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    if seconds < 5400:
        return f"about {round(seconds / 60)} minutes"
    return f"about {seconds / 3600:.1f} hours"
