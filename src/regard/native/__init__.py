"""Kernels in C for the few places where PyTorch's own operators leave most of the machine unused.

They are compiled when regard is installed, if there is a C compiler, and found through `ctypes`; everything that
uses one has a form in PyTorch as well, to which it falls back.
"""

from regard.native.library import kernel

__all__ = ["kernel"]
