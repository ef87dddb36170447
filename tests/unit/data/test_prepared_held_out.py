"""Sources to hold out, from keys: whole groups of sentences that share translations, in constant memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from regard.data.hashes import Keys
from regard.data.linked_groups import linked_groups
from regard.data.prepared import held_out
from regard.data.prepared.held_out import Chosen, choose_held_out, count_shared_targets


class Blocks:
    """The keys of a corpus, in blocks of 100 pairs; pairs from `first_tagged` on are of another corpus."""

    def __init__(self, pairs: list[tuple[int, int]], first_tagged: int | None = None) -> None:
        # Keys of sentences are hashes.
        self.keys = np.random.default_rng(1).integers(0, 2**64, 100_000, np.uint64)[np.array(pairs)]
        self.first_tagged = len(pairs) if first_tagged is None else first_tagged
        self.num_readings = 0

    def __call__(self) -> Iterator[tuple[Keys, bool]]:
        self.num_readings += 1
        for part, is_eligible in ((self.keys[: self.first_tagged], True), (self.keys[self.first_tagged :], False)):
            for start in range(0, len(part), 100):
                yield part[start : start + 100], is_eligible

    def check_separate(self, chosen: Chosen) -> None:
        inside = np.isin(self.keys[:, 0], chosen.keys)
        assert not set(self.keys[inside, 1].tolist()) & set(self.keys[~inside, 1].tolist())


def random_pairs(size: int, sources: int, targets: int) -> list[tuple[int, int]]:
    draw = np.random.default_rng(size)
    return list(
        zip(draw.integers(0, sources, size).tolist(), (50_000 + draw.integers(0, targets, size)).tolist(), strict=True)
    )


@pytest.mark.parametrize(("sources", "targets"), [(3000, 3000), (6000, 2000), (2000, 6000), (40_000, 40_000)])
def test_no_sentence_is_on_both_sides(sources: int, targets: int) -> None:
    blocks = Blocks(random_pairs(3000, sources, targets))
    chosen = choose_held_out(blocks, seed=3, share=0.02, limit=50)
    assert chosen.is_separate
    assert 1 <= len(chosen.keys) <= 50
    blocks.check_separate(chosen)
    assert count_shared_targets(blocks, chosen.keys) == 0


def test_whole_groups_are_chosen() -> None:
    blocks = Blocks(random_pairs(3000, 6000, 4000))
    chosen = choose_held_out(blocks, seed=3, share=0.2, limit=400)
    groups = linked_groups(blocks.keys[:, 0], blocks.keys[:, 1])
    inside = np.isin(blocks.keys[:, 0], chosen.keys)
    assert not set(groups[inside].tolist()) & set(groups[~inside].tolist())
    assert 200 < len(chosen.keys) <= 400


def test_the_choice_depends_on_the_seed_only() -> None:
    pairs = random_pairs(2000, 4000, 4000)
    first = choose_held_out(Blocks(pairs), seed=3, share=0.05, limit=50)
    assert first.keys.tolist() == choose_held_out(Blocks(pairs), seed=3, share=0.05, limit=50).keys.tolist()
    assert first.keys.tolist() != choose_held_out(Blocks(pairs), seed=4, share=0.05, limit=50).keys.tolist()


def test_text_that_shares_all_translations_is_divided_by_source() -> None:
    blocks = Blocks([(source, 50_000 + source % 2) for source in range(500)])
    chosen = choose_held_out(blocks, seed=3, share=0.1, limit=200)
    assert not chosen.is_separate
    assert len(chosen.keys) == 50
    assert count_shared_targets(blocks, chosen.keys) == 50


def test_a_long_chain_is_not_chosen() -> None:
    """Sentence n shares its translations with its neighbors; nothing else is linked."""
    chain = [pair for n in range(1000) for pair in ((n, 50_000 + n), (n, 50_001 + n))]
    alone = [(5000 + n, 60_000 + n) for n in range(1000)]
    blocks = Blocks([*chain, *alone])
    chosen = choose_held_out(blocks, seed=3, share=0.02, limit=100)
    assert chosen.is_separate
    assert 10 <= len(chosen.keys) <= 40
    blocks.check_separate(chosen)
    assert blocks.num_readings <= 2 * held_out._MAX_PASSES + 1


def test_sentences_that_a_tagged_corpus_shares_are_not_chosen() -> None:
    pairs = [(n, 50_000 + n) for n in range(400)] + [(n, 60_000 + n) for n in range(200)]
    blocks = Blocks(pairs, first_tagged=400)
    chosen = choose_held_out(blocks, seed=3, share=0.1, limit=200)
    assert chosen.num_sources == 400
    assert chosen.is_separate
    assert len(chosen.keys) > 5
    assert not np.isin(chosen.keys, blocks.keys[400:, 0]).any()


def test_the_number_of_sources_is_estimated() -> None:
    pairs = [(n % 30_000, 50_000 + n % 40_000) for n in range(60_000)]
    chosen = choose_held_out(Blocks(pairs), seed=1, share=0.5, limit=1000)
    assert chosen.num_sources == pytest.approx(30_000, rel=0.05)
    assert len(chosen.keys) <= 1000
