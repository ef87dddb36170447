"""Scores by source length: every sentence is in one bucket, and each bucket is scored separately."""

from __future__ import annotations

import pytest

from regard.errors import DataError
from regard.evaluate.length import by_source_length
from regard.evaluate.scores import corpus_bleu, corpus_chrf


def words(count: int) -> str:
    return " ".join(f"w{number}" for number in range(count))


def test_each_bucket_is_scored_separately() -> None:
    lengths = [1, 9, 10, 19, 25, 61, 0]
    sources = [words(count) for count in lengths]
    references = ["le chat dort sur le lit", "un", *["le chien court dans le jardin"] * 5]
    hypotheses = ["le chat dort sur un lit", "un", *["le chien court dans un jardin"] * 4, "autre chose"]
    rows = by_source_length(sources, hypotheses, references)
    assert [row.label for row in rows] == ["0-9", "10-19", "20-29", "50+"]
    assert [row.num_sentences for row in rows] == [3, 2, 1, 1]
    for row, numbers in zip(rows, ([0, 1, 6], [2, 3], [4], [5]), strict=True):
        lines, right = [hypotheses[n] for n in numbers], [references[n] for n in numbers]
        assert row.bleu == corpus_bleu(lines, right)
        assert row.chrf == corpus_chrf(lines, right)


def test_edges_begin_a_bucket() -> None:
    sources = [words(count) for count in (4, 5, 7, 8)]
    rows = by_source_length(sources, sources, sources, edges=(5, 8))
    assert [(row.shortest, row.longest, row.num_sentences) for row in rows] == [(0, 4, 1), (5, 7, 2), (8, None, 1)]
    assert by_source_length(sources, sources, sources, edges=())[0].label == "0+"


def test_impossible_requests_are_refused() -> None:
    with pytest.raises(DataError, match="numbers of at least 1 in increasing order, got 10, 10"):
        by_source_length(["a"], ["a"], ["a"], edges=(10, 10))
    with pytest.raises(DataError, match="numbers of at least 1 in increasing order, got 0"):
        by_source_length(["a"], ["a"], ["a"], edges=(0,))
    with pytest.raises(DataError, match="got 1 translations and 2 references"):
        by_source_length(["a", "b"], ["a"], ["a", "b"])
    with pytest.raises(DataError, match="got 1 sources and 2 references"):
        by_source_length(["a"], ["a", "b"], ["a", "b"])
