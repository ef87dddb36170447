"""Models of other toolkits in place of a model of regard."""

from __future__ import annotations

from pathlib import Path

import pytest
from foreign import write_marian

from regard.errors import CheckpointError
from regard.store import load_model


def test_a_marian_model_can_be_imported(tmp_path: Path) -> None:
    write_marian(tmp_path)
    with pytest.raises(CheckpointError, match=rf"not a model: .* with `regard import marian {tmp_path} --out MODEL`"):
        load_model(tmp_path)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["export.json", "model.bin"],
            "exported for another engine, .*: give the model directory that it was exported from",
        ),
        (["model.bin", "config.json", "shared_vocabulary.json"], "for CTranslate2 .* `regard export --to ctranslate2`"),
        (["model.bin", "source_vocabulary.txt"], "for CTranslate2 .* `regard export --to ctranslate2`"),
        (["encoder_model.onnx", "config.json"], "for ONNX Runtime .* `regard export --to onnx`"),
        (["model.npz", "vocab.yml", "decoder.yml"], "of Marian: convert it .* `regard import marian`"),
        (["config.json", "model.safetensors"], "of transformers: only MarianMT models can be imported"),
        (["config.json", "vocab.json", "pytorch_model.bin"], "of transformers: only MarianMT models can be imported"),
        (["README.md"], "found README.md: give the directory that `regard train --out` wrote"),
        ([], "found nothing: give the directory that `regard train --out` wrote"),
    ],
)
def test_other_formats_are_identified(tmp_path: Path, names: list[str], message: str) -> None:
    for name in names:
        (tmp_path / name).write_text("{}")
    with pytest.raises(CheckpointError, match=f"not a model: .*{message}"):
        load_model(tmp_path)
