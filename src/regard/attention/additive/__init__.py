"""The additive score without its big tensor: a compiled kernel, and a chunked form in PyTorch where there is none."""

from regard.attention.additive.op import fused_additive_scores

__all__ = ["fused_additive_scores"]
