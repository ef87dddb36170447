"""A training leaves the process as it found it, and runs alone in it."""

from __future__ import annotations

import ctypes
import os
import signal
import threading
from collections.abc import Callable

import pytest
import torch
from deadlines import PATIENCE, join
from toy_training import Toy

from regard.errors import ConfigError
from regard.recipes.exclusive import exclusive_training
from regard.recipes.training import train
from regard.store import load_model
from regard.train.reporter import StepReport, TrainingPlan, Validation


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that has not been prepared for training."""
    monkeypatch.delenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", raising=False)


class CallingReporter:
    """A reporter that calls a function at every event."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.work = work

    def on_start(self, plan: TrainingPlan) -> None:
        self.work()

    def on_step(self, report: StepReport) -> None:
        self.work()

    def on_validation(self, step: int, validation: Validation, *, best: bool) -> None:
        self.work()

    def on_message(self, text: str) -> None:
        self.work()

    def on_end(self) -> None:
        self.work()


def test_threads_random_numbers_and_environment_are_as_before(toy: Toy) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    torch.manual_seed(7)
    environment, random_state = dict(os.environ), torch.get_rng_state()
    try:
        train(toy.config("train.threads=1"), toy.directory / "model")
        assert torch.get_num_threads() == 3
        assert torch.equal(torch.get_rng_state(), random_state)
        assert dict(os.environ) == environment
    finally:
        torch.set_num_threads(threads)


def test_signals_onednn_and_memory_are_left_alone_while_it_runs(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    def state() -> tuple[object, ...]:
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        return os.environ.get("ONEDNN_PRIMITIVE_CACHE_CAPACITY"), [signal.getsignal(number) for number in numbers]

    monkeypatch.setattr(ctypes, "CDLL", lambda name: pytest.fail("mallopt is the process's"))
    before, seen = state(), []
    train(toy.config(), toy.directory / "model", reporter=CallingReporter(lambda: seen.append(state())))
    assert len(seen) > 3
    assert all(during == before for during in seen)


def test_a_variable_that_another_thread_sets_during_a_training_stays(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    set_variable = CallingReporter(lambda: monkeypatch.setenv("REGARD_TEST_TRACE", "1"))
    train(toy.config(), toy.directory / "model", reporter=set_variable)
    assert os.environ["REGARD_TEST_TRACE"] == "1"


def test_earlier_random_numbers_make_no_difference(toy: Toy) -> None:
    weights = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        train(toy.config(), toy.directory / f"model{seed}")
        weights.append(load_model(toy.directory / f"model{seed}").model.state_dict())
    assert all(torch.equal(weight, weights[1][name]) for name, weight in weights[0].items())


def test_a_failed_training_restores_random_numbers_and_threads_too() -> None:
    threads, random_state = torch.get_num_threads(), torch.get_rng_state()
    with pytest.raises(ZeroDivisionError), exclusive_training():
        torch.rand(3)
        torch.set_num_threads(threads + 1)
        raise ZeroDivisionError
    assert torch.equal(torch.get_rng_state(), random_state)
    assert torch.get_num_threads() == threads
    with exclusive_training():
        pass


def test_two_trainings_in_one_process_are_refused(toy: Toy) -> None:
    refused: list[BaseException] = []
    begun, done = threading.Event(), threading.Event()

    def wait() -> None:  # the second training tries while the first one waits
        begun.set()
        done.wait(PATIENCE)

    waiting = CallingReporter(wait)
    first = threading.Thread(target=lambda: train(toy.config(), toy.directory / "first", reporter=waiting))
    first.start()
    assert begun.wait(PATIENCE)
    try:
        train(toy.config(), toy.directory / "second")
    except ConfigError as error:
        refused.append(error)
    done.set()
    join(first)
    assert "another training is running in this process" in str(refused[0])
    assert not (toy.directory / "second").exists()
    assert (toy.directory / "first" / "manifest.json").exists()
    train(toy.config(), toy.directory / "second")
