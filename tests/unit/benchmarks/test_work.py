"""The operation counts of the benchmarks agree with PyTorch's for models of the same sizes."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
import torch
from outside import load_script
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode


@pytest.fixture(scope="module")
def work() -> ModuleType:
    """`benchmarks/work.py`, which lies outside the package."""
    return load_script(Path(__file__).parents[3] / "benchmarks/work.py")


def test_operations_of_a_transformer_agree_with_pytorch(work: ModuleType) -> None:
    body = torch.nn.Transformer(256, 4, 3, 3, 1024, 0.0, batch_first=True)
    src, tgt = torch.randn(2, 7, 256), torch.randn(2, 5, 256)
    output = torch.randn(256, work.VOCAB)
    # The math backend uses matrix products, which PyTorch counts; there is no causal mask here.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        body(src, tgt) @ output
    future = 2 * 3 * 2 * 256 * (2 * 25) / 2
    counted = work.step_operations("T1", [7, 7], [5, 5], feed=False) / 3
    assert counted + future == counter.get_total_flops()


@pytest.mark.parametrize("feed", [True, False])
def test_operations_of_an_rnn_agree_with_its_products(work: ModuleType, feed: bool) -> None:
    """PyTorch counts the matrix products of encoder (both directions), decoder, attention and readout."""
    src, tgt = 7, 5
    shapes = [(src, 256 + 256, 4 * 256)] * 2
    shapes += [(tgt, 256 + 512 + 512 * feed, 4 * 512), (src, 512, 512), (tgt, 512, src), (tgt, src, 512)]
    shapes += [(tgt, 1024, 512), (tgt, 512, work.VOCAB)]
    with FlopCounterMode(display=False) as counter:
        for rows, inner, columns in shapes:
            torch.randn(rows, inner) @ torch.randn(inner, columns)
    assert work.step_operations("T3", [src], [tgt], feed=feed) == 3 * counter.get_total_flops()
    queries = 3 * 2 * tgt * 512**2
    assert work.step_operations("T2", [src], [tgt], feed=feed) == 3 * counter.get_total_flops() + queries


@pytest.mark.parametrize(
    ("task", "name", "enters"),
    [
        ("T1", "regard default", False),
        ("T1", "JoeyNMT", False),
        ("T2", "regard default", True),
        ("T2", "OpenNMT-py without feeding", False),
        ("T3", "regard default", False),
        ("T3", "regard fp32-feed", True),
        ("T3", "JoeyNMT", True),
        ("T3", "OpenNMT-py", True),
    ],
)
def test_decoders_with_attention_in_the_recurrence_are_recognized(
    work: ModuleType, task: str, name: str, enters: bool
) -> None:
    assert work.enters_recurrence(task, name) is enters
