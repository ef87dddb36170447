"""Batches that do not fit into memory are split by rows, and the limit is lowered after repeated cases."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from regard.data.collate import collate
from regard.errors import ConfigError
from regard.train.memory import (
    FAILURES_BEFORE_LOWERING,
    MemoryLimit,
    Part,
    is_out_of_memory,
    padded_tokens,
    split_batch,
)
from regard.values import AlignmentTargets, Batch, Specials

LENGTHS = (3, 1, 4, 7, 5)


def batch(*lengths: int) -> Batch:
    rows = [list(range(4, 4 + length)) for length in lengths]
    return collate(rows, [row[:-1] for row in rows], specials=Specials(), indices=[10 + i for i in range(len(rows))])


def test_a_split_batch_has_the_same_rows_and_no_columns_of_padding_only() -> None:
    whole = batch(*LENGTHS)
    halves = split_batch(whole)
    assert [half.indices for half in halves] == [(10, 11), (12, 13, 14)]
    assert [half.src_ids.shape for half in halves] == [(2, 4), (3, 8)]
    assert [half.tgt_out_ids.shape for half in halves] == [(2, 3), (3, 7)]
    assert sum(half.num_tgt_tokens for half in halves) == whole.num_tgt_tokens
    for half, lengths in zip(halves, (LENGTHS[:2], LENGTHS[2:]), strict=True):
        alone = batch(*lengths)
        assert torch.equal(half.src_ids, alone.src_ids)
        assert torch.equal(half.tgt_in_ids, alone.tgt_in_ids)
        assert torch.equal(half.tgt_out_ids, alone.tgt_out_ids)
        assert torch.equal(half.src_len, alone.src_len)
        assert torch.equal(half.tgt_len, alone.tgt_len)


def test_alignment_targets_are_split_with_their_rows() -> None:
    indices = torch.tensor([[0, 1, 2, 4], [1, 0, 2, 3], [0, 0, 1, 2]])
    values = torch.tensor([0.1, 0.2, 0.3, 0.4])
    whole = batch(*LENGTHS)
    guided = replace(whole, alignment_targets=AlignmentTargets(indices, values))
    first, second = (half.alignment_targets for half in split_batch(guided))
    assert first is not None
    assert second is not None
    assert (first.indices.tolist(), second.indices.tolist()) == (
        [[0, 1], [1, 0], [0, 0]],
        [[0, 2], [2, 3], [1, 2]],
    )
    assert torch.equal(torch.cat((first.values, second.values)), values)


def test_the_limit_is_lowered_after_repeated_cases() -> None:
    messages: list[str] = []
    memory = MemoryLimit(messages.append)
    large = batch(*[7] * 8)
    assert padded_tokens(large) == 64
    for _ in range(FAILURES_BEFORE_LOWERING):
        assert [part.part for part in memory.parts([large])] == [0]
        assert [part.part for part in memory.split(memory.parts([large]), 0, 5)] == [1, 2]
    assert (memory.limit, memory.num_failures) == (57, FAILURES_BEFORE_LOWERING)
    assert [part.part for part in memory.parts([large, batch(3)])] == [1, 2, 0]
    assert [part.number for part in memory.parts([large, batch(3)])] == [0, 0, 1]
    assert "did not fit into memory" in messages[0]
    assert "from here on, batches of more than 57 tokens are computed in halves" in messages[-1]
    assert len(messages) == FAILURES_BEFORE_LOWERING + 1
    again = MemoryLimit(messages.append)
    again.restore(memory.state())
    assert again.state() == memory.state()
    assert [part.part for part in again.parts([large])] == [1, 2]


def test_halves_above_the_limit_are_split_again() -> None:
    memory = MemoryLimit(lambda _: None)
    memory.limit = 20
    parts = memory.parts([batch(*[7] * 8)])
    assert [part.part for part in parts] == [3, 4, 5, 6]
    assert [index for part in parts for index in part.batch.indices] == list(range(10, 18))


def test_a_single_pair_that_does_not_fit_ends_the_training() -> None:
    memory = MemoryLimit(lambda _: None)
    with pytest.raises(ConfigError, match=r"a single sentence pair of 8 source and 7 target subwords .*max_len"):
        memory.split([Part(0, 0, batch(7))], 0, 5)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate memory: you tried "
                      "to allocate 9 bytes. Error code 12 (Cannot allocate memory)"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"), True),
        (MemoryError(), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
    ],
)  # fmt: skip
def test_errors_of_allocators_are_recognized(error: BaseException, expected: bool) -> None:
    assert is_out_of_memory(error) is expected


def test_the_allocator_of_the_cpu_raises_what_is_recognized() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60)
    assert is_out_of_memory(caught.value)
