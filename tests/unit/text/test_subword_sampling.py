"""Random segmentation: correct probabilities, reproducible, and always of the same text."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.text.subword import Subword
from regard.text.subword_sampling import BPESampler, ScoredPieces, UnigramSampler, make_sampler, sample_ids
from regard.text.tokenizers import escape_text
from regard.text.vocabulary import Kind

BYTES = list(range(100, 356))


def pieces(scores: dict[str, float]) -> ScoredPieces:
    return ScoredPieces({piece: number for number, piece in enumerate(scores)}, scores, BYTES)


UNIGRAM = pieces({"▁": -1.0, "a": -1.5, "b": -2.5, "▁a": -2.0, "ab": -3.0, "▁ab": -3.5})
BPE = pieces({"▁a": 0.0, "bc": -1.0, "▁abc": -2.0, "▁": -3.0, "a": -4.0, "b": -5.0, "c": -6.0})


def test_unigram_probabilities() -> None:
    """All segmentations of ▁ab; the log-probabilities are halved by alpha."""
    log_probs = {(5,): -3.5, (3, 2): -4.5, (0, 4): -4.0, (0, 1, 2): -5.0}
    weights = {ids: 2.718281828 ** (0.5 * score) for ids, score in log_probs.items()}
    sampler, generator = UnigramSampler(UNIGRAM, 0.5), random.Random(1)
    count = 20_000
    drawn = Counter(tuple(sampler.draw("▁ab", generator)) for _ in range(count))
    assert set(drawn) == set(log_probs)
    for ids, weight in weights.items():
        assert drawn[ids] / count == pytest.approx(weight / sum(weights.values()), abs=0.015)


def test_a_large_alpha_takes_the_best_segmentation() -> None:
    sampler = UnigramSampler(UNIGRAM, 100.0)
    assert {tuple(sampler.draw("▁ab", random.Random(seed))) for seed in range(50)} == {(5,)}


def test_bpe_probabilities() -> None:
    """Both ▁a and bc are possible at first. A dropped merge may be applied later, unless all were dropped at once."""
    sampler, generator = BPESampler(BPE, 0.5), random.Random(1)
    count = 20_000
    drawn = Counter(tuple(sampler.draw("▁abc", generator)) for _ in range(count))
    # First ▁a (1/2), bc (1/4) or nothing (1/4); then bc, or ▁a, with 1/2; then the whole with 1/2.
    shares = {(3, 4, 5, 6): 1 / 4, (0, 5, 6): 1 / 4, (3, 4, 1): 1 / 8, (0, 1): 3 / 16, (2,): 3 / 16}
    assert set(drawn) == set(shares)
    for ids, share in shares.items():
        assert drawn[ids] / count == pytest.approx(share, abs=0.015)


@pytest.mark.parametrize(("dropout", "ids"), [(0.0, [2]), (1.0, [3, 4, 5, 6])])
def test_bpe_without_and_with_full_dropout(dropout: float, ids: list[int]) -> None:
    assert BPESampler(BPE, dropout).draw("▁abc", random.Random(1)) == ids


@pytest.mark.parametrize("given_pieces", [UNIGRAM, BPE])
def test_characters_without_a_piece_are_spelled_in_bytes(given_pieces: ScoredPieces) -> None:
    ids = make_sampler(given_pieces, 0.5).draw("▁é", random.Random(1))
    assert ids == [given_pieces.ids["▁"], 100 + 0xC3, 100 + 0xA9]


def test_bytes_are_a_last_resort() -> None:
    sampler = UnigramSampler(pieces({"▁": -1.0, "a": -2.0, "▁ab": -6.0}), 1.0)  # b has no piece of its own
    assert {tuple(sampler.draw("▁ab", random.Random(seed))) for seed in range(100)} == {(2,)}


def test_sampler_of_each_vocabulary_kind() -> None:
    assert isinstance(make_sampler(UNIGRAM, 0.5), UnigramSampler)
    assert isinstance(make_sampler(BPE, 0.5), BPESampler)
    lines = ["the cat sees the other cat", "other things are there"] * 5
    kinds: list[tuple[Kind, type]] = [("unigram", UnigramSampler), ("bpe", BPESampler)]
    for kind, sampler in kinds:
        subword = Subword.train(lines, vocab_size=320, kind=kind)
        assert isinstance(make_sampler(subword._scored_pieces(), 0.5), sampler)


def test_bpe_without_dropout_is_sentencepiece(subword: Subword) -> None:
    scored = subword._scored_pieces()
    if not scored.has_bpe_ranks():
        pytest.skip("for BPE only")
    sampler = BPESampler(scored, 0.0)
    for text in ("the small cat sees très 고양이 ?", "gardens  houses 😀x", ""):
        assert sample_ids(escape_text(text), sampler, random.Random(1)) == subword.encode_ids([text])[0]


@given(text=st.text(st.sampled_from("ab é한▁\u0301") | st.characters()), seed=st.integers())
def test_sampled_segmentations_spell_the_same_text(subword: Subword, text: str, seed: int) -> None:
    [ids] = subword.encode_ids([text], sample_alpha=0.2, seed=seed)
    assert subword.decode(ids).text == subword.decode(subword.encode(text).ids).text
    assert subword.encode_ids([text], sample_alpha=0.2, seed=seed) == [ids]


def test_every_alpha_has_its_own_distribution(subword: Subword) -> None:
    texts = ["the small house ?"] * 50
    first = subword.encode_ids(texts, sample_alpha=0.1, seed=1)
    assert subword.encode_ids(texts, sample_alpha=0.9, seed=1) != first
    assert subword.encode_ids(texts, sample_alpha=0.1, seed=1) == first


def test_very_long_words_are_sampled_in_parts(subword: Subword) -> None:
    text = "cat" * 10_000
    [ids] = subword.encode_ids([text], sample_alpha=0.3, seed=1)
    assert subword.decode(ids).text == text
