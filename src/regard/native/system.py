"""What the operating system and the processor say about themselves; what they do not say is None."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path

import torch

PROC, SYS = Path("/proc"), Path("/sys")
"""Where Linux describes itself."""

_INSTRUCTIONS = {
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
# For each set: any of these groups of PyTorch's names, all of a group.

_BY_QUESTION = {
    "AVX2": "_is_avx2_supported",
    "AVX-512": "_is_avx512_supported",
    "VNNI": "_is_vnni_supported",
    "bfloat16": "_is_avx512_bf16_supported",
    "AMX": "_is_amx_tile_supported",
}


@dataclass(frozen=True)
class Memory:
    """Main memory, in bytes.

    Attributes:
        total: Of the machine.
        available: What this process may still take, its control group's limit considered.
        limit: Of the control group (a container), where it is below the total.
    """

    total: int | None
    available: int | None
    limit: int | None


def processor_name() -> str | None:
    """What the processor calls itself."""
    named = _described("(?:model name|Model|cpu model|cpu)")
    if named:
        return named
    told = _capabilities().get("cpu_name")
    return str(told) if told else platform.processor() or None


def processor_vendor() -> str | None:
    """Who made the processor, by its own word: `GenuineIntel`, `AuthenticAMD`, …; Linux on x86 alone tells."""
    return _described("vendor_id")


def cpu_features() -> dict[str, bool]:
    """Sets of instructions that matter here, by what PyTorch says of the processor.

    Returns:
        Whether the processor has each, whatever environment variables let libraries use; empty where nobody knows.
    """
    known = _capabilities()
    for sets in _INSTRUCTIONS.values():
        if next(iter(sets.values()))[0][0] in known:
            return {
                name: any(all(known.get(one) for one in group) for group in groups) for name, groups in sets.items()
            }
    # An older PyTorch answers single questions; on other processors than x86 all with no, which says nothing.
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return {}
    asked = {name: getattr(torch.cpu, question, None) for name, question in _BY_QUESTION.items()}
    return {name: bool(ask()) for name, ask in asked.items() if ask is not None}


def has_vnni(level: str) -> bool:
    """Whether the processor multiplies bytes by instructions of their own, in registers of a certain width.

    Args:
        level: `avx512` for 512 bits, `avx2` for 256; with any other there are none.

    Returns:
        Whether it does; False where nobody knows.
    """
    known, name = _capabilities(), {"avx512": "avx512_vnni", "avx2": "avx_vnni"}.get(level)
    if known or level != "avx512":
        return bool(name and known.get(name))
    return bool(cpu_features().get("VNNI"))


def cache_sizes() -> dict[str, int]:
    """Bytes of one core's caches for data by level, such as `{"1": 49152}`; empty where nobody says."""
    found = {}
    for place in sorted((SYS / "devices/system/cpu/cpu0/cache").glob("index*")):
        size = re.fullmatch(r"(\d+)([KMG]?)", _text(place / "size").strip())
        level = _text(place / "level").strip()
        if size and level and _text(place / "type").strip() != "Instruction":
            found[level] = int(size[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[size[2]]
    if found:
        return found
    told = {level: _capabilities().get(key) for level, key in (("1", "l1d_cache_size"), ("2", "l2_cache_size"))}
    return {level: size for level, size in told.items() if isinstance(size, int) and size > 0}


def cpu_quota() -> float | None:
    """Processors' worth of time that the control group (a container) may use; None without a limit, or unknown."""
    found = []
    for place in _groups("cpu"):
        whole = _text(place / "cpu.max").split() or [
            _text(place / "cpu.cfs_quota_us").strip(),
            _text(place / "cpu.cfs_period_us").strip(),
        ]
        if len(whole) == 2 and all(one.isdecimal() for one in whole) and int(whole[1]):
            found.append(int(whole[0]) / int(whole[1]))
    return min(found, default=None)


def memory() -> Memory:
    """How much there is, and how much is left."""
    told = {key: int(size) << 10 for key, size in re.findall(r"^(\w+):\s+(\d+) kB$", _text(PROC / "meminfo"), re.M)}
    total, available = told.get("MemTotal", _physical_memory()), told.get("MemAvailable")
    limit = None
    for place in _groups("memory"):
        most = _number(place / "memory.max", place / "memory.limit_in_bytes")
        if most is None or (total is not None and most >= total):
            continue
        limit = most if limit is None else min(limit, most)
        used = _number(place / "memory.current", place / "memory.usage_in_bytes")
        if used is not None:  # what is kept of files that were read is given up when memory is needed
            kept = re.search(r"^(?:total_)?inactive_file (\d+)$", _text(place / "memory.stat"), re.MULTILINE)
            left = max(0, most - used + (int(kept[1]) if kept else 0))
            available = left if available is None else min(available, left)
    return Memory(total, available, limit)


def openmp_libraries() -> list[str]:
    """File names of the OpenMP libraries that this process has loaded; empty where nobody says."""
    return sorted({Path(one).name for one in re.findall(r"/\S*/lib(?:g|i)?omp\S*", _text(PROC / "self/maps"))})


def _described(key: str) -> str | None:
    found = re.search(rf"^{key}[ \t]*:[ \t]*(\S.*)$", _text(PROC / "cpuinfo"), re.MULTILINE)
    return found[1].strip() if found else None


def _capabilities() -> dict[str, object]:
    ask = getattr(torch.cpu, "get_capabilities", None)
    return dict(ask()) if ask else {}


def _groups(controller: str) -> list[Path]:
    """Directories that limit this process, of both versions of control groups, innermost first."""
    found = []
    for line in _text(PROC / "self/cgroup").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers and controller not in controllers.split(","):
            continue
        inner = Path(path.strip("/"))
        # A container may see itself as the root, where the path that it is told leads nowhere.
        for root in [SYS / "fs/cgroup" / controllers, SYS / "fs/cgroup" / controller]:
            found += [root / one for one in (inner, *inner.parents)]
    return list(dict.fromkeys(found))


def _number(*places: Path) -> int | None:
    """The number in the first of these files that holds one."""
    texts = (_text(place).strip() for place in places)
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
