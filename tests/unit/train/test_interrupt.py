"""Signals become a wish; a second one is obeyed at once; afterwards all is as before."""

from __future__ import annotations

import os
import pty
import signal
import threading
import time

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


def test_a_hang_up_is_a_wish_however_often_it_comes() -> None:
    obeyed = []
    before = signal.signal(signal.SIGHUP, lambda *_: obeyed.append(True))
    try:
        with listening() as interrupt:
            for _ in range(2):  # by the system, and by the shell
                os.kill(os.getpid(), signal.SIGHUP)
            assert interrupt.requested
        assert not obeyed
        os.kill(os.getpid(), signal.SIGHUP)
        assert obeyed
    finally:
        signal.signal(signal.SIGHUP, before)


def test_under_nohup_a_hang_up_is_nothing() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with listening() as interrupt:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not interrupt.requested
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_training_goes_on_to_its_save_though_its_terminal_is_gone() -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        status = 1
        try:
            with listening() as interrupt:
                os.write(1, b"ready")
                for _ in range(6000):
                    if interrupt.requested:
                        break
                    time.sleep(0.01)
                os.write(1, b"to nobody")
                os.write(2, b"to nobody")
                status = 42 if interrupt.requested else 2
        finally:
            os._exit(status)
    assert os.read(terminal, 5) == b"ready"
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 42
