"""Scores are sacreBLEU's, and say how they were made."""

from __future__ import annotations

import json
import re

import pytest
import sacrebleu

from regard.errors import DataError
from regard.evaluate.scores import corpus_bleu, corpus_chrf, corpus_scores

SAID = ["Comment vas-tu ?", "Le chat dort sur le grand lit.", "Je ne sais pas, dit-elle."]
WANTED = ["Comment vas-tu ?", "Le chat dort dans le grand lit.", "Je ne sais pas, dit Elle."]


def test_scores_are_those_of_sacrebleu() -> None:
    found = corpus_scores(SAID, WANTED)
    assert found.bleu == pytest.approx(sacrebleu.corpus_bleu(SAID, [WANTED], tokenize="13a", lowercase=False).score)
    assert found.chrf == pytest.approx(sacrebleu.corpus_chrf(SAID, [WANTED]).score)
    assert found.ter == pytest.approx(sacrebleu.corpus_ter(SAID, [WANTED]).score)
    assert found.num_sentences == 3
    assert corpus_bleu(SAID, WANTED) == found.bleu
    assert corpus_chrf(SAID, WANTED) == found.chrf
    assert 0 < found.bleu < 100 > found.chrf


def test_what_is_scored_again_and_again_says_nothing_of_tokens(caplog: pytest.LogCaptureFixture) -> None:
    lines = [f"sentence {number} ." for number in range(200)]
    with caplog.at_level("WARNING", logger="sacrebleu"):
        again = corpus_bleu(lines, lines[::-1])
    assert caplog.records == []
    assert again == corpus_scores(lines, lines[::-1]).bleu
    assert "tokenized period" in caplog.text  # where it is scored once, the advice is worth having


def test_case_and_order_matter() -> None:
    assert (
        corpus_scores([one.lower() for one in WANTED], WANTED).bleu
        < corpus_scores(WANTED, WANTED).bleu
        == pytest.approx(100)
    )
    assert corpus_scores(WANTED, WANTED).ter == 0
    assert corpus_scores(WANTED[::-1], WANTED).bleu < 50
    assert corpus_scores([one.lower() for one in WANTED], WANTED).ter == 0


def test_signatures_say_how() -> None:
    found = corpus_scores(SAID, WANTED)
    version = re.escape(sacrebleu.__version__)
    assert re.fullmatch(rf"nrefs:1\|case:mixed\|eff:no\|tok:13a\|smooth:exp\|version:{version}", found.bleu_signature)
    assert found.signature.startswith(f"BLEU {found.bleu_signature} chrF ")
    assert "nc:6" in found.chrf_signature
    assert "tok:tercom" in found.ter_signature
    told = json.loads(json.dumps(found.to_dict()))
    assert sorted(told) == ["bleu", "chrf", "signature", "ter"]
    assert told["bleu"] == found.bleu


@pytest.mark.parametrize("measure", [corpus_scores, corpus_bleu, corpus_chrf])
def test_what_cannot_be_compared_is_refused(measure: object) -> None:
    assert callable(measure)
    with pytest.raises(DataError, match="got 2 translations and 3 references"):
        measure(SAID[:2], WANTED)
    with pytest.raises(DataError, match="got none"):
        measure([], [])
