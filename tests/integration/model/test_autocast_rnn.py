"""Recurrent layers under autocast, on processors that support its type and on others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Literal, Protocol

import pytest
import torch
from torch import nn

from regard.model import autocast_rnn

LayerType = type[nn.RNN] | type[nn.GRU] | type[nn.LSTM]
LAYERS: tuple[LayerType, ...] = (nn.RNN, nn.GRU, nn.LSTM)


def output_and_gradient(kind: LayerType, *, autocast: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """The output of a layer, and a gradient of its weights."""
    torch.manual_seed(3)
    layer, x = kind(5, 6, batch_first=True), torch.randn(2, 4, 5)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        y, final = autocast_rnn.run_rnn(layer, x)
    assert (final[0] if isinstance(final, tuple) else final).dtype == y.dtype
    y.float().square().sum().backward()
    gradient = layer.get_parameter("weight_hh_l0").grad
    assert gradient is not None
    return y, gradient


@pytest.mark.parametrize("kind", LAYERS)
def test_an_lstm_that_cannot_be_trained_in_the_type_of_autocast_runs_in_that_of_its_weights(
    kind: LayerType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autocast_rnn, "can_train_lstm", lambda dtype: False)
    y, gradient = output_and_gradient(kind, autocast=True)
    exact, exact_gradient = output_and_gradient(kind, autocast=False)
    if kind is nn.LSTM:
        assert y.dtype == torch.bfloat16
        assert torch.equal(y, exact.bfloat16())
    torch.testing.assert_close(gradient, exact_gradient, rtol=0.1, atol=0.05)


def test_can_train_lstm_draws_no_random_numbers() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    autocast_rnn.can_train_lstm.cache_clear()
    with torch.inference_mode():
        first = autocast_rnn.can_train_lstm(torch.bfloat16)
    assert torch.equal(torch.get_rng_state(), before)
    autocast_rnn.can_train_lstm.cache_clear()
    assert autocast_rnn.can_train_lstm(torch.bfloat16) is first
    autocast_rnn.can_train_lstm.cache_clear()


class OlderCpu(Protocol):
    """See `tests/conftest.py`."""

    library: Path | None

    def environment(self, level: Literal["avx2"], *, every_library: bool) -> dict[str, str]: ...


PROGRAM = """
import sys
sys.path[:0] = {path!r}
import torch
from test_autocast_rnn import LAYERS, output_and_gradient
from regard.model.autocast_rnn import can_train_lstm
print(can_train_lstm(torch.bfloat16), *(output_and_gradient(kind, autocast=True)[0].shape[0] for kind in LAYERS))
"""


def test_every_layer_trains_in_bfloat16_on_a_processor_without_bfloat16(older_cpu: OlderCpu) -> None:
    environment = older_cpu.environment("avx2", every_library=False)
    program = PROGRAM.format(path=[str(__file__).rpartition("/")[0], *sys.path])
    result = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=1800, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.split()[1:] == ["2", "2", "2"]
    if older_cpu.library:
        assert result.stdout.split()[0] == "False"
