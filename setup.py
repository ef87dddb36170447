"""The compiled kernels; all else is in pyproject.toml. Without a C compiler regard installs all the same."""

import platform
from glob import glob

from setuptools import Extension, setup

# The same sources once for each set of instructions that PyTorch tells apart, with the flags that it compiles its own
# kernels with; `regard.native` opens the library that fits what PyTorch uses on the machine where it runs.
# Without traps and errno, which change no value, comparisons become masks for every set of instructions.
FLAGS = ["-O3", "-std=gnu11", "-fopenmp", "-fvisibility=hidden", "-fno-trapping-math", "-fno-math-errno"]
LEVELS = {"default": []}
if platform.machine().lower() in ("x86_64", "amd64"):
    LEVELS["avx2"] = ["-mavx2", "-mfma", "-mf16c"]
    LEVELS["avx512"] = [*LEVELS["avx2"], *(f"-mavx512{part}" for part in ("f", "bw", "dq", "vl"))]


def kernels(level):
    """The extension for one set of instructions; where the compiler does not know it, the next smaller one serves."""
    return Extension(
        f"regard.native._kernels_{level}",
        sources=sorted([*glob("src/regard/native/*.c"), *glob("src/regard/attention/additive/*.c")]),
        depends=sorted([*glob("src/regard/native/*.h"), *glob("src/regard/attention/additive/*.h")]),
        include_dirs=["src/regard/native"],
        # OpenMP is compiled in but not linked: its calls find the threads that PyTorch already runs.
        extra_compile_args=[*FLAGS, *LEVELS[level]],
        optional=True,
    )


setup(ext_modules=[kernels(level) for level in LEVELS])
