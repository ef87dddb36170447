"""Pairs are held out with all other translations of their source."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from regard.data.held_out import hold_out
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
