"""A readout that is stored with a model is the one by which its translators read word alignments."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from random_translators import ENGLISH, FRENCH, random_model

from regard.alignment.readout import Readout
from regard.errors import CheckpointError
from regard.store import load_model, save_model
from regard.store.model import write_readout
from regard.text.subword import Subword
from regard.translation.aligner import ReadoutOptions, choose_readout
from regard.translation.loading import load

READOUT = Readout("threshold", layer=1, head=0, shifted=True, threshold=0.2, end=0.9)


@pytest.fixture
def directory(tmp_path: Path, small_subword: Subword) -> Path:
    """A stored Transformer of 2 decoder layers with 2 heads each."""
    stored = random_model("learned", small_subword, eos=4.0, scale=1.5)
    save_model(
        tmp_path / "model",
        model=stored.model,
        config=stored.config,
        src_subword=small_subword,
        tgt_subword=small_subword,
    )
    return tmp_path / "model"


def test_loaded_models_use_the_stored_readout(directory: Path) -> None:
    before = load(directory)
    assert (before.readout, before.readout_is_known) == (Readout(), False)
    write_readout(directory, READOUT.to_stored())
    translator = load(directory)
    assert (translator.readout, translator.readout_is_known) == (READOUT, True)
    for translation in (
        *translator.translate(ENGLISH, attention=True),
        *translator.score(ENGLISH, FRENCH),
    ):
        assert translation.attention is not None
        assert translation.alignment == READOUT.links(translation.attention)
    assert translator.score(ENGLISH, FRENCH)[0].alignment != before.score(ENGLISH, FRENCH)[0].alignment
    assert choose_readout(translator, ENGLISH, FRENCH, ReadoutOptions()) == (READOUT, [])
    assert pickle.loads(pickle.dumps(translator)).readout == READOUT
    write_readout(directory, None)
    removed = load(directory)
    assert (removed.readout, removed.readout_is_known) == (Readout(), False)


def test_tuning_replaces_the_stored_readout(directory: Path) -> None:
    write_readout(directory, READOUT.to_stored())
    pairs = ENGLISH * 3, FRENCH * 3
    tuned, messages = choose_readout(load(directory), *pairs, ReadoutOptions(), tune=True)
    assert len(messages) == 1
    write_readout(directory, tuned.to_stored())
    assert load(directory).readout == tuned


def test_an_ensemble_has_no_stored_readout(directory: Path) -> None:
    write_readout(directory, READOUT.to_stored())
    ensemble = load([directory, directory])
    assert (ensemble.readout, ensemble.readout_is_known) == (Readout(), False)


def test_an_onnx_export_keeps_the_readout(directory: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="needs ONNX Runtime: pip install 'regard[interop]'")
    from regard.interop.onnx.exporter import export_onnx

    export_onnx(load_model(directory), tmp_path / "without")
    without = load(tmp_path / "without")
    assert (without.readout, without.readout_is_known) == (Readout(), False)
    write_readout(directory, READOUT.to_stored())
    export_onnx(load_model(directory), tmp_path / "export")
    exported = load(tmp_path / "export")
    assert (exported.readout, exported.readout_is_known) == (READOUT, True)
    own = load(directory).translate(ENGLISH, beam=2, alignment=True)
    assert [(translation.text, translation.alignment) for translation in own] == [
        (translation.text, translation.alignment) for translation in exported.translate(ENGLISH, beam=2, alignment=True)
    ]
    write_readout(directory, None)
    assert load(tmp_path / "export").readout == READOUT


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"layer": 2}, "readout.layer is 2, but the model has layers 0 to 1; export the model again"),
        ({"head": 2}, "readout.head is 2, but the model has heads 0 to 1; export the model again"),
        ({"layer": 10**9}, "damaged"),
        ({"rule": "x"}, "damaged"),
        ({"threshold": float("nan")}, "export.json"),
    ],
)
def test_hostile_readouts_of_exports_are_refused(
    directory: Path, tmp_path: Path, change: dict[str, object], reason: str
) -> None:
    pytest.importorskip("onnxruntime", reason="needs ONNX Runtime: pip install 'regard[interop]'")
    from regard.interop.onnx.exporter import export_onnx

    write_readout(directory, READOUT.to_stored())
    export_onnx(load_model(directory), tmp_path / "export")
    edit_json(tmp_path / "export" / "export.json", lambda tree: tree["readout"].update(change))
    with pytest.raises(CheckpointError, match=reason):
        load(tmp_path / "export")


def test_a_ctranslate2_export_reads_its_one_matrix(directory: Path, tmp_path: Path) -> None:
    """The engine returns the mean of one layer, which a readout of single heads does not fit."""
    pytest.importorskip("ctranslate2", reason="needs CTranslate2: pip install 'regard[interop]'")
    from regard.interop.ctranslate2.exporter import export_ctranslate2

    write_readout(directory, READOUT.to_stored())
    export_ctranslate2(load_model(directory), tmp_path / "export")
    exported = load(tmp_path / "export")
    assert (exported.readout, exported.readout_is_known) == (Readout(), False)


def test_the_stored_form_is_the_readout() -> None:
    for readout in (Readout(), READOUT, replace(READOUT, layer=None, threshold=None)):
        assert Readout(**readout.to_stored().model_dump()) == readout


def edit_json(path: Path, change: Callable[[dict[str, dict[str, object]]], object]) -> None:
    """Changes a JSON file."""
    tree = json.loads(path.read_text(encoding="utf-8"))
    change(tree)
    path.write_text(json.dumps(tree), encoding="utf-8")
