"""Modules that are made without numbers."""

from __future__ import annotations

import subprocess
import sys

import torch
from torch import nn

from regard.native.meta_init import init_on_meta

MAKERS = (
    "nn.Linear(3, 4)",
    "nn.Embedding(5, 4, padding_idx=1)",
    "nn.LSTM(3, 4, num_layers=2, bidirectional=True)",
    "nn.GRU(3, 4)",
    "nn.RNN(3, 4)",
    "nn.Conv1d(1, 2, 3)",
    "nn.LayerNorm(4)",
    "nn.MultiheadAttention(4, 2)",
)


def test_shapes_and_names_are_those_of_a_module_that_is_filled() -> None:
    for maker in MAKERS:
        full = eval(maker)
        with init_on_meta():
            blank = eval(maker)
        assert all(one.is_meta for one in blank.state_dict().values()), maker
        shapes = [{name: one.shape for name, one in module.state_dict().items()} for module in (full, blank)]
        assert shapes[0] == shapes[1], maker


def test_nothing_is_drawn_and_nothing_stays_changed() -> None:
    before = torch.get_rng_state()
    with init_on_meta():
        nn.Linear(1 << 40, 1 << 20)  # 4 exabytes, were they taken
    assert torch.equal(torch.get_rng_state(), before)
    layer = nn.Linear(3, 3)
    assert layer.weight.device.type == "cpu"
    assert layer.weight.abs().sum() > 0


def test_tensors_of_other_devices_are_written_to_as_ever() -> None:
    elsewhere = torch.ones(3)
    with init_on_meta():
        elsewhere.mul_(2.0)
        nn.init.constant_(elsewhere[:1], 7.0)
        own = torch.empty(3).normal_().mul_(2.0)
    assert elsewhere.tolist() == [7.0, 2.0, 2.0]
    assert own.is_meta


def test_the_compiler_is_not_loaded() -> None:
    script = (
        "import sys\nfrom torch import nn\nfrom regard.native.meta_init import init_on_meta\n"
        f"with init_on_meta():\n    {'; '.join(MAKERS)}\n"
        "assert not {'torch._dynamo', 'sympy'} & {*sys.modules}"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
