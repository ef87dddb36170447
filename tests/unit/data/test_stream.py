"""Streams: every sentence once per epoch, and exact restoring of positions."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from regard.data.corpus import Corpus, Ragged
from regard.data.mixture import CorpusShare
from regard.data.source_noise import SourceNoise
from regard.data.stream import BatchStream
from regard.errors import CheckpointError, DataError, ShapeError
from regard.text.subword import Subword
from regard.values import Batch, Pair, Specials


def make(corpus: Corpus, *, batch_tokens: int = 150, seed: int = 1) -> BatchStream:
    return BatchStream(corpus, batch_tokens=batch_tokens, seed=seed, specials=Specials())


@pytest.fixture(params=[0.0, 0.1], ids=["best", "sampled"])
def corpus(request: pytest.FixtureRequest, subword: Subword, pairs: list[Pair]) -> Corpus:
    return Corpus.encode(pairs, subword, subword, max_len=100, sample_alpha=request.param)


def flat(batch: Batch) -> tuple[list[list[int]], list[list[int]], list[list[int]], list[int]]:
    return batch.src_ids.tolist(), batch.tgt_in_ids.tolist(), batch.tgt_out_ids.tolist(), list(batch.indices)


def test_an_epoch_has_every_sentence_once(corpus: Corpus, subword: Subword) -> None:
    stream = make(corpus)
    for number in range(3):
        batches = []
        while stream.epoch < number + 1:
            batches.append(next(stream))
        assert len(batches) == stream.batches_per_epoch
        assert sorted(row for batch in batches for row in batch.indices) == list(range(len(corpus)))
        for batch in batches:
            assert max(batch.src_ids.numel(), batch.tgt_in_ids.numel()) <= 150
            for number, row in enumerate(batch.indices):
                assert subword.decode(batch.src_ids[number].tolist()).text == corpus.pairs[row].src
                assert subword.decode(batch.tgt_out_ids[number].tolist()).text == corpus.pairs[row].tgt


def test_progress(corpus: Corpus) -> None:
    stream = make(corpus)
    count = stream.batches_per_epoch
    assert stream.epoch == 0
    assert iter(stream) is stream
    next(stream)
    assert stream.epoch == pytest.approx(1 / count)
    for _ in range(count - 1):
        next(stream)
    assert stream.epoch == 1
    next(stream)
    assert 1 < stream.epoch < 1.5


def test_the_same_seed_gives_the_same_batches(corpus: Corpus) -> None:
    stream, same, other = make(corpus), make(corpus), make(corpus, seed=-2)
    batches = [flat(next(stream)) for _ in range(30)]
    assert [flat(next(same)) for _ in range(30)] == batches
    assert [flat(next(other)) for _ in range(30)] != batches


def segmented(stream: BatchStream, count: int) -> list[dict[int, tuple[list[int], list[int]]]]:
    """Source and target ids of each row, without special tokens, of the next epochs."""
    epochs = []
    for number in range(count):
        rows = {}
        while stream.epoch < number + 1:
            batch = next(stream)
            for at, row in enumerate(batch.indices):
                src, tgt = batch.src_ids[at, : batch.src_len[at] - 1], batch.tgt_out_ids[at, : batch.tgt_len[at] - 1]
                rows[row] = src.tolist(), tgt.tolist()
        epochs.append(rows)
    return epochs


def test_sampled_sentences_differ_from_epoch_to_epoch(subword: Subword, pairs: list[Pair]) -> None:
    corpus = Corpus.encode(pairs, subword, subword, max_len=100, sample_alpha=0.1)
    first, second = segmented(make(corpus), 2)
    assert sorted(first) == sorted(second) == list(range(len(corpus)))
    for side in (0, 1):
        assert sum(first[row][side] != second[row][side] for row in first) > len(pairs) / 3
    for rows in (first, second):
        for row, (src, tgt) in rows.items():
            texts = subword.decode(src).text, subword.decode(tgt).text
            assert texts == (corpus.pairs[row].src, corpus.pairs[row].tgt)
    again, _ = segmented(make(corpus), 2)
    assert again == first


def test_sampled_batches_stay_within_their_limits(subword: Subword, pairs: list[Pair]) -> None:
    limit = max(len(ids) for pair in pairs for ids in subword.encode_ids([pair.src, pair.tgt]))
    corpus = Corpus.encode(pairs, subword, subword, max_len=limit, sample_alpha=0.1)
    stream = make(corpus)
    num_sampled = num_best = 0
    while stream.epoch < 1:
        batch = next(stream)
        assert len(batch.indices) * max(batch.src_ids.shape[1], batch.tgt_out_ids.shape[1]) <= stream.batch_tokens
        assert int(batch.src_len.max()) <= limit + 1
        num_sampled += int(batch.src_len.sum())
        num_best += sum(len(corpus.src_ids(row)) + 1 for row in batch.indices)
    assert num_sampled > num_best


def test_an_epoch_begins_without_sampling_all_sentences(
    subword: Subword, pairs: list[Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = make(Corpus.encode(pairs, subword, subword, max_len=100, sample_alpha=0.1))
    sampled: list[list[str]] = []
    encode = Subword.encode_ids

    def counting(self: Subword, texts: Sequence[str], *, sample_alpha: float = 0.0, seed: int = 0) -> list[list[int]]:
        sampled.append(list(texts))
        return encode(self, texts, sample_alpha=sample_alpha, seed=seed)

    monkeypatch.setattr(Subword, "encode_ids", counting)
    stream.skip(stream.batches_per_epoch)
    assert sum(map(len, sampled)) == 0
    assert next(stream).indices  # and a few of the next ones
    assert 0 < sum(map(len, sampled)) < len(pairs)


@pytest.mark.parametrize("sample_alpha", [0.0, 0.1])
def test_altered_sources_are_not_sampled(subword: Subword, pairs: list[Pair], sample_alpha: float) -> None:
    corpus = Corpus.encode(pairs, subword, subword, max_len=100, sample_alpha=sample_alpha)
    noise = SourceNoise(0.3, subword, 100, ("capitals",))
    stream = BatchStream(corpus, batch_tokens=200, seed=1, specials=Specials(), noise=noise)
    for epoch, rows in enumerate(segmented(stream, 2)):
        altered = noise.rows(len(corpus), seed=1, epoch=epoch).tolist()
        expected = noise.apply(corpus, seed=1, epoch=epoch)
        assert 0.1 * len(corpus) < len(altered) < 0.6 * len(corpus)
        for row in altered:
            assert rows[row][0] == expected.src_ids(row).tolist()
        others = sorted(set(rows) - set(altered))
        assert all(subword.decode(rows[row][0]).text == corpus.pairs[row].src for row in others)


def test_a_restored_stream_continues_exactly(corpus: Corpus) -> None:
    stream = make(corpus)
    positions = [0, 3, stream.batches_per_epoch - 1, stream.batches_per_epoch, stream.batches_per_epoch + 2, 40]
    states, seen = {}, []
    for number in range(60):
        if number in positions:
            states[number] = stream.state()
        seen.append(flat(next(stream)))
    for number, state in states.items():
        again = make(corpus)
        again.restore(state)
        assert again.state() == state
        assert [flat(next(again)) for _ in range(12)] == seen[number : number + 12]
    next(stream)
    stream.restore(states[3])  # an earlier position of the same stream
    assert flat(next(stream)) == seen[3]


def test_skipped_batches_lead_to_the_position_of_iterated_batches(corpus: Corpus) -> None:
    per_epoch = make(corpus).batches_per_epoch
    for before in (0, 3, per_epoch - 1, per_epoch):
        for count in (0, 1, per_epoch - 3, per_epoch, per_epoch + 1, 2 * per_epoch + 5):
            iterated, skipped = make(corpus), make(corpus)
            for _ in range(before + count):
                next(iterated)
            for _ in range(before):
                next(skipped)
            skipped.skip(count)
            assert skipped.state() == iterated.state()
            assert flat(next(skipped)) == flat(next(iterated))


def test_a_skipped_batch_is_not_collated(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = make(corpus)
    monkeypatch.setattr("regard.data.stream.collate", lambda *_, **__: pytest.fail("collated"))
    stream.skip(3)


def test_a_negative_number_of_batches_is_not_skipped(corpus: Corpus) -> None:
    stream = make(corpus)
    with pytest.raises(ShapeError, match="expected a number of batches to skip of at least 0, got -1"):
        stream.skip(-1)


def test_other_random_draws_change_nothing(corpus: Corpus, subword: Subword) -> None:
    first, second = make(corpus), make(corpus)
    for _ in range(25):
        torch.rand(1)
        subword.encode_ids(["the cat"], sample_alpha=0.5, seed=9)
        assert flat(next(first)) == flat(next(second))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("seed", 2, "the training to resume had seed = 2, but now it is 1"),
        ("batch_tokens", 10, "had batch_tokens = 10, but now it is 150"),
        ("num_pairs", 9, "had num_pairs = 9, but now it is 180"),
        ("num_pairs", None, "had num_pairs = None, but now it is 180"),
        ("batch", 10**6, "expected a position in a stream of .*, got epoch 0, batch 1000000"),
        ("batch", -1, "got epoch 0, batch -1"),
        ("batch", None, "got epoch 0, batch -1"),
        ("epoch", -2, "got epoch -2, batch 0"),
    ],
)
def test_another_training_is_refused(corpus: Corpus, name: str, value: int | None, message: str) -> None:
    stream = make(corpus)
    state = stream.state()
    state = {key: entry for key, entry in {**state, name: value}.items() if entry is not None}
    with pytest.raises(CheckpointError, match=message):
        stream.restore(state)


def test_an_empty_corpus_is_refused() -> None:
    with pytest.raises(DataError, match="got an empty corpus"):
        make(Corpus(Ragged.from_rows([]), Ragged.from_rows([])))


def test_a_stream_of_weighted_corpora_goes_on_where_it_was_saved(corpus: Corpus) -> None:
    shares = [CorpusShare(len(corpus) // 2, 0.7), CorpusShare(len(corpus) - len(corpus) // 2, 2.3)]

    def stream() -> BatchStream:
        return BatchStream(corpus, batch_tokens=128, seed=3, specials=Specials(), shares=shares)

    first = stream()
    for _ in range(2 * first.batches_per_epoch + 1):
        next(first)
    second = stream()
    second.restore(first.state())
    for _ in range(first.batches_per_epoch):
        batch, other = next(first), next(second)
        assert flat(batch) == flat(other)
