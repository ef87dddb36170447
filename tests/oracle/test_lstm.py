"""The LSTM of few calls against PyTorch's own in float64: states, last states and every gradient."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from regard import native
from regard.model.lstm import has_kernel, lstm_cell, lstm_sequence
from regard.model.rnn_encoder import RNNEncoder
from regard.native.linear import StepProduct

pytestmark = pytest.mark.usefixtures("kernels")
LENGTHS = [[5, 3, 3, 1], [1], [1, 1], [7, 7, 7], [2, 9, 4, 9, 1]]


def _close(found: Tensor | None, wanted: Tensor | None) -> None:
    assert found is not None
    assert wanted is not None
    torch.testing.assert_close(found.double(), wanted.double(), rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("backwards", [False, True])
def test_a_sequence_and_its_gradients(lengths: list[int], backwards: bool) -> None:
    whole = nn.LSTM(6, 19, bidirectional=True).double()
    suffix = "_reverse" if backwards else ""
    exact = [whole.get_parameter(f"{name}_l0{suffix}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    x = torch.randn(max(lengths), len(lengths), 6, dtype=torch.float64, requires_grad=True)
    packed = pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=False)
    given = [packed.data.detach().float().requires_grad_(), *(one.detach().float().requires_grad_() for one in exact)]
    hidden, cells = lstm_sequence(
        given[0], given[1], given[2], given[3] + given[4], packed.batch_sizes.tolist(), backwards=backwards
    )
    output, (_, last_cell) = whole(packed)
    wanted = output.data[:, 19:] if backwards else output.data[:, :19]
    _close(hidden, wanted)
    lengths_sorted = sorted(lengths, reverse=True)
    starts = packed.batch_sizes.cumsum(0) - packed.batch_sizes
    ends = [0 if backwards else int(starts[length - 1]) for length in lengths_sorted]
    last = torch.tensor(ends) + torch.arange(len(lengths))
    assert packed.sorted_indices is not None
    wanted_cell = last_cell[int(backwards)][packed.sorted_indices]
    _close(cells[last], wanted_cell)
    of_hidden, of_cell = torch.randn_like(hidden), torch.randn(len(lengths), 19)
    ((hidden * of_hidden).sum() + (cells[last] * of_cell).sum()).backward()
    ((wanted * of_hidden).sum() + (wanted_cell * of_cell).sum()).backward()
    for found, other in zip(given[1:], exact, strict=True):
        _close(found.grad, other.grad)
    assert x.grad is not None
    _close(given[0].grad, pack_padded_sequence(x.grad, torch.tensor(lengths), enforce_sorted=False).data)


def test_a_cell_and_its_gradients_far_out_too() -> None:
    parts = [scale * torch.randn(7, size) for scale, size in ((30.0, 68), (1.0, 68), (3.0, 17))]
    exact = [part.double().requires_grad_() for part in parts]
    given = [part.clone().requires_grad_() for part in parts]
    i, f, g, o = (exact[0] + exact[1]).chunk(4, dim=-1)
    wanted_cell = f.sigmoid() * exact[2] + i.sigmoid() * g.tanh()
    wanted = o.sigmoid() * wanted_cell.tanh()
    hidden, cell = lstm_cell(*given)
    _close(hidden, wanted)
    _close(cell, wanted_cell)
    upstream = torch.randn(2, 7, 17)
    ((hidden * upstream[0]).sum() + (cell * upstream[1]).sum()).backward()
    ((wanted * upstream[0]).sum() + (wanted_cell * upstream[1]).sum()).backward()
    for found, other in zip(given, exact, strict=True):
        _close(found.grad, other.grad)


def test_what_is_not_a_number_stays_so() -> None:
    gates = torch.zeros(2, 8)
    gates[1, 5] = torch.nan
    hidden, _ = lstm_cell(gates, torch.zeros(2, 8), torch.zeros(2, 2))
    assert hidden.isnan().tolist() == [[False, False], [False, True]]


@pytest.mark.parametrize("bidirectional", [True, False])
def test_an_encoder_reads_as_with_pytorchs_layers(bidirectional: bool) -> None:
    encoder = RNNEncoder(nn.Embedding(30, 6), "lstm", 16, 2, bidirectional=bidirectional)
    ids, lengths = torch.randint(30, (5, 9)), torch.tensor([3, 9, 1, 9, 4])
    found = encoder(ids, lengths)
    with native.limited_to(None):
        assert not has_kernel(found.states)
        wanted = encoder(ids, lengths)
    assert found.final is not None
    torch.testing.assert_close(found.states, wanted.states)
    torch.testing.assert_close(found.final, wanted.final)
    assert pad_packed_sequence(pack_padded_sequence(found.states, lengths, True, False), True)[0].equal(found.states)


def test_the_gradient_of_all_steps_is_the_sum_of_theirs() -> None:
    weight, x = torch.randn(8, 5, requires_grad=True), torch.randn(4, 3, 5, requires_grad=True)
    upstream = torch.randn(4, 3, 8)
    product = StepProduct(weight)
    steps = [product(one) for one in x]
    (torch.stack(steps) * upstream).sum().backward(retain_graph=True)
    wanted = torch.autograd.grad(((x @ weight.T) * upstream).sum(), (weight, x))
    _close(weight.grad, wanted[0])
    _close(x.grad, wanted[1])
    again = torch.autograd.grad((torch.stack(steps) * upstream).sum(), weight, retain_graph=True)
    _close(again[0], wanted[0])  # nothing is left from the first time
    part = torch.autograd.grad((steps[1] * upstream[1]).sum(), weight)  # only one step takes part
    _close(part[0], upstream[1].T @ x[1])
