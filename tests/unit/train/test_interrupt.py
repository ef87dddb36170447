"""A request to stop: it can be checked, and can refuse to save."""

from __future__ import annotations

import pytest

from regard.train.interrupt import Interrupt, Interrupted


def test_check_raises_once_a_stop_was_requested() -> None:
    interrupt = Interrupt()
    interrupt.check()
    interrupt.request()
    assert interrupt.requested
    assert interrupt.save
    with pytest.raises(Interrupted):
        interrupt.check()


def test_a_refusal_to_save_stays() -> None:
    interrupt = Interrupt()
    interrupt.request(save=False)
    interrupt.request()
    assert not interrupt.save


def test_it_is_watched_within_the_blocks_that_watch_it() -> None:
    interrupt = Interrupt()
    with pytest.raises(ZeroDivisionError), interrupt.watching():
        with interrupt.watching():
            assert interrupt.watched
        assert interrupt.watched
        raise ZeroDivisionError
    assert not interrupt.watched
