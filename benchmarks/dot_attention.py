"""From which length on is PyTorch's fused attention faster than plain matrix products on the CPU?

    python benchmarks/dot_attention.py

Prints median milliseconds of forward plus backward by length and type. `MAX_PLAIN_WEIGHTS` in
`regard/attention/single.py` is taken from this table.
"""

from __future__ import annotations

import torch
from timing import median_ms

from regard.attention import single
from regard.attention.scores import ScaledDotScore
from regard.values import Memory

HEADS, WIDTH, TOKENS = 4, 64, 4096


def milliseconds(length: int, dtype: torch.dtype, *, fused: bool) -> float:
    """Median time of a forward and backward pass over about `TOKENS` tokens in sentences of `length`."""
    single.MAX_PLAIN_WEIGHTS = {dtype: -1 if fused else 10**9}
    batch = max(1, TOKENS // length)
    query, key, value = (
        torch.randn(batch, length, HEADS, WIDTH, dtype=dtype).transpose(1, 2).requires_grad_() for _ in range(3)
    )
    mask = torch.ones(batch, 1, 1, length, dtype=torch.bool)
    upstream = torch.randn(batch, HEADS, length, WIDTH, dtype=dtype)
    score = ScaledDotScore(WIDTH, WIDTH)

    def run() -> None:
        context, _ = single.attend(
            score, query, Memory(key, value), mask=mask, bias=None, dropout=0.0, need_weights=False
        )
        context.backward(upstream)

    return median_ms(run)


def main() -> None:
    """Times both from short to long sentences."""
    torch.set_num_threads(2)
    print(f"{'type':>9}  length  fused ms  plain ms  plain is faster by")
    for dtype in (torch.float32, torch.bfloat16):
        for length in (16, 32, 64, 96, 128, 256, 512):
            fused, plain = (milliseconds(length, dtype, fused=f) for f in (True, False))
            print(f"{str(dtype)[6:]:>9}  {length:6d}  {fused:8.1f}  {plain:8.1f}  {fused / plain:.2f}")


if __name__ == "__main__":
    main()
