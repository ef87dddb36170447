"""The additive score in Triton: on a GPU if there is one, else by Triton's interpreter, which is slow.

The interpreter must be chosen before Triton is imported, so everything runs in a separate process.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from regard.attention.additive import chunked, native

NAMES = ["scores", "query", "key", "v"]
CASES = {  # (B, H, T, S, D), type, size of the numbers
    "one query": ((2, 1, 1, 15, 8), "float32", 1.0),
    "one query, tails": ((1, 2, 1, 17, 130), "float32", 1.0),
    "tails": ((1, 2, 9, 17, 33), "float32", 1.0),
    "whole tiles": ((2, 1, 8, 16, 32), "float32", 1.0),
    "several tiles": ((1, 1, 16, 32, 64), "float32", 1.0),
    "one key": ((2, 1, 3, 1, 1), "float32", 1.0),
    "tiny": ((1, 2, 3, 4, 5), "float32", 1e-4),
    "where the series ends": ((1, 2, 3, 4, 5), "float32", 0.2),
    "saturated": ((1, 2, 3, 4, 5), "float32", 50.0),
    "beyond the range of exponentials": ((1, 2, 3, 4, 5), "float32", 1e20),
    "bfloat16": ((1, 2, 9, 17, 33), "bfloat16", 1.0),
    "float16": ((1, 2, 9, 17, 33), "float16", 1.0),
}

PROGRAM = """
import json, sys
import torch
from regard.attention.additive.triton_kernel import triton_backward, triton_forward
from regard.attention.additive import additive_scores

torch.set_default_device(sys.argv[2])

def error(got, expected):
    assert got.shape == expected.shape and got.isfinite().all()
    return float((got.double() - expected).abs().max() / expected.abs().max().clamp(min=1e-30))

def measure(shape, dtype, size):
    B, H, T, S, D = shape
    torch.manual_seed(1)
    query, key = ((size * torch.randn(B, H, n, D)).to(getattr(torch, dtype)) for n in (T, S))
    v, upstream = torch.randn(H, D), torch.randn(B, H, T, S)
    wide = [x.double().requires_grad_() for x in (query, key, v)]
    # A plain loop, which shares no code with the kernel.
    expected = torch.stack([
        torch.stack([(wide[2] * torch.tanh(wide[0][:, :, t] + wide[1][:, :, s])).sum(-1) for s in range(S)], -1)
        for t in range(T)
    ], -2)
    gradients = torch.autograd.grad(expected, wide, upstream.double())
    first, second = ((triton_forward(query, key, v), *triton_backward(upstream, query, key, v)) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second))
    assert [x.dtype for x in first] == [torch.float32, query.dtype, key.dtype, torch.float32]
    return [error(got, reference) for got, reference in zip(first, (expected, *gradients))]

def layouts():
    query, key = torch.randn(2, 3, 9, 5).transpose(2, 3), torch.randn(2, 1, 4, 9).expand(2, 3, 4, 9)
    v = torch.randn(9, 3).T
    upstream = torch.ones(()).expand(2, 3, 5, 4)
    plain = [x.contiguous() for x in (upstream, query, key, v)]
    strided, contiguous = triton_backward(upstream, query, key, v), triton_backward(*plain)
    assert torch.equal(triton_forward(query, key, v), triton_forward(*plain[1:]))
    assert all(torch.equal(a, b) for a, b in zip(strided, contiguous))

def empty_tensors():
    for empty_dimension in range(5):
        sizes = [2, 3, 4, 5, 6]
        sizes[empty_dimension] = 0
        B, H, T, S, D = sizes
        inputs = torch.randn(B, H, T, D), torch.randn(B, H, S, D), torch.randn(H, D)
        scores = triton_forward(*inputs)
        assert scores.shape == (B, H, T, S) and not scores.any()
        for gradient, x in zip(triton_backward(torch.randn(B, H, T, S), *inputs), inputs):
            assert gradient.shape == x.shape and not gradient.any()

def operator():
    query, key, v = torch.randn(2, 1, 3, 9), torch.randn(2, 1, 4, 9), torch.randn(1, 9)
    assert torch.equal(additive_scores(query, key, v), triton_forward(query, key, v))

layouts()
empty_tensors()
if sys.argv[2] == "cuda":
    operator()
print(json.dumps({name: measure(*case) for name, case in json.loads(sys.argv[1]).items()}))
"""


@pytest.fixture(scope="module")
def errors() -> dict[str, list[float]]:
    if importlib.util.find_spec("triton") is None:
        pytest.skip("Triton is not installed")
    on_gpu = torch.cuda.is_available()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(CASES), "cuda" if on_gpu else "cpu"],
        env={**os.environ, "TRITON_INTERPRET": "0" if on_gpu else "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=1800,
    )
    if not on_gpu and "only 0-dimensional arrays can be converted" in done.stderr:
        pytest.skip("the interpreter of this Triton version does not support NumPy 2.4")
    assert done.returncode == 0, done.stderr
    measured: dict[str, list[float]] = json.loads(done.stdout)
    return measured


@pytest.mark.parametrize("case", CASES)
def test_against_a_loop_in_float64(errors: dict[str, list[float]], case: str) -> None:
    # Gradients have the type of queries and keys. The interpreter truncates to bfloat16 where a GPU rounds: 2^-7.
    rounding = {"float32": 1e-5, "bfloat16": 2**-7, "float16": 2**-10}[CASES[case][1]]
    limits = [1e-5, rounding, rounding, 1e-5]
    assert len(errors[case]) == len(NAMES)
    for name, error, limit in zip(NAMES, errors[case], limits, strict=True):
        assert error <= limit, f"{name}: {error:.1e}"


def test_triton_is_used_on_a_gpu_only(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = (lambda *_: torch.empty(0), lambda *_: (torch.empty(0),) * 3)
    chunks = (chunked.chunked_forward, chunked.chunked_backward)

    def chosen(device: str, dtype: torch.dtype) -> object:
        on_device = SimpleNamespace(device=torch.device(device), dtype=dtype)  # no GPU is needed
        return native._fallback(on_device)  # type: ignore[arg-type]

    monkeypatch.setattr(native, "_triton", lambda: gpu)
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        assert chosen("cuda:1", dtype) == gpu
        assert chosen("cpu", dtype) == chunks
    assert chosen("cuda", torch.float64) == chunks
    monkeypatch.setattr(native, "_triton", lambda: None)
    assert chosen("cuda", torch.float32) == chunks


def test_triton_is_used_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "find_spec", lambda name: None)
    assert native._triton.__wrapped__() is None
    monkeypatch.setattr(native, "find_spec", lambda name: object())
    functions = native._triton.__wrapped__()
    assert functions is not None
    assert [function.__name__ for function in functions] == ["triton_forward", "triton_backward"]


def test_without_a_gpu_triton_is_not_imported(tmp_path: Path) -> None:
    (tmp_path / "triton.py").write_text("raise RuntimeError('imported')\n")
    program = (
        "import sys, torch, regard\n"
        "from regard.attention.additive import additive_scores\n"
        "given = [torch.randn(1, 1, n, 4, requires_grad=True) for n in (2, 3)]\n"
        "additive_scores(*given, torch.randn(1, 4)).sum().backward()\n"
        "additive_scores(*(x.double() for x in given), torch.randn(1, 4)).sum().backward()\n"
        "assert 'regard.attention.additive.triton_kernel' not in sys.modules\n"
    )
    paths = [str(tmp_path), os.environ.get("PYTHONPATH", "")]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}
    subprocess.run([sys.executable, "-c", program], env=env, check=True, timeout=1800)
