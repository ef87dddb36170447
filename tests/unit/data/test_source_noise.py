"""Alterations of source sentences in training."""

from __future__ import annotations

import random

import numpy as np
import pytest

from regard.config.schema import NOISE_KINDS, NoiseKind
from regard.data.corpus import Corpus
from regard.data.guided_links import GuidedLinks
from regard.data.source_noise import SourceNoise, alter
from regard.data.stream import BatchStream
from regard.text.subword import Subword
from regard.values import Pair

TEXTS = ["How was your day?", "The black cat sleeps on the mat.", "It rains a lot here, Tom.", "We saw 3 birds today!"]


@pytest.fixture(scope="module")
def subword() -> Subword:
    """A vocabulary with a tag."""
    return Subword.train(TEXTS * 20, vocab_size=320, tags=("<web>",))


@pytest.fixture(scope="module")
def corpus(subword: Subword) -> Corpus:
    """200 pairs."""
    pairs = [Pair(TEXTS[row % 4], TEXTS[(row + 1) % 4], row + 1) for row in range(200)]
    return Corpus.encode(pairs, subword, subword, max_len=60)


def noise(subword: Subword, share: float = 0.5, kinds: tuple[NoiseKind, ...] = NOISE_KINDS) -> SourceNoise:
    """Noise of a share of the pairs."""
    return SourceNoise(share, subword, 60, kinds)


def texts(corpus: Corpus, subword: Subword) -> list[str]:
    """Sources of a corpus."""
    return [subword.decode(corpus.src_ids(row).tolist()).text for row in range(len(corpus))]


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("capitals", "How was été?", "HOW WAS ÉTÉ?"),
        ("title", "how was l'été 3?", "How Was L'été 3?"),
        ("lower", "How Was NASA?", "how was nasa?"),
        ("unpunctuated", "Really?!", "Really"),
        ("unpunctuated", "Vraiment ?", "Vraiment"),
        ("unpunctuated", "本当。", "本当"),
        ("unpunctuated", "...", "..."),
        ("typos", "a 12 本当です", "a 12 本当です"),
    ],
)
def test_alterations(kind: NoiseKind, text: str, expected: str) -> None:
    assert alter(text, kind, random.Random(1)) == expected


def test_typos_change_letters_within_words_and_keep_the_words() -> None:
    altered = {alter("The black cat sleeps", "typos", random.Random(seed)) for seed in range(200)}
    assert len(altered) > 50
    for text in altered:
        words = text.split()
        assert len(words) == 4
        assert sum(word != given for word, given in zip(words, TEXTS[1].split(), strict=False)) <= 2
        assert words[0][0] == "T"


def test_a_share_of_the_sources_is_altered_and_no_target(corpus: Corpus, subword: Subword) -> None:
    altered = noise(subword).apply(corpus, seed=1, epoch=0)
    changed = [before != after for before, after in zip(texts(corpus, subword), texts(altered, subword), strict=True)]
    assert 70 < sum(changed) < 130
    assert np.array_equal(altered.tgt.values, corpus.tgt.values)
    assert altered.pairs == corpus.pairs


def test_alterations_depend_on_seed_epoch_and_row_only(corpus: Corpus, subword: Subword) -> None:
    first = texts(noise(subword).apply(corpus, seed=1, epoch=3), subword)
    assert texts(noise(subword).apply(corpus, seed=1, epoch=3), subword) == first
    assert texts(noise(subword).apply(corpus, seed=2, epoch=3), subword) != first
    assert texts(noise(subword).apply(corpus, seed=1, epoch=4), subword) != first
    rows = [texts(noise(subword, 0.5, ("capitals",)).apply(corpus, seed=1, epoch=epoch), subword) for epoch in (0, 1)]
    assert [text.isupper() for text in rows[0]] != [text.isupper() for text in rows[1]]
    shorter = Corpus.encode(list(corpus.pairs[:50]), subword, subword, max_len=60)
    assert texts(noise(subword).apply(shorter, seed=1, epoch=3), subword) == first[:50]


def test_kinds_are_those_given(corpus: Corpus, subword: Subword) -> None:
    altered = texts(noise(subword, 1.0, ("capitals",)).apply(corpus, seed=1, epoch=0), subword)
    assert altered == [text.upper() for text in texts(corpus, subword)]


def test_sources_that_would_be_too_long_stay(corpus: Corpus, subword: Subword) -> None:
    short = SourceNoise(1.0, subword, 12, ("capitals",))
    altered = short.apply(corpus, seed=1, epoch=0)
    lengths = corpus.src.lengths
    assert all(len(altered.src_ids(row)) <= max(12, lengths[row]) for row in range(len(altered)))
    assert texts(altered, subword)[1] == TEXTS[1]


def test_tags_stay_as_they_are(subword: Subword) -> None:
    tagged = Corpus.encode([Pair(f"<web> {TEXTS[1]}", "x", 1)] * 20, subword, subword, max_len=60)
    for text in texts(noise(subword, 1.0, ("capitals",)).apply(tagged, seed=1, epoch=0), subword):
        assert text == f"<web> {TEXTS[1].upper()}"


def test_a_stream_without_noise_is_the_same_and_one_with_noise_can_be_restored(
    corpus: Corpus, subword: Subword
) -> None:
    def stream(share: float | None) -> BatchStream:
        own = None if share is None else noise(subword, share)
        return BatchStream(corpus, batch_tokens=300, seed=5, specials=subword.specials, noise=own)

    plain, without, altered = (stream(share) for share in (None, 0.0, 0.9))
    other, is_changed = next(altered), False
    for step in range(30):
        batch, same = next(plain), next(without)
        other = next(altered) if step else other
        assert batch.src_ids.equal(same.src_ids)
        assert batch.tgt_out_ids.equal(same.tgt_out_ids)
        is_changed = is_changed or batch.src_ids.shape != other.src_ids.shape or not batch.src_ids.equal(other.src_ids)
    assert is_changed
    restored = stream(0.9)
    restored.restore(altered.state())
    assert next(restored).src_ids.equal(next(altered).src_ids)


def test_links_to_a_removed_mark_are_left_out(subword: Subword) -> None:
    corpus = Corpus.encode([Pair("a cat ?", "un chat ?", 1)] * 4, subword, subword, max_len=60)
    links = GuidedLinks.from_links([((0, 0), (1, 1), (2, 2))] * 4, subword, subword)
    stream = BatchStream(
        corpus,
        batch_tokens=300,
        seed=1,
        specials=subword.specials,
        guided_links=links,
        noise=noise(subword, 1.0, ("unpunctuated",)),
    )
    targets = next(stream).alignment_targets
    assert targets is not None
    assert targets.values.sum() > 0
