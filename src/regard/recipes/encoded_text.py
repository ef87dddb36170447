"""Encodes the text of a training as subword ids, and describes the share of each corpus in an epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from regard.config.resolved import DerivedConfig
from regard.data.corpus import Corpus
from regard.data.mixture import CorpusShare
from regard.errors import DataError
from regard.files.printable import counted
from regard.recipes.training_text import TrainingCorpus, TrainingText
from regard.text.subword import Subword


@dataclass(frozen=True, eq=False)
class EncodedText:
    """The text of a training as subword ids.

    Attributes:
        train: Training pairs of all corpora, in order.
        val: Validation pairs.
        shares: Number of pairs and weight of each corpus in `train`, in order.
        mixture: A sentence for the user per entry of `data.corpora`: files, size, weight and share of an epoch; empty
            if `data.corpora` is not set.
        notes: Sentences for the user: how many pairs were left out, and those of `mixture`.
    """

    train: Corpus
    val: Corpus
    shares: tuple[CorpusShare, ...]
    mixture: tuple[str, ...]
    notes: tuple[str, ...]


def encode_text(config: DerivedConfig, text: TrainingText, subwords: tuple[Subword, Subword]) -> EncodedText:
    """Encodes training and validation pairs as subword ids; leaves out pairs longer than `data.max_len` subwords.

    Args:
        config: Configuration, of which `data.max_len`, `data.corpora` and `subword.sample_alpha` are used.
        text: The training and validation pairs.
        subwords: Source and target vocabulary.

    Returns:
        The encoded text.

    Raises:
        DataError: Every pair of a corpus, or of the validation text, is too long.
    """
    max_len = config.data.max_len
    parts = [_encode_corpus(corpus, subwords, config) for corpus in text.corpora]
    train = Corpus.join(parts)
    val = Corpus.encode(text.val, *subwords, max_len=max_len)
    shares = tuple(CorpusShare(len(part), corpus.weight) for part, corpus in zip(parts, text.corpora, strict=True))
    mixture = _mixture(text.corpora, shares) if config.data.corpora else ()
    left_out = [
        f"left out {counted(corpus.num_dropped, f'{name} pair')} longer than {max_len} subwords"
        for name, corpus in (("training", train), ("validation", val))
        if corpus.num_dropped
    ]
    return EncodedText(train, val, shares, mixture, (*left_out, *mixture))


def _encode_corpus(corpus: TrainingCorpus, subwords: tuple[Subword, Subword], config: DerivedConfig) -> Corpus:
    try:
        return Corpus.encode(
            corpus.tagged(), *subwords, max_len=config.data.max_len, sample_alpha=config.subword.sample_alpha
        )
    except DataError as error:
        raise DataError(f"{corpus.name}: {error}") from None


def _mixture(corpora: Sequence[TrainingCorpus], shares: Sequence[CorpusShare]) -> tuple[str, ...]:
    total = sum(share.num_rows * share.weight for share in shares)
    return tuple(
        f"{corpus.name}: {share.num_rows:,} training pairs, weight {share.weight:g}, "
        f"{100 * share.num_rows * share.weight / total:.1f} % of an epoch"
        + ("" if corpus.entry.tag is None else f", tag {corpus.entry.tag}")
        for corpus, share in zip(corpora, shares, strict=True)
    )
