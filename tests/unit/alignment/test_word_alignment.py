"""Word alignment from attention, and Pharaoh lines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from regard.alignment.readout import Readout
from regard.alignment.word_alignment import parse_pharaoh, pharaoh, read_pharaoh, word_alignment
from regard.errors import DataError, ShapeError
from regard.inspection.record import AttentionRecord
from regard.values import Encoding

Encode = Callable[[str], Encoding]


def test_words_are_linked_from_both_sides(day: AttentionRecord) -> None:
    # `s'est` attends to `was`, `journée` to `day?`, whose two subwords count together; `?` attends to </s>, and no
    # source word has its largest share there.
    assert word_alignment(day) == ((0, 0), (1, 1), (2, 2), (3, 3))
    assert word_alignment(day) == Readout().links(day)
    assert word_alignment(day, readout=Readout("strongest", shifted=True)) == ((1, 0), (2, 1), (3, 2))


def test_links_are_sorted_by_source(encode: Encode) -> None:
    weights = torch.tensor([[[0.1, 0.9, 0.0], [0.9, 0.1, 0.0], [0.0, 0.0, 1.0]]])
    record = AttentionRecord(encode("a b"), encode("c d"), (weights,))
    assert word_alignment(record) == ((0, 1), (1, 0))


def test_ties(encode: Encode) -> None:
    weights = torch.tensor([[[0.3, 0.3, 0.3], [0.0, 0.0, 0.0], [0.0, 0.0, 1.0]]])
    record = AttentionRecord(encode("a b"), encode("c d"), (weights,))
    strongest = Readout("strongest")
    assert strongest.links(record) == ((0, 0),)  # the first of equal words; no link without weight


def test_a_layer_and_a_head_can_be_chosen(encode: Encode) -> None:
    heads = torch.tensor([[[1.0, 0, 0], [0, 0, 1]], [[0, 1.0, 0], [0, 0, 1]]])
    record = AttentionRecord(encode("a b"), encode("c"), (heads,))
    assert word_alignment(record, head=1) == ((1, 0),)
    assert word_alignment(record, layer=0, head=0) == ((0, 0),)
    with pytest.raises(ShapeError, match="there is no head 2"):
        word_alignment(record, head=2)


link = st.tuples(st.integers(0, 99), st.integers(0, 99))


@given(st.sets(link), st.sets(link))
def test_pharaoh_round_trip(sure: set[tuple[int, int]], possible: set[tuple[int, int]]) -> None:
    sure_links, all_links = tuple(sorted(sure)), tuple(sorted(sure | possible))
    assert parse_pharaoh(pharaoh(sure_links)).sure == sure_links
    line = " ".join([*(f"{i}-{j}" for i, j in sure), *(f"{i}p{j}" for i, j in possible)])
    gold = parse_pharaoh(line)
    assert (gold.sure, gold.possible) == (sure_links, all_links)


@pytest.mark.parametrize("text", ["1", "1-", "-1-2", "a-b", "1-2-3", "1P2", "1:2", "1.5-2", "²-1", "٣-1"])
def test_wrong_links_are_refused(text: str) -> None:
    with pytest.raises(DataError, match=r"gold\.txt:7: expected links such as 0-0") as caught:
        parse_pharaoh(f"0-0 {text}", location="gold.txt:7")
    assert repr(text) in str(caught.value)


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "gold.align"
    path.write_text("0-0 1p1\n\n2-1\n", encoding="utf-8")
    assert [links.possible for links in read_pharaoh(path)] == [((0, 0), (1, 1)), (), ((2, 1),)]
    path.write_text("0-0\n0/0\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"gold\.align:2: .*'0/0'"):
        list(read_pharaoh(path))
    path.write_bytes(b"\xff\n")
    with pytest.raises(DataError, match=r"cannot read word alignments from .*gold\.align"):
        list(read_pharaoh(path))
    with pytest.raises(DataError, match="missing"):
        list(read_pharaoh(tmp_path / "missing"))
