"""How fast is the additive score: naive (with the tensor of all terms), in chunks, and with the compiled kernel?

    python benchmarks/additive_attention.py [--sizes 64] [--threads 2]

Prints milliseconds (best of the repetitions; processor time with one thread, else wall-clock time), and the speedup of
the kernel. Freed memory is kept, as in training; otherwise half of the naive version's time is page faults. At T = S =
256 the naive version needs 16 GB.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import torch
from torch import Tensor

from regard.attention.additive.chunked import chunked_backward, chunked_forward
from regard.attention.additive.native import backward, forward
from regard.train.allocator import keep_freed_memory

STEP = (128, 1, 15, 512)  # one decoder step for a batch of sentences
SIZE = 256


def main() -> None:
    """Times all versions at each shape."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="64", help="values of T = S, separated by commas; batches have 32 sentences")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(arguments.threads)
    clock = time.process_time if arguments.threads == 1 else time.perf_counter
    shapes = [STEP, *((32, int(size), int(size), SIZE) for size in arguments.sizes.split(","))]
    print(f"{'B,T,S,D':>17} {'':8}  {'naive':>9}  {'chunked':>9}  {'kernel':>9}  naive/kernel  ns per 16 terms")
    for shape in shapes:
        _report(shape, clock)


def _report(shape: tuple[int, int, int, int], clock: Callable[[], float]) -> None:
    B, T, S, D = shape
    torch.manual_seed(1)
    query, key, v, upstream = (
        torch.randn(B, 1, T, D),
        torch.randn(B, 1, S, D),
        torch.randn(1, D),
        torch.randn(B, 1, T, S),
    )
    leaves = [x.clone().requires_grad_() for x in (query, key, v)]
    versions: dict[str, list[Callable[[], object]]] = {
        "forward": [
            lambda: _naive(query, key, v),
            lambda: chunked_forward(query, key, v),
            lambda: forward(query, key, v),
        ],
        "both": [
            lambda: torch.autograd.grad(_naive(*leaves), leaves, upstream),
            lambda: (chunked_forward(query, key, v), chunked_backward(upstream, query, key, v)),
            lambda: (forward(query, key, v), backward(upstream, query, key, v)),
        ],
    }
    for mode, runs in versions.items():
        naive, chunked, kernel = (_best_ms(run, clock) for run in runs)
        print(
            f"{','.join(map(str, shape)):>17} {mode:8}  {naive:9.2f}  {chunked:9.2f}  {kernel:9.2f}  "
            f"{naive / kernel:12.1f}  {kernel * 1e6 / (B * T * S * D / 16):13.2f}"
        )


def _naive(query: Tensor, key: Tensor, v: Tensor) -> Tensor:
    return torch.tanh(query.unsqueeze(-2) + key.unsqueeze(-3)) @ v[0]


def _best_ms(run: Callable[[], object], clock: Callable[[], float], *, budget: float = 1.0) -> float:
    best, spent, repeats = float("inf"), 0.0, 0
    while repeats < 3 or (spent < budget and repeats < 200):
        start = clock()
        run()
        best, spent, repeats = min(best, clock() - start), spent + clock() - start, repeats + 1
    return best * 1000


if __name__ == "__main__":
    main()
