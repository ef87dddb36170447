"""The demonstration is trained in another process, whose progress is shown, and served when it is ready."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from regard.service.catalog import ModelEntry
from regard.service.demo import Demo, DemoStatus

MODEL = Path(__file__).parents[2] / "golden" / "models" / "luong"
REPORT = "import sys, json, time; say = lambda **x: print(json.dumps(x), flush=True);"


def run(directory: Path, script: str, until: Callable[[Demo], bool]) -> tuple[list[ModelEntry], DemoStatus, list[int]]:
    """Runs a demonstration whose training is a script; gives the models, the last status and the steps seen."""
    ready: list[ModelEntry] = []
    steps: list[int] = []

    async def on_ready(entry: ModelEntry) -> None:
        ready.append(entry)

    async def main() -> DemoStatus:
        demo = Demo(directory, on_ready, command=(sys.executable, "-c", REPORT + script))
        demo.begin()
        for _ in range(3000):
            if demo.status.step not in steps:
                steps.append(demo.status.step)
            if until(demo):
                break
            await asyncio.sleep(0.01)
        status = demo.status
        await demo.stop()
        return status

    return ready, asyncio.run(main()), steps


def is_over(demo: Demo) -> bool:
    return demo.status.state != "training"


def test_progress_and_then_the_model(tmp_path: Path) -> None:
    script = f"""
import shutil
for step in (1, 2): say(step=step, steps=2, seconds_left=3.14); time.sleep(0.3)
shutil.copytree({str(MODEL)!r}, sys.argv[1] + '/model')
"""
    ready, status, steps = run(tmp_path / "demo", script, is_over)
    assert status.state == "ready"
    assert [entry.name for entry in ready] == ["en-fr"] and ready[0].paths == (tmp_path / "demo" / "model",)
    assert steps[:3] == [0, 1, 2]


def test_a_trained_model_is_served_at_once(tmp_path: Path) -> None:
    shutil.copytree(MODEL, tmp_path / "model")
    ready, status, _ = run(tmp_path, "sys.exit('the training was started')", is_over)
    assert status.state == "ready" and len(ready) == 1


def test_a_failure_is_shown_with_its_reason(tmp_path: Path) -> None:
    ready, status, _ = run(tmp_path, "print('no JSON'); say(message='the disk is full'); sys.exit(1)", is_over)
    assert (status.state, status.message, ready) == ("failed", "the disk is full", [])
    _, status, _ = run(tmp_path, "sys.exit(1)", is_over)
    assert status.state == "failed" and "ended before" in status.message


def test_stopping_the_service_ends_the_training(tmp_path: Path) -> None:
    script = "say(step=1, steps=9, seconds_left=9); time.sleep(600)"
    ready, status, _ = run(tmp_path, script, lambda demo: demo.status.step == 1)
    assert status.state == "training" and ready == []


def test_a_training_that_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(future: Coroutine[object, None, object], _: float) -> None:
        future.close()
        raise asyncio.TimeoutError

    monkeypatch.setattr(asyncio, "wait_for", at_once)
    processes: list[asyncio.subprocess.Process | None] = []

    def until(demo: Demo) -> bool:
        processes.append(demo._process)
        return demo.status.step == 1

    script = "import signal; signal.signal(15, signal.SIG_IGN); say(step=1, steps=9, seconds_left=9); time.sleep(600)"
    _, status, _ = run(tmp_path, script, until)
    process = processes[-1]
    assert status.step == 1
    assert process is not None
    assert process.returncode == -signal.SIGKILL


def test_a_demonstration_that_never_began_can_be_stopped(tmp_path: Path) -> None:
    async def on_ready(_: ModelEntry) -> None: ...

    demo = Demo(tmp_path, on_ready)
    asyncio.run(demo.stop())
    assert demo.status == DemoStatus()
