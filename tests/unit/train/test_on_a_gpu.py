"""What a GPU would receive, as far as it can be tested without one. `make gpu-check` runs on a real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

from regard.attention.scores import ScaledDotScore
from regard.attention.single import attend
from regard.config.schema import TransformerConfig
from regard.model.autocast_rnn import run_rnn
from regard.model.build import build_model
from regard.model.decoder import select_rows
from regard.train import loss, precision
from regard.train.loss import chunked_cross_entropy
from regard.values import Batch, Memory, Specials

SPECIALS = Specials()


class OnGPU(Tensor):
    """A tensor that claims to be on a GPU, but computes on its real device."""

    # In PyTorch's stubs both are attributes.
    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return torch.device("cuda")

    @property
    def is_cuda(self) -> bool:  # type: ignore[override]
        return True


@pytest.fixture
def autocast() -> Iterator[None]:
    """Like `torch.autocast("cuda", dtype=torch.bfloat16)`, which cannot be enabled without a GPU."""
    torch.set_autocast_dtype("cuda", torch.bfloat16)
    torch.set_autocast_enabled("cuda", True)
    yield
    torch.set_autocast_enabled("cuda", False)


def batch(device: str = "cpu") -> Batch:
    ids, lens = torch.ones(4, 6, dtype=torch.int64, device=device), torch.full((4,), 6, device=device)
    return Batch(ids, lens, ids, ids, lens, (0, 1, 2, 3), 24)


def without_autocast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Autocast does not know the device `meta`."""
    monkeypatch.setattr(loss, "_compute_type", lambda hidden: hidden.dtype)
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())


def test_a_batch_is_copied_while_the_gpu_works(monkeypatch: pytest.MonkeyPatch) -> None:
    copies: list[tuple[str, bool]] = []

    class Pinned:
        def to(self, device: str, *, non_blocking: bool) -> Tensor:
            copies.append((device, non_blocking))
            return torch.ones(1)

    monkeypatch.setattr(Tensor, "pin_memory", lambda self: Pinned())
    batch().to("cuda:1")
    assert copies == [("cuda:1", True)] * 5


def test_no_part_of_a_transformer_s_step_waits_for_the_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Meta tensors hold no values: reading them, or mixing them with others, raises an error."""
    without_autocast(monkeypatch)
    config = TransformerConfig(width=16, ff_size=32, heads=2, encoder_layers=1, decoder_layers=1)
    model = build_model(config, src_vocab=32, tgt_vocab=32, shared=True, specials=SPECIALS).to("meta").train()
    placed = batch("meta")
    total, _ = chunked_cross_entropy(
        model(placed).hidden, model.output_weight, model.output_bias, placed.tgt_out_ids,
        label_smoothing=0.1, ignore_index=SPECIALS.pad, num_tokens=24,
    )  # fmt: skip
    total.backward()
    assert all(weight.grad is not None for weight in model.parameters())


def test_a_gpu_takes_more_logits_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[object] = []
    apply: Callable[..., object] = loss._ChunkedCrossEntropy.apply

    def recorded(*given: object) -> object:
        plan = given[4]
        assert isinstance(plan, loss._Plan)
        sizes.append(plan.chunk_size)
        return apply(*given)

    without_autocast(monkeypatch)
    monkeypatch.setattr(loss._ChunkedCrossEntropy, "apply", recorded)
    for device in ("cpu", "meta"):
        weight, ids = torch.zeros(32_000, 2, device=device), torch.zeros(8, dtype=torch.int64, device=device)
        chunked_cross_entropy(torch.zeros(8, 2, device=device), weight, None, ids, num_tokens=8)
    assert sizes == [131, 2097]


@pytest.mark.parametrize("packed", [True, False])
def test_recurrent_layers_keep_their_numbers_under_autocast(autocast: None, packed: bool) -> None:
    layer = nn.LSTM(4, 3, batch_first=True)
    seen: list[torch.dtype] = []
    layer.register_forward_pre_hook(lambda _, given: seen.append(given[0].data.dtype))
    layer.register_forward_pre_hook(
        lambda *_: seen.append(torch.float16) if torch.is_autocast_enabled("cuda") else None
    )
    x = torch.randn(2, 5, 4)
    initial = torch.randn(2, 1, 2, 3).bfloat16().unbind()
    sequence = pack_padded_sequence(x, torch.tensor([5, 3]), batch_first=True)
    on_gpu = PackedSequence(sequence.data.as_subclass(OnGPU), sequence.batch_sizes)
    output: Tensor | PackedSequence
    if packed:
        output, last = run_rnn(layer, on_gpu, initial)
    else:
        output, last = run_rnn(layer, x.as_subclass(OnGPU), initial)
    assert seen == [torch.float32]
    assert {output.data.dtype, *(state.dtype for state in last)} == {torch.bfloat16}


def test_attention_does_not_use_cudnn(monkeypatch: pytest.MonkeyPatch) -> None:
    allowed: list[bool] = []

    def fused(query: Tensor, key: Tensor, value: Tensor, **_: object) -> Tensor:
        allowed.append(torch.backends.cuda.cudnn_sdp_enabled())
        return query

    monkeypatch.setattr(F, "scaled_dot_product_attention", fused)
    before = torch.backends.cuda.cudnn_sdp_enabled()
    query = torch.randn(2, 1, 3, 4).as_subclass(OnGPU)
    attend(ScaledDotScore(4, 4), query, Memory(query, query), mask=None, bias=None, dropout=0.0, need_weights=False)
    assert allowed == [False]
    assert torch.backends.cuda.cudnn_sdp_enabled() == before


def test_layers_whose_rows_change_together_are_compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    comparisons: list[bool] = []
    equal = torch.equal

    def counted(first: Tensor, second: Tensor) -> bool:
        comparisons.append(True)
        return equal(first, second)

    monkeypatch.setattr(torch, "equal", counted)
    layers = tuple(Memory(torch.randn(3, 1, 2, 4), torch.randn(3, 1, 2, 4)) for _ in range(6))
    first = select_rows(layers, torch.tensor([0, 0, 2]))
    second = select_rows(first, torch.tensor([1, 0, 2]))  # copies of one another change places
    assert len(comparisons) == 2
    assert second is first
    assert all(equal(new.key, old.key[[0, 0, 2]]) for new, old in zip(first, layers, strict=True))


def test_layers_with_a_history_of_their_own_are_compared_separately() -> None:
    plain = Memory(torch.randn(2, 1, 2, 4), torch.randn(2, 1, 2, 4))
    copied = Memory(plain.key, plain.value, copy_ids=torch.tensor([7, 7]))
    swapped, same = select_rows((plain, copied), torch.tensor([1, 0]))
    assert torch.equal(swapped.key, plain.key[[1, 0]])
    assert same is copied


def test_a_gpu_s_products_are_timed_many_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[bool] = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: None)
    monkeypatch.setattr(precision, "linear", lambda left, right: calls.append(True))
    precision._seconds(torch.ones(1, 1).as_subclass(OnGPU), torch.ones(1, 1))
    assert len(calls) == precision.PRODUCTS_PER_TIMING
