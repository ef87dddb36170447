"""Search over real models against enumeration by teacher forcing: another way through model and search alike."""

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
        for parameter in model.parameters():  # far from uniform, so that ranks are not a matter of rounding
            parameter.mul_(3.0)
    return model


def sources() -> tuple[Tensor, Tensor]:
    batch = collate(SOURCES, None, specials=SPECIALS)
    return batch.src_ids, batch.src_len


TARGETS = [
    (*middle, SPECIALS.eos) for length in range(MAX_LEN) for middle in itertools.product((0, 4, 5, 6), repeat=length)
]


def read(model: Seq2Seq, source: list[int], targets: list[tuple[int, ...]]) -> list[Hypothesis]:
    """Log-probability and attention of finished targets, each read at once rather than step by step."""
    found = []
    for target in targets:
        batch = collate([source], [target[:-1]], specials=SPECIALS)
        with torch.inference_mode():
            output = model(batch, need_weights=True)
            log_probs = model.project(output.hidden)[0].double().log_softmax(-1)
        each = tuple(float(log_probs[place, token]) for place, token in enumerate(target))
        weights = tuple(layer[0] for layer in output.weights)
        found.append(Hypothesis(target, sum(each), each, weights))
    return found


def same(found: Hypothesis, wanted: Hypothesis, score: float) -> None:
    assert found.ids == wanted.ids
    assert found.score == pytest.approx(score, abs=1e-3)
    assert found.log_probs == pytest.approx(wanted.log_probs, abs=1e-3)
    assert len(found.weights) == len(wanted.weights)
    for mine, theirs in zip(found.weights, wanted.weights, strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize(("alpha", "beta"), [(0.0, 0.0), (1.0, 0.0), (0.6, 0.3)])
def test_a_beam_that_holds_everything_finds_the_best(name: str, alpha: float, beta: float) -> None:
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
    for source, answers in zip(SOURCES, found, strict=True):

        def score(one: Hypothesis) -> float:
            coverage = 0.0
            if beta:
                attended = torch.stack([layer.mean(0) for layer in one.weights]).mean(0).sum(0).tolist()
                coverage = beta * sum(math.log(min(max(total, 1e-6), 1.0)) for total in attended)
            return sum(one.log_probs) / ((5 + len(one.ids)) / 6) ** alpha + coverage

        wanted = sorted(read(model, source, TARGETS), key=score, reverse=True)[:5]
        for mine, theirs in zip(answers, wanted, strict=True):
            same(mine, theirs, score(theirs))


@pytest.mark.parametrize("name", CONFIGS)
def test_forced_decoding_reads_as_teacher_forcing_does(name: str) -> None:
    model = build(CONFIGS[name])
    src_ids, src_len = sources()
    targets = [[4, 6, 6, 5], [], [5, 4]]
    found = force_decode(model, src_ids, src_len, targets, specials=SPECIALS, need_weights=True)
    for source, target, one in zip(SOURCES, targets, found, strict=True):
        [wanted] = read(model, source, [(*target, SPECIALS.eos)])
        same(one, wanted, wanted.score)


@pytest.mark.parametrize("name", CONFIGS)
def test_real_models_in_batches_and_one_by_one(name: str) -> None:
    """Beam 1 is greedy, and neighbors and padding change nothing."""
    model = build(CONFIGS[name], seed=1)
    src_ids, src_len = sources()
    limits = torch.tensor([5, 9, 3])
    options = BeamOptions(beam=3, n_best=2)
    together = beam_search(model, src_ids, src_len, max_len=limits, specials=SPECIALS, options=options)
    greedy = greedy_search(model, src_ids, src_len, max_len=limits, specials=SPECIALS)
    narrow = beam_search(
        model, src_ids, src_len, max_len=limits, specials=SPECIALS, options=BeamOptions(beam=1, length_penalty=0)
    )
    for row, length in enumerate(src_len.tolist()):
        rows = slice(row, row + 1)
        [alone] = beam_search(
            model, src_ids[rows, :length], src_len[rows], max_len=limits[rows], specials=SPECIALS, options=options
        )
        assert [one.ids for one in together[row]] == [one.ids for one in alone]
        assert [one.score for one in together[row]] == pytest.approx([one.score for one in alone], abs=1e-4)
        [one] = narrow[row]
        assert (one.ids, one.finished) == (greedy[row].ids, greedy[row].finished)
        assert one.score == pytest.approx(greedy[row].score, abs=1e-4)


def test_an_ensemble_of_different_kinds_is_the_mean_of_what_they_read() -> None:
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
        each = [read(model, source, TARGETS) for model in members]
        totals = [
            sum(math.log((math.exp(p) + math.exp(q)) / 2) for p, q in zip(one.log_probs, other.log_probs, strict=True))
            for one, other in zip(*each, strict=True)
        ]
        winner = max(range(len(totals)), key=lambda number: totals[number])
        assert best.ids == TARGETS[winner]
        assert best.score == pytest.approx(totals[winner], abs=1e-3)
        assert len(best.weights) == 1 + 2
