"""Modules constructed on the device `meta`, without memory and random numbers."""

from __future__ import annotations

import subprocess
import sys

import torch
from torch import nn

from regard.native.meta_init import init_on_meta

CONSTRUCTIONS = (
    "nn.Linear(3, 4)",
    "nn.Embedding(5, 4, padding_idx=1)",
    "nn.LSTM(3, 4, num_layers=2, bidirectional=True)",
    "nn.GRU(3, 4)",
    "nn.RNN(3, 4)",
    "nn.Conv1d(1, 2, 3)",
    "nn.LayerNorm(4)",
    "nn.MultiheadAttention(4, 2)",
)


def test_shapes_and_names_are_those_of_an_initialized_module() -> None:
    for construction in CONSTRUCTIONS:
        initialized = eval(construction)
        with init_on_meta():
            on_meta = eval(construction)
        assert all(tensor.is_meta for tensor in on_meta.state_dict().values()), construction
        shapes = [
            {name: tensor.shape for name, tensor in module.state_dict().items()} for module in (initialized, on_meta)
        ]
        assert shapes[0] == shapes[1], construction


def test_no_random_numbers_are_drawn_and_later_modules_are_normal() -> None:
    before = torch.get_rng_state()
    with init_on_meta():
        nn.Linear(1 << 40, 1 << 20)  # would need 4 exabytes
    assert torch.equal(torch.get_rng_state(), before)
    layer = nn.Linear(3, 3)
    assert layer.weight.device.type == "cpu"
    assert layer.weight.abs().sum() > 0


def test_tensors_on_other_devices_are_still_written_to() -> None:
    on_cpu = torch.ones(3)
    with init_on_meta():
        on_cpu.mul_(2.0)
        nn.init.constant_(on_cpu[:1], 7.0)
        own = torch.empty(3).normal_().mul_(2.0)
    assert on_cpu.tolist() == [7.0, 2.0, 2.0]
    assert own.is_meta


def test_the_compiler_is_not_loaded() -> None:
    script = (
        "import sys\nfrom torch import nn\nfrom regard.native.meta_init import init_on_meta\n"
        f"with init_on_meta():\n    {'; '.join(CONSTRUCTIONS)}\n"
        "assert not {'torch._dynamo', 'sympy'} & {*sys.modules}"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
