"""The most and least attended words."""

from __future__ import annotations

import pytest
from records import MakeRecord

from regard.errors import ShapeError
from regard.inspection.ranking import most_and_least
from regard.inspection.record import AttentionRecord


def test_the_day(day: AttentionRecord) -> None:
    rankings = most_and_least(day, k=2)
    assert [ranking.word for ranking in rankings] == list(day.tgt_words)
    journee = rankings[3]
    assert [(source.word, source.index) for source in journee.most] == [("day?", 3), ("your", 2)]
    assert [source.word for source in journee.least] == ["How", "was"]  # a tie at 0: the earlier word first
    assert journee.most[0].weight == pytest.approx(0.9)
    assert journee.end_weight == pytest.approx(0.1)


@pytest.mark.parametrize("k", [1, 2, 3, 10])
def test_the_lists_are_sorted_and_share_no_word(make_record: MakeRecord, k: int) -> None:
    record = make_record("a b c d e|f", "g h|i j", heads=2)
    for ranking, row in zip(most_and_least(record, k), record.words().tolist(), strict=True):
        most, least = [source.weight for source in ranking.most], [source.weight for source in ranking.least]
        assert most == sorted(row[:-1], reverse=True)[:k]
        assert least == sorted(row[:-1])[: min(k, 5 - len(most))]
        assert not {source.index for source in ranking.most} & {source.index for source in ranking.least}


def test_a_layer_and_a_head_can_be_chosen(korean: AttentionRecord) -> None:
    first = most_and_least(korean, 1, layer=1, head=0)[0].most[0]
    assert first.weight == pytest.approx(float(korean.words(1, 0)[0, :-1].max()))


def test_k_must_be_positive(day: AttentionRecord) -> None:
    with pytest.raises(ShapeError, match="k=0"):
        most_and_least(day, 0)
