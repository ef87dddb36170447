"""`auto` follows the measurement; other values follow the user."""

from __future__ import annotations

import pytest
import torch

from regard.config.schema import ModelConfig, RNNConfig, TransformerConfig
from regard.train import precision
from regard.train.precision import choose_precision, measure_ratio


@pytest.mark.parametrize(
    ("ratio", "name"), [(0.3, "float32"), (1.29, "float32"), (1.31, "bfloat16"), (4.0, "bfloat16")]
)
def test_auto_chooses_the_clearly_faster_format(monkeypatch: pytest.MonkeyPatch, ratio: float, name: str) -> None:
    monkeypatch.setattr(precision, "measure_ratio", lambda *_, **__: ratio)
    chosen = choose_precision("auto", "cpu", rows=64, width=32)
    assert (chosen.name, chosen.ratio) == (name, ratio)
    assert f"precision {name}: a product of 64 x 32 by 32 x 128 in bfloat16 runs {ratio:.1f} times" in chosen.note


@pytest.mark.parametrize("name", ["float32", "bfloat16"])
def test_a_configured_format_is_not_measured(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(precision, "measure_ratio", lambda *_, **__: pytest.fail("measured"))
    chosen = choose_precision(name, "cpu")  # type: ignore[arg-type]
    assert (chosen.name, chosen.note, chosen.ratio) == (name, "", None)


@pytest.mark.parametrize(("name", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_products_run_in_the_chosen_format(name: str, dtype: torch.dtype) -> None:
    x = torch.ones(2, 2)
    with choose_precision(name, "cpu").context():  # type: ignore[arg-type]
        assert (x @ x).dtype == dtype
    assert (x @ x).dtype == torch.float32


def test_the_measurement_is_short_and_compares_the_two(monkeypatch: pytest.MonkeyPatch) -> None:
    types = []

    def seconds(left: torch.Tensor, right: torch.Tensor) -> float:
        types.append(left.dtype)
        assert left.shape == (8, 4)
        assert right.shape == (16, 4)
        # The first of each is slow, as when kernels are compiled.
        return 9.0 if len(types) <= 2 else {torch.float32: 0.6, torch.bfloat16: 0.2}[left.dtype]

    monkeypatch.setattr(precision, "_seconds", seconds)
    assert measure_ratio("cpu", rows=8, width=4, budget=0.0) == pytest.approx(3.0)
    assert types == [torch.float32, torch.bfloat16] * 3


def test_it_measures_on_this_machine() -> None:
    assert 0 < measure_ratio("cpu", rows=8, width=8, budget=0.0) < float("inf")


@pytest.mark.parametrize(
    ("name", "device", "model", "has_lstm", "expected"),
    [
        ("bfloat16", "cpu", RNNConfig(), False, True),
        ("bfloat16", "cpu", RNNConfig(), True, False),
        ("bfloat16", "cpu", RNNConfig(cell="gru"), False, False),
        ("bfloat16", "cuda", RNNConfig(), False, False),
        ("float32", "cpu", RNNConfig(), False, False),
        ("bfloat16", "cpu", TransformerConfig(), False, False),
    ],
)
def test_a_missing_bfloat16_lstm_is_noted(
    monkeypatch: pytest.MonkeyPatch, name: str, device: str, model: ModelConfig, has_lstm: bool, expected: bool
) -> None:
    monkeypatch.setattr(precision, "can_train_lstm", lambda dtype: has_lstm)
    chosen = precision.Precision(name, device, "measured").with_exceptions(model)  # type: ignore[arg-type]
    assert ("; this processor has no LSTM in bfloat16: its layers run in float32" in chosen.note) is expected
    assert chosen.note.startswith("measured")
