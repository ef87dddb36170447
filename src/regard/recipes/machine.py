"""Description of this machine: its hardware, and the compute kernels and number formats that regard uses on it."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

import torch

from regard.config.threads import available_cores
from regard.native import available_instruction_sets, compiled_instruction_sets, instruction_set, system
from regard.native.int8 import int8_instructions
from regard.native.linear import onednn_is_faster
from regard.native.packed import can_pack
from regard.train.precision import MIN_SPEEDUP, measure_seconds, precision_for

LIMITS = {
    "ATEN_CPU_CAPABILITY": "the instructions of PyTorch's own operators and of regard's kernels",
    "ONEDNN_MAX_CPU_ISA": "the instructions of oneDNN",
    "DNNL_MAX_CPU_ISA": "the instructions of oneDNN",
    "ONEDNN_DEFAULT_FPMATH_MODE": "how exactly oneDNN computes in float32",
    "MKL_ENABLE_INSTRUCTIONS": "the instructions of MKL",
    "MKL_CBWR": "the instructions of MKL",
    "OMP_NUM_THREADS": "the threads of PyTorch and of regard's kernels",
    "MKL_NUM_THREADS": "the threads of MKL, and PyTorch's",
    "OMP_THREAD_LIMIT": "the threads of PyTorch and of regard's kernels",
    "OMP_PROC_BIND": "which cores threads run on",
    "OMP_PLACES": "which cores threads run on",
    "GOMP_CPU_AFFINITY": "which cores threads run on",
    "KMP_AFFINITY": "which cores threads run on",
    "CT2_FORCE_CPU_ISA": "the instructions of CTranslate2",
    "CT2_USE_MKL": "whether CTranslate2 multiplies by MKL",
    "CUDA_VISIBLE_DEVICES": "which GPUs PyTorch sees",
}
"""Environment variables that affect speed or results, and what each variable decides."""

EXTRAS = {
    "ctranslate2": "interop",
    "onnxruntime": "interop",
    "onnx": "interop",
    "transformers": "interop",
    "matplotlib": "plot",
    "tensorboard": "plot",
    "eflomal": "align",
}
"""Optional packages, with the extra of regard that installs each: `pip install 'regard[EXTRA]'`."""

UNKNOWN = "unknown"
_ROWS, _WIDTH = 1024, 512  # of the timed matrix product, the defaults of `choose_precision`


@dataclass(frozen=True)
class Row:
    """One row of the description of this machine, for people and for programs.

    Attributes:
        topic: Topic of the row, such as `memory`.
        found: What was found on this machine, in one line.
        why: Reason or consequence of `found`; may be empty.
        facts: Content of the row for programs, as JSON values by name; None for values that are unknown.
    """

    topic: str
    found: str
    why: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)


def describe_machine() -> list[Row]:
    """Describes this machine: hardware, compute kernels, number formats and versions; takes about a second.

    Returns:
        One row per topic, always the same topics in the same order.
    """
    loaded = system.openmp_libraries()  # before CTranslate2 is imported, which loads its own
    return [
        _processor(),
        _cores(),
        _memory(),
        _instructions(),
        _limits(),
        _kernels(),
        _float32(),
        _bfloat16(),
        _int8(),
        _gpu(),
        _versions(loaded),
        _packages(),
    ]


def _processor() -> Row:
    name, sizes = system.processor_name(), system.cache_sizes()
    caches = "".join(f", {_bytes(size)} of level {number}" for number, size in sizes.items())
    why = f"{platform.machine() or UNKNOWN}; caches per core: {caches[2:] or UNKNOWN}"
    facts = {"name": name, "architecture": platform.machine(), "caches": sizes}
    return Row("processor", name or UNKNOWN, why, facts)


def _cores() -> Row:
    usable, total, quota, threads = available_cores(), os.cpu_count(), system.cpu_quota(), torch.get_num_threads()
    why = f"PyTorch computes with {threads} {'thread' if threads == 1 else 'threads'}, training with {usable} unless "
    why += "train.threads is set"
    if quota is not None and quota < max(usable, threads):
        num_threads = max(1, int(quota))
        why += (
            f"; but a control group (a container's limit) allows the time of {quota:g}, so more threads wait for one "
            f"another: set OMP_NUM_THREADS={num_threads} and train.threads={num_threads}"
        )
    facts = {"usable": usable, "total": total, "quota": quota, "threads": threads}
    return Row("cores", f"{usable} of {total or UNKNOWN} may be used", why, facts)


def _memory() -> Row:
    memory = system.memory()
    found = f"{_bytes(memory.available)} available of {_bytes(memory.total)}"
    why = f"a control group (a container's limit) allows {_bytes(memory.limit)}" if memory.limit is not None else ""
    facts = {"available": memory.available, "total": memory.total, "limit": memory.limit}
    return Row("memory", found, why, facts)


def _instructions() -> Row:
    known, used = system.cpu_features(), torch.backends.cpu.get_cpu_capability()
    present, missing = ([name for name, has in known.items() if has is value] for value in (True, False))
    found = ", ".join(present) or (UNKNOWN if not known else "none of those that matter")
    found += f"; not {', '.join(missing)}" if missing else ""
    why = f"PyTorch's own operators use {used}"
    if "ATEN_CPU_CAPABILITY" in os.environ:
        why += "; ATEN_CPU_CAPABILITY limits them, but neither MKL nor oneDNN"
    return Row("instructions", found, why, {"has": known, "pytorch": used})


def _limits() -> Row:
    values = {name: os.environ[name] for name in LIMITS if name in os.environ}
    found = ", ".join(f"{name}={value}" for name, value in values.items())
    why = "; ".join(f"{name} decides {LIMITS[name]}" for name in values)
    return Row(
        "limits",
        found or "none",
        why or "no environment variable that limits threads or instructions is set",
        {"variables": values},
    )


def _kernels() -> Row:
    runs, usable, made = instruction_set(), available_instruction_sets(), compiled_instruction_sets()
    facts = {"used": runs, "available": list(usable), "compiled": list(made)}
    if runs is not None:
        names = ", ".join(made)
        why = f"compiled for {names}; chosen to match PyTorch's own operators"
        pytorch_uses = torch.backends.cpu.get_cpu_capability().lower()
        if pytorch_uses in ("avx2", "avx512") and pytorch_uses not in usable:
            why += f"; none for {pytorch_uses} can be loaded: install regard again with a newer C compiler"
        return Row("kernels", f"{runs} (any processor)" if runs == "default" else runs, why, facts)
    if usable:
        return Row("kernels", "none", "disabled in this process; PyTorch's slower operators are used", facts)
    reason = "the compiled kernels cannot be loaded" if made else "no kernels were compiled when regard was installed"
    why = (
        f"{reason}; PyTorch's slower operators are used. Install a C compiler, such as gcc, and then regard again: "
        "pip install --force-reinstall --no-deps, with regard's directory"
    )
    return Row("kernels", "none", why, facts)


def _float32() -> Row:
    training = "oneDNN" if onednn_is_faster() else _blas()
    searching = "oneDNN" if can_pack(torch.float32) else training
    why = f"{_why_products(training)}; a search packs its weights for oneDNN"
    if searching != "oneDNN":
        why = "this PyTorch has no usable oneDNN"
    facts = {"training": training, "searching": searching}
    return Row("float32", f"training by {training}, searching by {searching}", why, facts)


def _why_products(training: str) -> str:
    vendor = system.processor_vendor()
    if training == "oneDNN":
        return "the processor is not an Intel one, and MKL is slower there"
    if training != "MKL":
        return f"this PyTorch multiplies with {training}"
    if vendor is None:
        return "the vendor of the processor is unknown, so PyTorch's choice is used"
    if vendor == "GenuineIntel":
        return "MKL uses all instructions of Intel processors"
    return f"with {torch.backends.cpu.get_cpu_capability()} PyTorch's choice is used"


def _blas() -> str:
    """The library that PyTorch multiplies float32 with."""
    if torch.backends.mkl.is_available():
        return "MKL"
    library = _built_with(r"BLAS_INFO=(\w+)") or "PyTorch's own library"
    return {"open": "OpenBLAS", "accelerate": "Accelerate"}.get(library, library)


def _bfloat16() -> Row:
    slow, fast = measure_seconds("cpu", rows=_ROWS, width=_WIDTH)
    name, ratio = precision_for(slow / fast), slow / fast
    in_float32, in_bfloat16 = (2 * _ROWS * _WIDTH * 4 * _WIDTH / seconds / 1e9 for seconds in (slow, fast))
    why = (
        f"a product of {_ROWS} x {_WIDTH} by {_WIDTH} x {4 * _WIDTH} ran at {in_float32:,.0f} GFLOP/s in float32 and "
        f'{in_bfloat16:,.0f} in bfloat16, {ratio:.2f} times as fast; train.precision = "auto" chooses bfloat16 from '
        f"{MIN_SPEEDUP} times on, and measures again at the size of the model"
    )
    searching = ["float32", "bfloat16"] if can_pack(torch.bfloat16) else ["float32"]
    found = f"training in {name}, searching in float32"
    found += ", or bfloat16 with --precision bfloat16" if "bfloat16" in searching else "; oneDNN has no bfloat16 here"
    gflops = {"float32": round(in_float32, 1), "bfloat16": round(in_bfloat16, 1)}
    facts = {"training": name, "searching": searching, "gflops": gflops, "ratio": round(ratio, 2)}
    return Row("bfloat16", found, why, facts)


_WITHOUT_VNNI = "; without VNNI each product takes three instructions instead of one, still faster than float32"
_OWN_INT8 = {
    "VNNI": "",
    "AVX-512": _WITHOUT_VNNI,
    "AVX2": _WITHOUT_VNNI,
    "any processor's": "; these are slower than float32: leave the option out here",
}


def _int8() -> Row:
    known, kernel = system.cpu_features(), int8_instructions()
    names = [name for name in ("VNNI", "AMX", "dot products", "int8 products") if known.get(name)]
    types, types_text = _ctranslate2_types()
    onnx = _version("onnxruntime")
    if kernel is None:
        found, why = "searching with other engines only", "regard's own engine needs compiled kernels for it"
    else:
        found = f"searching with --precision int8 and {kernel} instructions"
        why = f"regard's own engine gives the same results with all instructions{_OWN_INT8[kernel]}"
    why += (
        "; other engines (of an export) choose instructions themselves. "
        f"CTranslate2: {types_text}. ONNX Runtime: {f'{onnx} computes in int8' if onnx else 'not installed'}"
    )
    if not names and known.get("AVX2"):
        why += (
            ". Without VNNI they add two products in 16 bits, which can overflow unless the weights have 64 levels, as "
            "in every export by this version of regard: weight_levels in export.json"
        )
    facts = {"has": names, "kernel": kernel, "ctranslate2": types, "onnxruntime": onnx is not None}
    return Row("int8", found, why, facts)


def _ctranslate2_types() -> tuple[list[str] | None, str]:
    """The number formats of CTranslate2 on the CPU (None if it cannot be loaded), and a text about them."""
    number = _version("ctranslate2")
    if number is None:
        return None, "not installed"
    try:
        import ctranslate2

        types = sorted(ctranslate2.get_supported_compute_types("cpu"))
    except Exception as error:  # a broken installation of another package may raise anything
        return None, f"{number}, but it cannot be loaded ({error})"
    return types, f"{number} computes in {', '.join(types)}"


def _gpu() -> Row:
    triton = _version("triton") or _version("pytorch-triton-rocm")
    if not torch.cuda.is_available():
        built = torch.version.cuda or torch.version.hip
        why = "PyTorch finds none: check the driver" if built else f"PyTorch {torch.__version__} was built without GPUs"
        if os.environ.get("CUDA_VISIBLE_DEVICES") is not None and built:
            why += ", and CUDA_VISIBLE_DEVICES"
        return Row("GPU", "none", why, {"devices": [], "triton": triton})
    gpus = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
    found = "; ".join(
        f"{gpu.name}, {_bytes(gpu.total_memory)}, compute capability {gpu.major}.{gpu.minor}" for gpu in gpus
    )
    devices = [{"name": gpu.name, "memory": gpu.total_memory, "capability": f"{gpu.major}.{gpu.minor}"} for gpu in gpus]
    why = 'the first one is used unless --device or train.device names another; train.precision = "auto" measures '
    why += "bfloat16 on it when a training starts. "
    why += f"Triton {triton} computes additive scores" if triton else "Without Triton, additive scores are slower"
    return Row("GPU", found, why, {"devices": devices, "triton": triton})


def _versions(openmp_libraries: list[str]) -> Row:
    openmp = _built_with(r"OpenMP \d+ \(a\.k\.a\. OpenMP ([\d.]+)\)") or _built_with(r"OpenMP (\d+)")
    facts: dict[str, object] = {
        "regard": _version("regard"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "onednn": _built_with(r"(?:MKL-DNN|oneDNN) v([\w.]+)"),
        "mkl": _built_with(r"Math Kernel Library Version ([\w.]+)"),
        "openmp": openmp,
        "openmp_libraries": openmp_libraries,
        "system": platform.platform(),
    }
    why = f"PyTorch with oneDNN {facts['onednn'] or UNKNOWN}, MKL {facts['mkl'] or 'none'}, OpenMP {openmp or 'none'}"
    why += f" ({', '.join(openmp_libraries)})" if openmp_libraries else ""
    why += f"; {facts['system']}"
    found = f"regard {facts['regard'] or UNKNOWN}, Python {facts['python']}, PyTorch {facts['torch']}"
    return Row("versions", found, why, facts)


def _built_with(pattern: str) -> str | None:
    """First group of a pattern in PyTorch's description of its build."""
    match = re.search(pattern, torch.__config__.show())
    return match[1] if match else None


def _packages() -> Row:
    numbers = {name: _version(name) for name in EXTRAS}
    found = ", ".join(f"{name} {number}" for name, number in numbers.items() if number)
    extras: dict[str, list[str]] = {}
    for name, number in numbers.items():
        if number is None:
            extras.setdefault(EXTRAS[name], []).append(name)
    why = "; ".join(f"without {', '.join(names)}: pip install 'regard[{extra}]'" for extra, names in extras.items())
    return Row("packages", found or "none", why, dict(numbers))


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _bytes(number: int | None) -> str:
    if number is None:
        return UNKNOWN
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number / 1024:.3g} KiB"
