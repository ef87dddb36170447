"""Parallel searches."""

from __future__ import annotations

import threading

import pytest
import torch

from regard.search.parallel import in_parallel


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_results_are_in_order(workers: int) -> None:
    assert list(in_parallel(lambda job: job * job, range(20), workers=workers)) == [job * job for job in range(20)]


def test_two_jobs_run_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=1800)
    assert list(in_parallel(lambda job: both.wait() >= 0, range(2), workers=2)) == [True, True]


def test_an_error_is_raised_in_place_of_its_result() -> None:
    def search(job: int) -> int:
        if job == 2:
            raise ValueError("the third")
        return job

    found = in_parallel(search, range(5), workers=2)
    assert [next(found), next(found)] == [0, 1]
    with pytest.raises(ValueError, match="the third"):
        next(found)


def test_the_number_of_threads_is_restored() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        inside = list(in_parallel(lambda job: torch.get_num_threads(), range(4), workers=2))
        assert inside == [1] * 4
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
