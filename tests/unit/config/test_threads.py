"""Limit on the number of threads."""

from __future__ import annotations

import pytest

from regard.config import threads
from regard.errors import ConfigError


def test_more_threads_than_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, limit in ((1, 64), (16, 64), (100, 400)):
        monkeypatch.setattr(threads, "available_cores", lambda cores=cores: cores)
        assert threads.max_threads() == limit
        assert threads.check_threads(limit, name="--threads") == limit
        for number in (0, -1, limit + 1, 100_000):
            with pytest.raises(ConfigError, match=f"--threads: expected 1 to {limit} threads .* got {number}:"):
                threads.check_threads(number, name="--threads")


def test_a_stored_number_of_threads_is_lowered_with_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "available_cores", lambda: 2)
    assert threads.clamped_threads(64, name="train.threads") == (64, "")
    assert threads.clamped_threads(65, name="train.threads") == (
        2,
        "train.threads = 65 is too many for this machine (CPU cores: 2): using 2",
    )
