"""Translating by ONNX Runtime: regard's text and regard's own searches around another library's arithmetic."""

from __future__ import annotations

import warnings

from regard.alignment.readout import own_readout
from regard.errors import CheckpointError, ConfigError
from regard.interop.exported import Exported
from regard.interop.onnx.check import check_quantization
from regard.interop.onnx.graph import WEIGHTS
from regard.interop.onnx.overflow import cut_off_here
from regard.interop.onnx.step_model import START, STEP, OnnxStepModel
from regard.search.engine import StepEngine
from regard.translation.translator import Reach, Translator


def onnx_translator(
    exported: Exported, *, compute: str | None = None, threads: int | None = None, device: str = "auto"
) -> Translator:
    """A translator whose steps ONNX Runtime computes, on the CPU.

    Args:
        exported: What `regard export --to onnx` wrote.
        compute: What it was exported for; anything else is refused, as the graphs say what is computed.
        threads: Batches at once, one thread each; as many as torch has threads when not given.
        device: `cpu` or `auto`.

    Returns:
        What translates.

    Raises:
        ConfigError: ONNX Runtime is not installed, or cannot do what is asked.
        CheckpointError: The graphs are not as regard writes them.
    """
    stored_as = exported.note.quantization
    if compute not in (None, stored_as):
        raise ConfigError(
            f"{exported.path}: this export computes in {stored_as}, not {compute}: export the model with "
            f"--quantization {compute}"
        )
    if device not in ("auto", "cpu"):
        raise ConfigError(f"--device {device}: the ONNX engine runs on the CPU: give cpu, or use regard's own engine")
    if not {START, STEP, WEIGHTS} < set(exported.note.files):
        raise CheckpointError(f"{exported.path}: lists no {START}, {STEP} and {WEIGHTS}: export the model again")
    if stored_as == "int8" and exported.note.weight_levels is None and cut_off_here():
        warnings.warn(
            f"{exported.path}: an older regard rounded its weights so that their products overflow on this processor "
            "(it has no VNNI) and translations may be worse: export the model again",
            stacklevel=2,
        )
    src_specials, tgt_specials = exported.src_subword.specials, exported.tgt_subword.specials
    model = OnnxStepModel(exported.path, tgt_vocab=len(exported.tgt_subword))
    for name in (START, STEP):
        check_quantization(exported.path / name, stored_as)
    return Translator(
        StepEngine(model, src_specials=src_specials, tgt_specials=tgt_specials, workers=threads),
        exported.src_subword,
        exported.tgt_subword,
        search=exported.config.search,
        reach=Reach.of(exported.config),
        readout=own_readout(exported.config),
    )
