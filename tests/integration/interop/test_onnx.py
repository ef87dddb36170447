"""ONNX Runtime compared with regard's own engine: same tokens, scores and attention for every kind of model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from regard.config.schema import ModelConfig, RNNConfig, TransformerConfig
from regard.errors import CheckpointError, ConfigError
from regard.interop.onnx import check as onnx_check
from regard.interop.onnx.exporter import GRAPHS, export_onnx, plan_of, write_graphs
from regard.interop.onnx.step_model import OnnxStepModel
from regard.interop.verification import verify_logits
from regard.store import StoredModel
from regard.translation.loading import load
from regard.translation.translator import Translator

if TYPE_CHECKING:
    from onnx import ModelProto

onnx = pytest.importorskip("onnx", reason="needs onnx: pip install 'regard[interop]'")
pytest.importorskip("onnxruntime", reason="needs ONNX Runtime: pip install 'regard[interop]'")

Keep = Callable[..., StoredModel]
LINES = ["a man rides a bicycle", "", "two women are reading in the park , and a dog runs", "日本語 the ball", "  a  "]


def rnn(decoder: str = "luong", *, attention: dict[str, object] | None = None, **options: object) -> RNNConfig:
    sizes = {"embed_size": 12, "hidden_size": 16}
    return RNNConfig.model_validate({**sizes, "decoder": decoder, "attention": attention or {}, **options})


def transformer(**options: object) -> TransformerConfig:
    sizes = {"width": 32, "ff_size": 48, "heads": 4, "encoder_layers": 2, "decoder_layers": 2}
    return TransformerConfig.model_validate({**sizes, **options})


KINDS: dict[str, ModelConfig] = {
    "plain rnn": rnn("plain", cell="rnn", bidirectional=False, encoder_layers=2, decoder_layers=2, residual=True),
    "plain gru": rnn("plain", cell="gru", encoder_layers=2, residual=True),
    "plain lstm": rnn("plain", cell="lstm", decoder_layers=2),
    "elman": rnn("bahdanau", cell="rnn", attention={"score": "dot"}),
    "luong dot": rnn(attention={"score": "dot"}, combine=False, tie_embeddings=False),
    "luong scaled-dot, fed": rnn(attention={"score": "scaled-dot"}, input_feeding=True, cell="gru"),
    "luong general": rnn(attention={"score": "general"}),
    "luong general, 4 heads": rnn(attention={"score": "general", "heads": 4, "coverage": True}),
    "luong additive, fed, 4 heads": rnn(attention={"score": "additive", "heads": 4, "size": 5}, input_feeding=True),
    "luong location": rnn(attention={"score": "location"}),
    "luong cosine": rnn(attention={"score": "cosine"}),
    "bahdanau additive": rnn("bahdanau", attention={"score": "additive"}),
    "bahdanau concat, shallow": rnn("bahdanau", attention={"score": "concat", "coverage": True}, deep_output=False),
    "bahdanau cosine, 4 heads": rnn("bahdanau", attention={"score": "cosine", "heads": 4}, cell="gru"),
    "bahdanau location, 4 heads": rnn("bahdanau", attention={"score": "location", "heads": 4, "max_source": 24}),
    "bahdanau, 2 layers": rnn("bahdanau", decoder_layers=2, residual=True, tie_embeddings=False),
    "local-m": rnn(attention={"window": "local-m", "window_size": 2}),
    "local-p, sharpened": rnn(attention={"window": "local-p", "window_size": 2, "coverage": True, "sharpness": 1.7}),
    "median": rnn("bahdanau", attention={"window": "median", "window_size": 2, "normalizer": "smooth"}),
    "mean, 4 heads": rnn(attention={"window": "mean", "window_size": 2, "heads": 4}),
    "filters": rnn(attention={"score": "additive", "location_filters": 3, "location_reach": 2}),
    "filters, 4 heads": rnn(attention={"location_filters": 2, "heads": 4, "normalizer": "sparsemax"}),
    "transformer": transformer(),
    "post-norm, GELU": transformer(norm="post", activation="gelu", normalizer="entmax15"),
    "SiLU, not tied": transformer(activation="silu", tie_embeddings=False, normalizer="sparsemax"),
    "SwiGLU, learned": transformer(activation="swiglu", position="learned", max_positions=80),
    "rotary": transformer(position="rotary", norm="post", normalizer="smooth"),
    "cross-attention additive": transformer(cross_score="additive"),
    "cross-attention general": transformer(cross_score="general"),
    "cross-attention location": transformer(cross_score="location"),
    "cross-attention cosine": transformer(cross_score="cosine"),
}


@pytest.mark.parametrize("config", KINDS.values(), ids=KINDS.keys())
def test_every_kind_of_model_translates_as_in_regard(keep: Keep, tmp_path: Path, config: ModelConfig) -> None:
    stored = keep(config)
    export_onnx(stored, tmp_path / "export")  # compares tokens and logits, or raises
    ours = Translator.of([stored]).translate(LINES, beam=3, n_best=2, attention=True)
    theirs = load(tmp_path / "export").translate(LINES, beam=3, n_best=2, attention=True)
    their_tokens, our_tokens = (
        [[hypothesis.tokens for hypothesis in line.n_best] for line in side] for side in (theirs, ours)
    )
    assert their_tokens == our_tokens
    for our, their in zip(ours, theirs, strict=True):
        assert their.warnings == our.warnings
        assert their.score == pytest.approx(our.score, rel=1e-4)
        assert their.alignment == our.alignment
        assert (their.attention is None) == (our.attention is None)
        if our.attention and their.attention:
            for our_layer, their_layer in zip(our.attention.layers, their.attention.layers, strict=True):
                assert torch.allclose(our_layer, their_layer, atol=1e-4)


def test_all_accepted_operators_are_used(keep: Keep, tmp_path: Path) -> None:
    used = set()
    for number, config in enumerate(KINDS.values()):
        model = keep(config).model
        for name, graph in GRAPHS.items():
            directory = tmp_path / f"{number}-{name}"
            directory.mkdir()
            write_graphs(plan_of(model), model, directory, graph)
            used |= {node.op_type for file in directory.glob("*.onnx") for node in read(file).graph.node}
    assert used == onnx_check.OPERATORS


def read(path: Path) -> ModelProto:
    model: ModelProto = onnx.load(path, load_external_data=False)
    return model


def test_tied_weights_are_written_once(keep: Keep, tmp_path: Path) -> None:
    stored = keep(transformer())
    export_onnx(stored, tmp_path / "export")
    size = (tmp_path / "export" / "weights.bin").stat().st_size
    assert size <= 4 * sum(parameter.numel() for parameter in stored.model.parameters())
    assert max(path.stat().st_size for path in (tmp_path / "export").glob("*.onnx")) < 20_000


@pytest.mark.parametrize(
    "config",
    [rnn(embed_size=64, hidden_size=128, attention={"score": "additive"}), transformer(width=64, ff_size=128)],
    ids=["rnn", "transformer"],
)
def test_8_bit_translations_do_not_depend_on_the_batch(keep: Keep, tmp_path: Path, config: ModelConfig) -> None:
    export_onnx(keep(config), tmp_path / "exact")
    export_onnx(keep(config), tmp_path / "export", quantization="int8")
    sizes = [(tmp_path / name / "weights.bin").stat().st_size for name in ("exact", "export")]
    assert sizes[1] < 0.5 * sizes[0]
    translator = load([tmp_path / "export"], precision="int8", threads=2)
    together = translator.translate(LINES * 20)
    for line, found in zip(LINES, together, strict=False):
        [alone] = translator.translate(line)
        assert alone.tokens == found.tokens
        assert alone.score == pytest.approx(found.score, abs=1e-4)
    assert translator.signature.endswith("|engine:onnx-int8")


def test_rounded_logits_are_near_the_exact_ones(keep: Keep, tmp_path: Path) -> None:
    stored = keep(rnn("bahdanau", embed_size=64, hidden_size=64, attention={"score": "additive"}))
    export_onnx(stored, tmp_path / "export", quantization="int8")
    rounded = OnnxStepModel(tmp_path / "export", tgt_vocab=len(stored.tgt_subword))
    src_ids, src_len = torch.tensor([[9, 8, 7, 3], [6, 3, 1, 1]]), torch.tensor([4, 2])
    with torch.inference_mode():
        exact, _ = stored.model.step(torch.tensor([2, 2]), stored.model.start(src_ids, src_len))
        near, _ = rounded.step(torch.tensor([2, 2]), rounded.start(src_ids, src_len))
    error = (near.logits - exact.logits)[:, 4:].std() / exact.logits[:, 4:].std()
    assert 1e-3 < error < 0.05


def test_scores_and_alignments_of_given_translations_agree(keep: Keep, tmp_path: Path) -> None:
    stored = keep(transformer(), shared=False, max_len=8)
    export_onnx(stored, tmp_path / "export")
    pairs = ["a man rides a bicycle", "a man"], ["un homme", "deux femmes lisent un journal"]
    ours, theirs = Translator.of([stored]).score(*pairs), load([tmp_path / "export"]).score(*pairs)
    assert [scored.score for scored in theirs] == pytest.approx([scored.score for scored in ours], rel=1e-4)
    assert [scored.alignment for scored in theirs] == [scored.alignment for scored in ours]
    long = ["the children play near the water and a dog runs after the ball " * 3]
    [whole] = load([tmp_path / "export"]).translate(long)
    assert "segments" in whole.warnings[0]


def test_rows_of_the_same_sentences_share_the_source_tensors(keep: Keep, tmp_path: Path) -> None:
    stored = keep(rnn())
    export_onnx(stored, tmp_path / "export")
    model = OnnxStepModel(tmp_path / "export", tgt_vocab=len(stored.tgt_subword))
    state = model.start(torch.tensor([[9, 3], [8, 3]]), torch.tensor([2, 2])).select(torch.tensor([0, 0, 1, 1]))
    reordered = state.select(torch.tensor([1, 0, 3, 3]))
    assert all(after is before for after, before in zip(reordered.source, state.source, strict=True))
    fewer = reordered.select(torch.tensor([0, 2]))
    assert [len(tensor) for tensor in fewer.source] == [2] * len(state.source)
    assert torch.equal(fewer.sentences, torch.tensor([0, 1]))


def test_a_model_with_other_logits_is_refused(keep: Keep) -> None:
    stored, other = keep(rnn()), keep(rnn(), seed=2)
    with pytest.raises(CheckpointError, match="logits of Other differ from regard's by up to"):
        verify_logits(stored, other.model, engine="Other", close=1e-4)


def test_mistakes_raise_errors_that_name_them(keep: Keep, make: Keep, tmp_path: Path) -> None:
    stored = keep(transformer(), seed=5)
    model, export = tmp_path / "model-5", tmp_path / "export"
    with pytest.raises(ConfigError, match=r"expected a quantization, one of float32, int8, got 'int3'"):
        export_onnx(stored, export, quantization="int3")
    with pytest.raises(ConfigError, match=r"which onnx cannot read: run `regard export .* --to onnx --out "):
        load([model], engine="onnx", precision="int8")
    export_onnx(stored, export)
    with pytest.raises(CheckpointError, match="expected a path for a new directory"):
        export_onnx(stored, export)
    with pytest.raises(ConfigError, match=r"computes in float32, not in int8: .*again with --quantization int8"):
        load([export], precision="int8")
    with pytest.raises(ConfigError, match="--device cuda: the ONNX engine runs only on the CPU"):
        load([export], device="cuda")
    with pytest.raises(ConfigError, match="an export for onnx cannot be run by ctranslate2"):
        load([export], engine="ctranslate2")
    with pytest.raises(ConfigError, match="an export cannot be part of an ensemble"):
        load([export, export])


@pytest.mark.parametrize("kind", ["luong general", "transformer"])
def test_prefixes_and_alternatives_are_those_of_regard(keep: Keep, tmp_path: Path, kind: str) -> None:
    stored = keep(KINDS[kind])
    export_onnx(stored, tmp_path / "export")
    own, exported = Translator.of([stored]), load(tmp_path / "export")
    prefixes = ["un homme", "deux", "", "les enfants ,", ""]
    for beam in (1, 3):
        ours, theirs = (entry.translate(LINES, prefixes=prefixes, beam=beam) for entry in (own, exported))
        assert [translation.text for translation in theirs] == [translation.text for translation in ours]
        assert all(their.text.startswith(prefix) for their, prefix in zip(theirs, prefixes, strict=True))
    ours, theirs = (entry.alternatives(LINES[0], "un", 3) for entry in (own, exported))
    assert [translation.text for translation in theirs] == [translation.text for translation in ours]
