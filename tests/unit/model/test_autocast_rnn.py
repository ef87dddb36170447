"""Recurrent layers over whole sentences in a narrow type, on processors that have it and on others."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from regard.model import autocast_rnn as whole

LAYERS = (nn.RNN, nn.GRU, nn.LSTM)


def trained(kind: type[nn.RNNBase], *, autocast: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """What a layer gives, and a gradient of its weights."""
    torch.manual_seed(3)
    layer, x = kind(5, 6, batch_first=True), torch.randn(2, 4, 5)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        y, last = whole.run_rnn(layer, x)
    assert (last[0] if isinstance(last, tuple) else last).dtype == y.dtype
    y.float().square().sum().backward()
    return y, layer.get_parameter("weight_hh_l0").grad


@pytest.mark.parametrize("kind", LAYERS)
def test_without_the_instructions_an_lstm_runs_in_the_type_of_its_weights(
    kind: type[nn.RNNBase], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole, "can_train_lstm", lambda dtype: False)
    y, gradient = trained(kind, autocast=True)
    exact, own = trained(kind, autocast=False)
    if kind is nn.LSTM:
        assert y.dtype == torch.bfloat16
        assert torch.equal(y, exact.bfloat16())
    torch.testing.assert_close(gradient, own, rtol=0.1, atol=0.05)


def test_asking_whether_there_is_an_lstm_draws_no_numbers() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    whole.can_train_lstm.cache_clear()
    with torch.inference_mode():
        found = whole.can_train_lstm(torch.bfloat16)
    assert torch.equal(torch.get_rng_state(), before)
    whole.can_train_lstm.cache_clear()
    assert whole.can_train_lstm(torch.bfloat16) is found
    whole.can_train_lstm.cache_clear()


PROGRAM = """
import sys
sys.path[:0] = {path!r}
import torch
from test_autocast_rnn import LAYERS, trained
from regard.model.autocast_rnn import can_train_lstm
print(can_train_lstm(torch.bfloat16), *(trained(kind, autocast=True)[0].shape[0] for kind in LAYERS))
"""


def test_every_layer_trains_in_bfloat16_on_a_processor_without_it(older_cpu) -> None:  # type: ignore[no-untyped-def]
    environment = older_cpu.environment("avx2", every_library=False)
    program = PROGRAM.format(path=[str(__file__).rpartition("/")[0], *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=1800, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[1:] == ["2", "2", "2"]
    if older_cpu.library:
        assert done.stdout.split()[0] == "False"
