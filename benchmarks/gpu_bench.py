"""Arguments and results of the checks in `gpu_checks.py`. Imports only the standard library."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class Skipped(Exception):  # noqa: N818 - not an error
    """Raised by a check that cannot run on this machine, with the reason."""


@dataclass(frozen=True)
class Setup:
    """Device and directory of the checks.

    Attributes:
        device: `cuda` or `cpu`.
        directory: Directory for files of the checks.
        peaks: TFLOP/s and TB/s that the first check measures for the others.
    """

    device: str
    directory: Path
    peaks: dict[str, float] = field(default_factory=dict)

    @property
    def on_gpu(self) -> bool:
        """Whether the checks run on a GPU."""
        return self.device == "cuda"

    def wait(self) -> None:
        """Waits until the GPU has finished all work."""
        if self.on_gpu:
            import torch

            torch.cuda.synchronize()

    def seconds(self, run: Callable[[], object], repeats: int) -> float:
        """Mean seconds per call, after one call that is not timed."""
        run()
        self.wait()
        start = time.perf_counter()
        for _ in range(repeats):
            run()
        self.wait()
        return (time.perf_counter() - start) / repeats


@dataclass
class CheckResult:
    """Result of a check.

    Attributes:
        figures: Numbers by name.
        failures: Messages of failed expectations; empty if the check has passed.
    """

    figures: dict[str, Any] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def expect(self, condition: bool, message: str) -> None:
        """Adds the message to the failures unless the condition holds."""
        if not condition:
            self.failures.append(message)
