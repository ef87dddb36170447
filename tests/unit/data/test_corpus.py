"""Corpora: correct ids in the right rows, and compact."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.data import corpus as corpus_module
from regard.data.corpus import Corpus, Ragged, Resampling
from regard.errors import DataError
from regard.text.subword import Subword
from regard.values import Pair

ROWS = st.lists(st.lists(st.integers(0, 9), max_size=5), max_size=8)


def rows_of(ragged: Ragged) -> list[list[int]]:
    return [ragged[row].tolist() for row in range(len(ragged))]


@given(ROWS, ROWS, st.data())
def test_ragged_rows(rows: list[list[int]], more: list[list[int]], data: st.DataObject) -> None:
    ragged = Ragged.from_rows(rows)
    assert rows_of(ragged) == rows
    assert ragged.lengths.tolist() == [len(row) for row in rows]
    assert rows_of(Ragged.join([ragged, Ragged.from_rows(more)])) == rows + more
    if rows:
        chosen = data.draw(st.lists(st.integers(0, len(rows) - 1)))
        assert rows_of(ragged.take(np.array(chosen, dtype=np.int64))) == [rows[row] for row in chosen]
    for outside in (-1, len(rows)):
        with pytest.raises(IndexError):
            ragged[outside]


def test_ids_are_compact() -> None:
    ragged = Ragged.join([Ragged.from_rows([[1, 2], [3]])])
    assert (ragged.values.dtype, ragged.offsets.dtype) == (np.dtype(np.int32), np.dtype(np.int64))
    assert ragged.values.nbytes == 12


def test_rows_are_the_pairs(subword: Subword, pairs: list[Pair], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus_module, "_CHUNK", 7)
    corpus = Corpus.encode(pairs, subword, subword, max_len=100)
    assert len(corpus) == len(pairs)
    assert corpus.num_dropped == 0
    for row, pair in enumerate(pairs):
        assert subword.decode(corpus.src_ids(row).tolist()).text == pair.src == corpus.pairs[row].src
        assert subword.decode(corpus.tgt_ids(row).tolist()).text == pair.tgt
        assert corpus.src_lens[row] == len(corpus.src_ids(row))
        assert corpus.tgt_lens[row] == len(corpus.tgt_ids(row))


def test_long_pairs_are_dropped_and_counted(subword: Subword) -> None:
    pairs = [Pair("a cat", "a cat", 1), Pair("a " * 30, "a", 2), Pair("a", "a " * 30, 3), Pair("a dog", "a dog", 4)]
    limit = max(len(ids) for ids in subword.encode_ids(["a cat", "a dog"]))
    corpus = Corpus.encode(pairs, subword, subword, max_len=limit)  # exactly the limit is allowed
    assert corpus.num_dropped == 2
    assert [pair.line for pair in corpus.pairs] == [1, 4]
    assert subword.decode(corpus.src_ids(1).tolist()).text == "a dog"


@pytest.mark.parametrize(("pairs", "count"), [([], 0), ([Pair("a cat", "a cat")] * 3, 3)])
def test_a_corpus_without_short_pairs_is_refused(subword: Subword, pairs: list[Pair], count: int) -> None:
    with pytest.raises(DataError, match=f"none of the {count} sentence pairs has at most data.max_len = 1 subwords"):
        Corpus.encode(pairs, subword, subword, max_len=1)


def test_a_corpus_keeps_the_options_of_sampling(subword: Subword, pairs: list[Pair]) -> None:
    corpus = Corpus.encode(pairs, subword, subword, max_len=100, sample_alpha=0.1)
    assert corpus.resampling == Resampling(subword, subword, 0.1, 100)
    assert rows_of(corpus.src) == subword.encode_ids([pair.src for pair in pairs])  # the best segmentation
    assert Corpus.join([corpus, corpus]).resampling == corpus.resampling
    assert Corpus.encode(pairs, subword, subword, max_len=100).resampling is None


def test_corpora_need_no_torch() -> None:
    code = "import regard.data.corpus, regard.data.bucket, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
