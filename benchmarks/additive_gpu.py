"""How fast is the additive score on a GPU: naive (with the tensor of all terms), in chunks, and in Triton?

    python benchmarks/additive_gpu.py [--shapes 32,256,256,256] [--dtype bfloat16]

Prints median milliseconds, the peak memory that a call adds, and two lower bounds in milliseconds: for special
functions (an exponential and a reciprocal per term in the forward pass, twice that in the backward pass, 16 per cycle
and multiprocessor) and for moving each byte once. Without a GPU, `TRITON_INTERPRET=1` and `--device cpu` show only that
the program runs.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from regard.attention.additive.chunked import chunked_backward, chunked_forward
from regard.attention.additive.triton_kernel import triton_backward, triton_forward

SHAPES = "128,1,15,512 32,64,64,256 32,256,256,256 8,512,512,512"


def main() -> None:
    """Times all versions at each shape."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shapes", default=SHAPES, help="B,T,S,D separated by spaces")
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16", "float16"])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--processors", type=int, default=132, help="streaming multiprocessors; an H200 has 132")
    parser.add_argument("--ghz", type=float, default=1.98, help="clock while it runs; see nvidia-smi")
    parser.add_argument("--terabytes", type=float, default=4.8, help="memory bandwidth in TB/s")
    arguments = parser.parse_args()
    print(f"{'B,T,S,D':>17} {'':8}  {'version':8}  {'ms':>9}  {'MB added':>9}  functions ms  bytes ms")
    for shape in arguments.shapes.split():
        _report(tuple(int(size) for size in shape.split(",")), arguments)


def _report(shape: tuple[int, ...], arguments: argparse.Namespace) -> None:
    B, T, S, D = shape
    dtype = getattr(torch, arguments.dtype)
    for mode, runs in versions(shape, dtype, arguments.device).items():
        passes = 1 if mode == "forward" else 3  # backward goes over all terms twice
        functions = 2 * passes * B * T * S * D / (16 * arguments.processors * arguments.ghz * 1e9)
        floors = f"{functions * 1e3:12.4f}  {bytes_moved(shape, dtype, mode) / arguments.terabytes / 1e9:8.4f}"
        for version, run in runs.items():
            ms, added = measure(run, arguments.device, arguments.repeats)
            print(
                f"{','.join(map(str, shape)):>17} {mode:8}  {version:8}  {ms:9.4f}  {added:9.1f}  {floors}", flush=True
            )


def versions(shape: tuple[int, ...], dtype: torch.dtype, device: str) -> dict[str, dict[str, Callable[[], object]]]:
    """Functions to time, by mode (`forward`, `both`) and by name.

    Args:
        shape: B, T, S, D.
        dtype: Type of queries and keys.
        device: Device of the tensors.
    """
    B, T, S, D = shape
    torch.manual_seed(1)
    query, key = (torch.randn(B, 1, n, D, device=device).to(dtype) for n in (T, S))
    v, upstream = torch.randn(1, D, device=device), torch.randn(B, 1, T, S, device=device)
    leaves = [x.clone().requires_grad_() for x in (query, key, v)]
    return {
        "forward": {
            "naive": lambda: _naive(query, key, v),
            "chunked": lambda: chunked_forward(query, key, v),
            "triton": lambda: triton_forward(query, key, v),
        },
        "both": {
            "naive": lambda: torch.autograd.grad(_naive(*leaves), leaves, upstream.to(dtype)),
            "chunked": lambda: (chunked_forward(query, key, v), chunked_backward(upstream, query, key, v)),
            "triton": lambda: (triton_forward(query, key, v), triton_backward(upstream, query, key, v)),
        },
    }


def bytes_moved(shape: tuple[int, ...], dtype: torch.dtype, mode: str) -> int:
    """Minimum number of bytes to read and write.

    The forward pass reads queries and keys and writes scores; the backward pass also reads the gradient of the scores
    and writes two gradients.

    Args:
        shape: B, T, S, D.
        dtype: Type of queries and keys.
        mode: `forward` or `both`.
    """
    B, T, S, D = shape
    passes, sides = (1, 1) if mode == "forward" else (3, 2)
    return B * (T + S) * D * dtype.itemsize * passes + B * T * S * 4 * sides


def _naive(query: Tensor, key: Tensor, v: Tensor) -> Tensor:
    return torch.tanh(query.unsqueeze(-2) + key.unsqueeze(-3)) @ v[0].to(query.dtype)


def measure(run: Callable[[], object], device: str, repeats: int) -> tuple[float, float]:
    """Measures the median milliseconds of a call, and the megabytes that it adds at its peak (NaN without a GPU).

    Args:
        run: Function to time.
        device: Device that it runs on.
        repeats: Number of timed calls.
    """
    on_gpu = device.startswith("cuda")
    wait: Callable[[], None] = torch.cuda.synchronize if on_gpu else lambda: None
    run()  # compiles
    wait()
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        run()
        wait()
        added = (torch.cuda.max_memory_allocated() - before) / 1e6
    else:
        added = float("nan")
    times = []
    for _ in range(repeats):
        wait()
        start = time.perf_counter()
        run()
        wait()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3, added


if __name__ == "__main__":
    main()
