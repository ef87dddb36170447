"""`auto` is the GPU if there is one."""

from __future__ import annotations

import pytest
import torch

from regard.native.device import resolve_device


@pytest.mark.parametrize("available", [False, True])
def test_auto_is_the_gpu_if_there_is_one(monkeypatch: pytest.MonkeyPatch, available: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
    assert resolve_device("auto") == ("cuda" if available else "cpu")
    assert [resolve_device(name) for name in ("cpu", "cuda:1", "abacus")] == ["cpu", "cuda:1", "abacus"]
