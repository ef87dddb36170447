"""Facts about processor and operating system; unknown facts are None or missing."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path

import torch

PROC, SYS = Path("/proc"), Path("/sys")
"""File systems in which Linux describes the machine."""

_FEATURES = {
    "x86": {
        "AVX2": [["avx2"]],
        "FMA": [["fma3"]],
        "AVX-512": [["avx512_f", "avx512_bw", "avx512_dq", "avx512_vl"]],
        "VNNI": [["avx512_vnni"], ["avx_vnni"]],
        "bfloat16": [["avx512_bf16"], ["amx_bf16"]],
        "AMX": [["amx_tile"]],
    },
    "arm": {"NEON": [["neon"]], "dot products": [["dot"]], "int8 products": [["i8mm"]], "bfloat16": [["bf16"]]},
}
# A processor has a feature if it has all capabilities, by PyTorch's names, of any of these groups.

_OLDER_QUERIES = {
    "AVX2": "_is_avx2_supported",
    "AVX-512": "_is_avx512_supported",
    "VNNI": "_is_vnni_supported",
    "bfloat16": "_is_avx512_bf16_supported",
    "AMX": "_is_amx_tile_supported",
}


@dataclass(frozen=True)
class Memory:
    """Sizes of main memory in bytes; None = unknown.

    Attributes:
        total: Memory of the machine.
        available: Memory that this process can still allocate, within the limit of its control group (container).
        limit: Memory limit of the control group; None if there is none, or none below `total`.
    """

    total: int | None
    available: int | None
    limit: int | None


def processor_name() -> str | None:
    """Model name of the processor, as the operating system or PyTorch reports it; None if unknown."""
    name = _from_cpuinfo("(?:model name|Model|cpu model|cpu)")
    if name:
        return name
    cpu_name = _capabilities().get("cpu_name")
    return str(cpu_name) if cpu_name else platform.processor() or None


def processor_vendor() -> str | None:
    """Vendor of the processor, such as `GenuineIntel` or `AuthenticAMD`; known on Linux on x86 only, otherwise None."""
    return _from_cpuinfo("vendor_id")


def cpu_features() -> dict[str, bool]:
    """Tells which of the instruction set extensions that speed up regard the processor has.

    Returns:
        Whether the processor has each extension, by name, such as `{"AVX2": True}`; empty if unknown. Environment
        variables that limit what libraries use, such as `ATEN_CPU_CAPABILITY`, make no difference.
    """
    capabilities = _capabilities()
    for features in _FEATURES.values():
        if next(iter(features.values()))[0][0] in capabilities:
            return {
                name: any(all(capabilities.get(capability) for capability in group) for group in groups)
                for name, groups in features.items()
            }
    # An older PyTorch has one function per feature. On other processors than x86 all return False, which means nothing.
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return {}
    queries = {name: getattr(torch.cpu, function, None) for name, function in _OLDER_QUERIES.items()}
    return {name: bool(query()) for name, query in queries.items() if query is not None}


def has_vnni(instruction_set: str) -> bool:
    """Whether the processor has instructions for 8-bit dot products (VNNI) on registers of a given width.

    Args:
        instruction_set: `avx512` = 512-bit registers, `avx2` = 256-bit registers; other names give False.

    Returns:
        Whether the processor has VNNI for that width; False if unknown.
    """
    capabilities = _capabilities()
    name = {"avx512": "avx512_vnni", "avx2": "avx_vnni"}.get(instruction_set)
    if capabilities or instruction_set != "avx512":
        return bool(name and capabilities.get(name))
    return bool(cpu_features().get("VNNI"))


def cache_sizes() -> dict[str, int]:
    """Sizes in bytes of the data caches of one CPU core, by level, such as `{"1": 49152}`; empty if unknown."""
    sizes = {}
    for path in sorted((SYS / "devices/system/cpu/cpu0/cache").glob("index*")):
        size = re.fullmatch(r"(\d+)([KMG]?)", _text(path / "size").strip())
        level = _text(path / "level").strip()
        if size and level and _text(path / "type").strip() != "Instruction":
            sizes[level] = int(size[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[size[2]]
    if sizes:
        return sizes
    reported = {level: _capabilities().get(key) for level, key in (("1", "l1d_cache_size"), ("2", "l2_cache_size"))}
    return {level: size for level, size in reported.items() if isinstance(size, int) and size > 0}


def cpu_quota() -> float | None:
    """CPU time limit of this process's control group (container), in cores, such as 1.5; None if there is none."""
    limits = []
    for path in _control_groups("cpu"):
        quota_and_period = _text(path / "cpu.max").split() or [
            _text(path / "cpu.cfs_quota_us").strip(),
            _text(path / "cpu.cfs_period_us").strip(),
        ]
        if len(quota_and_period) == 2 and all(text.isdecimal() for text in quota_and_period):
            quota, period = map(int, quota_and_period)
            if period:
                limits.append(quota / period)
    return min(limits, default=None)


def memory() -> Memory:
    """Main memory in bytes: total, available to this process, and the limit of its control group (container)."""
    meminfo = {key: int(size) << 10 for key, size in re.findall(r"^(\w+):\s+(\d+) kB$", _text(PROC / "meminfo"), re.M)}
    total, available = meminfo.get("MemTotal", _physical_memory()), meminfo.get("MemAvailable")
    limit = None
    for path in _control_groups("memory"):
        group_limit = _number(path / "memory.max", path / "memory.limit_in_bytes")
        if group_limit is None or (total is not None and group_limit >= total):
            continue
        limit = group_limit if limit is None else min(limit, group_limit)
        used = _number(path / "memory.current", path / "memory.usage_in_bytes")
        if used is not None:  # the inactive part of the page cache is freed when memory is needed
            page_cache = re.search(r"^(?:total_)?inactive_file (\d+)$", _text(path / "memory.stat"), re.MULTILINE)
            free = max(0, group_limit - used + (int(page_cache[1]) if page_cache else 0))
            available = free if available is None else min(available, free)
    return Memory(total, available, limit)


def openmp_libraries() -> list[str]:
    """File names of the OpenMP libraries that this process has loaded; empty if unknown."""
    return sorted({Path(path).name for path in re.findall(r"/\S*/lib(?:g|i)?omp\S*", _text(PROC / "self/maps"))})


def _from_cpuinfo(key: str) -> str | None:
    match = re.search(rf"^{key}[ \t]*:[ \t]*(\S.*)$", _text(PROC / "cpuinfo"), re.MULTILINE)
    return match[1].strip() if match else None


def _capabilities() -> dict[str, object]:
    query = getattr(torch.cpu, "get_capabilities", None)
    return dict(query()) if query else {}


def _control_groups(controller: str) -> list[Path]:
    """Control group directories of this process, of cgroup versions 1 and 2, innermost first."""
    paths = []
    for line in _text(PROC / "self/cgroup").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers and controller not in controllers.split(","):
            continue
        inner = Path(path.strip("/"))
        # In a container the root may be its own group, and the path from /proc/self/cgroup does not exist.
        for root in [SYS / "fs/cgroup" / controllers, SYS / "fs/cgroup" / controller]:
            paths += [root / group for group in (inner, *inner.parents)]
    return list(dict.fromkeys(paths))


def _number(*paths: Path) -> int | None:
    """The number in the first of the files that contains one."""
    texts = (_text(path).strip() for path in paths)
    return next((int(text) for text in texts if text.isdecimal()), None)


def _physical_memory() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # Windows; a system without these names
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
