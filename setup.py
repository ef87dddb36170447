"""The compiled kernels; all else is in pyproject.toml. Without a C compiler regard installs all the same."""

from glob import glob

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "regard.native._kernels",
            sources=sorted([*glob("src/regard/native/*.c"), *glob("src/regard/attention/additive/*.c")]),
            depends=sorted([*glob("src/regard/native/*.h"), *glob("src/regard/attention/additive/*.h")]),
            include_dirs=["src/regard/native"],
            # OpenMP is compiled in but not linked: its calls find the threads that PyTorch already runs.
            extra_compile_args=["-O3", "-std=gnu11", "-fopenmp", "-fvisibility=hidden"],
            optional=True,
        )
    ]
)
