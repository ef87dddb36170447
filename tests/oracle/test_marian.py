"""The Transformer compared with Hugging Face's Marian, which is independent code with another layout.

Marian has the sines of its positions in the first half of the width and the cosines in the second; regard interleaves
them (Vaswani 2017, §3.5). Nothing in a Transformer depends on the order of the dimensions, so Marian's weights are
copied with rows and columns in regard's order, and all numbers must agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest
import torch
from torch import Tensor, nn
from transformers import MarianConfig, MarianMTModel
from transformers.generation.utils import GenerateBeamEncoderDecoderOutput, GenerateEncoderDecoderOutput

from regard.config.schema import TransformerConfig
from regard.data.collate import collate
from regard.model.build import build_model
from regard.model.embed import SinusoidalPositions
from regard.model.seq2seq import Seq2Seq
from regard.search.beam import BeamOptions, beam_search
from regard.search.greedy import greedy_search
from regard.search.score import force_decode
from regard.values import Batch, Specials

VOCAB, WIDTH, HEADS, FF = 12, 16, 4, 32
EOS, UNK, PAD = 0, 1, VOCAB - 1
SPECIALS = Specials(unk=UNK, pad=PAD, bos=PAD, eos=EOS)
"""Marian uses its padding token as bos."""
SOURCES = [[4, 5, 6, 2, 7, 9], [6, 4], [3, 8, 8, 10]]
TARGETS = [[5, 5, 3], [2, 9, 4, 7, 10], [6]]
# Dimension 2j of regard is dimension j of Marian, and 2j + 1 is D/2 + j.
ORDER = torch.stack((torch.arange(WIDTH // 2), torch.arange(WIDTH // 2, WIDTH)), dim=1).flatten()
ACTIVATIONS: dict[str, Literal["relu", "gelu", "silu"]] = {"relu": "relu", "gelu": "gelu", "swish": "silu"}


def assert_close(ours: Tensor, theirs: Tensor) -> None:
    """Both compute in float64, but their tables of positions are rounded to float32."""
    torch.testing.assert_close(ours, theirs, rtol=0.0, atol=1e-5)


def marian(activation: str = "swish", *, scale: bool = True, seed: int = 0) -> MarianMTModel:
    config = MarianConfig(
        vocab_size=VOCAB, decoder_vocab_size=VOCAB, d_model=WIDTH, encoder_layers=2, decoder_layers=2,
        encoder_attention_heads=HEADS, decoder_attention_heads=HEADS, encoder_ffn_dim=FF, decoder_ffn_dim=FF,
        activation_function=activation, scale_embedding=scale, max_position_embeddings=32, init_std=0.4,
        pad_token_id=PAD, eos_token_id=EOS, decoder_start_token_id=PAD, forced_eos_token_id=None,
    )  # fmt: skip
    torch.manual_seed(seed)
    model = MarianMTModel(config)
    model.double().eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "embed_positions" not in name:  # biases and norms too, so that a missing one shows
                parameter.copy_(torch.randn_like(parameter) * 0.4 + (1.0 if "norm.weight" in name else 0.0))
        model.get_input_embeddings().get_parameter("weight")[PAD] = 0.0
        model.final_logits_bias.copy_(torch.randn(1, VOCAB))
    return model


def copy_to_regard(theirs: MarianMTModel) -> Seq2Seq:
    """The same model in regard, with copied weights."""
    scaled = theirs.config.scale_embedding
    config = TransformerConfig(
        width=WIDTH, ff_size=FF, heads=HEADS, encoder_layers=2, decoder_layers=2, norm="post", position="sinusoidal",
        activation=ACTIVATIONS[theirs.config.activation_function], tie_embeddings=scaled,
    )  # fmt: skip
    model = build_model(config, src_vocab=VOCAB, tgt_vocab=VOCAB, shared=True, specials=SPECIALS).double().eval()
    table = theirs.get_input_embeddings().get_parameter("weight")[:, ORDER]
    with torch.no_grad():
        model.output_weight.copy_(table)
        for side in (model.encoder, model.decoder):  # regard always multiplies by √D, so divide an unscaled table
            side.get_parameter("embedder.embedding.weight").copy_(table if scaled else table / WIDTH**0.5)
        model.output_bias.copy_(theirs.final_logits_bias[0])
        for ours, other in _layers(model.encoder, theirs.get_submodule("model.encoder")):
            _copy_attention(ours.get_submodule("self_attention"), other.get_submodule("self_attn"))
            _copy_norm(ours.get_submodule("around_attention.norm"), other.get_submodule("self_attn_layer_norm"))
            _copy_network(ours, other)
        for ours, other in _layers(model.decoder, theirs.get_submodule("model.decoder")):
            _copy_attention(ours.get_submodule("self_attention"), other.get_submodule("self_attn"))
            _copy_norm(ours.get_submodule("around_self.norm"), other.get_submodule("self_attn_layer_norm"))
            _copy_attention(ours.get_submodule("cross_attention"), other.get_submodule("encoder_attn"))
            _copy_norm(ours.get_submodule("around_cross.norm"), other.get_submodule("encoder_attn_layer_norm"))
            _copy_network(ours, other)
    return model


def _layers(ours: nn.Module, theirs: nn.Module) -> Iterator[tuple[nn.Module, nn.Module]]:
    layers = (side.get_submodule("layers").children() for side in (ours, theirs))
    return zip(*layers, strict=True)


def _copy_attention(ours: nn.Module, theirs: nn.Module) -> None:
    for our_map, their_map in (("query_map", "q_proj"), ("key_map", "k_proj"), ("value_map", "v_proj")):
        ours.get_parameter(f"{our_map}.weight").copy_(theirs.get_parameter(f"{their_map}.weight")[:, ORDER])
        ours.get_parameter(f"{our_map}.bias").copy_(theirs.get_parameter(f"{their_map}.bias"))
    ours.get_parameter("output_map.weight").copy_(theirs.get_parameter("out_proj.weight")[ORDER])
    ours.get_parameter("output_map.bias").copy_(theirs.get_parameter("out_proj.bias")[ORDER])


def _copy_norm(ours: nn.Module, theirs: nn.Module) -> None:
    for name in ("weight", "bias"):
        ours.get_parameter(name).copy_(theirs.get_parameter(name)[ORDER])


def _copy_network(ours: nn.Module, theirs: nn.Module) -> None:
    network = ours.get_submodule("feed_forward")
    network.get_parameter("widen.weight").copy_(theirs.get_parameter("fc1.weight")[:, ORDER])
    network.get_parameter("widen.bias").copy_(theirs.get_parameter("fc1.bias"))
    network.get_parameter("narrow.weight").copy_(theirs.get_parameter("fc2.weight")[ORDER])
    network.get_parameter("narrow.bias").copy_(theirs.get_parameter("fc2.bias")[ORDER])
    _copy_norm(ours.get_submodule("around_feed_forward.norm"), theirs.get_submodule("final_layer_norm"))


def batch() -> tuple[Batch, Tensor]:
    """Padded sentence pairs, and their mask `(B, S)` for Marian."""
    data = collate(SOURCES, TARGETS, specials=SPECIALS)
    mask = torch.arange(data.src_ids.shape[1])[None] < data.src_len[:, None]
    assert not mask.all()
    return data, mask


def test_positions_are_equal_in_another_order() -> None:
    theirs = marian().model.encoder.embed_positions.weight
    ours = SinusoidalPositions()(torch.zeros(1, 32, WIDTH).double())[0]
    assert_close(ours, theirs[:, ORDER])
    assert not torch.allclose(ours, theirs, atol=0.1)


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_logits_states_and_weights_equal_marians(activation: str, scale: bool) -> None:
    theirs = marian(activation, scale=scale)
    theirs.set_attn_implementation("eager")  # the only implementation that returns weights
    ours, (data, mask) = copy_to_regard(theirs), batch()
    with torch.no_grad():
        expected = theirs(
            input_ids=data.src_ids,
            attention_mask=mask.long(),
            decoder_input_ids=data.tgt_in_ids,
            output_attentions=True,
        )
        encoded = ours.encode(data.src_ids, data.src_len, need_weights=True)
        output = ours(data, need_weights=True)
        logits = ours.project(output.hidden)
    for row, length in enumerate(data.src_len.tolist()):
        assert_close(encoded.states[row, :length], expected.encoder_last_hidden_state[row, :length][:, ORDER])
        for weights, expected_weights in zip(encoded.weights, expected.encoder_attentions, strict=True):
            assert_close(weights[row, :, :length], expected_weights[row, :, :length])
    for row, length in enumerate(data.tgt_len.tolist()):
        assert_close(logits[row, :length], expected.logits[row, :length])
        for weights, expected_weights in zip(output.weights, expected.cross_attentions, strict=True):
            assert_close(weights[row, :, :length], expected_weights[row, :, :length])


def _marian_translations(theirs: MarianMTModel, *, beam: int, max_len: int) -> list[tuple[tuple[int, ...], float]]:
    """Marian's best translation of each source up to eos, and the sum of its log-probabilities."""
    data, mask = batch()
    generated = theirs.generate(  # type: ignore[misc]  # its annotation of self fits no model
        input_ids=data.src_ids, attention_mask=mask.long(), num_beams=beam, do_sample=False, max_new_tokens=max_len,
        bad_words_ids=[[PAD]], length_penalty=0.0, return_dict_in_generate=True, output_scores=True,
        early_stopping="never" if beam > 1 else False,
    )  # fmt: skip
    assert isinstance(generated, GenerateEncoderDecoderOutput | GenerateBeamEncoderDecoderOutput)
    translations: list[tuple[int, ...]] = []
    for row in generated.sequences[:, 1:].tolist():
        ids = tuple(row[: row.index(EOS) + 1]) if EOS in row else tuple(row)
        translations.append(ids)
    return [(ids, _marian_score(theirs, row, ids)) for row, ids in enumerate(translations)]


def _marian_score(theirs: MarianMTModel, row: int, ids: tuple[int, ...]) -> float:
    """`log p(ids | source)` of a single sentence, without padding."""
    source, target = torch.tensor([[*SOURCES[row], EOS]]), torch.tensor(ids)
    with torch.no_grad():
        logits = theirs(input_ids=source, decoder_input_ids=torch.tensor([[PAD, *ids[:-1]]])).logits[0]
    return float(logits.log_softmax(-1).gather(1, target[:, None]).sum())


@pytest.mark.parametrize("seed", range(4))
def test_greedy_search_equals_marians(seed: int) -> None:
    theirs = marian(seed=seed)
    ours, (data, _) = copy_to_regard(theirs), batch()
    limits = torch.full((len(SOURCES),), 9)
    found = greedy_search(ours, data.src_ids, data.src_len, max_len=limits, specials=SPECIALS)
    expected = _marian_translations(theirs, beam=1, max_len=9)
    assert [hypothesis.ids for hypothesis in found] == [ids for ids, _ in expected]
    scores = [hypothesis.score for hypothesis in found]
    assert scores == pytest.approx([score for _, score in expected], abs=1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_a_beam_of_all_prefixes_finds_the_same_as_marians(seed: int) -> None:
    """With smaller beams the results may differ: Marian's beam keeps its size when a translation ends."""
    theirs = marian(seed=seed)
    ours, (data, _) = copy_to_regard(theirs), batch()
    beam, max_len = (VOCAB - 2) ** 2, 3
    options = BeamOptions(beam=beam, n_best=4, length_penalty=0.0)
    limits = torch.full((len(SOURCES),), max_len)
    found = beam_search(ours, data.src_ids, data.src_len, max_len=limits, specials=SPECIALS, options=options)
    expected = _marian_translations(theirs, beam=beam, max_len=max_len)
    for row, (hypotheses, (ids, score)) in enumerate(zip(found, expected, strict=True)):
        if ids[-1] == EOS:  # otherwise Marian found an unfinished one; regard prefers finished translations
            assert hypotheses[0].ids == ids
            assert hypotheses[0].score == pytest.approx(score, abs=1e-4)
        for hypothesis in hypotheses:
            assert hypothesis.score == pytest.approx(_marian_score(theirs, row, hypothesis.ids), abs=1e-4)


def test_forced_decoding_gives_marians_probabilities() -> None:
    theirs = marian()
    ours, (data, _) = copy_to_regard(theirs), batch()
    forced = force_decode(ours, data.src_ids, data.src_len, [tuple(ids) for ids in TARGETS], specials=SPECIALS)
    for row, hypothesis in enumerate(forced):
        assert hypothesis.score == pytest.approx(_marian_score(theirs, row, (*TARGETS[row], EOS)), abs=1e-4)
