"""Decoders compared with the formulas of their papers, in loops; the Transformer compared with PyTorch's."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from regard.config.schema import AttentionConfig, RNNConfig, TransformerConfig
from regard.model.build import build_model
from regard.model.cells import LAYER_TYPES
from regard.model.seq2seq import Seq2Seq
from regard.values import Batch, Specials

VOCAB, S, T = 20, 5, 4
CELLS = ["rnn", "gru", "lstm"]


def pairs() -> Batch:
    torch.manual_seed(2)
    src, tgt = torch.randint(4, VOCAB, (1, S)), torch.randint(4, VOCAB, (1, T))
    return Batch(src, torch.tensor([S]), tgt, tgt, torch.tensor([T]), (0,), T)


def build(config: RNNConfig | TransformerConfig) -> Seq2Seq:
    torch.manual_seed(1)
    model = build_model(config, src_vocab=VOCAB, tgt_vocab=VOCAB, shared=True).double().eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return model


def cell_step(layer: torch.nn.Module, cell: str, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """One step of a layer for one sentence, by the standard formulas."""
    w_x, w_h = layer.rnn.weight_ih_l0, layer.rnn.weight_hh_l0
    b_x, b_h = layer.rnn.bias_ih_l0, layer.rnn.bias_hh_l0
    h = state[0]
    a, b = w_x @ x + b_x, w_h @ h + b_h
    if cell == "rnn":
        return (torch.tanh(a + b),)
    n = len(h)
    if cell == "gru":
        r, z = torch.sigmoid(a[:n] + b[:n]), torch.sigmoid(a[n : 2 * n] + b[n : 2 * n])
        return ((1 - z) * torch.tanh(a[2 * n :] + r * b[2 * n :]) + z * h,)
    i, f, g, o = (a + b).split(n)
    c = torch.sigmoid(f) * state[1] + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def first_states(model: Seq2Seq, encoded_final: Tensor, cell: str, num_layers: int) -> list[tuple[Tensor, ...]]:
    bridge = model.decoder.stack.bridge
    parts = torch.tanh(bridge.weight @ encoded_final[0] + bridge.bias).split(8)
    per_layer = 2 if cell == "lstm" else 1
    return [tuple(parts[i * per_layer : (i + 1) * per_layer]) for i in range(num_layers)]


def attention_value(scores: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    weights = torch.exp(scores - scores.max())
    weights = weights / weights.sum()
    return sum((weights[i] * h[i] for i in range(len(h))), torch.zeros_like(h[0])), weights


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("feeding", [False, True])
@pytest.mark.parametrize("combine", [False, True])
def test_luong_decoder(cell: str, feeding: bool, combine: bool) -> None:
    config = RNNConfig(
        decoder="luong", cell=cell, embed_size=6, hidden_size=8, input_feeding=feeding, combine=combine,
        tie_embeddings=combine, attention=AttentionConfig(score="general"),
    )  # fmt: skip
    model, data = build(config), pairs()
    got = model(data, need_weights=True)
    decoder, encoded = model.decoder, model.encode(data.src_ids, data.src_len)
    h = encoded.states[0]
    w_a = decoder.attention.attention.score.key_map.weight[0]
    (state,) = first_states(model, encoded.final, cell, 1)
    fed = torch.zeros(decoder.output_size).double()
    for t in range(T):
        x = decoder.embedding.weight[data.tgt_in_ids[0, t]]
        state = cell_step(decoder.stack.layers[0], cell, torch.cat([x, fed]) if feeding else x, state)
        s = state[0]
        e = torch.stack([s @ w_a @ h[i] for i in range(S)])  # 1. scores
        a, alpha = attention_value(e, h)  # 2. distribution, 3. value
        v = torch.cat([a, s])  # 4. concatenation
        if combine:
            v = torch.tanh(decoder.readout.map.weight @ v + decoder.readout.map.bias)
        fed = v
        logits = model.output_weight @ v + model.output_bias  # 5. output
        torch.testing.assert_close(got.weights[0][0, 0, t], alpha)
        torch.testing.assert_close(model.project(got.hidden)[0, t], logits)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("deep", [False, True])
def test_bahdanau_attends_before_its_recurrent_step(cell: str, deep: bool) -> None:
    config = RNNConfig(
        decoder="bahdanau", cell=cell, embed_size=6, hidden_size=8, deep_output=deep, decoder_layers=2,
        attention=AttentionConfig(score="additive", size=5),
    )  # fmt: skip
    model, data = build(config), pairs()
    got = model(data, need_weights=True)
    decoder, encoded = model.decoder, model.encode(data.src_ids, data.src_len)
    h, score, readout = encoded.states[0], decoder.attention.attention.score, decoder.readout.map
    states = first_states(model, encoded.final, cell, 2)
    for t in range(T):
        x, before = decoder.embedding.weight[data.tgt_in_ids[0, t]], states[-1][0]
        e = torch.stack([
            score.v[0] @ torch.tanh(
                score.query_map.weight[0] @ before + score.key_map.weight[0] @ h[i] + score.key_map.bias[0, 0]
            )
            for i in range(S)
        ])  # fmt: skip
        c, alpha = attention_value(e, h)
        states[0] = cell_step(decoder.stack.layers[0], cell, torch.cat([x, c]), states[0])
        states[1] = cell_step(decoder.stack.layers[1], cell, states[0][0], states[1])
        s = states[1][0]
        if deep:
            maxout = readout.weight @ torch.cat([s, c, x]) + readout.bias
            hidden = torch.stack([max(maxout[j], maxout[j + 6]) for j in range(6)])
        else:
            hidden = torch.tanh(readout.weight @ s + readout.bias)
        torch.testing.assert_close(got.weights[0][0, 0, t], alpha)
        torch.testing.assert_close(model.project(got.hidden)[0, t], model.output_weight @ hidden + model.output_bias)


@pytest.mark.parametrize("cell", CELLS)
def test_the_plain_decoder_uses_only_the_final_encoder_state(cell: str) -> None:
    model, data = build(RNNConfig(decoder="plain", cell=cell, embed_size=6, hidden_size=8)), pairs()
    got, decoder = model(data), model.decoder
    (state,) = first_states(model, model.encode(data.src_ids, data.src_len).final, cell, 1)
    for t in range(T):
        state = cell_step(decoder.stack.layers[0], cell, decoder.embedding.weight[data.tgt_in_ids[0, t]], state)
        hidden = torch.tanh(decoder.readout.map.weight @ state[0] + decoder.readout.map.bias)
        torch.testing.assert_close(got.hidden[0, t], hidden)


@pytest.mark.parametrize("cell", CELLS)
def test_the_encoder_is_bidirectional(cell: str) -> None:
    model, data = build(RNNConfig(decoder="plain", cell=cell, embed_size=6, hidden_size=8, encoder_layers=2)), pairs()
    encoded, x = model.encode(data.src_ids, data.src_len), model.encoder.embedding(data.src_ids)[0]
    for number, rnn in enumerate(model.encoder.layers):
        final_states, outputs = [], []
        for suffix, order in (("", range(S)), ("_reverse", range(S - 1, -1, -1))):
            single = LAYER_TYPES[cell](x.shape[1], 4, x.shape[1]).double()
            for weight in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                single.rnn.get_parameter(f"{weight}_l0").data = rnn.get_parameter(f"{weight}_l0{suffix}").data
            state: tuple[Tensor, ...] = (torch.zeros(4).double(),) * (2 if cell == "lstm" else 1)
            by_position: dict[int, Tensor] = {}
            for i in order:
                state = cell_step(single, cell, x[i], state)
                by_position[i] = state[0]
            outputs.append(torch.stack([by_position[i] for i in range(S)]))
            final_states.append(state)
        x = torch.cat(outputs, dim=1)
        final = torch.cat([torch.cat(parts) for parts in zip(*final_states, strict=True)])
        size = len(final)
        torch.testing.assert_close(encoded.final[0, number * size : (number + 1) * size], final)
    torch.testing.assert_close(encoded.states[0], x)


@pytest.mark.parametrize("cell", CELLS)
def test_steps_of_a_layer_equal_pytorchs_layer(cell: str) -> None:
    torch.manual_seed(3)
    layer = LAYER_TYPES[cell](7, 5, 4).double()  # four input features known in advance, three per step
    x = torch.randn(2, 6, 7).double()
    zero = torch.zeros(2, 5).double()
    state: tuple[Tensor, ...] = (zero,) * layer.num_states
    expected, _ = layer.rnn(x)
    packed_cell, input_gates = layer.packed_cell(), layer.input_gates(x[..., :4])
    for t in range(6):
        state = layer.step(input_gates[:, t], x[:, t, 4:], state, packed_cell)
        torch.testing.assert_close(state[0], expected[:, t])


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_transformer_layers_equal_pytorch(norm: str, activation: str) -> None:
    config = TransformerConfig(
        width=8, ff_size=12, heads=2, encoder_layers=2, decoder_layers=2, norm=norm, activation=activation
    )
    model, data = build(config), pairs()
    options = {"dim_feedforward": 12, "dropout": 0.0, "activation": activation, "norm_first": norm == "pre"}
    x = model.encoder.embedder(data.src_ids)
    for layer in model.encoder.layers:
        theirs = torch.nn.TransformerEncoderLayer(8, 2, batch_first=True, dtype=torch.float64, **options).eval()
        _copy_attention(theirs.self_attn, layer.self_attention)
        _copy(theirs.linear1, layer.feed_forward.widen), _copy(theirs.linear2, layer.feed_forward.narrow)
        _copy(theirs.norm1, layer.around_attention.norm), _copy(theirs.norm2, layer.around_feed_forward.norm)
        x = theirs(x)
    memory = model.encoder.norm(x)
    torch.testing.assert_close(model.encode(data.src_ids, data.src_len).states, memory)
    y = model.decoder.embedder(data.tgt_in_ids)
    causal = torch.nn.Transformer.generate_square_subsequent_mask(T, dtype=torch.float64)
    for layer in model.decoder.layers:
        theirs = torch.nn.TransformerDecoderLayer(8, 2, batch_first=True, dtype=torch.float64, **options).eval()
        _copy_attention(theirs.self_attn, layer.self_attention)
        _copy_attention(theirs.multihead_attn, layer.cross_attention)
        _copy(theirs.linear1, layer.feed_forward.widen), _copy(theirs.linear2, layer.feed_forward.narrow)
        _copy(theirs.norm1, layer.around_self.norm), _copy(theirs.norm2, layer.around_cross.norm)
        _copy(theirs.norm3, layer.around_feed_forward.norm)
        y = theirs(y, memory, tgt_mask=causal, tgt_is_causal=True)
    torch.testing.assert_close(model(data).hidden, model.decoder.norm(y))


def _copy(theirs: torch.nn.Module, ours: torch.nn.Module) -> None:
    theirs.load_state_dict(ours.state_dict())


def _copy_attention(theirs: torch.nn.MultiheadAttention, ours: torch.nn.Module) -> None:
    maps = (ours.query_map, ours.key_map, ours.value_map)
    theirs.in_proj_weight.data = torch.cat([m.weight for m in maps]).data
    theirs.in_proj_bias.data = torch.cat([m.bias for m in maps]).data
    _copy(theirs.out_proj, ours.output_map)


def test_sinusoidal_positions_match_the_paper() -> None:
    import math

    from regard.model.embed import SinusoidalPositions

    table = SinusoidalPositions()(torch.zeros(1, 3, 6).double(), start=4)[0]
    for row, p in enumerate((4, 5, 6)):
        for j in range(3):
            angle = p / 10_000 ** (2 * j / 6)
            assert table[row, 2 * j].item() == pytest.approx(math.sin(angle), abs=1e-5)
            assert table[row, 2 * j + 1].item() == pytest.approx(math.cos(angle), abs=1e-5)


def test_swiglu_matches_its_formula() -> None:
    from regard.model.sublayers import SwiGLU

    torch.manual_seed(4)
    network = SwiGLU(4, 6, dropout=0.0).double()
    x = torch.randn(3, 4).double()
    gate = x @ network.gate.weight.T
    expected = (gate / (1 + torch.exp(-gate)) * (x @ network.widen.weight.T)) @ network.narrow.weight.T
    torch.testing.assert_close(network(x), expected)


def test_ids_of_the_special_tokens() -> None:
    assert (Specials().unk, Specials().pad, Specials().bos, Specials().eos) == (0, 1, 2, 3)
