"""Kernels in C for the few places where PyTorch's own operators leave most of the machine unused.

They are compiled when regard is installed, if there is a C compiler, once for each set of instructions that PyTorch
tells apart, and found through `ctypes`. The set that PyTorch uses runs; `ATEN_CPU_CAPABILITY` limits both. Everything
that uses a kernel has a form in PyTorch as well, to which it falls back.
"""

from regard.native.library import (
    available_instruction_sets,
    compiled_instruction_sets,
    instruction_set,
    kernel,
    limited_to,
)

__all__ = ["available_instruction_sets", "compiled_instruction_sets", "instruction_set", "kernel", "limited_to"]
