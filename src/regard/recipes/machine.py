"""What this machine has, which kernels and number formats regard uses on it, and why."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

import torch

from regard.config.derive import available_cores
from regard.native import available_instruction_sets, compiled_instruction_sets, instruction_set, system
from regard.native.int8 import int8_instructions
from regard.native.linear import onednn_is_faster
from regard.native.packed import can_pack
from regard.train.precision import WORTHWHILE, measure_seconds, precision_for

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
"""Environment variables that limit something here, and what."""

EXTRAS = {
    "ctranslate2": "interop",
    "onnxruntime": "interop",
    "onnx": "interop",
    "transformers": "interop",
    "matplotlib": "plot",
    "tensorboard": "plot",
    "eflomal": "align",
}
"""Packages that only some users need, and the extra of ours that installs each."""

UNKNOWN = "unknown"
_ROWS, _WIDTH = 1024, 512  # of the product that is timed, as `choose_precision` has by itself


@dataclass(frozen=True)
class Row:
    """One thing that was looked at.

    Attributes:
        topic: What it is.
        found: What there is, in a line.
        why: Why it is so, or what follows from it; empty when there is nothing to say.
        facts: The same for programs: values that JSON knows, None for what is unknown.
    """

    topic: str
    found: str
    why: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)


def describe_machine() -> list[Row]:
    """Looks at the machine, in a second or so; nothing is changed.

    Returns:
        A row a topic, always the same topics in the same order.
    """
    loaded = system.openmp_libraries()  # before CTranslate2 is asked, which brings its own
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
    why = f"{platform.machine() or UNKNOWN}; caches of a core: {caches[2:] or UNKNOWN}"
    facts = {"name": name, "architecture": platform.machine(), "caches": sizes}
    return Row("processor", name or UNKNOWN, why, facts)


def _cores() -> Row:
    usable, total, quota, threads = available_cores(), os.cpu_count(), system.cpu_quota(), torch.get_num_threads()
    why = f"PyTorch computes with {threads} {'thread' if threads == 1 else 'threads'}, training with {usable} unless "
    why += "train.threads is set"
    if quota is not None and quota < max(usable, threads):
        fitting = max(1, int(quota))
        why += (
            f"; but a control group (a container's limit) allows the time of {quota:g}, so more threads wait for one "
            f"another: set OMP_NUM_THREADS={fitting} and train.threads={fitting}"
        )
    facts = {"usable": usable, "total": total, "quota": quota, "threads": threads}
    return Row("cores", f"{usable} of {total or UNKNOWN} may be used", why, facts)


def _memory() -> Row:
    told = system.memory()
    found = f"{_bytes(told.available)} available of {_bytes(told.total)}"
    why = f"a control group (a container's limit) allows {_bytes(told.limit)}" if told.limit is not None else ""
    return Row("memory", found, why, {"available": told.available, "total": told.total, "limit": told.limit})


def _instructions() -> Row:
    known, used = system.cpu_features(), torch.backends.cpu.get_cpu_capability()
    there, missing = ([name for name, has in known.items() if has is wanted] for wanted in (True, False))
    found = ", ".join(there) or (UNKNOWN if not known else "none of those that matter")
    found += f"; not {', '.join(missing)}" if missing else ""
    why = f"PyTorch's own operators use {used}"
    if "ATEN_CPU_CAPABILITY" in os.environ:
        why += "; ATEN_CPU_CAPABILITY limits them, and limits neither MKL nor oneDNN"
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
        wanted = torch.backends.cpu.get_cpu_capability().lower()
        if wanted in ("avx2", "avx512") and wanted not in usable:
            why += f"; there are none for {wanted} that can be opened: install regard again with a newer C compiler"
        return Row("kernels", f"{runs} (any processor)" if runs == "default" else runs, why, facts)
    if usable:
        return Row("kernels", "none", "switched off in this process; PyTorch's slower operators stand in", facts)
    reason = "what was compiled cannot be opened here" if made else "nothing was compiled when regard was installed"
    why = (
        f"{reason}; PyTorch's slower operators stand in. Install a C compiler, such as gcc, and then regard again: "
        "pip install --force-reinstall --no-deps, with regard's directory"
    )
    return Row("kernels", "none", why, facts)


def _float32() -> Row:
    training = "oneDNN" if onednn_is_faster() else _blas()
    searching = "oneDNN" if can_pack(torch.float32) else training
    why = f"{_why_products(training)}; a search keeps its weights in the order that oneDNN reads"
    if searching != "oneDNN":
        why = "this PyTorch has no oneDNN that can be used"
    facts = {"training": training, "searching": searching}
    return Row("float32", f"training by {training}, searching by {searching}", why, facts)


def _why_products(training: str) -> str:
    vendor = system.processor_vendor()
    if training == "oneDNN":
        return "the processor is not Intel's, and MKL is slower there"
    if training != "MKL":
        return f"this PyTorch multiplies by {training}"
    if vendor is None:
        return "who made the processor is unknown, so that PyTorch's choice stands"
    if vendor == "GenuineIntel":
        return "MKL uses all instructions of Intel's processors"
    return f"with {torch.backends.cpu.get_cpu_capability()} PyTorch's choice stands"


def _blas() -> str:
    """The library by which PyTorch multiplies float32."""
    if torch.backends.mkl.is_available():  # type: ignore[no-untyped-call]
        return "MKL"
    named = _built_with(r"BLAS_INFO=(\w+)") or "PyTorch's own library"
    return {"open": "OpenBLAS", "accelerate": "Accelerate"}.get(named, named)


def _bfloat16() -> Row:
    slow, fast = measure_seconds("cpu", rows=_ROWS, width=_WIDTH)
    name, ratio = precision_for(slow / fast), slow / fast
    in_float32, in_bfloat16 = (2 * _ROWS * _WIDTH * 4 * _WIDTH / seconds / 1e9 for seconds in (slow, fast))
    why = (
        f"a product of {_ROWS} x {_WIDTH} by {_WIDTH} x {4 * _WIDTH} ran at {in_float32:,.0f} GFLOP/s in float32 and "
        f'{in_bfloat16:,.0f} in bfloat16, {ratio:.2f} times as fast; train.precision = "auto" takes bfloat16 from '
        f"{WORTHWHILE} times on, and measures anew at the size of the model"
    )
    searching = ["float32", "bfloat16"] if can_pack(torch.bfloat16) else ["float32"]
    found = f"training in {name}, searching in float32"
    found += ", or bfloat16 with --precision bfloat16" if "bfloat16" in searching else "; oneDNN has no bfloat16 here"
    gflops = {"float32": round(in_float32, 1), "bfloat16": round(in_bfloat16, 1)}
    facts = {"training": name, "searching": searching, "gflops": gflops, "ratio": round(ratio, 2)}
    return Row("bfloat16", found, why, facts)


_WITHOUT_VNNI = "; without VNNI each takes three instructions in place of one, which is still faster than float32"
_OWN_INT8 = {
    "VNNI": "",
    "AVX-512": _WITHOUT_VNNI,
    "AVX2": _WITHOUT_VNNI,
    "any processor's": "; these are slower than float32: leave it out here",
}


def _int8() -> Row:
    known, kernel = system.cpu_features(), int8_instructions()
    names = [one for one in ("VNNI", "AMX", "dot products", "int8 products") if known.get(one)]
    types, told = _ctranslate2_types()
    onnx = _version("onnxruntime")
    if kernel is None:
        found, why = "searching by other engines alone", "regard's own engine needs compiled kernels for it"
    else:
        found = f"searching with --precision int8 by {kernel} instructions"
        why = f"regard's own engine rounds when asked to; sums are the same by all instructions{_OWN_INT8[kernel]}"
    why += (
        "; other engines (of an export) choose instructions themselves. "
        f"CTranslate2: {told}. ONNX Runtime: {f'{onnx} computes in int8' if onnx else 'not installed'}"
    )
    if not names and known.get("AVX2"):
        why += (
            ". Without VNNI these add two products in 16 bits, which can overflow unless the weights have 64 levels, "
            "as in every export of this regard: weight_levels in export.json"
        )
    facts = {"has": names, "kernel": kernel, "ctranslate2": types, "onnxruntime": onnx is not None}
    return Row("int8", found, why, facts)


def _ctranslate2_types() -> tuple[list[str] | None, str]:
    """What CTranslate2 can compute in on the CPU (None when it cannot be asked), and this in words."""
    number = _version("ctranslate2")
    if number is None:
        return None, "not installed"
    try:
        import ctranslate2

        types = sorted(ctranslate2.get_supported_compute_types("cpu"))
    except Exception as error:  # a broken installation of somebody else's; it may raise anything
        return None, f"{number}, but it cannot be loaded ({error})"
    return types, f"{number} computes in {', '.join(types)}"


def _gpu() -> Row:
    triton = _version("triton") or _version("pytorch-triton-rocm")
    if not torch.cuda.is_available():
        built = torch.version.cuda or torch.version.hip
        why = (
            "PyTorch sees none: look at the driver" if built else f"PyTorch {torch.__version__} was built without GPUs"
        )
        if os.environ.get("CUDA_VISIBLE_DEVICES") is not None and built:
            why += ", and at CUDA_VISIBLE_DEVICES"
        return Row("GPU", "none", why, {"devices": [], "triton": triton})
    told = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
    found = "; ".join(
        f"{one.name}, {_bytes(one.total_memory)}, compute capability {one.major}.{one.minor}" for one in told
    )
    devices = [{"name": one.name, "memory": one.total_memory, "capability": f"{one.major}.{one.minor}"} for one in told]
    why = 'the first is used unless --device or train.device names another; train.precision = "auto" measures bfloat16 '
    why += "on it when a training starts. "
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


def _built_with(form: str) -> str | None:
    """What the first group of a pattern finds in PyTorch's account of itself."""
    found = re.search(form, torch.__config__.show())
    return found[1] if found else None


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
