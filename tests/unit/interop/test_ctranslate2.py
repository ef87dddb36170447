"""CTranslate2 against regard's own engine: the same tokens, scores and attention from the same weights."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from regard.attention.scores import DotScore
from regard.config.schema import Config, RNNConfig
from regard.errors import CheckpointError, ConfigError, SearchError
from regard.interop.ctranslate2.exporter import export_ctranslate2
from regard.interop.exported import open_export
from regard.interop.verification import NUM_SAMPLES, sample_sources, verify
from regard.search.attention_filter import EVERYTHING
from regard.search.beam import BeamOptions
from regard.store import StoredModel
from regard.text.normalize import normalize
from regard.translation.loading import load, signature
from regard.translation.translator import Translator

pytest.importorskip("ctranslate2", reason="needs CTranslate2: pip install 'regard[interop]'")

Make = Callable[..., StoredModel]
LINES = ["a man rides a bicycle", "", "two women are reading in the park , and a dog runs", "日本語 the ball", "  a  "]
ROUGH = 1e-3
"""CTranslate2's logarithms of probabilities are off by some 3e-5 a token; its tokens and its attention are not."""
KINDS = [
    {},
    {"norm": "post", "activation": "gelu"},
    {"activation": "silu", "tie_embeddings": False},
    {"activation": "swiglu", "position": "learned", "max_positions": 80},
    {"position": "rotary", "norm": "post"},
    {"shared": False, "heads": 2},
]


@pytest.mark.parametrize("options", KINDS, ids=lambda options: "-".join(map(str, options.values())) or "default")
def test_every_kind_of_transformer_translates_as_here(make: Make, tmp_path: Path, options: dict[str, object]) -> None:
    stored = make(**options)
    export_ctranslate2(stored, tmp_path / "export")  # compares samples, or raises
    ours = Translator.of([stored]).translate(LINES, beam=1, attention=True)
    theirs = load(tmp_path / "export", device="cpu", threads=1).translate(LINES, beam=1, attention=True)
    assert [one.text for one in theirs] == [one.text for one in ours]
    assert [one.tokens for one in theirs] == [one.tokens for one in ours]
    # CTranslate2 gives one layer's attention, so what is suspicious about attention may differ.
    ending, endings = ([["limit" in one for one in found.warnings] for found in many] for many in (theirs, ours))
    assert [any(row) for row in ending] == [any(row) for row in endings]
    for mine, their in zip(ours, theirs, strict=True):
        assert their.score == pytest.approx(mine.score, rel=ROUGH)
        assert (their.attention is None) == (mine.attention is None)
        if mine.attention and their.attention:
            assert torch.allclose(their.attention.matrix(), mine.attention.matrix(layer=-1), atol=1e-5)
            assert torch.allclose(their.attention.matrix().sum(1), torch.ones(len(their.attention.matrix())))


def test_the_scores_of_a_beam_are_ours(make: Make, tmp_path: Path) -> None:
    stored = make()
    export_ctranslate2(stored, tmp_path / "export")
    theirs = load(tmp_path / "export", device="cpu", threads=1)
    found = theirs.translate(LINES, beam=4, n_best=3, length_penalty=0.7)
    own, compared = Translator.of([stored]), 0
    for line, translation in zip(LINES, found, strict=True):
        scores = [one.score for one in translation.n_best]
        assert scores == sorted(scores, reverse=True)
        for one in translation.n_best:
            if not one.text or one.warnings:
                continue
            ids = [stored.tgt_subword.decode(range(len(stored.tgt_subword))).pieces.index(p) for p in one.tokens]
            [forced] = own.engine.force([own.src_subword.encode(normalize(line)).ids], [ids], kept=EVERYTHING)
            expected = forced.score / ((5 + len(one.tokens) + 1) / 6) ** 0.7
            assert one.score == pytest.approx(expected, rel=ROUGH)
            compared += 1
    assert compared > len(LINES)


@pytest.mark.parametrize("beam", [1, 4])
def test_scores_that_nobody_wants_cost_nothing_and_change_nothing(make: Make, tmp_path: Path, beam: int) -> None:
    export_ctranslate2(make(), tmp_path / "export")
    engine = load(tmp_path / "export", device="cpu", threads=1).engine
    sources, options = [[5, 9, 6], [7], [8, 8, 4, 5]], BeamOptions(beam=beam)
    wanted = engine.search(sources, [9] * 3, options, need_weights=False)
    found = engine.search(sources, [9] * 3, options, need_weights=False, need_scores=False)
    assert [[one.ids for one in row] for row in found] == [[one.ids for one in row] for row in wanted]
    assert all(math.isnan(one.score) == (beam == 1) for row in found for one in row)


def test_a_stream_may_do_without_scores(make: Make, tmp_path: Path) -> None:
    export_ctranslate2(make(), tmp_path / "export")
    translator = load(tmp_path / "export", device="cpu", threads=1)
    wanted = list(translator.translate_lines(LINES, beam=1))
    found = list(translator.translate_lines(LINES, beam=1, scores=False))
    assert [one.text for one in found] == [one.text for one in wanted]
    assert [math.isnan(one.score) for one in found] == [bool(line.strip()) for line in LINES]
    assert not any(
        math.isnan(one.score) for one in (*wanted, *translator.translate_lines(LINES, beam=1, retry=True, scores=False))
    )


def test_long_lines_are_split_and_none_is_lost(make: Make, tmp_path: Path) -> None:
    stored = make(max_len=8)
    export_ctranslate2(stored, tmp_path / "export")
    lines = ["the children play near the water and a dog runs after the ball " * 3, "a man"]
    ours = Translator.of([stored]).translate(lines, beam=1)
    theirs = load([tmp_path / "export"], device="cpu", threads=1).translate(lines, beam=1)
    assert [(one.text, one.warnings) for one in theirs] == [(one.text, one.warnings) for one in ours]
    assert "parts" in theirs[0].warnings[0]


def test_rounded_weights_translate_too_and_say_what_they_are(make: Make, tmp_path: Path) -> None:
    stored = make()
    export_ctranslate2(stored, tmp_path / "export", quantization="int8")
    translator = load([tmp_path / "export"], precision="int8", device="cpu", threads=2)
    assert len(translator.translate(LINES)) == len(LINES)
    assert signature(tmp_path / "export") == f"{stored.manifest.signature}|engine:ctranslate2-int8"


def test_given_translations_are_left_to_the_model_itself(make: Make, tmp_path: Path) -> None:
    export_ctranslate2(make(seed=4), tmp_path / "export")
    translator = load(tmp_path / "export", device="cpu", threads=1)
    with pytest.raises(SearchError, match="load the regard model"):
        translator.score("a man", "un homme")


def test_what_cannot_be_run_is_refused_with_its_option(make: Make, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"model\.cross_score: .* not 'additive'"):
        export_ctranslate2(make(cross_score="additive"), tmp_path / "export")
    with pytest.raises(ConfigError, match=r"model\.normalizer: .* not by 'sparsemax'"):
        export_ctranslate2(make(normalizer="sparsemax"), tmp_path / "export")
    stored = make()
    rnn = dataclasses.replace(stored, config=Config(model=RNNConfig()))
    with pytest.raises(ConfigError, match=r"model\.kind: CTranslate2 runs Transformers only"):
        export_ctranslate2(rnn, tmp_path / "export")
    for layer in stored.model.decoder.layers:
        layer.cross_attention.score = DotScore(8, 8)
    with pytest.raises(ConfigError, match="one of your own"):
        export_ctranslate2(stored, tmp_path / "export")
    assert not (tmp_path / "export").exists()


def test_an_engine_that_says_something_else_is_not_trusted(make: Make) -> None:
    stored = make()
    with pytest.raises(CheckpointError, match=rf"{NUM_SAMPLES} of {NUM_SAMPLES} samples otherwise"):
        verify(stored, lambda sources, limit: [(len(source),) * limit for source in sources], engine="Other")
    assert len({len(source) for source in sample_sources(stored)}) > NUM_SAMPLES // 2


def test_mistakes_are_told(make: Make, tmp_path: Path) -> None:
    stored = make(seed=5)
    model, export = tmp_path / "model-5", tmp_path / "export"
    with pytest.raises(ConfigError, match="got 'int3'"):
        export_ctranslate2(stored, export, quantization="int3")
    export_ctranslate2(stored, export)
    with pytest.raises(CheckpointError, match="expected a free name"):
        export_ctranslate2(stored, export)
    with pytest.raises(ConfigError, match="got 'tensorrt'"):
        load([model], engine="tensorrt")
    with pytest.raises(ConfigError, match="cannot be run by regard's own engine"):
        load([export], engine="regard")
    with pytest.raises(ConfigError, match=r"which ctranslate2 cannot read: run `regard export .* --to ctranslate2"):
        load([model], engine="ctranslate2")
    with pytest.raises(ConfigError, match="export the model to another engine"):
        load([model], precision="int16")
    for ensemble in ([export, export], [model, export], [export, model]):
        with pytest.raises(ConfigError, match="an export cannot be part of an ensemble"):
            load(ensemble)
    with pytest.raises(ConfigError, match="cannot run it in 'int3'"):
        load([export], precision="int3", device="cpu")


def test_a_damaged_export_is_refused(make: Make, tmp_path: Path) -> None:
    export = tmp_path / "export"
    export_ctranslate2(make(), export)
    note = json.loads((export / "export.json").read_text())
    (export / "model.bin").write_bytes(b"something else")
    with pytest.raises(CheckpointError, match=r"model\.bin: changed since the model was exported"):
        open_export(export)
    (export / "export.json").write_text(json.dumps({**note, "format_version": 9}))
    with pytest.raises(CheckpointError, match="expected format 2 or older, got 9"):
        open_export(export)
    (export / "export.json").write_text(json.dumps({**note, "files": {"../x": "0"}}))
    with pytest.raises(CheckpointError, match=r"lists '\.\./x', which is no file of an export"):
        open_export(export)
    (export / "export.json").write_text("{}")
    with pytest.raises(CheckpointError, match="damaged"):
        open_export(export)


def test_torch_keeps_its_threads(make: Make, tmp_path: Path) -> None:
    stored, before = make(), torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        export_ctranslate2(stored, tmp_path / "export")
        load(tmp_path / "export", device="cpu", threads=1).translate(LINES)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
