"""In which numbers the matrix products of training run: bfloat16 where this machine is faster with it.

Weights, their updates, softmax and loss stay in float32 (Micikevicius et al. 2018); bfloat16 has float32's
range, so no loss scaling is needed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Literal

import torch

from regard.config.schema import ModelConfig
from regard.model.autocast_rnn import has_lstm
from regard.native.linear import linear

PrecisionName = Literal["float32", "bfloat16"]

WORTHWHILE = 1.3
"""Bfloat16 is taken from this ratio of speeds on; machines that have it show 2 and more, others less than 1."""


LAUNCHES = 50
"""Products between two looks at the clock on a GPU: starting one and waiting for it takes as long as itself."""


@dataclass(frozen=True)
class Precision:
    """The numbers of a training, and why.

    Attributes:
        name: Type of the matrix products.
        device: Kind of device: `cpu`, `cuda`.
        note: What was measured, for the user; empty when the user chose.
        ratio: Speed of bfloat16 over float32; None when not measured.
    """

    name: PrecisionName
    device: str
    note: str = ""
    ratio: float | None = None

    def explained(self, model: ModelConfig) -> Precision:
        """Adds to the note what of a model runs in other numbers here.

        Args:
            model: The `[model]` section.

        Returns:
            The same choice.
        """
        narrow = self.name == "bfloat16" and self.device == "cpu"
        if not (narrow and model.uses_lstm) or has_lstm(torch.bfloat16):
            return self
        note = "this processor has no LSTM in bfloat16: its layers run in float32, all other products in bfloat16"
        return replace(self, note="; ".join(filter(None, (self.note, note))))

    def context(self) -> torch.autocast:
        """Autocast around a forward pass; without effect in float32."""
        return torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.name == "bfloat16")


def choose_precision(
    wanted: Literal["auto", "float32", "bfloat16"], device: str, *, rows: int = 1024, width: int = 512
) -> Precision:
    """Resolves `auto` by measuring matrix products of the model's size on this machine, in under half a second.

    Args:
        wanted: As configured.
        device: Where training runs: `cpu`, `cuda:0`.
        rows: Rows of the product: tokens that are multiplied at once.
        width: Width of the model.

    Returns:
        The choice. With `auto` it depends on the machine alone (the ratios of machines with and without
        bfloat16 lie far apart), and the resolved name is to be stored with the model.
    """
    kind = torch.device(device).type
    if wanted != "auto":
        return Precision(wanted, kind)
    ratio = measure_ratio(device, rows=rows, width=width)
    name = precision_for(ratio)
    note = (
        f"precision {name}: a product of {rows} x {width} by {width} x {4 * width} in bfloat16 "
        f"runs {ratio:.1f} times as fast as in float32 on this machine"
    )
    return Precision(name, kind, note, ratio)


def precision_for(ratio: float) -> PrecisionName:
    """What `auto` means where bfloat16 runs `ratio` times as fast as float32."""
    return "bfloat16" if ratio >= WORTHWHILE else "float32"


def measure_ratio(device: str, *, rows: int, width: int, budget: float = 0.2) -> float:
    """Speed of bfloat16 over float32.

    Args:
        device: As for `measure_seconds`.
        rows: As for `measure_seconds`.
        width: As for `measure_seconds`.
        budget: As for `measure_seconds`.

    Returns:
        Fastest float32 time over fastest bfloat16 time.
    """
    in_float32, in_bfloat16 = measure_seconds(device, rows=rows, width=width, budget=budget)
    return in_float32 / in_bfloat16


def measure_seconds(device: str, *, rows: int, width: int, budget: float = 0.2) -> tuple[float, float]:
    """Times of `X Wᵀ`, X of `(rows, width)` and W of `(4 width, width)`.

    Args:
        device: Where to measure.
        rows: Rows of the left matrix.
        width: Columns of the left matrix.
        budget: Seconds that may be spent, about.

    Returns:
        The fastest in float32 and the fastest in bfloat16, taken in turns so that other load meets both.
    """
    pairs = [
        (torch.ones(rows, width, dtype=kind, device=device), torch.ones(4 * width, width, dtype=kind, device=device))
        for kind in (torch.float32, torch.bfloat16)
    ]
    best = [float("inf"), float("inf")]
    end = time.perf_counter() + budget
    rounds = 0
    while rounds < 3 or time.perf_counter() < end:
        for number, (left, right) in enumerate(pairs):
            took = _seconds(left, right)
            if rounds:  # the first round pays for set-up
                best[number] = min(best[number], took)
        rounds += 1
    return best[0], best[1]


def _seconds(left: torch.Tensor, right: torch.Tensor) -> float:
    if not left.is_cuda:
        start = time.perf_counter()
        linear(left, right)
        return time.perf_counter() - start
    torch.cuda.synchronize(left.device)
    start = time.perf_counter()
    for _ in range(LAUNCHES):
        linear(left, right)
    torch.cuda.synchronize(left.device)
    return time.perf_counter() - start
