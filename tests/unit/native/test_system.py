"""Facts about the machine are read from `/proc`, `/sys` and PyTorch, and are unknown where these lack them."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest
import torch

from regard.native import system

GIB = 1 << 30
MEMINFO = f"MemTotal:  {16 * GIB >> 10} kB\nMemFree:  12 kB\nMemAvailable:  {9 * GIB >> 10} kB\n"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system without information: `proc` and `sys` are empty."""
    monkeypatch.setattr(system, "PROC", tmp_path / "proc")
    monkeypatch.setattr(system, "SYS", tmp_path / "sys")
    return tmp_path


def write(root: Path, **texts: str) -> None:
    for name, text in texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def test_without_information_everything_is_unknown(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "_capabilities", dict)
    monkeypatch.setattr(platform, "processor", str)
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    monkeypatch.delattr(os, "sysconf")
    assert system.processor_name() is None
    assert system.processor_vendor() is None
    assert system.cpu_quota() is None
    assert system.cache_sizes() == system.cpu_features() == {}
    assert system.openmp_libraries() == []
    assert system.memory() == system.Memory(None, None, None)


@pytest.mark.parametrize(
    ("text", "name", "vendor"),
    [
        ("vendor_id\t: AuthenticAMD\nmodel\t: 1\nmodel name\t: AMD EPYC 7R13\n", "AMD EPYC 7R13", "AuthenticAMD"),
        ("processor\t: 0\nBogoMIPS\t: 108.00\n\nModel\t\t: Raspberry Pi 5\n", "Raspberry Pi 5", None),
        ("cpu\t\t: POWER9, altivec supported\n", "POWER9, altivec supported", None),
        ("model name\t: \nstepping\t: 2\n", "of PyTorch", None),
    ],
)
def test_processor_name_and_vendor(
    files: Path, monkeypatch: pytest.MonkeyPatch, text: str, name: str, vendor: str | None
) -> None:
    monkeypatch.setattr(system, "_capabilities", lambda: {"cpu_name": "of PyTorch"})
    write(files, **{"proc/cpuinfo": text})
    assert (system.processor_name(), system.processor_vendor()) == (name, vendor)


def test_data_cache_sizes_by_level(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = "sys/devices/system/cpu/cpu0/cache"
    for index, level, kind, size in (
        (0, "1", "Data", "32K"),
        (1, "1", "Instruction", "64K"),
        (2, "3", "Unified", "8M"),
    ):
        write(files, **{f"{directory}/index{index}/{key}": f"{value}\n" for key, value in zip(
            ("level", "type", "size"), (level, kind, size), strict=True
        )})  # fmt: skip
    assert system.cache_sizes() == {"1": 32 << 10, "3": 8 << 20}
    monkeypatch.setattr(system, "SYS", files / "no such")
    monkeypatch.setattr(system, "_capabilities", lambda: {"l1d_cache_size": 48 << 10, "l2_cache_size": 0})
    assert system.cache_sizes() == {"1": 48 << 10}


@pytest.mark.parametrize(
    ("texts", "quota"),
    [
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "max 100000\n"}, None),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "150000 100000\n"}, 1.5),
        (  # the smaller of two limits; the innermost group has none
            {
                "proc/self/cgroup": "0::/a/b/c\n",
                "sys/fs/cgroup/a/cpu.max": "200000 100000\n",
                "sys/fs/cgroup/a/b/cpu.max": "400000 100000\n",
                "sys/fs/cgroup/a/b/c/cpu.max": "max 100000\n",
            },
            2.0,
        ),
        (  # version 1 within a container, where the path is that of the host
            {
                "proc/self/cgroup": "4:memory:/docker/12\n3:cpu,cpuacct:/docker/12\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "50000\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            },
            0.5,
        ),
        (
            {
                "proc/self/cgroup": "1:cpu:/\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            None,
        ),
        ({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "150000 0\n"}, None),
    ],
)
def test_the_cpu_limit_of_a_control_group(files: Path, texts: dict[str, str], quota: float | None) -> None:
    write(files, **texts)
    assert system.cpu_quota() == quota


@pytest.mark.parametrize(
    ("texts", "memory"),
    [
        ({}, system.Memory(16 * GIB, 9 * GIB, None)),
        (
            {
                "proc/self/cgroup": "0::/box\n",
                "sys/fs/cgroup/box/memory.max": str(4 * GIB),
                "sys/fs/cgroup/box/memory.current": str(3 * GIB),
                "sys/fs/cgroup/box/memory.stat": f"anon 7\ninactive_file {GIB}\n",
            },
            system.Memory(16 * GIB, 2 * GIB, 4 * GIB),
        ),
        (
            {
                "proc/self/cgroup": "4:memory:/box\n0::/\n",
                "sys/fs/cgroup/memory/box/memory.limit_in_bytes": str(12 * GIB),
                "sys/fs/cgroup/memory/box/memory.usage_in_bytes": str(GIB),
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
            },
            system.Memory(16 * GIB, 9 * GIB, 12 * GIB),
        ),
        (
            {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"},
            system.Memory(16 * GIB, 9 * GIB, None),
        ),
        (  # how much of the limit is used is not known
            {"proc/self/cgroup": "0::/box\n", "sys/fs/cgroup/box/memory.max": str(4 * GIB)},
            system.Memory(16 * GIB, 9 * GIB, 4 * GIB),
        ),
    ],
)
def test_memory_with_and_without_limits(files: Path, texts: dict[str, str], memory: system.Memory) -> None:
    write(files, **{"proc/meminfo": MEMINFO, **texts})
    assert system.memory() == memory


def test_loaded_openmp_libraries(files: Path) -> None:
    lines = (
        "7f r-xp 00 103:01 9  /v/torch/lib/libgomp-a34b.so.1\n7f r-xp 00 103:01 9  /v/libiomp5.so\n8 /v/libcomp.so\n"
    )
    write(files, **{"proc/self/maps": lines + lines})
    assert system.openmp_libraries() == ["libgomp-a34b.so.1", "libiomp5.so"]


def test_features_reported_by_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"avx2": True, "fma3": True, "avx512_f": True, "avx512_bw": True, "avx_vnni": True, "amx_tile": False}
    monkeypatch.setattr(system, "_capabilities", lambda: known)
    assert system.cpu_features() == {
        "AVX2": True, "FMA": True, "AVX-512": False, "VNNI": True, "bfloat16": False, "AMX": False
    }  # fmt: skip
    monkeypatch.setattr(system, "_capabilities", lambda: {"neon": True, "dot": True, "i8mm": False})
    assert system.cpu_features() == {"NEON": True, "dot products": True, "int8 products": False, "bfloat16": False}


def test_features_reported_by_an_older_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "_capabilities", dict)
    monkeypatch.setattr(platform, "machine", lambda: "AMD64")
    for function in ("_is_avx2_supported", "_is_avx512_supported"):
        monkeypatch.setattr(torch.cpu, function, lambda: True)
    monkeypatch.setattr(torch.cpu, "_is_vnni_supported", lambda: False)
    monkeypatch.delattr(torch.cpu, "_is_amx_tile_supported", raising=False)
    features = system.cpu_features()
    assert (features["AVX2"], features["AVX-512"], features["VNNI"], "AMX" in features) == (True, True, False, False)
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    assert system.cpu_features() == {}
