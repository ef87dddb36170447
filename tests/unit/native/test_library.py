"""Kernels are found where they were compiled, and only for supported types and devices."""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path

import pytest
import torch

from regard.native import (
    available_instruction_sets,
    compiled_instruction_sets,
    disabled,
    instruction_set,
    kernel,
    library,
    limited_to,
)


def test_unsupported_types_and_devices_have_no_kernel() -> None:
    assert kernel("dropout", torch.ones(1, dtype=torch.float64)) is None
    assert kernel("dropout", torch.ones(1, dtype=torch.int64)) is None
    assert kernel("dropout", torch.ones(1, device="meta")) is None


def test_an_unusable_library_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "_kernels_default.so").write_bytes(b"\x7fELF of another machine")
    monkeypatch.setattr(library, "__file__", str(tmp_path / "library.py"))
    monkeypatch.setattr(library, "_library", cache(library._library.__wrapped__))
    monkeypatch.setattr(library, "available_instruction_sets", cache(library.available_instruction_sets.__wrapped__))
    assert library.available_instruction_sets() == ()
    assert library.instruction_set() is None
    assert kernel("dropout", torch.ones(1)) is None


def test_compiled_instruction_sets_are_found_by_their_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(available_instruction_sets()) <= set(compiled_instruction_sets())
    monkeypatch.setattr(library, "__file__", str(tmp_path / "library.py"))
    assert compiled_instruction_sets() == ()
    for name in ("avx2", "default"):
        (tmp_path / f"_kernels_{name}.so").touch()
    assert compiled_instruction_sets() == ("default", "avx2")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="versions of glibc")
def test_libraries_fit_every_python_and_old_systems() -> None:
    for name in compiled_instruction_sets():
        [path] = library._files(name)
        content = path.read_bytes()
        assert b"PyInit_" not in content
        assert b"regard_dropout_f32" in content  # the exported names are readable
        versions = {tuple(map(int, version.split(b"."))) for version in re.findall(rb"GLIBC_([0-9.]+)", content)}
        assert max(versions, default=(0,)) <= (2, 17)  # manylinux2014


def test_libraries_of_earlier_versions_are_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "_kernels_default.cpython-311-x86_64-linux-gnu.so").touch()
    monkeypatch.setattr(library, "__file__", str(tmp_path / "library.py"))
    assert compiled_instruction_sets() == ()


def test_instruction_sets_that_the_processor_lacks_are_not_available(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "available_instruction_sets", library.available_instruction_sets.__wrapped__)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    monkeypatch.setattr(library, "cpu_features", lambda: {"AVX2": True, "FMA": True, "AVX-512": False})
    assert "avx512" not in library.available_instruction_sets()
    monkeypatch.setattr(library, "cpu_features", lambda: {"AVX2": True, "FMA": False, "AVX-512": False})
    assert set(library.available_instruction_sets()) <= {"default"}


def test_a_smaller_instruction_set_is_used_where_the_compiler_lacks_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load = library._library
    monkeypatch.setattr(library, "available_instruction_sets", library.available_instruction_sets.__wrapped__)
    monkeypatch.setattr(library, "_library", lambda name: load("default") if name == "default" else None)
    assert library.instruction_set() == ("default" if load("default") else None)


def test_limited_to_applies_within_its_block_only() -> None:
    before = instruction_set()
    with disabled():
        assert kernel("dropout", torch.ones(1)) is None
        for name in available_instruction_sets():
            with limited_to(name):
                assert instruction_set() == name
                assert kernel("dropout", torch.ones(1)) is not None
        assert instruction_set() is None
    assert instruction_set() == before
    with pytest.raises(ValueError, match="got 'sse9'"), limited_to("sse9"):
        pass


def test_limits_of_several_threads_may_overlap() -> None:
    before = instruction_set()
    if before is None:
        pytest.skip("the kernels were not compiled here")
    first, second = limited_to(before), disabled()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert instruction_set() is None
    second.__exit__(None, None, None)
    assert instruction_set() == before


def test_a_kernel_can_be_called() -> None:
    run = kernel("dropout_rectified_backward", torch.ones(1))
    if run is None:
        pytest.skip("the kernels were not compiled here")
    y, upstream, result = torch.tensor([0.0, 2.0]), torch.tensor([3.0, 5.0]), torch.empty(2)
    run(y.data_ptr(), upstream.data_ptr(), result.data_ptr(), 2, 1.5, 1)
    assert result.tolist() == [0.0, 7.5]
