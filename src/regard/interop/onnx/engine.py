"""ONNX Runtime as an engine: it computes decoder steps, and regard's search chooses the tokens."""

from __future__ import annotations

import warnings

from regard.errors import CheckpointError, ConfigError
from regard.interop.exported import Exported
from regard.interop.onnx.check import check_quantization
from regard.interop.onnx.graph import WEIGHTS
from regard.interop.onnx.overflow import overflows_here
from regard.interop.onnx.step_model import START, STEP, OnnxStepModel
from regard.search.engine import StepEngine


def open_onnx(
    exported: Exported, *, precision: str | None = None, threads: int | None = None, device: str = "auto"
) -> StepEngine:
    """Opens an ONNX export; ONNX Runtime computes the decoder steps on the CPU.

    Args:
        exported: Directory written by `regard export --to onnx`.
        precision: Number type that the export is expected to have, `float32` or `int8`; None = accept either.
        threads: Number of batches that run at the same time, with one thread each; by default, PyTorch's number of
            threads.
        device: `cpu` or `auto`.

    Returns:
        An engine that runs the export with regard's own searches.

    Raises:
        ConfigError: ONNX Runtime is not installed, the export has another number type, or the device is not the CPU.
        CheckpointError: The graphs are damaged, or regard did not write them.
    """
    stored_as = exported.manifest.quantization
    if precision not in (None, stored_as):
        raise ConfigError(
            f"{exported.path}: this export computes in {stored_as}, not in {precision}: leave out --precision, or "
            f"export the model again with --quantization {precision}"
        )
    if device not in ("auto", "cpu"):
        raise ConfigError(
            f"--device {device}: the ONNX engine runs only on the CPU: give --device cpu, or use regard's own engine"
        )
    if not {START, STEP, WEIGHTS} < set(exported.manifest.files):
        raise CheckpointError(
            f"{exported.path}: expected export.json to list {START}, {STEP} and {WEIGHTS}, but one is missing: export "
            "the model again"
        )
    if stored_as == "int8" and exported.manifest.weight_levels is None and overflows_here():
        warnings.warn(
            f"{exported.path}: an older version of regard rounded its weights, so that products overflow on this "
            "processor (it has no VNNI) and translations may be worse: export the model again",
            stacklevel=2,
        )
    src_specials, tgt_specials = exported.src_subword.specials, exported.tgt_subword.specials
    model = OnnxStepModel(exported.path, tgt_vocab=len(exported.tgt_subword))
    for name in (START, STEP):
        check_quantization(exported.path / name, stored_as)
    return StepEngine(model, src_specials=src_specials, tgt_specials=tgt_specials, workers=threads)
