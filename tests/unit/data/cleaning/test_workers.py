"""Work in several processes: results in order, errors, and no process that outlives its parent."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from regard.data.cleaning.workers import in_order
from regard.errors import DataError


def square(number: int) -> int:
    return number * number


def process_id(number: int) -> int:
    return os.getpid()


def refuse_seven(number: int) -> int:
    if number == 7:
        raise DataError("seven")
    return number


def end_at_seven(number: int) -> int:
    if number == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.parametrize("num_workers", [1, 2, 3])
@pytest.mark.parametrize("number", [0, 1, 2, 50])
def test_results_come_in_order(num_workers: int, number: int) -> None:
    assert list(in_order(square, range(number), num_workers=num_workers)) == [(n, n * n) for n in range(number)]


def test_the_work_is_done_by_several_processes() -> None:
    processes = {process for _, process in in_order(process_id, range(40), num_workers=2)}
    assert os.getpid() in processes  # the first item
    assert 2 <= len(processes) <= 3
    assert {process for _, process in in_order(process_id, range(9), num_workers=1)} == {os.getpid()}


def test_few_items_are_in_memory() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    results = in_order(square, items(), num_workers=2)
    for _ in range(10):
        next(results)
    assert len(taken) <= 10 + 2 * 2
    results.close()  # type: ignore[attr-defined] # a generator


@pytest.mark.parametrize("num_workers", [1, 2])
def test_an_error_of_the_work_is_raised(num_workers: int) -> None:
    results = in_order(refuse_seven, range(20), num_workers=num_workers)
    assert [next(results)[0] for _ in range(7)] == list(range(7))
    with pytest.raises(DataError, match="seven"):
        next(results)


def test_a_worker_that_is_killed_is_reported() -> None:
    with pytest.raises(DataError, match=r"worker process ended.*--workers 1"):
        list(in_order(end_at_seven, range(20), num_workers=2))
