"""Exports, searches and analyses do not change the model, and an export is reproducible byte by byte."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import get_args

import pytest
import torch

from regard.config.schema import RNNConfig
from regard.data.collate import collate
from regard.inspection.gradients import source_gradients
from regard.interop.ctranslate2.exporter import Quantization, export_ctranslate2
from regard.interop.marian.exporter import export_marian
from regard.interop.marian.importer import import_marian
from regard.interop.onnx.exporter import GRAPHS, export_onnx
from regard.store import StoredModel
from regard.text.links import GoldLinks
from regard.translation.aligner import Aligner, ReadoutOptions, bidirectional, choose_readout
from regard.translation.loading import load
from regard.translation.shortlist import make_shortlist, shortlisted
from regard.translation.translator import Translator

for package in ("ctranslate2", "onnxruntime", "transformers"):
    pytest.importorskip(package, reason=f"needs {package}: pip install 'regard[interop]'")
pytestmark = pytest.mark.filterwarnings("ignore:Recommended. pip install sacremoses")

SOURCES = ["a man in a red hat", "the children play near the water", ""]
TARGETS = ["un homme au chapeau rouge", "les enfants jouent près de l' eau", ""]
Make = Callable[..., StoredModel]


def digest(stored: StoredModel) -> str:
    """Hash of a model: its weights, their addresses in memory, its configuration and vocabularies."""
    state = hashlib.sha256(repr((stored.config, stored.model.training)).encode())
    state.update(stored.src_subword.to_bytes() + stored.tgt_subword.to_bytes())
    for name, tensor in (*stored.model.named_parameters(), *stored.model.named_buffers()):
        state.update(f"{name} {tensor.dtype} {tensor.requires_grad} {tensor.grad is None} {tensor.data_ptr()}".encode())
        state.update(tensor.detach().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return state.hexdigest()


def content(directory: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(directory.iterdir())}


EXPORTS: dict[str, Callable[[StoredModel, Path], None]] = {
    "marian": export_marian,
    **{f"onnx {kind}": partial(export_onnx, quantization=kind) for kind in GRAPHS},
    **{f"ctranslate2 {kind}": partial(export_ctranslate2, quantization=kind) for kind in get_args(Quantization)},
}


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_does_not_change_the_model_and_is_reproducible(make: Make, tmp_path: Path, name: str) -> None:
    stored = make(norm="post")
    before, state = digest(stored), torch.get_rng_state()
    for directory in ("first", "second"):
        EXPORTS[name](stored, tmp_path / directory)
        assert digest(stored) == before
    assert content(tmp_path / "first") == content(tmp_path / "second")
    assert torch.equal(torch.get_rng_state(), state)


def test_an_export_does_not_change_a_recurrent_model_and_is_reproducible(keep: Make, tmp_path: Path) -> None:
    stored = keep(RNNConfig(embed_size=8, hidden_size=8, decoder="bahdanau"))
    before = digest(stored)
    for quantization in GRAPHS:
        for directory in ("first", "second"):
            export_onnx(stored, tmp_path / f"{directory} {quantization}", quantization=quantization)
            assert digest(stored) == before
        assert content(tmp_path / f"first {quantization}") == content(tmp_path / f"second {quantization}")


def _uses(stored: StoredModel) -> Iterator[str]:
    """Runs everything that translates with a model or analyses it; yields the name of each when it is done."""
    for precision in ("float32", "bfloat16"):
        translator = Translator.of([stored], precision=precision)
        for options in ({"beam": 1}, {"beam": 3, "n_best": 2}, {"attention": True}, {"retry": True}):
            translator.translate(SOURCES, **options)
            yield f"translate {precision} {options}"
    translator = Translator.of([stored])
    list(translator.translate_lines(SOURCES))
    translator.score(SOURCES, TARGETS)
    yield "score"
    gold = [GoldLinks(((0, 0),), ((0, 0),))] * len(SOURCES)
    for reference in (None, gold):
        readout, _ = choose_readout(translator, SOURCES, TARGETS, ReadoutOptions(), gold=reference)
        aligner = Aligner(translator, readout)
        bidirectional(aligner, aligner, "union").links(SOURCES, TARGETS)
        yield "align"
    table = make_shortlist(translator, SOURCES, TARGETS, links=3, frequent=5)
    shortlisted(translator, table).translate(SOURCES)
    yield "shortlist"
    Translator.of([stored, stored]).translate(SOURCES)
    yield "ensemble"
    source_gradients(stored.model, collate([(5, 6)], [(7, 8)], specials=stored.tgt_subword.specials))
    yield "gradients"


@pytest.mark.parametrize("kind", ["transformer", "rnn"])
def test_translation_and_analysis_do_not_change_the_model(make: Make, keep: Make, kind: str) -> None:
    stored = make() if kind == "transformer" else keep(RNNConfig(embed_size=8, hidden_size=8))
    before = digest(stored)
    for name in _uses(stored):
        assert digest(stored) == before, name


def test_import_and_translation_do_not_change_directories(make: Make, tmp_path: Path) -> None:
    export_marian(make(norm="post"), tmp_path / "marian")
    export_onnx(make(), tmp_path / "onnx", quantization="int8")
    export_ctranslate2(make(), tmp_path / "ctranslate2", quantization="int8")
    before = {name: content(tmp_path / name) for name in ("marian", "onnx", "ctranslate2", "model-1")}
    state = torch.get_rng_state()
    import_marian(tmp_path / "marian", tmp_path / "imported")
    for name in ("onnx", "ctranslate2", "model-1"):
        load([tmp_path / name], threads=1).translate(SOURCES)
    load([tmp_path / "model-1"], precision="int8").translate(SOURCES)
    assert {name: content(tmp_path / name) for name in before} == before
    assert torch.equal(torch.get_rng_state(), state)
