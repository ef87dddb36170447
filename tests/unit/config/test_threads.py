"""How many threads there may be."""

from __future__ import annotations

import pytest

from regard.config import threads
from regard.errors import ConfigError


def test_more_than_the_machine_can_use_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, most in ((1, 64), (16, 64), (100, 400)):
        monkeypatch.setattr(threads, "available_cores", lambda cores=cores: cores)
        assert threads.max_threads() == most
        assert threads.check_threads(most, name="--threads") == most
        for number in (0, -1, most + 1, 100_000):
            with pytest.raises(ConfigError, match=f"--threads: expected 1 to {most} threads, .* got {number}"):
                threads.check_threads(number, name="--threads")


def test_a_number_that_was_kept_is_lowered_with_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "available_cores", lambda: 2)
    assert threads.clamped_threads(64, name="train.threads") == (64, "")
    assert threads.clamped_threads(65, name="train.threads") == (
        2,
        "train.threads = 65 is beyond this machine, which has 2 processors: 2 are used",
    )
