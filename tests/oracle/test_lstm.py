"""The LSTM with kernels compared with PyTorch's in float64: states, last states and all gradients."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from regard import native
from regard.model.lstm import has_lstm_kernel, lstm_cell, lstm_sequence
from regard.model.rnn_encoder import RNNEncoder
from regard.native.linear import StepProduct

pytestmark = pytest.mark.usefixtures("kernels")
LENGTHS = [[5, 3, 3, 1], [1], [1, 1], [7, 7, 7], [2, 9, 4, 9, 1]]


def _assert_close(found: Tensor | None, expected: Tensor | None) -> None:
    assert found is not None
    assert expected is not None
    torch.testing.assert_close(found.double(), expected.double(), rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("backwards", [False, True])
def test_a_sequence_and_its_gradients(lengths: list[int], backwards: bool) -> None:
    reference = nn.LSTM(6, 19, bidirectional=True).double()
    suffix = "_reverse" if backwards else ""
    exact = [reference.get_parameter(f"{name}_l0{suffix}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    x = torch.randn(max(lengths), len(lengths), 6, dtype=torch.float64, requires_grad=True)
    packed = pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=False)
    weights = [parameter.detach().float().requires_grad_() for parameter in exact]
    inputs = packed.data.detach().float().requires_grad_()
    hidden, cells = lstm_sequence(
        inputs, weights[0], weights[1], weights[2] + weights[3], packed.batch_sizes.tolist(), backwards=backwards
    )
    output, (_, last_cell) = reference(packed)
    expected = output.data[:, 19:] if backwards else output.data[:, :19]
    _assert_close(hidden, expected)
    lengths_sorted = sorted(lengths, reverse=True)
    starts = packed.batch_sizes.cumsum(0) - packed.batch_sizes
    ends = [0 if backwards else int(starts[length - 1]) for length in lengths_sorted]
    last = torch.tensor(ends) + torch.arange(len(lengths))
    assert packed.sorted_indices is not None
    expected_cell = last_cell[int(backwards)][packed.sorted_indices]
    _assert_close(cells[last], expected_cell)
    hidden_upstream, cell_upstream = torch.randn_like(hidden), torch.randn(len(lengths), 19)
    ((hidden * hidden_upstream).sum() + (cells[last] * cell_upstream).sum()).backward()
    ((expected * hidden_upstream).sum() + (expected_cell * cell_upstream).sum()).backward()
    for weight, exact_weight in zip(weights, exact, strict=True):
        _assert_close(weight.grad, exact_weight.grad)
    assert x.grad is not None
    _assert_close(inputs.grad, pack_padded_sequence(x.grad, torch.tensor(lengths), enforce_sorted=False).data)


def test_a_cell_and_its_gradients_with_large_inputs() -> None:
    parts = [scale * torch.randn(7, size) for scale, size in ((30.0, 68), (1.0, 68), (3.0, 17))]
    exact = [part.double().requires_grad_() for part in parts]
    inputs = [part.clone().requires_grad_() for part in parts]
    i, f, g, o = (exact[0] + exact[1]).chunk(4, dim=-1)
    expected_cell = f.sigmoid() * exact[2] + i.sigmoid() * g.tanh()
    expected = o.sigmoid() * expected_cell.tanh()
    hidden, cell = lstm_cell(*inputs)
    _assert_close(hidden, expected)
    _assert_close(cell, expected_cell)
    upstream = torch.randn(2, 7, 17)
    ((hidden * upstream[0]).sum() + (cell * upstream[1]).sum()).backward()
    ((expected * upstream[0]).sum() + (expected_cell * upstream[1]).sum()).backward()
    for found, exact_input in zip(inputs, exact, strict=True):
        _assert_close(found.grad, exact_input.grad)


def test_nan_is_not_hidden() -> None:
    gates = torch.zeros(2, 8)
    gates[1, 5] = torch.nan
    hidden, _ = lstm_cell(gates, torch.zeros(2, 8), torch.zeros(2, 2))
    assert hidden.isnan().tolist() == [[False, False], [False, True]]


@pytest.mark.parametrize("bidirectional", [True, False])
def test_an_encoder_equals_one_with_pytorchs_layers(bidirectional: bool) -> None:
    encoder = RNNEncoder(nn.Embedding(30, 6), "lstm", 16, 2, bidirectional=bidirectional)
    ids, lengths = torch.randint(30, (5, 9)), torch.tensor([3, 9, 1, 9, 4])
    found = encoder(ids, lengths)
    with native.disabled():
        assert not has_lstm_kernel(found.states)
        expected = encoder(ids, lengths)
    assert found.final is not None
    torch.testing.assert_close(found.states, expected.states)
    torch.testing.assert_close(found.final, expected.final)
    assert pad_packed_sequence(pack_padded_sequence(found.states, lengths, True, False), True)[0].equal(found.states)


def test_the_gradient_of_a_step_product_is_the_sum_over_its_steps() -> None:
    weight, x = torch.randn(8, 5, requires_grad=True), torch.randn(4, 3, 5, requires_grad=True)
    upstream = torch.randn(4, 3, 8)
    product = StepProduct(weight)
    steps = [product(step_input) for step_input in x]
    (torch.stack(steps) * upstream).sum().backward(retain_graph=True)
    expected = torch.autograd.grad(((x @ weight.T) * upstream).sum(), (weight, x))
    _assert_close(weight.grad, expected[0])
    _assert_close(x.grad, expected[1])
    again = torch.autograd.grad((torch.stack(steps) * upstream).sum(), weight, retain_graph=True)
    _assert_close(again[0], expected[0])  # nothing is left from the first backward pass
    single = torch.autograd.grad((steps[1] * upstream[1]).sum(), weight)  # with a gradient for one step only
    _assert_close(single[0], upstream[1].T @ x[1])
