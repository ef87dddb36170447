"""Histograms: nothing is lost between ranges, and the text shows what was counted."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.data.cleaning.histogram import Bin, Lengths, draw_png, draw_text


def counted(lengths: list[int]) -> Lengths:
    histogram = Lengths()
    histogram.add(lengths)
    return histogram


@given(st.lists(st.integers(0, 9000)), st.integers(1, 30))
def test_every_length_is_in_one_range(lengths: list[int], number: int) -> None:
    bins = counted(lengths).bins(number)
    assert sum(each.count for each in bins) == len(lengths)
    assert bins[0].low == 0
    for each in bins:
        high = 10_000 if each.high is None else each.high
        assert each.count == sum(each.low <= length <= high for length in lengths)


@given(st.lists(st.integers(0, 5000), min_size=1), st.floats(0.01, 1))
def test_quantiles(lengths: list[int], share: float) -> None:
    quantile = counted(lengths).quantile(share)
    assert sum(length <= quantile for length in lengths) >= share * len(lengths)
    assert sum(length < quantile for length in lengths) < share * len(lengths)


def test_mean_and_maximum_count_lengths_beyond_the_last_range() -> None:
    histogram = counted([1, 1_000_000])
    histogram.add([2])
    assert (histogram.number, histogram.maximum, histogram.mean) == (3, 1_000_000, 1_000_003 / 3)


def test_nothing() -> None:
    histogram = counted([])
    assert (histogram.number, histogram.mean, histogram.quantile(0.5)) == (0, 0.0, 0)
    assert sum(each.count for each in histogram.bins()) == 0
    assert draw_text([]) == []


def test_a_small_count_still_has_a_bar() -> None:
    lines = draw_text([Bin(0, 0, 1), Bin(1, 1, 1_000_000), Bin(2, 2, 0)], width=10)
    assert "▏" in lines[0]
    assert "█" * 10 in lines[1]
    assert lines[2].split() == ["2", "0"]


def test_a_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "lengths.png"
    draw_png(
        path, [("one", [("source", counted([3, 5])), ("target", counted([]))]), ("two", [("source", counted([7]))])]
    )
    assert path.read_bytes().startswith(b"\x89PNG")
