"""Streams of prepared corpora: every pair once per epoch, exact positions, the same batches for all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from prepared_shards import prepare

from regard.data.corpus import Corpus, Resampling
from regard.data.prepared.corpus import PreparedCorpus
from regard.data.prepared.stream import PreparedStream
from regard.data.sampling import BatchSampler
from regard.data.stream import BatchStream
from regard.errors import CheckpointError, DataError, ShapeError
from regard.text.subword import Subword
from regard.values import Batch, Pair, Specials


@pytest.fixture
def corpus(tmp_path: Path, subword: Subword, pairs: list[Pair]) -> PreparedCorpus:
    prepare(tmp_path, [pairs[:70], pairs[70:]], subword)
    return PreparedCorpus(tmp_path)


@pytest.fixture(params=[0.0, 0.1], ids=["best", "sampled"])
def resampling(request: pytest.FixtureRequest, subword: Subword) -> Resampling | None:
    return Resampling(subword, subword, request.param, 60) if request.param else None


def make(
    corpus: PreparedCorpus,
    resampling: Resampling | None = None,
    *,
    batch_tokens: int = 250,
    seed: int = 1,
    window_size: int = 64,
) -> PreparedStream:
    return PreparedStream(
        corpus,
        batch_tokens=batch_tokens,
        seed=seed,
        specials=Specials(),
        resampling=resampling,
        window_size=window_size,
    )


def flat(batch: Batch) -> tuple[list[list[int]], list[list[int]], list[list[int]], list[int]]:
    return batch.src_ids.tolist(), batch.tgt_in_ids.tolist(), batch.tgt_out_ids.tolist(), list(batch.indices)


def test_an_epoch_has_every_pair_once(
    corpus: PreparedCorpus, resampling: Resampling | None, subword: Subword, pairs: list[Pair]
) -> None:
    stream = make(corpus, resampling)
    assert stream.plan.num_windows(0) == 3
    for number in range(2):
        batches = []
        while stream.epoch < number + 1:
            batches.append(next(stream))
        assert sorted(row for batch in batches for row in batch.indices) == list(range(len(corpus)))
        for batch in batches:
            assert max(batch.src_ids.numel(), batch.tgt_in_ids.numel()) <= 250
            for index, row in enumerate(batch.indices):
                assert subword.decode(batch.src_ids[index].tolist()).text == pairs[row].src
                assert subword.decode(batch.tgt_out_ids[index].tolist()).text == pairs[row].tgt


def test_a_small_corpus_has_the_batches_of_a_corpus_in_memory(
    corpus: PreparedCorpus, subword: Subword, pairs: list[Pair]
) -> None:
    in_memory = BatchStream(
        Corpus.encode(pairs, subword, subword, max_len=60), batch_tokens=250, seed=1, specials=Specials()
    )
    stream = make(corpus, window_size=180)
    assert stream.batches_per_epoch == in_memory.batches_per_epoch
    for _ in range(3 * stream.batches_per_epoch):
        assert flat(next(stream)) == flat(next(in_memory))
        assert stream.epoch == in_memory.epoch


def test_a_restored_stream_continues_exactly(corpus: PreparedCorpus, resampling: Resampling | None) -> None:
    stream = make(corpus, resampling)
    states, seen = [], []
    for _ in range(3 * stream.batches_per_epoch):
        states.append(stream.state())
        seen.append(flat(next(stream)))
    again = make(corpus, resampling)
    for number in (len(states) - 9, 0, 5, len(states) // 2, 1, 2):
        again.restore(states[number])
        assert again.state() == states[number]
        assert [flat(next(again)) for _ in range(8)] == seen[number : number + 8]


def test_skipped_batches_lead_to_the_position_of_iterated_batches(
    corpus: PreparedCorpus, resampling: Resampling | None
) -> None:
    total = 2 * make(corpus, resampling).batches_per_epoch + 7
    stream = make(corpus, resampling)
    states, seen = [], []
    for _ in range(total + 1):
        states.append(stream.state())
        seen.append(flat(next(stream)))
    for count in (0, 1, 5, total // 2, total):
        skipped = make(corpus, resampling)
        skipped.skip(count)
        assert skipped.state() == states[count]
        assert flat(next(skipped)) == seen[count]
    with pytest.raises(ShapeError, match="at least 0, got -1"):
        stream.skip(-1)


@pytest.mark.parametrize("pattern", [[0, 1], [0, 2], [0, 1, 3], [1, 0, 0, 4]])
def test_workers_that_share_batches_see_the_same_ones(
    corpus: PreparedCorpus, resampling: Resampling | None, pattern: list[int]
) -> None:
    whole, shared = make(corpus, resampling), make(corpus, resampling)
    seen = [flat(next(whole)) for _ in range(60)]
    number = turn = 0
    while number < 40:
        assert flat(next(shared)) == seen[number]
        skipped = pattern[turn % len(pattern)]
        shared.skip(skipped)
        number, turn = number + 1 + skipped, turn + 1


def test_sampled_sentences_differ_from_epoch_to_epoch(corpus: PreparedCorpus, subword: Subword) -> None:
    stream = make(corpus, Resampling(subword, subword, 0.1, 60))
    epochs = []
    for number in range(2):
        rows: dict[int, list[int]] = {}
        while stream.epoch < number + 1:
            batch = next(stream)
            rows |= {row: batch.src_ids[at, : batch.src_len[at]].tolist() for at, row in enumerate(batch.indices)}
        epochs.append(rows)
    assert sum(epochs[0][row] != epochs[1][row] for row in epochs[0]) > len(corpus) / 3


def test_a_sample_depends_on_seed_epoch_and_row_only(corpus: PreparedCorpus, subword: Subword) -> None:
    def sample(rows: list[int], epoch: int, seed: int = 1, batch_tokens: int = 10_000) -> list[list[int]]:
        sampler = BatchSampler(Resampling(subword, subword, 0.1, 60), seed=seed)
        texts = [corpus.texts(row) or ("", "") for row in rows]
        best = [corpus.pair_ids(row) for row in rows]
        sides = sampler.sample(rows, texts, best, epoch=epoch, batch_tokens=batch_tokens)
        return [src.tolist() for src, _ in sides]

    rows = list(range(40))
    together = sample(rows, 3)
    assert [sample([row], 3)[0] for row in reversed(rows)] == together[::-1]
    assert sample(rows, 4) != together
    assert sample(rows, 3, seed=2) != together
    best = [corpus.src_ids(row).tolist() for row in rows]
    assert sample(rows, 3, batch_tokens=40 * 2) == best  # anything else would not fit


def test_sampling_needs_text(tmp_path: Path, pairs: list[Pair], subword: Subword) -> None:
    prepare(tmp_path, [pairs], subword, with_text=False)
    with pytest.raises(DataError, match=r"subword.sample_alpha needs the text"):
        make(PreparedCorpus(tmp_path), Resampling(subword, subword, 0.1, 60))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("seed", 2, "the training to resume had seed = 2, but now it is 1"),
        ("batch_tokens", 10, "had batch_tokens = 10, but now it is 250"),
        ("num_pairs", None, "had num_pairs = None, but now it is 180"),
        ("window_size", 9, "had window_size = 9, but now it is 64"),
        ("batch", 10**6, "expected a position in a stream of .*, got epoch 0, window 0, batch 1000000"),
        ("window", 3, "got epoch 0, window 3, batch 0"),
        ("window", None, "got epoch 0, window -1, batch 0"),
        ("epoch", -2, "got epoch -2, window 0, batch 0"),
    ],
)
def test_another_training_is_refused(corpus: PreparedCorpus, name: str, value: int | None, message: str) -> None:
    stream = make(corpus)
    state = {key: entry for key, entry in {**stream.state(), name: value}.items() if entry is not None}
    with pytest.raises(CheckpointError, match=message):
        stream.restore(state)


def test_a_damaged_shard_ends_the_stream(corpus: PreparedCorpus) -> None:
    path = corpus.directory / "part-00001.safetensors"
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match=r"part-00001.safetensors: damaged"):
        make(PreparedCorpus(corpus.directory))


def test_rows_are_not_in_the_order_of_the_text(corpus: PreparedCorpus) -> None:
    stream = make(corpus)
    rows = [row for batch in (next(stream) for _ in range(stream.batches_per_epoch // 3)) for row in batch.indices]
    assert np.ptp(rows) > 140  # the first window has pairs from everywhere
