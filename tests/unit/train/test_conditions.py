"""What bit-identity depends on is named, and changes are reported."""

from __future__ import annotations

import pytest
import torch

from regard.native import disabled
from regard.train.conditions import changes_message, current_conditions
from regard.train.precision import Precision

FLOAT32 = Precision("float32", "cpu")


def test_the_conditions_of_a_cpu_are_complete() -> None:
    names = {"regard", "PyTorch", "precision", "device", "threads", "processor", "instruction set", "kernels",
             "matrix products", "environment"}  # fmt: skip
    conditions = current_conditions(FLOAT32, "cpu")
    assert conditions.keys() == names
    assert all(conditions.values())
    assert conditions["PyTorch"] == torch.__version__
    assert conditions == current_conditions(FLOAT32, "cpu")
    assert changes_message(conditions, conditions) is None


def test_each_change_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    before = current_conditions(FLOAT32, "cpu")
    monkeypatch.setenv("MKL_CBWR", "AVX2")
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        with disabled():
            after = current_conditions(Precision("bfloat16", "cpu"), "cpu")
    finally:
        torch.set_num_threads(threads)
    message = changes_message(before, after)
    assert message is not None
    assert message.startswith("from here on, the results are not bit-identical to those of an uninterrupted training")
    for part in (
        f"threads: {threads}, now {threads + 1}",
        "precision: float32, now bfloat16",
        "environment: none, now MKL_CBWR=AVX2",
    ):
        assert part in message
    if before["kernels"] != "none":
        assert f"kernels: {before['kernels']}, now none" in message
    assert "PyTorch" not in message


def test_conditions_that_an_older_state_lacks_are_ignored() -> None:
    assert changes_message({}, {"threads": "2"}) is None
    assert changes_message({"threads": "2", "gone": "1"}, {"threads": "2", "new": "1"}) is None
