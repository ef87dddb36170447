"""Pairs are held out with all other translations of their source."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from regard.data.held_out import choose_unshared, hold_out
from regard.values import Pair

PAIRS = st.lists(st.builds(Pair, st.sampled_from("abcde"), st.sampled_from("xyz")), max_size=12)


@given(PAIRS, st.sets(st.sampled_from("abcde")))
def test_no_source_is_in_both_parts_and_no_pair_is_lost(pairs: list[Pair], chosen: set[str]) -> None:
    offered: list[str] = []

    def choose(sources: Sequence[str]) -> list[str]:
        offered.extend(sources)
        return [source for source in sources if source in chosen]

    rest, held_out = hold_out(pairs, choose)
    assert offered == list(dict.fromkeys(pair.src for pair in pairs))
    assert rest == [pair for pair in pairs if pair.src not in chosen]
    assert held_out == [pair for pair in pairs if pair.src in chosen]


@given(PAIRS, st.permutations("abcde"), st.integers(1, 4))
def test_no_sentence_of_either_side_is_in_both_parts(pairs: list[Pair], ranked: list[str], count: int) -> None:
    sources = {pair.src for pair in pairs}
    chosen = choose_unshared(pairs, [source for source in ranked if source in sources], count)
    rest, held_out = hold_out(pairs, lambda _: chosen)
    assert len(set(chosen)) == len(chosen) <= count
    assert not {pair.src for pair in rest} & {pair.src for pair in held_out}
    assert not {pair.tgt for pair in rest} & {pair.tgt for pair in held_out}
    assert sorted(map(str, rest + held_out)) == sorted(map(str, pairs))


def test_sources_are_chosen_in_their_order_where_no_target_is_shared() -> None:
    pairs = [Pair(f"source {i}", f"target {i}") for i in range(50)]
    ranked = [pair.src for pair in reversed(pairs)]
    assert choose_unshared(pairs, ranked, 7) == ranked[:7]


def test_a_large_group_is_passed_over_and_a_source_out_of_the_ranking_keeps_its_group() -> None:
    pairs = [Pair(f"yes {i}", "oui") for i in range(30)] + [Pair(f"cat {i}", f"chat {i // 2}") for i in range(80)]
    ranked = [pair.src for pair in pairs if pair.src != "cat 3"]
    chosen = choose_unshared(pairs, ranked, 40)
    assert chosen == ["cat 0", "cat 1"] + [f"cat {i}" for i in range(4, 42)]
    assert choose_unshared(pairs[:30], ranked[:30], 29) == []


def test_a_long_chain_of_shared_targets_is_one_group() -> None:
    pairs = [Pair(f"s{(i + shift) % 5000}", f"t{i}") for i in range(5000) for shift in (0, 1)]
    assert choose_unshared(pairs, [pair.src for pair in pairs[::2]], 4999) == []
