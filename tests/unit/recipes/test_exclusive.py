"""A training leaves the process as it found it, and shares it with no other."""

from __future__ import annotations

import os
import threading

import pytest
import torch

from regard.errors import ConfigError
from regard.recipes.exclusive import exclusive_training
from regard.recipes.training import train
from regard.store import load_model


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that has trained nothing yet."""
    monkeypatch.delenv("ONEDNN_PRIMITIVE_CACHE_CAPACITY", raising=False)


def test_threads_random_numbers_and_environment_are_as_before(toy) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    torch.manual_seed(7)
    environment, wanted = dict(os.environ), torch.get_rng_state()
    try:
        train(toy.config("train.threads=1"), toy.directory / "model")
        assert torch.get_num_threads() == 3
        assert torch.equal(torch.get_rng_state(), wanted)
        assert dict(os.environ) == environment
    finally:
        torch.set_num_threads(threads)


def test_what_was_drawn_before_makes_no_difference(toy) -> None:
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        train(toy.config(), toy.directory / f"model{seed}")
        found.append(load_model(toy.directory / f"model{seed}").model.state_dict())
    assert all(torch.equal(weight, found[1][name]) for name, weight in found[0].items())


def test_a_failure_leaves_no_trace_either() -> None:
    wanted = torch.get_rng_state()
    with pytest.raises(ZeroDivisionError), exclusive_training():
        torch.rand(3)
        os.environ["REGARD_TEST_TRACE"] = "1"
        raise ZeroDivisionError
    assert torch.equal(torch.get_rng_state(), wanted)
    assert "REGARD_TEST_TRACE" not in os.environ
    with exclusive_training():
        pass


def test_two_trainings_in_one_process_are_refused(toy) -> None:
    refused: list[BaseException] = []
    begun, done = threading.Event(), threading.Event()

    class Waiting:
        """Lets the other one try while this one trains."""

        def __getattr__(self, name: str):
            return lambda *_, **__: begun.set() or done.wait(60)

    first = threading.Thread(target=lambda: train(toy.config(), toy.directory / "first", reporter=Waiting()))
    first.start()
    assert begun.wait(60)
    try:
        train(toy.config(), toy.directory / "second")
    except ConfigError as error:
        refused.append(error)
    done.set()
    first.join()
    assert "another training runs in this process" in str(refused[0])
    assert not (toy.directory / "second").exists()
    assert (toy.directory / "first" / "manifest.json").exists()
    train(toy.config(), toy.directory / "second")
