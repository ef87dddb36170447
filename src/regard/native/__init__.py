"""C kernels for the few operations that PyTorch runs slowly on a CPU.

If there is a C compiler, the kernels are compiled when regard is installed, once for each instruction set that PyTorch
distinguishes, and loaded through `ctypes`. They use the same instruction set as PyTorch's operators, and
`ATEN_CPU_CAPABILITY` limits both. Every operation with a kernel also has an implementation in PyTorch, to which it
falls back; `disabled` and `limited_to` choose between them for tests and comparisons.
"""

from regard.native.library import (
    available_instruction_sets,
    compiled_instruction_sets,
    disabled,
    instruction_set,
    kernel,
    limited_to,
)

__all__ = [
    "available_instruction_sets",
    "compiled_instruction_sets",
    "disabled",
    "instruction_set",
    "kernel",
    "limited_to",
]
