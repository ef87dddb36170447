"""Kernels are found where they were compiled, and only for what they can do."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from regard.native import kernel, library


def test_only_for_types_and_devices_that_there_are_kernels_for() -> None:
    assert kernel("dropout", torch.ones(1, dtype=torch.float64)) is None
    assert kernel("dropout", torch.ones(1, dtype=torch.int64)) is None
    assert kernel("dropout", torch.ones(1, device="meta")) is None


def test_an_unusable_library_is_as_good_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "_kernels.cpython-000-other-system.so").write_bytes(b"\x7fELF of another machine")
    monkeypatch.setattr(library, "__file__", str(tmp_path / "library.py"))
    library._library.cache_clear()
    try:
        assert kernel("dropout", torch.ones(1)) is None
    finally:
        monkeypatch.undo()
        library._library.cache_clear()


def test_a_kernel_can_be_called() -> None:
    run = kernel("dropout_rectified_backward", torch.ones(1))
    if run is None:
        pytest.skip("the kernels were not compiled here")
    y, upstream, result = torch.tensor([0.0, 2.0]), torch.tensor([3.0, 5.0]), torch.empty(2)
    run(y.data_ptr(), upstream.data_ptr(), result.data_ptr(), 2, 1.5, 1)
    assert result.tolist() == [0.0, 7.5]
