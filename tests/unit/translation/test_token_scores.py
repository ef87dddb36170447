"""Scores of subwords and words, compared with a loop in float64 over the model."""

from __future__ import annotations

import json
import math

import pytest
import torch
from random_translators import ENGLISH, FRENCH, random_model

from regard.search.sample import SampleOptions
from regard.store import StoredModel
from regard.text.subword import Subword
from regard.translation.options import Changes
from regard.translation.result import Segment, Translation, join_segments
from regard.translation.translator import Translator
from regard.values import Encoding

ENDS = {"bahdanau": 5.0, "learned": 11.0, "plain": 8.0}
"""Bias of eos, so that some translations end before their limit."""
OPTIONS: list[Changes] = [
    {"beam": 1, "length_penalty": 0.0},
    {"beam": 4, "n_best": 2, "length_penalty": 0.0},
    {"sample": SampleOptions(2, temperature=0.8, top_k=20, seed=4)},
    {"beam": 1, "scores": False, "length_penalty": 0.0},
]


def reference(stored: StoredModel, source: str, tokens: tuple[str, ...]) -> tuple[list[float], float]:
    """Log-probability of each token and of eos, step by step with the model in float64."""
    subword, model = stored.src_subword, stored.model
    pieces = subword.decode(range(len(subword))).pieces
    ids = [pieces.index(token) for token in tokens]
    src_ids = torch.tensor([[*subword.encode(source).ids, subword.specials.eos]])
    scores, last = [], subword.specials.bos
    with torch.inference_mode():
        state = model.start(src_ids, torch.tensor([src_ids.shape[1]]))
        for token in (*ids, subword.specials.eos):
            output, state = model.step(torch.tensor([last]), state)
            log_probs = [float(logit) for logit in output.logits[0].double()]
            highest = max(log_probs)
            total = highest + math.log(math.fsum(math.exp(logit - highest) for logit in log_probs))
            scores.append(log_probs[token] - total)
            last = token
    return scores[:-1], scores[-1]


@pytest.mark.parametrize("kind", ENDS)
@pytest.mark.parametrize("options", OPTIONS)
def test_the_scores_of_tokens_are_those_of_the_model(kind: str, options: Changes, small_subword: Subword) -> None:
    stored = random_model(kind, small_subword, eos=ENDS[kind])
    num_finished = num_compared = 0
    for translation in Translator.of([stored]).translate(ENGLISH, **options):
        for entry in translation.n_best or (translation,):
            scores, end = reference(stored, entry.source, entry.tokens)
            assert entry.token_scores == pytest.approx(scores, abs=1e-3)
            finished = not any(flag.kind == "unfinished" for flag in entry.quality_flags)
            assert entry.score == pytest.approx(math.fsum(scores) + end * finished, abs=1e-3)
            num_finished += finished
            # Bytes of random models may spell control characters, which are part of no word.
            if all(token.startswith("▁") and len(token) > 1 for token in entry.tokens):
                assert entry.word_scores == entry.token_scores
                num_compared += 1
    if kind == "bahdanau" and "sample" not in options:
        assert num_finished
        assert num_compared


def test_forced_decoding_scores_tokens_and_words(small_subword: Subword) -> None:
    stored = random_model("bahdanau", small_subword)
    targets = [FRENCH[0], "le jardinier dort", "東 é", ""]
    found = Translator.of([stored]).score([*ENGLISH[:3], "a"], targets)
    for source, target, translation in zip([*ENGLISH[:3], "a"], targets, found, strict=True):
        assert len(translation.token_scores) == len(translation.tokens)
        assert len(translation.word_scores) == len(target.split())
        if not target:
            continue
        scores, end = reference(stored, source, translation.tokens)
        assert translation.token_scores == pytest.approx(scores, abs=1e-3)
        assert translation.score == pytest.approx(math.fsum(scores) + end, abs=1e-3)
        # A word begins at each token with a space.
        words: list[float] = []
        for token, score in zip(translation.tokens, scores, strict=True):
            if token.startswith("▁"):
                words.append(0.0)
            words[-1] += score
        assert translation.word_scores == pytest.approx(words, abs=1e-3)
        tree = json.loads(json.dumps(translation.to_dict()))
        assert tree["token_scores"] == list(translation.token_scores)
        assert len(tree["token_scores"]) == len(tree["tokens"])


def test_the_scores_of_segments_are_joined(small_subword: Subword) -> None:
    translator = Translator.of([random_model("bahdanau", small_subword, data={"max_len": 12})])
    line = " ".join(ENGLISH)
    [whole] = translator.translate(line)
    parts = [segment.found[0] for segment in translator.fill(translator.split(line))]
    assert whole.token_scores == tuple(score for part in parts for score in part.token_scores)
    assert whole.word_scores == pytest.approx([score for part in parts for score in part.word_scores])
    spelled = [whole.text[start:end] for start, end in whole.token_spans]
    assert spelled == [part.text[start:end] for part in parts for start, end in part.token_spans]


def test_a_word_in_two_segments_has_one_score() -> None:
    def segment(text: str, scores: tuple[float, ...], *, within_word: bool) -> Segment:
        spans = tuple((place, place + 1) for place in range(len(text)))
        translation = Translation("", text, -1.0, tuple(text), token_scores=scores, token_spans=spans)
        return Segment(1, 0, Encoding("", (), (), ()), (translation,), within_word=within_word)

    joined = join_segments(
        "x", [segment("ab", (-1.0, -2.0), within_word=False), segment("c", (-4.0,), within_word=True)]
    )
    assert (joined.text, joined.word_scores) == ("abc", (-7.0,))
    joined = join_segments(
        "x", [segment("ab", (-1.0, -2.0), within_word=False), segment("c", (-4.0,), within_word=False)]
    )
    assert (joined.text, joined.word_scores) == ("ab c", (-3.0, -4.0))
