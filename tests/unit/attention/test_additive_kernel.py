"""The additive operator: autograd, `torch.compile`, types, empty tensors, memory, and no compiled kernel."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import CodeType

import pytest
import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from regard.attention.additive import additive_scores, chunked, native, op
from regard.attention.scores import AdditiveScore
from regard.attention.single import Attention
from regard.native import disabled, kernel

compiled = pytest.mark.skipif(kernel("additive_forward", torch.empty(0)) is None, reason="no compiled kernel")


def draw(B: int, H: int, T: int, S: int, D: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(1)
    query, key = torch.randn(B, H, T, D, dtype=dtype), torch.randn(B, H, S, D, dtype=dtype)
    v = torch.randn(H, D, dtype=torch.promote_types(dtype, torch.float32))
    return query.requires_grad_(), key.requires_grad_(), v.requires_grad_()


@pytest.fixture
def without_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    """`torch.compile` cannot trace the probes that measure coverage before Python 3.12."""
    file = additive_scores.__code__.co_filename
    module = compile(Path(file).read_text(encoding="utf-8"), file, "exec", dont_inherit=True)
    [code] = [x for x in module.co_consts if isinstance(x, CodeType) and x.co_name == additive_scores.__name__]
    monkeypatch.setattr(additive_scores, "__code__", code)


def naive(query: Tensor, key: Tensor, v: Tensor) -> Tensor:
    return torch.einsum("bhtsd,hd->bhts", (query[:, :, :, None] + key[:, :, None]).tanh(), v)


def check(run: Callable[[Tensor, Tensor, Tensor], Tensor], query: Tensor, key: Tensor, v: Tensor) -> None:
    expected = naive(query.float(), key.float(), v)
    got = run(query, key, v)
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-5)
    upstream = torch.randn_like(got)
    rounding = 1e-5 if query.dtype == torch.float32 else 0.02
    for gradient, expected_gradient in zip(
        torch.autograd.grad(got, (query, key, v), upstream),
        torch.autograd.grad(expected, (query, key, v), upstream),
        strict=True,
    ):
        assert gradient.dtype == expected_gradient.dtype
        torch.testing.assert_close(gradient, expected_gradient, rtol=rounding, atol=4 * rounding)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("shape", [(2, 1, 1, 5, 8), (2, 3, 4, 5, 9)], ids=str)
def test_autograd(shape: tuple[int, int, int, int, int], dtype: torch.dtype) -> None:
    check(additive_scores, *draw(*shape, dtype))


@compiled
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_the_kernel_supports_every_narrow_type(monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype) -> None:
    monkeypatch.setattr(native, "chunked_forward", None)
    monkeypatch.setattr(native, "chunked_backward", None)
    check(additive_scores, *draw(2, 1, 4, 5, 9, dtype))


def test_queries_and_keys_of_different_types() -> None:
    query, key, v = draw(1, 2, 3, 4, 5)
    mixed = additive_scores(query, key.bfloat16(), v)
    torch.testing.assert_close(mixed, naive(query, key.bfloat16().float(), v))
    assert mixed.dtype == torch.float32


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("shape", [(2, 1, 1, 5, 8), (2, 2, 3, 4, 17)], ids=str)
def test_opcheck(shape: tuple[int, int, int, int, int], dtype: torch.dtype) -> None:
    query, key, v = draw(*shape, dtype)
    torch.library.opcheck(torch.ops.regard.additive_scores.default, (query, key, v))
    upstream = torch.randn(*shape[:4], dtype=v.dtype)
    plain = tuple(x.detach() for x in (upstream, query, key, v))
    torch.library.opcheck(torch.ops.regard.additive_scores_backward.default, plain)


def test_float64_gradients_against_finite_differences() -> None:
    assert torch.autograd.gradcheck(additive_scores, draw(2, 2, 2, 3, 3, torch.float64))
    assert torch.autograd.gradcheck(torch.ops.regard.additive_scores, draw(2, 2, 2, 3, 3, torch.float64))


@pytest.mark.usefixtures("without_probes")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_compile_sees_one_operator() -> None:
    graphs: list[torch.fx.GraphModule] = []

    def backend(graph: torch.fx.GraphModule, _: list[Tensor]) -> Callable[..., object]:
        graphs.append(graph)
        return graph.forward

    run = torch.compile(lambda q, k, v: additive_scores(q, k, v) * 2.0, backend=backend, fullgraph=True)
    query, key, v = draw(2, 1, 3, 4, 5)
    torch.testing.assert_close(run(query, key, v), 2.0 * naive(query, key, v))
    [graph] = graphs
    assert any("regard.additive_scores" in str(node.target) for node in graph.graph.nodes)
    torch._dynamo.reset()


@pytest.mark.usefixtures("without_probes")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_gradients_through_compile() -> None:
    check(torch.compile(additive_scores, backend="aot_eager", fullgraph=True), *draw(2, 1, 3, 4, 5))
    torch._dynamo.reset()


def test_autocast() -> None:
    score = AdditiveScore(6, 5, size=7, num_heads=2)
    query, key = torch.randn(2, 2, 3, 6), torch.randn(2, 2, 4, 5)
    expected = score(query, score.project_key(key))
    with torch.autocast("cpu", torch.bfloat16):
        got = score(query, score.project_key(key))
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, expected, rtol=0.03, atol=0.03)
    got.sum().backward()
    assert all(parameter.grad is not None for parameter in score.parameters())


def test_without_gradients_and_without_data() -> None:
    query, key, v = draw(2, 1, 3, 4, 5)
    with torch.inference_mode():
        torch.testing.assert_close(additive_scores(query, key, v), naive(query, key, v))
    meta = additive_scores(query.to("meta"), key.to("meta"), v.to("meta"))
    assert meta.shape == (2, 1, 3, 4) and meta.device.type == "meta"
    with torch._subclasses.FakeTensorMode() as mode:
        fake = additive_scores(*(mode.from_tensor(x) for x in (query, key, v)))
        assert fake.shape == (2, 1, 3, 4)


def test_tensors_that_are_not_contiguous() -> None:
    query, key, v = draw(2, 3, 4, 5, 9)
    transposed = [x.detach().transpose(-1, -2).contiguous().transpose(-1, -2).requires_grad_() for x in (query, key, v)]
    assert not any(x.is_contiguous() for x in transposed)
    check(additive_scores, *transposed)
    scores = additive_scores(query, key, v)
    expanded = torch.autograd.grad(scores.sum(), query)[0]  # an upstream gradient of stride 0
    torch.testing.assert_close(expanded, torch.autograd.grad(naive(query, key, v).sum(), query)[0])


@pytest.mark.parametrize("empty_dimension", range(5))
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_empty_tensors(empty_dimension: int, dtype: torch.dtype) -> None:
    sizes = [2, 3, 4, 5, 6]
    sizes[empty_dimension] = 0
    B, H, T, S, D = sizes
    query, key, v = draw(B, H, T, S, D, dtype)
    scores = additive_scores(query, key, v)
    assert scores.shape == tuple(sizes[:4])
    assert not scores.any()  # empty, or sums over an empty dimension
    gradients = torch.autograd.grad(scores.sum(), (query, key, v))
    assert [x.shape for x in gradients] == [query.shape, key.shape, v.shape]
    assert not any(bool(x.any()) for x in gradients)


@compiled
@pytest.mark.parametrize("mode", ["forward", "backward"])
def test_kernel_and_chunks_agree(monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    query, key, v = (x.detach() for x in draw(2, 2, 9, 8, 20))
    monkeypatch.setattr(chunked, "MAX_TERMS", 2 * query.numel())  # several chunks
    if mode == "forward":
        assert len(list(chunked._chunks(query, key))) > 1
        torch.testing.assert_close(chunked.chunked_forward(query, key, v), native.forward(query, key, v))
    else:
        upstream = torch.randn(2, 2, 9, 8)
        ours, theirs = native.backward(upstream, query, key, v), chunked.chunked_backward(upstream, query, key, v)
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_without_a_compiled_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunked, "MAX_TERMS", 100)
    with disabled():
        check(additive_scores, *draw(2, 3, 4, 5, 9))
        check(additive_scores, *draw(1, 1, 4, 5, 9, torch.bfloat16))


@pytest.mark.parametrize("without_kernel", [False, True])
def test_only_the_inputs_are_saved_for_the_gradient(without_kernel: bool) -> None:
    query, key, v = draw(1, 1, 64, 64, 32)
    saved: list[int] = []

    def note(x: Tensor) -> Tensor:
        saved.append(x.data_ptr())
        return x

    hooks = saved_tensors_hooks(note, lambda x: x)
    with disabled() if without_kernel else nullcontext(), hooks:
        additive_scores(query, key, v)
    assert sorted(saved) == sorted(x.data_ptr() for x in (query, key, v))


@pytest.mark.parametrize("without_kernel", [False, True])
def test_no_allocation_is_as_large_as_all_terms(monkeypatch: pytest.MonkeyPatch, without_kernel: bool) -> None:
    if without_kernel:
        monkeypatch.setattr(chunked, "MAX_TERMS", 1 << 14)
    query, key, v = draw(2, 1, 96, 96, 64)
    profiling = torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True)
    with disabled() if without_kernel else nullcontext(), profiling as profile:
        additive_scores(query, key, v).sum().backward()
    all_terms = 2 * 96 * 96 * 64 * 4
    largest = max(event.cpu_memory_usage for event in profile.events())
    assert 2 * 96 * 96 * 4 <= largest < all_terms / 4


def test_a_row_that_is_masked_everywhere_gives_zeros() -> None:
    torch.manual_seed(2)
    attention = Attention(AdditiveScore(6, 6), 6)
    states, query = torch.randn(2, 4, 6), torch.randn(2, 3, 6, requires_grad=True)
    mask = torch.tensor([[True, True, False, False], [False] * 4])[:, None, None]
    output = attention(query, attention.project_memory(states, mask), need_weights=True)
    assert output.weights is not None
    assert not output.context[1].any() and not output.weights[1].any() and not output.weights[0, :, :, 2:].any()
    torch.testing.assert_close(output.weights[0].sum(-1), torch.ones(1, 3))
    output.context.sum().backward()
    assert query.grad is not None and not query.grad[1].any() and query.grad[0].any()


@compiled
def test_the_same_call_gives_the_same_bytes() -> None:
    query, key, v = draw(3, 1, 40, 33, 24)
    first, second = (torch.autograd.grad(additive_scores(query, key, v).square().sum(), (query, key, v)) for _ in "ab")
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_the_eager_function_equals_the_operator() -> None:
    query, key, v = draw(2, 2, 3, 4, 5)
    assert torch.equal(op.additive_scores(query, key, v), torch.ops.regard.additive_scores(query, key, v))
