"""Decoders compared with the formulas of their papers, in loops; the Transformer compared with PyTorch's."""

from __future__ import annotations

from typing import Literal

import pytest
import torch
from torch import Tensor

from regard.config.schema import AttentionConfig, RNNConfig, TransformerConfig
from regard.model.build import build_model
from regard.model.cells import LAYER_TYPES
from regard.model.seq2seq import Seq2Seq
from regard.values import Batch, EncoderOutput, Specials

VOCAB, S, T = 20, 5, 4
Cell = Literal["rnn", "gru", "lstm"]
CELLS: list[Cell] = ["rnn", "gru", "lstm"]


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


def cell_step(layer: torch.nn.Module, cell: Cell, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """One step of a layer for one sentence, by the standard formulas."""
    w_x, w_h = layer.get_parameter("rnn.weight_ih_l0"), layer.get_parameter("rnn.weight_hh_l0")
    b_x, b_h = layer.get_parameter("rnn.bias_ih_l0"), layer.get_parameter("rnn.bias_hh_l0")
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


def first_states(model: Seq2Seq, encoded: EncoderOutput, cell: Cell, num_layers: int) -> list[tuple[Tensor, ...]]:
    bridge = model.get_submodule("decoder.stack.bridge")
    assert encoded.final is not None
    parts = torch.tanh(bridge.get_parameter("weight") @ encoded.final[0] + bridge.get_parameter("bias")).split(8)
    per_layer = 2 if cell == "lstm" else 1
    return [tuple(parts[i * per_layer : (i + 1) * per_layer]) for i in range(num_layers)]


def attention_value(scores: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    weights = torch.exp(scores - scores.max())
    weights = weights / weights.sum()
    return sum((weights[i] * h[i] for i in range(len(h))), torch.zeros_like(h[0])), weights


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("feeding", [False, True])
@pytest.mark.parametrize("combine", [False, True])
def test_luong_decoder(cell: Cell, feeding: bool, combine: bool) -> None:
    config = RNNConfig(
        decoder="luong", cell=cell, embed_size=6, hidden_size=8, input_feeding=feeding, combine=combine,
        tie_embeddings=combine, attention=AttentionConfig(score="general"),
    )  # fmt: skip
    model, data = build(config), pairs()
    got = model(data, need_weights=True)
    decoder, encoded = model.decoder, model.encode(data.src_ids, data.src_len)
    h = encoded.states[0]
    w_a = decoder.get_parameter("attention.attention.score.key_map.weight")[0]
    (state,) = first_states(model, encoded, cell, 1)
    fed = torch.zeros(decoder.output_size).double()
    for t in range(T):
        x = decoder.get_parameter("embedding.weight")[data.tgt_in_ids[0, t]]
        state = cell_step(decoder.get_submodule("stack.layers.0"), cell, torch.cat([x, fed]) if feeding else x, state)
        s = state[0]
        e = torch.stack([s @ w_a @ h[i] for i in range(S)])  # 1. scores
        a, alpha = attention_value(e, h)  # 2. distribution, 3. value
        v = torch.cat([a, s])  # 4. concatenation
        if combine:
            v = torch.tanh(decoder.get_parameter("readout.map.weight") @ v + decoder.get_parameter("readout.map.bias"))
        fed = v
        logits = model.output_weight @ v + model.output_bias  # 5. output
        torch.testing.assert_close(got.weights[0][0, 0, t], alpha)
        torch.testing.assert_close(model.project(got.hidden)[0, t], logits)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("deep", [False, True])
def test_bahdanau_attends_before_its_recurrent_step(cell: Cell, deep: bool) -> None:
    config = RNNConfig(
        decoder="bahdanau", cell=cell, embed_size=6, hidden_size=8, deep_output=deep, decoder_layers=2,
        attention=AttentionConfig(score="additive", size=5),
    )  # fmt: skip
    model, data = build(config), pairs()
    got = model(data, need_weights=True)
    decoder, encoded = model.decoder, model.encode(data.src_ids, data.src_len)
    h, score = encoded.states[0], decoder.get_submodule("attention.attention.score")
    readout = decoder.get_submodule("readout.map")
    w_q, w_k, b_k = (score.get_parameter(name) for name in ("query_map.weight", "key_map.weight", "key_map.bias"))
    v = score.get_parameter("v")
    states = first_states(model, encoded, cell, 2)
    for t in range(T):
        x, before = decoder.get_parameter("embedding.weight")[data.tgt_in_ids[0, t]], states[-1][0]
        e = torch.stack([
            v[0] @ torch.tanh(w_q[0] @ before + w_k[0] @ h[i] + b_k[0, 0])
            for i in range(S)
        ])  # fmt: skip
        c, alpha = attention_value(e, h)
        states[0] = cell_step(decoder.get_submodule("stack.layers.0"), cell, torch.cat([x, c]), states[0])
        states[1] = cell_step(decoder.get_submodule("stack.layers.1"), cell, states[0][0], states[1])
        s = states[1][0]
        if deep:
            maxout = readout.get_parameter("weight") @ torch.cat([s, c, x]) + readout.get_parameter("bias")
            hidden = torch.stack([max(maxout[j], maxout[j + 6]) for j in range(6)])
        else:
            hidden = torch.tanh(readout.get_parameter("weight") @ s + readout.get_parameter("bias"))
        torch.testing.assert_close(got.weights[0][0, 0, t], alpha)
        torch.testing.assert_close(model.project(got.hidden)[0, t], model.output_weight @ hidden + model.output_bias)


@pytest.mark.parametrize("cell", CELLS)
def test_the_plain_decoder_uses_only_the_final_encoder_state(cell: Cell) -> None:
    model, data = build(RNNConfig(decoder="plain", cell=cell, embed_size=6, hidden_size=8)), pairs()
    got, decoder = model(data), model.decoder
    (state,) = first_states(model, model.encode(data.src_ids, data.src_len), cell, 1)
    readout = decoder.get_submodule("readout.map")
    for t in range(T):
        x = decoder.get_parameter("embedding.weight")[data.tgt_in_ids[0, t]]
        state = cell_step(decoder.get_submodule("stack.layers.0"), cell, x, state)
        hidden = torch.tanh(readout.get_parameter("weight") @ state[0] + readout.get_parameter("bias"))
        torch.testing.assert_close(got.hidden[0, t], hidden)


@pytest.mark.parametrize("cell", CELLS)
def test_the_encoder_is_bidirectional(cell: Cell) -> None:
    model, data = build(RNNConfig(decoder="plain", cell=cell, embed_size=6, hidden_size=8, encoder_layers=2)), pairs()
    encoded, x = model.encode(data.src_ids, data.src_len), model.get_submodule("encoder.embedding")(data.src_ids)[0]
    assert encoded.final is not None
    for number, rnn in enumerate(model.get_submodule("encoder.layers").children()):
        final_states, outputs = [], []
        for suffix, order in (("", range(S)), ("_reverse", range(S - 1, -1, -1))):
            assert isinstance(rnn, torch.nn.RNNBase)
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
def test_steps_of_a_layer_equal_pytorchs_layer(cell: Cell) -> None:
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
def test_transformer_layers_equal_pytorch(norm: Literal["pre", "post"], activation: Literal["relu", "gelu"]) -> None:
    config = TransformerConfig(
        width=8, ff_size=12, heads=2, encoder_layers=2, decoder_layers=2, norm=norm, activation=activation
    )
    model, data = build(config), pairs()
    x = model.get_submodule("encoder.embedder")(data.src_ids)
    for layer in model.get_submodule("encoder.layers").children():
        encoder_layer = torch.nn.TransformerEncoderLayer(
            8, 2, 12, dropout=0.0, activation=activation, norm_first=norm == "pre", batch_first=True,
            dtype=torch.float64,
        ).eval()  # fmt: skip
        _copy_attention(encoder_layer.self_attn, layer.get_submodule("self_attention"))
        _copy(encoder_layer, layer, linear1="feed_forward.widen", linear2="feed_forward.narrow")
        _copy(encoder_layer, layer, norm1="around_attention.norm", norm2="around_feed_forward.norm")
        x = encoder_layer(x)
    memory = model.get_submodule("encoder.norm")(x)
    torch.testing.assert_close(model.encode(data.src_ids, data.src_len).states, memory)
    y = model.get_submodule("decoder.embedder")(data.tgt_in_ids)
    causal = torch.nn.Transformer.generate_square_subsequent_mask(T, dtype=torch.float64)
    for layer in model.get_submodule("decoder.layers").children():
        decoder_layer = torch.nn.TransformerDecoderLayer(
            8, 2, 12, dropout=0.0, activation=activation, norm_first=norm == "pre", batch_first=True,
            dtype=torch.float64,
        ).eval()  # fmt: skip
        _copy_attention(decoder_layer.self_attn, layer.get_submodule("self_attention"))
        _copy_attention(decoder_layer.multihead_attn, layer.get_submodule("cross_attention"))
        _copy(decoder_layer, layer, linear1="feed_forward.widen", linear2="feed_forward.narrow")
        _copy(decoder_layer, layer, norm1="around_self.norm", norm2="around_cross.norm")
        _copy(decoder_layer, layer, norm3="around_feed_forward.norm")
        y = decoder_layer(y, memory, tgt_mask=causal, tgt_is_causal=True)
    torch.testing.assert_close(model(data).hidden, model.get_submodule("decoder.norm")(y))


def _copy(theirs: torch.nn.Module, ours: torch.nn.Module, **names: str) -> None:
    """Copies weights of parts, given as their name in PyTorch and ours."""
    for name, our_name in names.items():
        theirs.get_submodule(name).load_state_dict(ours.get_submodule(our_name).state_dict())


def _copy_attention(theirs: torch.nn.Module, ours: torch.nn.Module) -> None:
    for kind in ("weight", "bias"):
        parts: list[Tensor] = [ours.get_parameter(f"{name}_map.{kind}") for name in ("query", "key", "value")]
        theirs.get_parameter(f"in_proj_{kind}").data = torch.cat(parts).data
    _copy(theirs, ours, out_proj="output_map")


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
