"""What changes the last bits of a training's results besides configuration and data, such as the processor."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.metadata import version

import torch

from regard.native import instruction_set, system
from regard.native.linear import onednn_is_faster
from regard.train.precision import Precision

_LIMITS = (
    "ONEDNN_MAX_CPU_ISA",
    "DNNL_MAX_CPU_ISA",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "MKL_ENABLE_INSTRUCTIONS",
    "MKL_CBWR",
)
"""Environment variables that change how libraries round."""
_NONE = "none"


def current_conditions(precision: Precision, device: str) -> dict[str, str]:
    """Describes the machine and the software as far as they change how results are rounded.

    Trainings with equal configurations, data and conditions give the same bits on a CPU.

    Args:
        precision: Number format of the matrix products.
        device: Device of the model, such as `cpu` or `cuda:0`.

    Returns:
        Description of each condition by its name, such as `8` for `threads`, to show to the user.
    """
    common = {"regard": version("regard"), "PyTorch": torch.__version__, "precision": precision.name}
    if torch.device(device).type == "cuda":
        gpu = torch.cuda.get_device_properties(device)
        return {**common, "device": f"{gpu.name} (compute capability {gpu.major}.{gpu.minor})"}
    if torch.device(device).type != "cpu":
        return {**common, "device": torch.device(device).type}
    features = [name for name, has in system.cpu_features().items() if has]
    limits = [f"{name}={os.environ[name]}" for name in _LIMITS if name in os.environ]
    return {
        **common,
        "device": "CPU",
        "threads": str(torch.get_num_threads()),
        "processor": " ".join([system.processor_vendor() or "of unknown vendor", *features]),
        "instruction set": torch.backends.cpu.get_cpu_capability(),
        "kernels": instruction_set() or _NONE,
        "matrix products": "oneDNN" if onednn_is_faster() else "PyTorch's choice",
        "environment": " ".join(limits) or _NONE,
    }


def changes_message(saved: Mapping[str, str], current: Mapping[str, str]) -> str | None:
    """Message about changed conditions, such as another processor, that may change the last bits of the results.

    Args:
        saved: Conditions when the training was saved, from `current_conditions`.
        current: Conditions now, from `current_conditions`.

    Returns:
        A message for the user; None if nothing has changed. Conditions that are in `saved` or `current` only are
        ignored.
    """
    changed = [
        f"{name}: {saved[name]}, now {current[name]}"
        for name in current
        if name in saved and saved[name] != current[name]
    ]
    if not changed:
        return None
    return (
        "from here on, the results are not bit-identical to those of an uninterrupted training, because conditions "
        f"changed since the state was saved: {'; '.join(changed)}"
    )
