"""Prefixes, next words and scores of tokens, compared with enumeration and loops in float64 by teacher forcing."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Sequence

import pytest
import torch

from regard.config.schema import ModelConfig, RNNConfig, TransformerConfig
from regard.data.collate import collate
from regard.model.build import build_model
from regard.model.decoder import StepModel
from regard.model.packing import pack_for_search
from regard.model.seq2seq import Seq2Seq
from regard.search.beam import BeamOptions
from regard.search.engine import StepEngine
from regard.search.ensemble import Ensemble
from regard.search.next_words import WordTokens
from regard.search.prefix import WordEnd
from regard.search.sample import SampleOptions
from regard.search.shortlist import Shortlist
from regard.values import Hypothesis, Specials

SPECIALS = Specials()
VOCAB, MAX_LEN = 8, 5
SMALL = {"embed_size": 8, "hidden_size": 12}
CONFIGS: dict[str, ModelConfig] = {
    "plain": RNNConfig.model_validate({"decoder": "plain", "cell": "gru", **SMALL}),
    "luong": RNNConfig.model_validate({"decoder": "luong", "input_feeding": True, **SMALL}),
    "bahdanau": RNNConfig.model_validate({"decoder": "bahdanau", "attention": {"score": "additive"}, **SMALL}),
    "transformer": TransformerConfig(width=16, ff_size=24, heads=2, encoder_layers=1, decoder_layers=2),
}
SOURCES = [[4, 5, 6], [6, 4], [5, 5, 4, 6, 6], [7], [4, 7]]
PREFIXES: list[list[int]] = [[5], [], [6, 4, 4], [7, 5], [4]]
TOKENS = (0, 4, 5, 6, 7)
TARGETS = [(*middle, SPECIALS.eos) for length in range(MAX_LEN) for middle in itertools.product(TOKENS, repeat=length)]
WORD_END = WordEnd(
    torch.tensor([False] * 5 + [True, False, True]), torch.tensor([False] * 4 + [True, False, True, False])
)
"""After a prefix that ends in 5 or 7, there is no 4 and no 6."""


def build(config: ModelConfig, seed: int = 0) -> Seq2Seq:
    torch.manual_seed(seed)
    model = build_model(config, src_vocab=VOCAB, tgt_vocab=VOCAB, shared=True).eval()
    with torch.no_grad():
        for parameter in model.parameters():  # far from uniform, so that ranks do not depend on rounding
            parameter.mul_(3.0)
    return model


def engine(model: StepModel) -> StepEngine:
    return StepEngine(model, src_specials=SPECIALS, tgt_specials=SPECIALS)


def token_scores(models: Sequence[Seq2Seq], source: list[int], targets: Sequence[tuple[int, ...]]) -> list[list[float]]:
    """Log-probability of each token in float64 by reading whole targets; the mean probability of several models."""
    by_length: dict[int, list[tuple[int, ...]]] = defaultdict(list)
    for target in targets:
        by_length[len(target)].append(target)
    scores: dict[tuple[int, ...], list[float]] = {}
    for group in by_length.values():
        batch = collate([source] * len(group), [target[:-1] for target in group], specials=SPECIALS)
        with torch.inference_mode():
            log_probs = [model.project(model(batch).hidden).double().log_softmax(-1) for model in models]
        mean = (torch.stack(log_probs).exp().sum(0) / len(models)).log()
        for row, target in enumerate(group):
            scores[target] = [float(mean[row, position, token]) for position, token in enumerate(target)]
    return [scores[target] for target in targets]


def may_follow(target: tuple[int, ...], prefix: Sequence[int], word_end: WordEnd | None) -> bool:
    if target[: len(prefix)] != tuple(prefix):
        return False
    if word_end is None or not prefix or prefix[-1] not in (5, 7):
        return True
    return target[len(prefix)] not in (4, 6)


def best_targets(
    models: Sequence[Seq2Seq], number: int, *, alpha: float, word_end: WordEnd | None, count: int
) -> list[tuple[float, tuple[int, ...], list[float]]]:
    """Score, ids and scores of tokens of the best translations of a source that begin with its prefix."""
    targets = [target for target in TARGETS if may_follow(target, PREFIXES[number], word_end)]
    scored = [
        (sum(scores) / ((5 + len(target)) / 6) ** alpha, target, scores)
        for target, scores in zip(targets, token_scores(models, SOURCES[number], targets), strict=True)
    ]
    return sorted(scored, reverse=True)[:count]


def assert_same(hypothesis: Hypothesis, expected: tuple[float, tuple[int, ...], list[float]]) -> None:
    score, ids, scores = expected
    assert hypothesis.ids == ids
    assert hypothesis.score == pytest.approx(score, abs=1e-3)
    assert hypothesis.log_probs == pytest.approx(scores, abs=1e-3)


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("alpha", [0.0, 0.8])
@pytest.mark.parametrize("word_end", [None, WORD_END])
def test_a_beam_of_all_translations_finds_the_best_with_a_prefix(
    name: str, alpha: float, word_end: WordEnd | None
) -> None:
    model = build(CONFIGS[name])
    options = BeamOptions(beam=900, n_best=4, length_penalty=alpha)
    found = engine(pack_for_search(model)).search(
        SOURCES, [MAX_LEN] * 5, options, need_weights=True, prefixes=PREFIXES, word_end=word_end
    )
    for number, hypotheses in enumerate(found):
        best = best_targets([model], number, alpha=alpha, word_end=word_end, count=4)
        for hypothesis, expected in zip(hypotheses, best, strict=True):
            assert_same(hypothesis, expected)
            [forced] = engine(model).force([SOURCES[number]], [hypothesis.ids[:-1]])
            for layer, expected_layer in zip(hypothesis.weights, forced.weights, strict=True):
                torch.testing.assert_close(layer, expected_layer, atol=1e-4, rtol=1e-3)


def test_an_ensemble_with_prefixes() -> None:
    models = [build(CONFIGS["bahdanau"]), build(CONFIGS["transformer"], seed=2)]
    options = BeamOptions(beam=900, n_best=2, length_penalty=0.0)
    found = engine(Ensemble(models)).search(SOURCES, [MAX_LEN] * 5, options, need_weights=False, prefixes=PREFIXES)
    for number, hypotheses in enumerate(found):
        for hypothesis, expected in zip(
            hypotheses, best_targets(models, number, alpha=0.0, word_end=None, count=2), strict=True
        ):
            assert_same(hypothesis, expected)


@pytest.mark.parametrize("name", CONFIGS)
def test_greedy_search_is_a_loop_of_most_probable_tokens(name: str) -> None:
    model = build(CONFIGS[name], seed=3)
    options, limits = BeamOptions(beam=1, length_penalty=0.0), [9, 8, 9, 7, 6]
    found = engine(model).search(SOURCES, limits, options, need_weights=False, prefixes=PREFIXES, word_end=WORD_END)
    for source, prefix, limit, [hypothesis] in zip(SOURCES, PREFIXES, limits, found, strict=True):
        target = list(prefix)
        scores: list[float] = []
        while len(target) < limit and (not target or target[-1] != SPECIALS.eos):
            following = [(*target, token) for token in (*TOKENS, SPECIALS.eos)]
            allowed = [row for row in following if may_follow(row, prefix, WORD_END)]
            scored = token_scores([model], source, allowed)
            scores, target = max((row_scores, row) for row_scores, row in zip(scored, map(list, allowed), strict=True))
        assert_same(hypothesis, (sum(scores), tuple(target), scores))
        assert hypothesis.finished == (target[-1] == SPECIALS.eos)


def test_samples_follow_the_distribution_after_the_prefix() -> None:
    model, prefix = build(CONFIGS["luong"], seed=5), [6, 5]
    with torch.no_grad():
        model.get_parameter("output_bias").mul_(0.3)
    options = SampleOptions(num_samples=4000, seed=2)
    [samples] = engine(model).search([[4, 5]], [4], options, need_weights=False, prefixes=[prefix], word_end=WORD_END)
    allowed = [(*prefix, token) for token in (0, 5, 7, SPECIALS.eos)]
    probabilities = [math.exp(scores[-1]) for scores in token_scores([model], [4, 5], allowed)]
    for target, probability in zip(allowed, probabilities, strict=True):
        expected = probability / sum(probabilities)
        share = sum(sample.ids[:3] == target for sample in samples) / len(samples)
        assert share == pytest.approx(expected, abs=5 * math.sqrt(0.25 / len(samples)))
    for sample in samples[:20]:
        [log_probs] = token_scores([model], [4, 5], [sample.ids])
        assert sample.log_probs == pytest.approx(log_probs, abs=1e-3)
        assert sample.score == pytest.approx(sum(log_probs), abs=1e-3)


@pytest.mark.parametrize("ensemble", [False, True])
def test_a_shortlist_allows_the_tokens_of_the_prefix(ensemble: bool) -> None:
    """The reference is the softmax over the allowed tokens of each sentence, for all of its steps."""
    models = [build(CONFIGS["bahdanau"]), build(CONFIGS["transformer"], seed=2)][: 1 + ensemble]
    shortlist = Shortlist(torch.tensor([[3], [3], [3], [3], [4], [6], [4], [6]]), torch.arange(VOCAB), 4)
    model = Ensemble(models) if ensemble else models[0]
    options = BeamOptions(beam=900, n_best=1, length_penalty=0.0)
    found = engine(model).with_shortlist(shortlist).search(
        SOURCES, [MAX_LEN] * 5, options, need_weights=False, prefixes=PREFIXES, word_end=WORD_END
    )  # fmt: skip
    for number, [hypothesis] in enumerate(found):
        source, prefix = SOURCES[number], PREFIXES[number]
        allowed = {0, 1, 2, 3, *(int(shortlist.candidates[token, 0]) for token in (*source, 3)), *prefix}
        targets = [row for row in TARGETS if set(row) <= allowed and may_follow(row, prefix, WORD_END)]
        scores = shortlisted_scores(models, source, targets, sorted(allowed))
        best, target = max(zip(map(sum, scores), targets, strict=True))
        assert hypothesis.ids == target
        assert hypothesis.score == pytest.approx(best, abs=1e-3)


def shortlisted_scores(
    models: Sequence[Seq2Seq], source: list[int], targets: Sequence[tuple[int, ...]], allowed: list[int]
) -> list[list[float]]:
    result = []
    for target in targets:
        batch = collate([source], [target[:-1]], specials=SPECIALS)
        with torch.inference_mode():
            logits = [model.project(model(batch).hidden)[0].double()[:, allowed] for model in models]
        mean = torch.stack([row.softmax(-1) for row in logits]).mean(0)
        result.append([math.log(float(mean[place, allowed.index(token)])) for place, token in enumerate(target)])
    return result


PIECES = {0: None, 4: "▁a", 5: "b", 6: "▁ab", 7: "▁"}
"""The tokens as parts of words; 0 is unknown."""
WORDS = WordTokens(
    begins=torch.tensor([str(PIECES.get(token) or "").startswith("▁") for token in range(VOCAB)]),
    has_space=torch.tensor([str(PIECES.get(token) or "").startswith("▁") for token in range(VOCAB)]),
    is_text=torch.tensor([PIECES.get(token) is not None for token in range(VOCAB)]),
    text_of=lambda tokens: "".join(PIECES[token] or "" for token in tokens).replace("▁", " ").strip(),
)


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("prefix", [[], [6], [4, 5, 4]])
@pytest.mark.parametrize("shortlisted", [False, True])
def test_next_words_are_the_most_probable_of_all(name: str, prefix: list[int], shortlisted: bool) -> None:
    model, max_tokens = build(CONFIGS[name], seed=4), 4
    searcher = engine(pack_for_search(model))
    if shortlisted:
        searcher = searcher.with_shortlist(Shortlist(torch.full((VOCAB, 1), 4), torch.arange(VOCAB), VOCAB))
    found = searcher.next_words([4, 5, 7], prefix, count=4, limit=len(prefix) + max_tokens + 1, words=WORDS)
    best: dict[str, tuple[float, tuple[int, ...]]] = {}
    for length in range(1, max_tokens + 1):
        for word in itertools.product((4, 5, 6, 7), repeat=length):
            text = WORDS.text_of(word)
            inner = word[2:] if word[0] == 7 else word[1:]  # after a space alone, text must follow
            if word[0] == 5 or text == "" or any(token != 5 for token in inner) or (word[0] == 7 and word[1] != 5):
                continue
            ends = [(*prefix, *word, token) for token in (3, 4, 6, 7)]
            scores = token_scores([model], [4, 5, 7], ends)
            total = sum(scores[0][len(prefix) : -1]) + math.log(sum(math.exp(row[-1]) for row in scores))
            best[text] = max(best.get(text, (-math.inf, ())), (total, word))
    assert len(best) > 4
    assert found == [word for _, word in sorted(best.values(), reverse=True)[:4]]
