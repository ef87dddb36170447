"""The machine is described correctly, with reasons, even if something is missing."""

from __future__ import annotations

import builtins
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from regard.native import available_instruction_sets, disabled, instruction_set, limited_to, system
from regard.recipes import machine
from regard.recipes.machine import LIMITS, Row, describe_machine

FACTS = {
    "processor": {"name", "architecture", "caches"},
    "cores": {"usable", "total", "quota", "threads"},
    "memory": {"available", "total", "limit"},
    "instructions": {"has", "pytorch"},
    "limits": {"variables"},
    "kernels": {"used", "available", "compiled"},
    "float32": {"training", "searching"},
    "bfloat16": {"training", "searching", "gflops", "ratio"},
    "int8": {"has", "kernel", "ctranslate2", "onnxruntime"},
    "GPU": {"devices", "triton"},
    "versions": {"regard", "python", "torch", "onednn", "mkl", "openmp", "openmp_libraries", "system"},
    "packages": set(machine.EXTRAS),
}


@pytest.fixture(autouse=True)
def _fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is timed, and environment variables that are set outside the tests are ignored."""
    monkeypatch.setattr(machine, "measure_seconds", lambda *_, **__: (0.02, 0.01))
    for name in LIMITS:
        monkeypatch.delenv(name, raising=False)


def row(topic: str) -> Row:
    return next(row for row in describe_machine() if row.topic == topic)


def test_every_topic_has_its_facts_as_json_values() -> None:
    rows = describe_machine()
    assert {row.topic: set(row.facts) for row in rows} == FACTS
    assert [row.topic for row in rows] == list(FACTS)
    assert all(row.found for row in rows)
    for row in rows:
        assert json.loads(json.dumps(row.facts)) == row.facts
        assert {"found", "why"}.isdisjoint(row.facts)


def test_a_system_that_gives_no_information(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(system, "PROC", tmp_path)
    monkeypatch.setattr(system, "SYS", tmp_path)
    monkeypatch.setattr(system, "_capabilities", dict)
    monkeypatch.setattr(platform, "processor", str)
    monkeypatch.setattr(platform, "machine", str)
    monkeypatch.setattr(sys, "platform", "plan9")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.delattr(os, "sysconf", raising=False)
    rows = {row.topic: row for row in describe_machine()}
    assert {topic: set(row.facts) for topic, row in rows.items()} == FACTS
    assert rows["processor"].found == rows["instructions"].found == "unknown"
    assert rows["memory"].found == "unknown available of unknown"
    assert rows["cores"].found == "1 of unknown may be used"
    assert "unknown" in rows["processor"].why


def test_environment_variables_that_limit_something_are_named() -> None:
    code = (
        "import json; from regard.recipes import machine; machine.measure_seconds = lambda *_, **__: (1.0, 1.0)\n"
        "print(json.dumps({row.topic: [row.found, row.why, row.facts] for row in machine.describe_machine()}))"
    )
    process = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "ATEN_CPU_CAPABILITY": "avx2", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    rows = json.loads(process.stdout)
    used = rows["instructions"][2]["pytorch"]
    assert used in ("AVX2", "DEFAULT")  # there is nothing to limit without AVX2
    assert f"operators use {used}; ATEN_CPU_CAPABILITY limits them" in rows["instructions"][1]
    assert rows["limits"][2]["variables"] == {"ATEN_CPU_CAPABILITY": "avx2", "OMP_NUM_THREADS": "1"}
    assert "ATEN_CPU_CAPABILITY decides the instructions of PyTorch's own operators" in rows["limits"][1]
    assert rows["cores"][2]["threads"] == 1
    assert "PyTorch computes with 1 thread," in rows["cores"][1]
    if "avx512" in available_instruction_sets():
        assert rows["kernels"][0] == "avx2"
        assert rows["instructions"][2]["has"]["AVX-512"] is True


def test_the_kernels_in_use() -> None:
    if instruction_set() is None:
        pytest.skip("the kernels were not compiled here")
    assert row("kernels").facts["used"] == instruction_set()
    with limited_to("default"):
        assert row("kernels").found == "default (any processor)"


def test_missing_kernels_and_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    with disabled():
        described = row("kernels")
        assert described.found == "none"
        assert ("disabled" in described.why) == bool(available_instruction_sets())
        for made, reason in (((), "no kernels were compiled"), (("avx2",), "the compiled kernels cannot be loaded")):
            monkeypatch.setattr(machine, "available_instruction_sets", tuple)
            monkeypatch.setattr(machine, "compiled_instruction_sets", lambda made=made: made)
            described = row("kernels")
            assert reason in described.why
            assert "Install a C compiler" in described.why
            assert described.facts == {"used": None, "available": [], "compiled": list(made)}


def test_kernels_that_the_compiler_could_not_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    monkeypatch.setattr(machine, "instruction_set", lambda: "avx2")
    for usable in (("default", "avx2"), ("default", "avx2", "avx512")):
        monkeypatch.setattr(machine, "available_instruction_sets", lambda usable=usable: usable)
        assert ("none for avx512 can be loaded" in row("kernels").why) == ("avx512" not in usable)


@pytest.mark.parametrize(
    ("wins", "oned", "vendor", "training", "searching", "why"),
    [
        (True, True, "AuthenticAMD", "oneDNN", "oneDNN", "not an Intel one"),
        (False, True, "GenuineIntel", "MKL", "oneDNN", "MKL uses all instructions of Intel"),
        (False, True, "AuthenticAMD", "MKL", "oneDNN", "PyTorch's choice is used"),
        (False, True, None, "MKL", "oneDNN", "unknown"),
        (False, False, None, "MKL", "MKL", "no usable oneDNN"),
    ],
)
def test_the_library_of_float32_products(
    monkeypatch: pytest.MonkeyPatch,
    wins: bool,
    oned: bool,
    vendor: str | None,
    training: str,
    searching: str,
    why: str,
) -> None:
    monkeypatch.setattr(machine, "onednn_is_faster", lambda: wins)
    monkeypatch.setattr(machine, "can_pack", lambda _: oned)
    monkeypatch.setattr(system, "processor_vendor", lambda: vendor)
    monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: True)
    described = row("float32")
    assert described.facts == {"training": training, "searching": searching}
    assert why in described.why


def test_a_pytorch_without_mkl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "onednn_is_faster", lambda: False)
    monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: False)
    for built, library in (
        ("BLAS_INFO=open, USE_CUDA=0", "OpenBLAS"),
        ("BLAS_INFO=acl,", "acl"),
        ("", "PyTorch's own library"),
    ):
        monkeypatch.setattr(torch.__config__, "show", lambda built=built: built)
        assert row("float32").facts["training"] == library
        assert row("versions").facts["mkl"] is None


@pytest.mark.parametrize(("slow", "fast", "name"), [(0.02, 0.01, "bfloat16"), (0.02, 0.019, "float32")])
def test_bfloat16_depends_on_both_speeds(monkeypatch: pytest.MonkeyPatch, slow: float, fast: float, name: str) -> None:
    monkeypatch.setattr(machine, "measure_seconds", lambda *_, **__: (slow, fast))
    described = row("bfloat16")
    assert described.facts["training"] == name
    assert described.facts["gflops"] == {"float32": 107.4, "bfloat16": round(2.147483648 / fast, 1)}
    assert f"at 107 GFLOP/s in float32 and {2.147483648 / fast:,.0f} in bfloat16" in described.why
    for possible in (True, False):
        monkeypatch.setattr(machine, "can_pack", lambda _, possible=possible: possible)
        assert ("bfloat16" in str(row("bfloat16").facts["searching"])) == possible


@pytest.mark.parametrize(
    ("has", "names", "warned"),
    [
        ({"AVX2": True, "VNNI": True}, ["VNNI"], False),
        ({"AVX2": True, "VNNI": False}, [], True),
        ({"NEON": True, "dot products": True}, ["dot products"], False),
    ],
)
def test_instructions_for_int8(
    monkeypatch: pytest.MonkeyPatch, has: Mapping[str, bool], names: list[str], warned: bool
) -> None:
    monkeypatch.setattr(system, "cpu_features", lambda: has)
    described = row("int8")
    assert described.facts["has"] == names
    assert ("which can overflow" in described.why) == warned


@pytest.mark.parametrize(
    ("kernel", "found", "why"),
    [
        ("VNNI", "searching with --precision int8 and VNNI instructions", "results with all instructions; other"),
        ("AVX2", "searching with --precision int8 and AVX2 instructions", "still faster than float32; other engines"),
        ("any processor's", "--precision int8 and any processor's instructions", "slower than float32: leave"),
        (None, "searching with other engines only", "regard's own engine needs compiled kernels for it; other"),
    ],
)
def test_the_kernel_of_int8(monkeypatch: pytest.MonkeyPatch, kernel: str | None, found: str, why: str) -> None:
    monkeypatch.setattr(machine, "int8_instructions", lambda: kernel)
    described = row("int8")
    assert described.facts["kernel"] == kernel
    assert found in described.found
    assert why in described.why


def test_engines_that_are_missing_or_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_version", lambda _: None)
    described = row("int8")
    assert "CTranslate2: not installed. ONNX Runtime: not installed" in described.why
    assert (described.facts["ctranslate2"], described.facts["onnxruntime"]) == (None, False)
    assert "without ctranslate2, onnxruntime, onnx, transformers: pip install 'regard[interop]'" in row("packages").why
    assert row("packages").found == "none"

    whole = builtins.__import__

    def broken(name: str, *rest: object) -> object:
        if name == "ctranslate2":
            raise ImportError("libfoo.so: no such file")
        return whole(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(machine, "_version", lambda _: "4.5.6")
    monkeypatch.setattr(builtins, "__import__", broken)
    described = row("int8")
    assert "CTranslate2: 4.5.6, but it cannot be loaded (libfoo.so: no such file)" in described.why
    assert described.facts["ctranslate2"] is None


def test_a_container_with_less_processor_time_than_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "available_cores", lambda: 8)
    for quota, expected in ((None, False), (8.0, False), (2.5, True)):
        monkeypatch.setattr(system, "cpu_quota", lambda quota=quota: quota)
        described = row("cores")
        assert ("the time of 2.5, so" in described.why) == expected
        assert ("set OMP_NUM_THREADS=2 and train.threads=2" in described.why) == expected
        assert described.facts["quota"] == quota


def test_memory_of_a_container(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "memory", lambda: system.Memory(16 << 30, 1536 << 20, 2 << 30))
    described = row("memory")
    assert described.found == "1.5 GiB available of 16 GiB"
    assert "allows 2 GiB" in described.why


def test_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    gpu = SimpleNamespace(name="NVIDIA H100", total_memory=80 << 30, major=9, minor=0)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: gpu)
    monkeypatch.setattr(machine, "_version", lambda package: "3.5.0" if package == "triton" else None)
    described = row("GPU")
    assert described.found == "NVIDIA H100, 80 GiB, compute capability 9.0"
    assert described.facts == {
        "devices": [{"name": "NVIDIA H100", "memory": 80 << 30, "capability": "9.0"}], "triton": "3.5.0"
    }  # fmt: skip
    assert "Triton 3.5.0" in described.why
    monkeypatch.setattr(machine, "_version", lambda _: None)
    assert "Without Triton" in row("GPU").why


def test_the_reason_for_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch.version, "hip", None)
    assert "was built without" in row("GPU").why
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    assert "check the driver" in row("GPU").why
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert "and CUDA_VISIBLE_DEVICES" in row("GPU").why
