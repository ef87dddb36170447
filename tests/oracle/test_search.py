"""Search over real models compared with enumeration by teacher forcing, which uses neither step nor search."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor

from regard.config.schema import ModelConfig, RNNConfig, TransformerConfig
from regard.data.collate import collate
from regard.model.build import build_model
from regard.model.seq2seq import Seq2Seq
from regard.search.beam import BeamOptions, beam_search
from regard.search.ensemble import Ensemble
from regard.search.greedy import greedy_search
from regard.search.score import force_decode
from regard.values import Hypothesis, Specials

VOCAB, MAX_LEN = 7, 4
SPECIALS = Specials()
SMALL = {"embed_size": 8, "hidden_size": 12}
CONFIGS: dict[str, ModelConfig] = {
    "plain": RNNConfig.model_validate({"decoder": "plain", "cell": "gru", **SMALL}),
    "luong": RNNConfig.model_validate({"decoder": "luong", "input_feeding": True, **SMALL}),
    "luong coverage": RNNConfig.model_validate({"decoder": "luong", "attention": {"coverage": True}, **SMALL}),
    "bahdanau": RNNConfig.model_validate({"decoder": "bahdanau", "attention": {"score": "additive"}, **SMALL}),
    "transformer": TransformerConfig(width=16, ff_size=24, heads=2, encoder_layers=1, decoder_layers=2),
}
SOURCES = [[4, 5, 6], [6, 4], [5, 5, 4, 6, 6]]


def build(config: ModelConfig, seed: int = 0) -> Seq2Seq:
    torch.manual_seed(seed)
    model = build_model(config, src_vocab=VOCAB, tgt_vocab=VOCAB, shared=True).eval()
    with torch.no_grad():
        for parameter in model.parameters():  # far from uniform, so that ranks do not depend on rounding
            parameter.mul_(3.0)
    return model


def sources() -> tuple[Tensor, Tensor]:
    batch = collate(SOURCES, None, specials=SPECIALS)
    return batch.src_ids, batch.src_len


TARGETS = [
    (*middle, SPECIALS.eos) for length in range(MAX_LEN) for middle in itertools.product((0, 4, 5, 6), repeat=length)
]


def score_targets(model: Seq2Seq, source: list[int], targets: list[tuple[int, ...]]) -> list[Hypothesis]:
    """Scores finished targets by teacher forcing instead of step by step."""
    hypotheses = []
    for target in targets:
        batch = collate([source], [target[:-1]], specials=SPECIALS)
        with torch.inference_mode():
            output = model(batch, need_weights=True)
            log_probs = model.project(output.hidden)[0].double().log_softmax(-1)
        token_log_probs = tuple(float(log_probs[position, token]) for position, token in enumerate(target))
        weights = tuple(layer[0] for layer in output.weights)
        hypotheses.append(Hypothesis(target, sum(token_log_probs), token_log_probs, weights))
    return hypotheses


def assert_same(found: Hypothesis, expected: Hypothesis, score: float) -> None:
    assert found.ids == expected.ids
    assert found.score == pytest.approx(score, abs=1e-3)
    assert found.log_probs == pytest.approx(expected.log_probs, abs=1e-3)
    assert len(found.weights) == len(expected.weights)
    for layer, expected_layer in zip(found.weights, expected.weights, strict=True):
        torch.testing.assert_close(layer, expected_layer, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize(("alpha", "beta"), [(0.0, 0.0), (1.0, 0.0), (0.6, 0.3)])
def test_a_beam_of_all_prefixes_finds_the_best(name: str, alpha: float, beta: float) -> None:
    model = build(CONFIGS[name])
    beta = 0.0 if name == "plain" else beta
    src_ids, src_len = sources()
    found = beam_search(
        model,
        src_ids,
        src_len,
        max_len=torch.full((len(SOURCES),), MAX_LEN),
        specials=SPECIALS,
        options=BeamOptions(beam=400, n_best=5, length_penalty=alpha, coverage_penalty=beta),
        need_weights=True,
    )
    for source, hypotheses in zip(SOURCES, found, strict=True):

        def score(hypothesis: Hypothesis) -> float:
            penalty = 0.0
            if beta:
                coverage = torch.stack([layer.mean(0) for layer in hypothesis.weights]).mean(0).sum(0).tolist()
                penalty = beta * sum(math.log(min(max(total, 1e-6), 1.0)) for total in coverage)
            norm: float = ((5 + len(hypothesis.ids)) / 6) ** alpha
            return sum(hypothesis.log_probs) / norm + penalty

        best = sorted(score_targets(model, source, TARGETS), key=score, reverse=True)[:5]
        for hypothesis, expected in zip(hypotheses, best, strict=True):
            assert_same(hypothesis, expected, score(expected))


@pytest.mark.parametrize("name", CONFIGS)
def test_forced_decoding_equals_teacher_forcing(name: str) -> None:
    model = build(CONFIGS[name])
    src_ids, src_len = sources()
    targets = [[4, 6, 6, 5], [], [5, 4]]
    found = force_decode(model, src_ids, src_len, targets, specials=SPECIALS, need_weights=True)
    for source, target, hypothesis in zip(SOURCES, targets, found, strict=True):
        [expected] = score_targets(model, source, [(*target, SPECIALS.eos)])
        assert_same(hypothesis, expected, expected.score)


@pytest.mark.parametrize("name", CONFIGS)
def test_batches_single_sentences_and_greedy_search_agree(name: str) -> None:
    """A beam of 1 equals greedy search; other sentences and padding change nothing."""
    model = build(CONFIGS[name], seed=1)
    src_ids, src_len = sources()
    limits = torch.tensor([5, 9, 3])
    options = BeamOptions(beam=3, n_best=2)
    together = beam_search(model, src_ids, src_len, max_len=limits, specials=SPECIALS, options=options)
    greedy = greedy_search(model, src_ids, src_len, max_len=limits, specials=SPECIALS)
    beam_of_1 = beam_search(
        model, src_ids, src_len, max_len=limits, specials=SPECIALS, options=BeamOptions(beam=1, length_penalty=0)
    )
    for row, length in enumerate(src_len.tolist()):
        rows = slice(row, row + 1)
        [alone] = beam_search(
            model, src_ids[rows, :length], src_len[rows], max_len=limits[rows], specials=SPECIALS, options=options
        )
        assert [hypothesis.ids for hypothesis in together[row]] == [hypothesis.ids for hypothesis in alone]
        scores = [hypothesis.score for hypothesis in together[row]]
        assert scores == pytest.approx([hypothesis.score for hypothesis in alone], abs=1e-4)
        [hypothesis] = beam_of_1[row]
        assert (hypothesis.ids, hypothesis.finished) == (greedy[row].ids, greedy[row].finished)
        assert hypothesis.score == pytest.approx(greedy[row].score, abs=1e-4)


def test_an_ensemble_of_different_models_averages_their_probabilities() -> None:
    members = [build(CONFIGS["bahdanau"]), build(CONFIGS["transformer"], seed=2)]
    src_ids, src_len = sources()
    [*found] = beam_search(
        Ensemble(members),
        src_ids,
        src_len,
        max_len=torch.full((len(SOURCES),), MAX_LEN),
        specials=SPECIALS,
        options=BeamOptions(beam=400, length_penalty=0.0),
        need_weights=True,
    )
    for source, [best] in zip(SOURCES, found, strict=True):
        by_member = [
            [hypothesis.log_probs for hypothesis in score_targets(model, source, TARGETS)] for model in members
        ]
        totals = [
            sum(math.log((math.exp(p) + math.exp(q)) / 2) for p, q in zip(first, second, strict=True))
            for first, second in zip(*by_member, strict=True)
        ]
        expected = max(range(len(totals)), key=lambda number: totals[number])
        assert best.ids == TARGETS[expected]
        assert best.score == pytest.approx(totals[expected], abs=1e-3)
        assert len(best.weights) == 1 + 2
