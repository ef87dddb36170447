"""Export to CTranslate2, after a check that CTranslate2 translates random sentences as regard does."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

from regard.errors import ConfigError
from regard.files.packages import require_package
from regard.interop.ctranslate2.engine import CTranslate2Engine
from regard.interop.ctranslate2.quantize import round_weights
from regard.interop.ctranslate2.spec import all_pieces, fill_spec
from regard.interop.exported import new_directory, write_companions
from regard.interop.verification import Ids, Run, verify
from regard.search.beam import BeamOptions
from regard.store import StoredModel

Quantization = Literal[
    "float32", "int8", "int8_float32", "int8_float16", "int8_bfloat16", "int16", "float16", "bfloat16"
]
"""Number types of the stored weights; the type of the computation is chosen when CTranslate2 loads the weights."""


def export_ctranslate2(stored: StoredModel, path: str | Path, *, quantization: str = "float32") -> None:
    """Exports a model to a directory that CTranslate2 can load.

    Before the directory is created, greedy translations of random sentences by CTranslate2 are compared with regard's,
    token by token.

    Args:
        stored: The model, on the CPU.
        path: New directory, which any program that uses CTranslate2 can read; regard's vocabularies and configuration
            are stored there, too.
        quantization: Number type of the stored weights, one of `Quantization`. The comparison uses float32.

    Raises:
        ConfigError: CTranslate2 is not installed or cannot run the model, or the quantization is unknown.
        CheckpointError: A translation by CTranslate2 differs from regard's, or the directory cannot be written.
    """
    require_package("ctranslate2", to="export a model to CTranslate2")
    if quantization not in get_args(Quantization):
        raise ConfigError(f"expected a quantization, one of {', '.join(get_args(Quantization))}, got {quantization!r}")
    with new_directory(path) as directory:
        with tempfile.TemporaryDirectory() as exact:
            _write(stored, Path(exact), "float32")
            verify(stored, _runner(stored, Path(exact), "float32"), engine="CTranslate2")
        levels = _write(stored, directory, quantization)
        write_companions(directory, stored, engine="ctranslate2", quantization=quantization, weight_levels=levels)


def _write(stored: StoredModel, directory: Path, quantization: str) -> int | None:
    spec = fill_spec(stored)  # a new one each time: quantization changes it
    spec.validate()
    levels = round_weights(spec, quantization)
    spec.save(str(directory))
    return levels


def _runner(stored: StoredModel, directory: Path, precision: str) -> Run:
    engine = CTranslate2Engine(
        directory,
        all_pieces(stored.src_subword),
        all_pieces(stored.tgt_subword),
        specials=stored.tgt_subword.specials,
        precision=precision,
        threads=1,
        device="cpu",
    )

    def run(sources: Sequence[Ids], limit: int) -> list[Ids]:
        options = BeamOptions(beam=1, length_penalty=0.0)
        results = engine.search(sources, [limit] * len(sources), options, need_weights=False)
        return [hypotheses[0].ids for hypotheses in results]

    return run
