"""The number format of the matrix products in training: bfloat16 if it is faster than float32 on this machine.

Weights, their updates, softmax and loss stay in float32 (Micikevicius et al. 2018). Bfloat16 has the range of float32,
so no loss scaling is needed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Literal

import torch

from regard.config.resolved import PrecisionName
from regard.config.schema import ModelConfig
from regard.model.autocast_rnn import can_train_lstm
from regard.native.linear import linear

MIN_SPEEDUP = 1.3
"""Smallest ratio of speeds, bfloat16 over float32, at which `auto` chooses bfloat16. On machines with bfloat16
instructions the ratio is 2 or more, on others less than 1."""

PRODUCTS_PER_TIMING = 50
"""Matrix products per timing on a GPU: launching a single product and waiting for it takes as long as computing it."""


@dataclass(frozen=True)
class Precision:
    """The number format of the matrix products of a training, and why it was chosen.

    Attributes:
        name: Number format of the matrix products.
        device: Device type: `cpu`, `cuda`.
        note: Message for the user about the measured speeds; empty if the user chose the format.
        ratio: Measured ratio of speeds, bfloat16 over float32; None if not measured.
    """

    name: PrecisionName
    device: str
    note: str = ""
    ratio: float | None = None

    def with_exceptions(self, model: ModelConfig) -> Precision:
        """Adds a note if some layers run in float32 because this machine cannot train them in bfloat16.

        Args:
            model: The `[model]` section of the configuration.

        Returns:
            A copy with a longer `note` if there are such layers; otherwise this object.
        """
        bfloat16_on_cpu = self.name == "bfloat16" and self.device == "cpu"
        if not (bfloat16_on_cpu and model.uses_lstm) or can_train_lstm(torch.bfloat16):
            return self
        note = "this processor has no LSTM in bfloat16: its layers run in float32, all other products in bfloat16"
        return replace(self, note="; ".join(filter(None, (self.note, note))))

    def context(self) -> torch.autocast:
        """Autocast context for a forward pass in this precision; in float32 it has no effect."""
        return torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.name == "bfloat16")


def choose_precision(
    configured: Literal["auto", "float32", "bfloat16"], device: str, *, rows: int = 1024, width: int = 512
) -> Precision:
    """Chooses the number format of a training; `auto` times matrix products in both formats.

    The timing takes less than half a second.

    Args:
        configured: Value of `train.precision`.
        device: Device of the training, such as `cpu` or `cuda:0`.
        rows: Rows of the left matrix of the timed product: the number of tokens per matrix product in training.
        width: Columns of the left matrix: the width of the model's states.

    Returns:
        The chosen precision. With `auto` the choice is the same in every run on the same machine, since the ratios of
        speeds of machines with and without bfloat16 instructions are far apart. The caller must store the name with
        the model.
    """
    kind = torch.device(device).type
    if configured != "auto":
        return Precision(configured, kind)
    ratio = measure_ratio(device, rows=rows, width=width)
    name = precision_for(ratio)
    note = (
        f"precision {name}: a product of {rows} x {width} by {width} x {4 * width} in bfloat16 "
        f"runs {ratio:.1f} times as fast as in float32 on this machine"
    )
    return Precision(name, kind, note, ratio)


def precision_for(ratio: float) -> PrecisionName:
    """Number format that `auto` chooses on a machine where bfloat16 is `ratio` times as fast as float32."""
    return "bfloat16" if ratio >= MIN_SPEEDUP else "float32"


def measure_ratio(device: str, *, rows: int, width: int, budget: float = 0.2) -> float:
    """Measures how many times as fast a matrix product is in bfloat16 as in float32.

    Args:
        device: Device to measure, such as `cpu` or `cuda:0`.
        rows: Rows of the left matrix.
        width: Columns of the left matrix; the right matrix has shape `(width, 4 width)`.
        budget: Approximate duration of the measurement, in seconds.

    Returns:
        Shortest float32 time divided by shortest bfloat16 time.
    """
    in_float32, in_bfloat16 = measure_seconds(device, rows=rows, width=width, budget=budget)
    return in_float32 / in_bfloat16


def measure_seconds(device: str, *, rows: int, width: int, budget: float = 0.2) -> tuple[float, float]:
    """Times the matrix product `X Wᵀ` in float32 and in bfloat16; X is `(rows, width)` and W `(4 width, width)`.

    Args:
        device: Device to measure, such as `cpu` or `cuda:0`.
        rows: Rows of X.
        width: Columns of X.
        budget: Approximate duration of the measurement, in seconds.

    Returns:
        The shortest times in seconds, in float32 and in bfloat16, measured alternately so that other load on the
        machine affects both.
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
            seconds = _seconds(left, right)
            if rounds:  # the first round includes set-up
                best[number] = min(best[number], seconds)
        rounds += 1
    return best[0], best[1]


def _seconds(left: torch.Tensor, right: torch.Tensor) -> float:
    if not left.is_cuda:
        start = time.perf_counter()
        linear(left, right)
        return time.perf_counter() - start
    torch.cuda.synchronize(left.device)
    start = time.perf_counter()
    for _ in range(PRODUCTS_PER_TIMING):
        linear(left, right)
    torch.cuda.synchronize(left.device)
    return time.perf_counter() - start
