"""Process set-up: while work watches for a request to stop, signals make one; else they have their usual effect."""

from __future__ import annotations

import os
import pty
import signal
import threading
import time
from pathlib import Path

import pytest
from deadlines import exit_code, join

from regard.cli.demo import demo
from regard.cli.train import train
from regard.errors import RegardError
from regard.lab import worker
from regard.recipes import process
from regard.recipes.process import interrupt_on_signals, prepare_process
from regard.train.interrupt import Interrupted


def test_prepare_process_sets_up_memory_and_the_cache_of_onednn(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(process, "keep_freed_memory", lambda: calls.append("memory"))
    monkeypatch.setattr(process, "limit_compiled_products", lambda: calls.append("cache"))
    prepare_process()
    assert sorted(calls) == ["cache", "memory"]


def test_commands_and_workers_prepare_their_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(process, "prepare_process", lambda: calls.append("command"))
    monkeypatch.setattr(worker, "prepare_process", lambda: calls.append("worker"))
    with pytest.raises(RegardError):
        train(tmp_path / "model", src=str(tmp_path / "missing.en"), tgt=str(tmp_path / "missing.fr"))
    with pytest.raises(RegardError):
        demo(tmp_path / "demo", pairs=-1)
    assert worker.main([str(tmp_path), "a", "1", "1"], "") == worker.FAILED
    assert calls == ["command", "command", "worker"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_requests_a_stop_and_the_second_has_its_usual_effect(number: int) -> None:
    received = []
    before = signal.signal(number, lambda *_: received.append(True))
    try:
        with interrupt_on_signals() as interrupt, interrupt.watching():
            interrupt.check()
            assert not interrupt.requested
            os.kill(os.getpid(), number)
            assert interrupt.requested
            assert interrupt.save
            assert not received
            with pytest.raises(Interrupted):
                interrupt.check()
            os.kill(os.getpid(), number)
            assert received
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_while_nothing_watches_signals_have_their_usual_effect(number: int) -> None:
    received = []
    before = signal.signal(number, lambda *_: received.append(True))
    try:
        with interrupt_on_signals() as interrupt:
            for count in (1, 2):
                os.kill(os.getpid(), number)
                assert len(received) == count
            assert not interrupt.requested
            with interrupt.watching():
                os.kill(os.getpid(), number)
            assert interrupt.requested
            assert len(received) == 2
    finally:
        signal.signal(number, before)


def test_while_nothing_watches_ctrl_c_raises() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), interrupt_on_signals():
            os.kill(os.getpid(), signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_while_nothing_watches_sigterm_ends_the_process() -> None:
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with interrupt_on_signals():
            os.kill(os.getpid(), signal.SIGTERM)
        os._exit(3)
    assert exit_code(pid) == -signal.SIGTERM


def test_handlers_are_restored() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with interrupt_on_signals():
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_outside_the_main_thread_nothing_is_installed() -> None:
    before, seen = signal.getsignal(signal.SIGINT), []

    def work() -> None:
        with interrupt_on_signals() as interrupt:
            seen.append((signal.getsignal(signal.SIGINT), interrupt.requested))

    thread = threading.Thread(target=work)
    thread.start()
    join(thread)
    assert seen == [(before, False)]


def test_every_hang_up_only_requests_a_stop() -> None:
    received = []
    before = signal.signal(signal.SIGHUP, lambda *_: received.append(True))
    try:
        with interrupt_on_signals() as interrupt, interrupt.watching():
            for _ in range(2):  # by the system, and by the shell
                os.kill(os.getpid(), signal.SIGHUP)
            assert interrupt.requested
        assert not received
        os.kill(os.getpid(), signal.SIGHUP)
        assert received
    finally:
        signal.signal(signal.SIGHUP, before)


def test_under_nohup_a_hang_up_is_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interrupt_on_signals() as interrupt, interrupt.watching():
            os.kill(os.getpid(), signal.SIGHUP)
            assert not interrupt.requested
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_training_goes_on_to_its_save_though_its_terminal_is_gone() -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        status = 1
        try:
            with interrupt_on_signals() as interrupt, interrupt.watching():
                os.write(1, b"ready")
                for _ in range(6000):
                    if interrupt.requested:
                        break
                    time.sleep(0.01)
                os.write(1, b"to a closed terminal")
                os.write(2, b"to a closed terminal")
                status = 42 if interrupt.requested else 2
        finally:
            os._exit(status)
    assert os.read(terminal, 5) == b"ready"
    os.close(terminal)
    assert exit_code(pid) == 42
