"""Every decoder × score: steps equal sequences, padding and other sentences have no effect, states are immutable."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
import torch

from regard.config.schema import AttentionConfig, ModelConfig, RNNConfig, TransformerConfig
from regard.errors import ConfigError, ShapeError
from regard.model.build import build_model
from regard.model.decoder import State
from regard.model.seq2seq import Seq2Seq
from regard.values import Batch, Specials

VOCAB = 30
SCORES = ["dot", "scaled-dot", "general", "additive", "concat", "location", "cosine"]
CELLS = ["rnn", "gru", "lstm"]
NORMALIZERS = ["sparsemax", "entmax15", "smooth"]


def rnn(decoder: str, cell: str = "gru", score: str = "general", **options: object) -> RNNConfig:
    attention = {key: options.pop(key) for key in AttentionConfig.model_fields if key in options}
    return RNNConfig.model_validate(
        {
            "decoder": decoder,
            "cell": cell,
            "embed_size": 8,
            "hidden_size": 12,
            "attention": AttentionConfig.model_validate(
                {"score": score, "window_size": 2, "location_reach": 2, **attention}
            ),
            **options,
        }
    )


def transformer(**options: object) -> TransformerConfig:
    sizes = {"width": 16, "ff_size": 24, "heads": 2, "encoder_layers": 2, "decoder_layers": 2}
    return TransformerConfig.model_validate({**sizes, **options})


CONFIGS: list[ModelConfig] = [
    *(rnn("plain", cell) for cell in CELLS),
    *(rnn(decoder, cell, score) for decoder, cell, score in itertools.product(("luong", "bahdanau"), CELLS, SCORES)),
    *(rnn("luong", cell, input_feeding=True, decoder_layers=2, encoder_layers=2, residual=True) for cell in CELLS),
    *(rnn("bahdanau", cell, "additive", decoder_layers=3, encoder_layers=2, residual=True) for cell in CELLS),
    rnn("plain", decoder_layers=2, encoder_layers=2, residual=True),
    rnn("luong", decoder_layers=2, residual=True, bidirectional=False),
    rnn("luong", combine=False, tie_embeddings=False),
    rnn("luong", combine=False, tie_embeddings=False, input_feeding=True),
    rnn("bahdanau", deep_output=False, tie_embeddings=False),
    *(
        rnn(decoder, "lstm", score, window=window)
        for decoder, score, window in itertools.product(
            ("luong", "bahdanau"), ("dot", "general", "additive"), ("local-m", "local-p")
        )
    ),
    *(
        rnn(decoder, score=score, coverage=True, heads=heads)
        for decoder, score, heads in itertools.product(("luong", "bahdanau"), SCORES, (1, 2))
    ),
    *(
        rnn(decoder, score=score, normalizer=normalizer)
        for decoder, score, normalizer in itertools.product(("luong", "bahdanau"), ("general", "additive"), NORMALIZERS)
    ),
    *(
        rnn(decoder, score=score, location_filters=3, heads=heads)
        for decoder, score, heads in itertools.product(
            ("luong", "bahdanau"), ("dot", "general", "additive", "cosine"), (1, 2)
        )
    ),
    *(
        rnn(decoder, score="additive", window=window, heads=heads)
        for decoder, window, heads in itertools.product(("luong", "bahdanau"), ("median", "mean"), (1, 2))
    ),
    rnn("luong", normalizer="entmax15", sharpness=2.0, input_feeding=True, heads=2),
    rnn("bahdanau", score="additive", size=5, location_filters=2, coverage=True, window="median", sharpness=2.0),
    *(transformer(cross_score=score) for score in SCORES),
    *(transformer(normalizer=normalizer, position="rotary") for normalizer in NORMALIZERS),
    *(
        transformer(norm=norm, position=position, activation=activation)
        for norm, position, activation in itertools.product(
            ("pre", "post"), ("sinusoidal", "learned", "rotary"), ("relu", "gelu", "swiglu")
        )
    ),
    transformer(tie_embeddings=False),
]


def name(config: ModelConfig) -> str:
    default = type(config)()
    parts = [str(v) for k, v in config.model_dump().items() if v != getattr(default, k) and k != "attention"]
    if isinstance(config, RNNConfig):
        parts += [f"{k}={v}" for k, v in config.attention.model_dump(exclude_defaults=True).items()]
    return "-".join(parts)


def build(config: ModelConfig, *, shared: bool = True) -> Seq2Seq:
    torch.manual_seed(1)
    model = build_model(config, src_vocab=VOCAB, tgt_vocab=VOCAB, shared=shared).eval()
    for key, parameter in model.named_parameters():  # parameters that start at zero would hide mistakes
        if parameter.abs().max() == 0.0:
            torch.nn.init.normal_(parameter, std=0.1)
        assert parameter.isfinite().all(), key
    return model


def batch() -> Batch:
    torch.manual_seed(2)
    specials = Specials()
    src_len, tgt_len = torch.tensor([7, 5, 3, 1]), torch.tensor([6, 4, 6, 2])
    src_ids, tgt_ids = torch.randint(4, VOCAB, (4, 7)), torch.randint(4, VOCAB, (4, 6))
    for ids, lengths in ((src_ids, src_len), (tgt_ids, tgt_len)):
        for row, length in zip(ids, lengths, strict=True):
            row[length - 1], row[length:] = specials.eos, specials.pad
    tgt_in = torch.cat([torch.full((4, 1), specials.bos), tgt_ids[:, :-1]], dim=1)
    return Batch(src_ids, src_len, tgt_in, tgt_ids, tgt_len, (0, 1, 2, 3), int(tgt_len.sum()))


@torch.no_grad()
@pytest.mark.parametrize("config", CONFIGS, ids=name)
def test_step_equals_sequence(config: ModelConfig) -> None:
    model, pairs = build(config), batch()
    full = model(pairs, need_weights=True)
    logits = model.project(full.hidden)
    state = model.start(pairs.src_ids, pairs.src_len)
    for t, ids in enumerate(pairs.tgt_in_ids.unbind(1)):
        output, state = model.step(ids, state, need_weights=True)
        torch.testing.assert_close(output.logits, logits[:, t], rtol=1e-4, atol=1e-5)
        assert len(output.weights) == len(full.weights)
        for row, matrix in zip(output.weights, full.weights, strict=True):
            torch.testing.assert_close(row, matrix[:, :, t], rtol=1e-4, atol=1e-6)
    for matrix in full.weights:
        torch.testing.assert_close(matrix.sum(-1), torch.ones(matrix.shape[:-1]))
        assert (matrix * ~_real(pairs)).abs().max() == 0.0, "padding is attended to"
    torch.testing.assert_close(model(pairs).hidden, full.hidden, rtol=1e-4, atol=1e-5)
    assert model(pairs).weights == ()


def _real(pairs: Batch) -> torch.Tensor:
    return (torch.arange(pairs.src_ids.shape[1]) < pairs.src_len[:, None])[:, None, None]


@torch.no_grad()
@pytest.mark.parametrize("config", CONFIGS, ids=name)
def test_other_sentences_of_a_batch_have_no_effect(config: ModelConfig) -> None:
    model, pairs = build(config), batch()
    together = model.project(model(pairs).hidden)
    for row in range(4):
        n, m = int(pairs.src_len[row]), int(pairs.tgt_len[row])
        alone = Batch(
            pairs.src_ids[row : row + 1, :n],
            pairs.src_len[row : row + 1],
            pairs.tgt_in_ids[row : row + 1, :m],
            pairs.tgt_out_ids[row : row + 1, :m],
            pairs.tgt_len[row : row + 1],
            (row,),
            m,
        )
        logits = model.project(model(alone).hidden)
        torch.testing.assert_close(together[row : row + 1, :m], logits, rtol=1e-4, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize(
    "config",
    [
        rnn("plain", "lstm"),
        rnn("luong", coverage=True),
        rnn("bahdanau", location_filters=2, window="mean", heads=2),
        rnn("luong", input_feeding=True),
        rnn("bahdanau"),
        transformer(),
    ],
    ids=name,
)
def test_selected_rows_continue_as_before(config: ModelConfig) -> None:
    model, pairs = build(config), batch()
    rows = torch.tensor([2, 0, 0])
    state = model.start(pairs.src_ids, pairs.src_len)
    for ids in pairs.tgt_in_ids[:, :2].unbind(1):
        _, state = model.step(ids, state)
    before = {field.name: getattr(state, field.name) for field in dataclasses.fields(state)}
    expected, _ = model.step(pairs.tgt_in_ids[:, 2], state)
    selected, _ = model.step(pairs.tgt_in_ids[rows, 2], state.select(rows))
    torch.testing.assert_close(selected.logits, expected.logits[rows])
    after = {field.name: getattr(state, field.name) for field in dataclasses.fields(state)}
    assert before.keys() == after.keys()
    assert all(before[key] is after[key] for key in before), "a step changed the state it was given"


@pytest.mark.parametrize("decoder", ["plain", "luong", "bahdanau"])
def test_a_decoder_refuses_the_state_of_another(decoder: str) -> None:
    model = build(rnn(decoder))
    with pytest.raises(AssertionError, match="expected a state of this decoder"):
        model.decoder.step(torch.zeros(1, dtype=torch.int64), State())


def test_tied_embeddings_and_output_layer_share_a_matrix() -> None:
    shared = build(transformer())
    assert shared.output_weight is shared.get_parameter("encoder.embedder.embedding.weight")
    separate = build(transformer(), shared=False)
    assert separate.output_weight is separate.get_parameter("decoder.embedder.embedding.weight")
    assert separate.output_weight is not separate.get_parameter("encoder.embedder.embedding.weight")
    untied = build(transformer(tie_embeddings=False))
    assert untied.output_weight is not untied.get_parameter("decoder.embedder.embedding.weight")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (rnn("luong", combine=False), "tie_embeddings = false"),
        (RNNConfig(hidden_size=13), "is 13"),
        (rnn("luong", score="location", window="local-p"), "window = 'global'"),
        (rnn("luong", score="location", window="median"), "window = 'global'"),
        (rnn("luong", score="location", location_filters=2), "location_filters changes the keys"),
        (rnn("luong", window="local-m", heads=2), "heads is 2"),
        (transformer(width=18, heads=4), "18 with 4"),
    ],
)
def test_options_that_exclude_each_other_are_refused(config: ModelConfig, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_model(config, src_vocab=VOCAB, tgt_vocab=VOCAB, shared=True)


def test_sentences_longer_than_the_learned_positions_are_refused() -> None:
    model = build(transformer(position="learned", max_positions=5))
    with pytest.raises(ShapeError, match="learned positions for 5 subwords, but a sentence has 7"):
        model.encode(batch().src_ids, batch().src_len)


def test_encoder_self_attention_is_returned_on_request() -> None:
    model, pairs = build(transformer()), batch()
    assert model.encode(pairs.src_ids, pairs.src_len).weights == ()
    weights = model.encode(pairs.src_ids, pairs.src_len, need_weights=True).weights
    assert [tuple(w.shape) for w in weights] == [(4, 2, 7, 7)] * 2


@torch.no_grad()
@pytest.mark.parametrize("config", [rnn("luong"), rnn("bahdanau", heads=2), transformer()], ids=name)
def test_a_score_of_the_user_replaces_the_configured_score(config: ModelConfig) -> None:
    from regard.attention.scores import GeneralScore

    sizes: list[tuple[int, int]] = []

    def factory(query_size: int, key_size: int) -> GeneralScore:
        sizes.append((query_size, key_size))
        return GeneralScore(query_size, key_size)

    model = build_model(config, src_vocab=VOCAB, tgt_vocab=VOCAB, shared=True, score=factory).eval()
    assert sizes
    assert model(batch(), need_weights=True).weights[0].shape[-2:] == (6, 7)


def test_dropout_is_active_in_training_only() -> None:
    for config in (rnn("luong"), rnn("bahdanau"), rnn("plain"), transformer()):
        model, pairs = build(config), batch()
        torch.testing.assert_close(model(pairs).hidden, model(pairs).hidden)
        model.train()
        assert not torch.allclose(model(pairs).hidden, model(pairs).hidden)


def test_recomputed_activations_give_the_same_gradients_with_less_memory() -> None:
    """With dropout, which must draw the same random numbers in both computations."""
    results = []
    for recompute in (False, True):
        model = build(transformer(recompute=recompute, dropout=0.3)).train()
        storages: dict[int, int] = {}

        def record(tensor: torch.Tensor, storages: dict[int, int] = storages) -> torch.Tensor:
            storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        torch.manual_seed(3)
        with torch.autograd.graph.saved_tensors_hooks(record, lambda tensor: tensor):
            hidden = model(batch()).hidden
        hidden.square().sum().backward()
        results.append(
            (hidden, {name: weight.grad for name, weight in model.named_parameters()}, sum(storages.values()))
        )
    torch.testing.assert_close(results[1][0], results[0][0])
    torch.testing.assert_close(results[1][1], results[0][1])
    assert results[1][2] < 0.8 * results[0][2]
