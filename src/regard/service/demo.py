"""Demonstration for a service without a model: a small model is trained in another process, and then served."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from regard.service.catalog import ModelEntry
from regard.store.manifest import MANIFEST

_LOG = logging.getLogger("regard.service")
LANGUAGES = ("en", "fr")
"""Source and target language of the demonstration."""
MAX_MESSAGE = 500
"""Characters that are kept of the training's last message."""


class DemoStatus(BaseModel):
    """Progress of the training of the demonstration model, which a service without a model trains at its start.

    Attributes:
        state: `training` while the model is being trained, `ready` when it translates, `failed` if training failed,
            `off` if the service has no demonstration.
        step: Number of updates done.
        steps: Planned number of updates.
        seconds_left: Estimated seconds until the model is ready; None while they are not known.
        message: Why the training failed; empty otherwise.
    """

    state: Literal["off", "training", "ready", "failed"] = "training"
    step: int = 0
    steps: int = 0
    seconds_left: float | None = None
    message: str = ""


class Demo:
    """Trains a small English-French model in another process, for a service that was started without a model.

    Args:
        directory: Directory that gets the same files as with `regard demo --out`. If it contains the finished model,
            nothing is trained; an interrupted training resumes.
        on_ready: Async function that is called with the model as soon as the model exists.
        command: Command line of the training program, to which the directory is appended. The program prints its
            progress as JSON lines.
    """

    def __init__(
        self,
        directory: Path,
        on_ready: Callable[[ModelEntry], Awaitable[None]],
        *,
        command: Sequence[str] = (sys.executable, "-m", "regard.service.demo_training"),
    ) -> None:
        self._directory, self._on_ready, self._command = directory, on_ready, tuple(command)
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self.status = DemoStatus()

    def begin(self) -> None:
        """Starts a background task that trains the model, unless it exists, and then calls `on_ready`."""
        self._task = asyncio.ensure_future(self._run())

    async def stop(self) -> None:
        """Ends the training; it resumes when the service is started again."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._process.wait(), 10.0)
            if self._process.returncode is None:
                self._process.kill()
                await self._process.wait()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        model = self._directory / "model"
        try:
            if not (model / MANIFEST).is_file():
                await self._train()
            if self.status.state != "failed":
                await self._on_ready(ModelEntry(*LANGUAGES, (model,)))
                self.status = DemoStatus(state="ready")
        except OSError as error:
            self._fail(str(error))

    async def _train(self) -> None:
        _LOG.info("training the demonstration", extra={"directory": str(self._directory)})
        self._process = await asyncio.create_subprocess_exec(
            *self._command, str(self._directory), stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
        )
        message = ""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            message = self._read(line) or message
        if await self._process.wait() != 0:
            self._fail(message or "the training ended before the model was finished")

    def _read(self, line: bytes) -> str:
        """Reads a line of the training: progress, or a message, which is returned."""
        try:
            report = json.loads(line)
            if "message" in report:
                return str(report["message"])[:MAX_MESSAGE]
            self.status = DemoStatus(
                step=report["step"], steps=report["steps"], seconds_left=round(report["seconds_left"], 1)
            )
        except (ValueError, KeyError, TypeError):
            _LOG.warning("a line of the training was not read")
        return ""

    def _fail(self, message: str) -> None:
        _LOG.error("the demonstration was not trained", extra={"reason": message})
        self.status = DemoStatus(state="failed", message=message)


def routes(demo: Demo | None) -> APIRouter:
    """Makes the HTTP route `/v1/demo`, which reports the progress of the training as a `DemoStatus`.

    Args:
        demo: The demonstration of the service; None if the service has none.

    Returns:
        A router for the application.
    """
    router = APIRouter(tags=["status"])

    @router.get("/v1/demo")
    async def status() -> DemoStatus:
        """How far the training of the demonstration model is."""
        return DemoStatus(state="off") if demo is None else demo.status

    return router
