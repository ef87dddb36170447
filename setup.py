"""The compiled kernels; all else is in pyproject.toml. Without a C compiler regard installs all the same."""

import os
import platform
import sys
from glob import glob

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

# Without traps and errno, which change no value, comparisons become masks for every set of instructions.
FLAGS = ["-O3", "-g0", "-std=gnu11", "-fvisibility=hidden", "-fno-trapping-math", "-fno-math-errno"]
# OpenMP is compiled in but not linked: its calls find the threads that PyTorch already runs. Apple's compiler knows
# only its vector loops, so there each kernel runs in one thread.
FLAGS.append("-fopenmp-simd" if sys.platform == "darwin" else "-fopenmp")
# The same sources once for each set of instructions that PyTorch tells apart, with the flags that it compiles its own
# kernels with; `regard.native` opens the library that fits what PyTorch uses on the machine where it runs.
LEVELS = {"default": []}
if platform.machine().lower() in ("x86_64", "amd64"):
    LEVELS["avx2"] = ["-mavx2", "-mfma", "-mf16c"]
    LEVELS["avx512"] = [*LEVELS["avx2"], *(f"-mavx512{part}" for part in ("f", "bw", "dq", "vl"))]


class KernelLibraries(build_ext):
    """Builds plain shared libraries: no Python in them, so that one build serves every version of Python."""

    def get_ext_filename(self, fullname):
        """The file of a library, without the tag of a Python version."""
        return os.path.join(*fullname.split(".")) + (".dll" if sys.platform == "win32" else ".so")

    def get_export_symbols(self, ext):
        """No function that initializes a Python module."""
        return []


class PlatformWheel(bdist_wheel):
    """A wheel for any Python 3 on one platform."""

    def get_tag(self):
        """Tags of the wheel: Python, its binary interface, platform."""
        return ("py3", "none", super().get_tag()[2])


def kernels(level):
    """The extension for one set of instructions; where the compiler does not know it, the next smaller one serves."""
    return Extension(
        f"regard.native._kernels_{level}",
        sources=sorted([*glob("src/regard/native/*.c"), *glob("src/regard/attention/additive/*.c")]),
        depends=sorted([*glob("src/regard/native/*.h"), *glob("src/regard/attention/additive/*.h")]),
        include_dirs=["src/regard/native"],
        extra_compile_args=[*FLAGS, *LEVELS[level]],
        optional=True,
    )


setup(
    ext_modules=[kernels(level) for level in LEVELS],
    cmdclass={"build_ext": KernelLibraries, "bdist_wheel": PlatformWheel},
)
