"""The packed decoder gives, step by step, what the decoder gives for the whole target."""

from __future__ import annotations

import pytest
import torch

from regard.config.schema import TransformerConfig
from regard.model.build import build_model
from regard.model.decoder import State
from regard.model.packed_decoder import PackedDecoder, PackedDecoderState
from regard.model.packing import pack_for_search
from regard.model.seq2seq import Seq2Seq
from regard.model.transformer import TransformerDecoder
from regard.native import kernel
from regard.values import DecoderOutput, EncoderOutput, Specials

pytestmark = pytest.mark.skipif(kernel("attend_rows", torch.zeros(1)) is None, reason="no kernel was compiled here")

SMALL = {"width": 32, "ff_size": 48, "heads": 4, "encoder_layers": 1, "decoder_layers": 2}
KINDS: dict[str, dict[str, object]] = {
    "pre": {},
    "post": {"norm": "post"},
    "gelu": {"activation": "gelu"},
    "swiglu": {"activation": "swiglu"},
    "rotary": {"position": "rotary"},
    "learned": {"position": "learned", "max_positions": 6},
    "dot": {"cross_score": "dot"},
    "general": {"cross_score": "general"},
    "cosine": {"cross_score": "cosine"},
}


def _model(**changes: object) -> Seq2Seq:
    torch.manual_seed(3)
    config = TransformerConfig.model_validate({**SMALL, **changes})
    model = build_model(config, src_vocab=30, tgt_vocab=30, shared=True, specials=Specials()).eval()
    for parameter in model.parameters():  # a bias of 0 could be forgotten without notice
        parameter.data += 0.1 * torch.randn_like(parameter)
    return model


def _read(model: Seq2Seq, decoder: torch.nn.Module, ids: torch.Tensor) -> DecoderOutput:
    src_ids, src_len = torch.randint(4, 30, (3, 5), generator=torch.Generator().manual_seed(1)), torch.tensor([5, 3, 1])
    output: DecoderOutput = decoder(ids, model.encode(src_ids, src_len), need_weights=True)
    return output


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_equals_the_unpacked_decoder(kind: str, packed: bool) -> None:
    model = _model(**KINDS[kind])
    assert isinstance(model.decoder, TransformerDecoder)
    decoder = pack_for_search(model).decoder if packed else PackedDecoder(model.decoder)
    assert isinstance(decoder, PackedDecoder)
    ids = torch.randint(4, 30, (3, 6), generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        full, steps = _read(model, model.decoder, ids), _read(model, decoder, ids)
    torch.testing.assert_close(steps.hidden, full.hidden, rtol=1e-5, atol=1e-5)
    assert len(steps.weights) == len(full.weights) == 2
    for step_weights, full_weights in zip(steps.weights, full.weights, strict=True):
        torch.testing.assert_close(step_weights, full_weights, rtol=1e-5, atol=1e-5)


def test_selected_rows_continue_their_prefixes() -> None:
    model = _model()
    assert isinstance(model.decoder, TransformerDecoder)
    decoder = PackedDecoder(model.decoder)
    src_ids, src_len = torch.randint(4, 30, (3, 5)), torch.tensor([5, 4, 2])
    with torch.inference_mode():
        encoded = model.encode(src_ids, src_len)
        state: State = decoder.start(encoded)
        prefixes, sentences = torch.zeros(3, 0, dtype=torch.int64), torch.arange(3)
        ids = torch.zeros(0, dtype=torch.int64)
        for rows in ([0, 1, 2], [2, 0, 0, 1], [3, 3, 1], [1]):
            selected = torch.tensor(rows)
            state, prefixes, sentences = state.select(selected), prefixes[selected], sentences[selected]
            ids = torch.randint(4, 30, (len(rows),))
            output, state = decoder.step(ids, state)
            prefixes = torch.cat((prefixes, ids[:, None]), dim=1)
            copied = EncoderOutput(encoded.states[sentences], encoded.mask[sentences])
            expected = model.decoder(prefixes, copied).hidden[:, -1:]
            torch.testing.assert_close(output.hidden, expected, rtol=1e-5, atol=1e-5)
        first, _ = decoder.step(ids, state)
        second, _ = decoder.step(ids, state)
        assert torch.equal(first.hidden, second.hidden)
    assert isinstance(state, PackedDecoderState)
    assert state.cache_rows.shape == (1, 4)


def test_decoders_with_unknown_parts_are_not_packed() -> None:
    model = _model()

    class Doubled(torch.nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 2 * super().forward(x)

    assert isinstance(model.decoder, TransformerDecoder)
    assert PackedDecoder.supports(model.decoder)
    model.decoder.layers[1].cross_attention.query_map = Doubled(32, 32)  # type: ignore[union-attr]
    assert not PackedDecoder.supports(model.decoder)
    for changes in ({"cross_score": "additive"}, {"normalizer": "sparsemax"}):
        other = _model(**changes).decoder
        assert isinstance(other, TransformerDecoder)
        assert not PackedDecoder.supports(other)
