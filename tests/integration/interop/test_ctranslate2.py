"""CTranslate2 compared with regard's own engine: same tokens, scores and attention from the same weights."""

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
from regard.model.transformer import TransformerDecoder
from regard.search.attention_filter import KEEP_ALL
from regard.search.beam import BeamOptions
from regard.store import StoredModel
from regard.text.normalize import normalize
from regard.translation.loading import load
from regard.translation.result import Translation
from regard.translation.translator import Translator

pytest.importorskip("ctranslate2", reason="needs CTranslate2: pip install 'regard[interop]'")

Make = Callable[..., StoredModel]
LINES = ["a man rides a bicycle", "", "two women are reading in the park , and a dog runs", "日本語 the ball", "  a  "]
SCORE_TOLERANCE = 1e-3
"""Relative tolerance of scores: CTranslate2's log-probabilities have errors of about 3e-5 per token."""
KINDS = [
    {},
    {"norm": "post", "activation": "gelu"},
    {"activation": "silu", "tie_embeddings": False},
    {"activation": "swiglu", "position": "learned", "max_positions": 80},
    {"position": "rotary", "norm": "post"},
    {"shared": False, "heads": 2},
]


@pytest.mark.parametrize("options", KINDS, ids=lambda options: "-".join(map(str, options.values())) or "default")
def test_every_transformer_translates_as_in_regard(make: Make, tmp_path: Path, options: dict[str, object]) -> None:
    stored = make(**options)
    export_ctranslate2(stored, tmp_path / "export")  # compares samples, or raises
    ours = Translator.of([stored]).translate(LINES, beam=1, attention=True)
    theirs = load(tmp_path / "export", device="cpu", threads=1).translate(LINES, beam=1, attention=True)
    assert [translation.text for translation in theirs] == [translation.text for translation in ours]
    assert [translation.tokens for translation in theirs] == [translation.tokens for translation in ours]
    # CTranslate2 returns the attention of one layer, so warnings that depend on attention may differ.
    their_limits, our_limits = ([at_limit(translation) for translation in side] for side in (theirs, ours))
    assert their_limits == our_limits
    for our, their in zip(ours, theirs, strict=True):
        assert their.score == pytest.approx(our.score, rel=SCORE_TOLERANCE)
        assert (their.attention is None) == (our.attention is None)
        if our.attention and their.attention:
            assert torch.allclose(their.attention.matrix(), our.attention.matrix(layer=-1), atol=1e-5)
            assert torch.allclose(their.attention.matrix().sum(1), torch.ones(len(their.attention.matrix())))


def at_limit(translation: Translation) -> bool:
    return any("limit" in warning for warning in translation.warnings)


def test_beam_scores_are_those_of_regard(make: Make, tmp_path: Path) -> None:
    stored = make()
    specials = stored.tgt_subword.specials
    with torch.no_grad():  # so that translations end before their limit: others get no eos, and no such score
        stored.model.output_bias[specials.eos] += 12.0
    export_ctranslate2(stored, tmp_path / "export")
    translator = load(tmp_path / "export", device="cpu", threads=1)
    translations = translator.translate(LINES, beam=4, n_best=3, length_penalty=0.7)
    own, num_compared = Translator.of([stored]), 0
    pieces = stored.tgt_subword.decode(range(len(stored.tgt_subword))).pieces
    for line, translation in zip(LINES, translations, strict=True):
        scores = [hypothesis.score for hypothesis in translation.n_best]
        assert scores == sorted(scores, reverse=True)
        for hypothesis in translation.n_best:
            if not hypothesis.tokens or at_limit(hypothesis):
                continue
            ids = [pieces.index(piece) for piece in hypothesis.tokens]
            [forced] = own.engine.force([own.src_subword.encode(normalize(line)).ids], [ids], attention_filter=KEEP_ALL)
            expected = forced.score / ((5 + len(ids) + 1) / 6) ** 0.7
            assert hypothesis.score == pytest.approx(expected, rel=SCORE_TOLERANCE)
            num_compared += 1
    assert num_compared > len(LINES)


@pytest.mark.parametrize("beam", [1, 4])
def test_a_search_without_scores_finds_the_same_hypotheses(make: Make, tmp_path: Path, beam: int) -> None:
    export_ctranslate2(make(), tmp_path / "export")
    engine = load(tmp_path / "export", device="cpu", threads=1).engine
    sources, options = [[5, 9, 6], [7], [8, 8, 4, 5]], BeamOptions(beam=beam)
    expected = engine.search(sources, [9] * 3, options, need_weights=False)
    found = engine.search(sources, [9] * 3, options, need_weights=False, need_scores=False)
    found_ids, expected_ids = ([[hypothesis.ids for hypothesis in row] for row in rows] for rows in (found, expected))
    assert found_ids == expected_ids
    assert all(math.isnan(hypothesis.score) == (beam == 1) for row in found for hypothesis in row)


def test_a_stream_without_scores_has_the_same_translations(make: Make, tmp_path: Path) -> None:
    export_ctranslate2(make(), tmp_path / "export")
    translator = load(tmp_path / "export", device="cpu", threads=1)
    expected = list(translator.translate_lines(LINES, beam=1))
    found = list(translator.translate_lines(LINES, beam=1, scores=False))
    assert [translation.text for translation in found] == [translation.text for translation in expected]
    assert [math.isnan(translation.score) for translation in found] == [bool(line.strip()) for line in LINES]
    retried = translator.translate_lines(LINES, beam=1, retry=True, scores=False)
    assert not any(math.isnan(translation.score) for translation in (*expected, *retried))


def test_long_lines_are_split(make: Make, tmp_path: Path) -> None:
    stored = make(max_len=8)
    export_ctranslate2(stored, tmp_path / "export")
    lines = ["the children play near the water and a dog runs after the ball " * 3, "a man"]
    ours = Translator.of([stored]).translate(lines, beam=1)
    theirs = load([tmp_path / "export"], device="cpu", threads=1).translate(lines, beam=1)
    found, expected = ([(line.text, line.warnings) for line in side] for side in (theirs, ours))
    assert found == expected
    assert "segments" in theirs[0].warnings[0]


def test_an_8_bit_export_translates_and_its_signature_says_so(make: Make, tmp_path: Path) -> None:
    stored = make()
    export_ctranslate2(stored, tmp_path / "export", quantization="int8")
    translator = load([tmp_path / "export"], precision="int8", device="cpu", threads=2)
    assert len(translator.translate(LINES)) == len(LINES)
    assert translator.signature == f"{stored.manifest.signature}|engine:ctranslate2-int8"


def test_forced_decoding_is_refused(make: Make, tmp_path: Path) -> None:
    export_ctranslate2(make(seed=4), tmp_path / "export")
    translator = load(tmp_path / "export", device="cpu", threads=1)
    with pytest.raises(SearchError, match="load the regard model"):
        translator.score("a man", "un homme")


def test_options_that_ctranslate2_does_not_have_are_named(make: Make, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"model\.cross_score: .* not 'additive'"):
        export_ctranslate2(make(cross_score="additive"), tmp_path / "export")
    with pytest.raises(ConfigError, match=r"model\.normalizer: .* not by 'sparsemax'"):
        export_ctranslate2(make(normalizer="sparsemax"), tmp_path / "export")
    stored = make()
    rnn = dataclasses.replace(stored, config=Config(model=RNNConfig()))
    with pytest.raises(ConfigError, match=r"model\.kind: CTranslate2 runs Transformers only"):
        export_ctranslate2(rnn, tmp_path / "export")
    assert isinstance(stored.model.decoder, TransformerDecoder)
    for layer in stored.model.decoder.layers:
        layer.get_submodule("cross_attention").score = DotScore(8, 8)
    with pytest.raises(ConfigError, match="cannot run this model: its score is DotScore, expected ScaledDotScore"):
        export_ctranslate2(stored, tmp_path / "export")
    assert not (tmp_path / "export").exists()


def test_an_engine_that_translates_differently_is_refused(make: Make) -> None:
    stored = make()
    with pytest.raises(CheckpointError, match=rf"translate {NUM_SAMPLES} of {NUM_SAMPLES} random"):
        verify(stored, lambda sources, limit: [(len(source),) * limit for source in sources], engine="Other")
    assert len({len(source) for source in sample_sources(stored)}) > NUM_SAMPLES // 2


def test_mistakes_raise_errors_that_name_them(make: Make, tmp_path: Path) -> None:
    stored = make(seed=5)
    model, export = tmp_path / "model-5", tmp_path / "export"
    with pytest.raises(ConfigError, match="got 'int3'"):
        export_ctranslate2(stored, export, quantization="int3")
    export_ctranslate2(stored, export)
    with pytest.raises(CheckpointError, match="expected a path for a new directory"):
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
    with pytest.raises(ConfigError, match="cannot run this model with --precision int3"):
        load([export], precision="int3", device="cpu")


def test_a_damaged_export_is_refused(make: Make, tmp_path: Path) -> None:
    export = tmp_path / "export"
    export_ctranslate2(make(), export)
    manifest = json.loads((export / "export.json").read_text())
    (export / "model.bin").write_bytes(b"something else")
    with pytest.raises(CheckpointError, match=r"model\.bin: changed since the model was exported"):
        open_export(export)
    (export / "export.json").write_text(json.dumps({**manifest, "format_version": 9}))
    with pytest.raises(CheckpointError, match="format version 2 or older, got format version 9"):
        open_export(export)
    (export / "export.json").write_text(json.dumps({**manifest, "files": {"../x": "0"}}))
    with pytest.raises(CheckpointError, match=r"lists '\.\./x', which cannot be a file of an export"):
        open_export(export)
    (export / "export.json").write_text("{}")
    with pytest.raises(CheckpointError, match="damaged"):
        open_export(export)


def test_the_number_of_torch_threads_does_not_change(make: Make, tmp_path: Path) -> None:
    stored, before = make(), torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        export_ctranslate2(stored, tmp_path / "export")
        load(tmp_path / "export", device="cpu", threads=1).translate(LINES)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("alpha", [0.0, 0.7])
def test_prefixes_are_translated_as_in_regard(make: Make, tmp_path: Path, alpha: float) -> None:
    """Regard's own engine is asked to allow what CTranslate2 cannot exclude: more letters after the prefix."""
    stored = make()
    subword = stored.tgt_subword
    with torch.no_grad():
        stored.model.output_bias[subword.specials.eos] += 3.0
    export_ctranslate2(stored, tmp_path / "export")
    own, exported = Translator.of([stored]), load(tmp_path / "export", device="cpu", threads=1)
    sources, prefixes = (
        subword.encode_ids(texts)
        for texts in ([LINES[0], LINES[2], LINES[3], LINES[0]], ["un homme", "", "les enfants ,", "deux"])
    )
    options = BeamOptions(beam=1, length_penalty=alpha)
    ours, theirs = (
        entry.engine.search(sources, [9, 8, 14, 5], options, need_weights=True, prefixes=prefixes)
        for entry in (own, exported)
    )
    for source, prefix, [our], [their] in zip(sources, prefixes, ours, theirs, strict=True):
        assert list(their.ids[: len(prefix)]) == prefix
        assert (their.ids, their.finished) == (our.ids, our.finished)
        assert their.score == pytest.approx(our.score, rel=SCORE_TOLERANCE)
        assert torch.allclose(their.weights[0][0], our.weights[-1].mean(0), atol=1e-5)
        assert their.weights[0].shape == (1, len(their.ids), len(source) + 1)
    assert len({len(hypothesis.ids) for [hypothesis] in ours}) > 2
    # The scores of a list are those of the whole, too.
    options = BeamOptions(beam=4, n_best=3, length_penalty=alpha)
    for source, n_best in zip(
        sources, exported.engine.search(sources, [20] * 4, options, need_weights=False, prefixes=prefixes), strict=True
    ):
        assert [h.score for h in n_best] == sorted((h.score for h in n_best), reverse=True)
        for hypothesis in n_best:
            [forced] = own.engine.force([source], [hypothesis.ids[:-1]])
            if hypothesis.finished:
                expected = forced.score / ((5 + len(hypothesis.ids)) / 6) ** alpha
                assert hypothesis.score == pytest.approx(expected, rel=SCORE_TOLERANCE)


def test_prefixes_of_an_export(make: Make, tmp_path: Path) -> None:
    export_ctranslate2(make(), tmp_path / "export")
    exported = load(tmp_path / "export", device="cpu", threads=1)
    prefixes = ["un homme", "", "", "les enfants ,", "deux"]
    found: list[Translation] = []
    for options in ({"beam": 1}, {"beam": 1, "scores": False}, {"n_best": 2}, {"retry": True, "attention": True}):
        found = exported.translate(LINES, prefixes=prefixes, **options)
        assert all(entry.text.startswith(prefix) for entry, prefix in zip(found, prefixes, strict=True))
        assert math.isnan(found[0].score) == (not options.get("scores", True))
        assert found[0].token_scores == found[0].word_scores == ()
    assert found[2].text == exported.translate(LINES[2], retry=True)[0].text
    with pytest.raises(SearchError, match="sentence 2: expected a prefix of fewer than"):
        exported.translate(["", "a"], prefixes=["", "un homme " * 40])
    with pytest.raises(SearchError, match="an export to CTranslate2 cannot find alternative translations"):
        exported.alternatives(LINES[0], "un homme")
