"""Signals become a wish; a second one is obeyed at once; afterwards all is as before."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from regard.train.interrupt import Interrupted, listening


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_a_wish_and_the_second_an_order(number: int) -> None:
    obeyed = []
    before = signal.signal(number, lambda *_: obeyed.append(True))
    try:
        with listening() as interrupt:
            interrupt.check()
            assert not interrupt.requested
            os.kill(os.getpid(), number)
            assert interrupt.requested
            assert not obeyed
            with pytest.raises(Interrupted):
                interrupt.check()
            os.kill(os.getpid(), number)
            assert obeyed
    finally:
        signal.signal(number, before)


def test_handlers_come_back() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with listening():
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_elsewhere_than_in_the_main_thread_nothing_is_installed() -> None:
    before, seen = signal.getsignal(signal.SIGINT), []

    def work() -> None:
        with listening() as interrupt:
            seen.append((signal.getsignal(signal.SIGINT), interrupt.requested))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(before, False)]
