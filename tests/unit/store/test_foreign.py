"""Models of other toolkits, given where one of regard's is expected."""

from __future__ import annotations

from pathlib import Path

import pytest
from foreign import write_marian

from regard.errors import CheckpointError
from regard.store import load_model


def test_a_marian_model_is_to_be_imported(tmp_path: Path) -> None:
    write_marian(tmp_path)
    with pytest.raises(CheckpointError, match=rf"not a model: .* with `regard import marian {tmp_path} --out MODEL`"):
        load_model(tmp_path)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["export.json", "model.bin"], "an export for another engine, .*: give the model it was made of"),
        (["model.bin", "config.json", "shared_vocabulary.json"], "for CTranslate2 .* `regard export --to ctranslate2`"),
        (["model.bin", "source_vocabulary.txt"], "for CTranslate2 .* `regard export --to ctranslate2`"),
        (["encoder_model.onnx", "config.json"], "for ONNX Runtime .* `regard export --to onnx`"),
        (["model.npz", "vocab.yml", "decoder.yml"], "of Marian itself: convert it .* `regard import marian`"),
        (["config.json", "model.safetensors"], "of transformers: only MarianMT can be read"),
        (["config.json", "vocab.json", "pytorch_model.bin"], "of transformers: only MarianMT can be read"),
        (["README.md"], "there is README.md: give the directory that `regard train --out` wrote"),
        ([], "there is nothing: give the directory that `regard train --out` wrote"),
    ],
)
def test_others_are_named(tmp_path: Path, names: list[str], told: str) -> None:
    for name in names:
        (tmp_path / name).write_text("{}")
    with pytest.raises(CheckpointError, match=f"not a model: .*{told}"):
        load_model(tmp_path)
