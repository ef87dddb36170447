"""What the checks of `gpu_checks.py` are given and give. Nothing is imported here that a bare machine may lack."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class Skipped(Exception):  # noqa: N818 - nothing went wrong
    """A check that cannot be made here; says why."""


@dataclass(frozen=True)
class Bench:
    """Where checks run.

    Attributes:
        device: `cuda` or `cpu`.
        place: A directory for files.
        peaks: TFLOP/s and TB/s that the first check measured, for the others.
    """

    device: str
    place: Path
    peaks: dict[str, float] = field(default_factory=dict)

    @property
    def on_gpu(self) -> bool:
        """Whether there is one."""
        return self.device == "cuda"

    def wait(self) -> None:
        """Until the GPU has done what it was given."""
        if self.on_gpu:
            import torch

            torch.cuda.synchronize()

    def seconds(self, run: Callable[[], object], repeats: int) -> float:
        """A call's share of many, after one that is not timed."""
        run()
        self.wait()
        begun = time.perf_counter()
        for _ in range(repeats):
            run()
        self.wait()
        return (time.perf_counter() - begun) / repeats


@dataclass
class Found:
    """What a check found.

    Attributes:
        figures: Numbers by name.
        wrong: What should not be so; empty where the check is passed.
    """

    figures: dict[str, Any] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def expect(self, holds: bool, complaint: str) -> None:
        """Notes a complaint unless something holds."""
        if not holds:
            self.wrong.append(complaint)
