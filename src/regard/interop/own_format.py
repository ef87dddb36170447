"""Copies a model to a new model directory, with weights in another number type."""

from __future__ import annotations

from pathlib import Path

from regard.errors import CheckpointError, ConfigError
from regard.interop.exported import new_directory
from regard.native.int8_levels import MAX_INT8_WEIGHT
from regard.store import StoredModel, load_model, save_model
from regard.store.manifest import WEIGHTS
from regard.store.model import write_readout
from regard.store.weights import own_tensors

_HALF_STEP = 0.5001 / MAX_INT8_WEIGHT
# Largest rounding error relative to the largest weight of the row, with room for the rounding of float32.


def export_regard(stored: StoredModel, path: str | Path, *, quantization: str = "int8") -> int:
    """Writes a copy of a model, with weights rounded to 8 bits or in float32.

    Args:
        stored: The model to write.
        path: New directory, or an existing empty one.
        quantization: `int8` = round the weights to 8 bits; `float32` = write them as they were loaded.

    Returns:
        Size of the new weights file in bytes.

    Raises:
        ConfigError: The number type is unknown.
        CheckpointError: The directory exists already or cannot be written.
    """
    if quantization not in ("float32", "int8"):
        raise ConfigError(f"--quantization: expected float32 or int8 for a model of regard, got {quantization!r}")
    with new_directory(path) as directory:
        save_model(
            directory,
            model=stored.model,
            config=stored.config,
            src_subword=stored.src_subword,
            tgt_subword=stored.tgt_subword,
            details=stored.manifest.details,
            quantization="int8" if quantization == "int8" else None,
        )
        write_readout(directory, stored.readout)
        _verify(stored, load_model(directory))
        return (directory / WEIGHTS).stat().st_size


def _verify(stored: StoredModel, written: StoredModel) -> None:
    """Checks that every weight of the written model is the original one, up to rounding."""
    new = own_tensors(written.model)
    for name, tensor in own_tensors(stored.model).items():
        limit = tensor.abs().amax(-1, keepdim=True) * _HALF_STEP if tensor.dim() else tensor.abs()
        if ((tensor - new[name]).abs() > limit + 1e-30).any():
            raise CheckpointError(
                f"{name}: the written weights differ from the model's by more than rounding: check the disk, and "
                "export the model again"
            )
