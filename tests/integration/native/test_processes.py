"""Kernels in processes of their own, on this processor and on emulated older ones."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from typing import Literal, Protocol

import pytest

from regard import native
from regard.native import available_instruction_sets
from regard.native.int8 import has_int8


@pytest.mark.parametrize("limit", ["avx512", "avx2", "default"])
def test_the_instruction_set_is_that_of_pytorch(limit: str) -> None:
    if not available_instruction_sets():
        pytest.skip("the kernels were not compiled here")
    code = (
        "import torch; from regard import native; "
        "print(torch.backends.cpu.get_cpu_capability(), native.instruction_set())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "ATEN_CPU_CAPABILITY": limit},
        capture_output=True,
        text=True,
        check=True,
    )
    theirs, ours = done.stdout.lower().split()
    assert theirs == limit  # even if the processor does not support it
    assert ours == (limit if limit in available_instruction_sets() else available_instruction_sets()[-1])


Level = Literal["avx512", "avx2", "generic"]


class OlderCpu(Protocol):
    """See `tests/conftest.py`."""

    def environment(self, level: Level) -> dict[str, str]: ...


HASH = """
import hashlib
import torch
from regard.native.int8 import Int8Linear, int8_instructions

# No random numbers: those of PyTorch differ between instruction sets.
numbers = torch.arange(90 * 210).view(90, 210)
product = Int8Linear((numbers * 7919 % 1009 - 500) / 77, numbers[:, 3] % 13 / 7)
x = (numbers[:14] * 104729 % 2003 - 900) / 321
print(int8_instructions(), hashlib.sha256(product(x).numpy().tobytes()).hexdigest(), sep=",")
"""


@pytest.fixture(scope="module")
def own_hash() -> str:
    """The hash on this processor, with all of its instructions."""
    if not has_int8():
        pytest.skip("the kernels were not compiled here")
    with redirect_stdout(StringIO()) as output:
        exec(HASH, {})
    return output.getvalue().strip().split(",")[1]


@pytest.mark.parametrize(
    ("level", "instructions"), [("avx512", "AVX-512"), ("avx2", "AVX2"), ("generic", "any processor's")]
)
def test_older_processors_compute_the_same(older_cpu: OlderCpu, own_hash: str, level: Level, instructions: str) -> None:
    if level not in (*native.available_instruction_sets(), "generic"):
        pytest.skip(f"this processor has no {level}")
    environment = older_cpu.environment(level)
    done = subprocess.run([sys.executable, "-c", HASH], env=environment, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == f"{instructions},{own_hash}"
