"""The stream of batches of a training, from text in memory or on disk."""

from __future__ import annotations

from regard.data.prepared.stream import PreparedStream
from regard.data.source_noise import SourceNoise
from regard.data.source_terms import SourceTerms
from regard.data.stream import BatchStream
from regard.recipes.prepare import Prepared


def training_stream(prepared: Prepared) -> BatchStream | PreparedStream:
    """Makes the stream of batches of a training, positioned at its first batch.

    Args:
        prepared: Input of the training.

    Returns:
        A stream over the text on disk, if it was prepared there; otherwise over the text in memory.
    """
    options = prepared.config.train
    if prepared.on_disk is not None:
        return PreparedStream(
            prepared.on_disk,
            batch_tokens=options.batch_tokens,
            seed=options.seed,
            specials=prepared.tgt_subword.specials,
            resampling=prepared.resampling(),
        )
    return BatchStream(
        prepared.train,
        batch_tokens=options.batch_tokens,
        seed=options.seed,
        specials=prepared.tgt_subword.specials,
        guided_links=prepared.guided_links if options.guided_weight else None,
        shares=prepared.shares,
        noise=_noise(prepared),
        terms=_terms(prepared),
    )


def _noise(prepared: Prepared) -> SourceNoise | None:
    options = prepared.config.train
    if not options.noise:
        return None
    return SourceNoise(options.noise, prepared.src_subword, prepared.config.data.max_len, options.noise_kinds)


def _terms(prepared: Prepared) -> SourceTerms | None:
    share, links = prepared.config.train.terms, prepared.guided_links
    if not share or links is None:
        return None
    return SourceTerms(share, links, prepared.src_subword, prepared.config.data.max_len)
