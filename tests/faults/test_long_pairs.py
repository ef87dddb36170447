"""Aligning long sentence pairs takes no more memory than the one attention matrix that is read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

MEASURE = """
import random, resource, sys
import torch
from regard.alignment.readout import Readout
from regard.translation.aligner import Aligner
from regard.translation.loading import load

torch.set_num_threads(1)
translator = load(sys.argv[1], device="cpu")
draw = random.Random(1)
for size in (20, int(sys.argv[2])):
    src, tgt = ("".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=size)) for _ in range(2))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    links = Aligner(translator, Readout()).links([src], [tgt])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes on Linux only")
def test_a_long_pair_takes_little_memory(workshop: Path) -> None:
    """700 letters per side, half a million weights of 4 bytes; keeping 48 numbers of a state per weight took 200 MB."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(workshop / "model"), "700"],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) < 40_000  # kilobytes; close to 0 when measured
