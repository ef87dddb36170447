"""Scores equal sacreBLEU's, with its signatures."""

from __future__ import annotations

import json
import re

import pytest
import sacrebleu

from regard.errors import DataError
from regard.evaluate.scores import corpus_bleu, corpus_chrf, corpus_scores

HYPOTHESES = ["Comment vas-tu ?", "Le chat dort sur le grand lit.", "Je ne sais pas, dit-elle."]
REFERENCES = ["Comment vas-tu ?", "Le chat dort dans le grand lit.", "Je ne sais pas, dit Elle."]


def test_scores_are_those_of_sacrebleu() -> None:
    found = corpus_scores(HYPOTHESES, REFERENCES)
    assert found.bleu == pytest.approx(
        sacrebleu.corpus_bleu(HYPOTHESES, [REFERENCES], tokenize="13a", lowercase=False).score
    )
    assert found.chrf == pytest.approx(sacrebleu.corpus_chrf(HYPOTHESES, [REFERENCES]).score)
    assert found.ter == pytest.approx(sacrebleu.corpus_ter(HYPOTHESES, [REFERENCES]).score)
    assert found.num_sentences == 3
    assert corpus_bleu(HYPOTHESES, REFERENCES) == found.bleu
    assert corpus_chrf(HYPOTHESES, REFERENCES) == found.chrf
    assert 0 < found.bleu < 100 > found.chrf


def test_bleu_alone_does_not_warn_about_tokenized_text(caplog: pytest.LogCaptureFixture) -> None:
    lines = [f"sentence {number} ." for number in range(200)]
    with caplog.at_level("WARNING", logger="sacrebleu"):
        again = corpus_bleu(lines, lines[::-1])
    assert caplog.records == []
    assert again == corpus_scores(lines, lines[::-1]).bleu
    assert "tokenized period" in caplog.text  # all scores, which are computed once, do warn


def test_case_and_order_matter() -> None:
    assert (
        corpus_scores([line.lower() for line in REFERENCES], REFERENCES).bleu
        < corpus_scores(REFERENCES, REFERENCES).bleu
        == pytest.approx(100)
    )
    assert corpus_scores(REFERENCES, REFERENCES).ter == 0
    assert corpus_scores(REFERENCES[::-1], REFERENCES).bleu < 50
    assert corpus_scores([line.lower() for line in REFERENCES], REFERENCES).ter == 0


def test_signatures_name_all_options() -> None:
    found = corpus_scores(HYPOTHESES, REFERENCES)
    version = re.escape(sacrebleu.__version__)
    assert re.fullmatch(rf"nrefs:1\|case:mixed\|eff:no\|tok:13a\|smooth:exp\|version:{version}", found.bleu_signature)
    assert found.signature.startswith(f"BLEU {found.bleu_signature} chrF ")
    assert "nc:6" in found.chrf_signature
    assert "tok:tercom" in found.ter_signature
    tree = json.loads(json.dumps(found.to_dict()))
    assert sorted(tree) == ["bleu", "chrf", "signature", "ter"]
    assert tree["bleu"] == found.bleu


@pytest.mark.parametrize("metric", [corpus_scores, corpus_bleu, corpus_chrf])
def test_different_numbers_of_lines_are_refused(metric: object) -> None:
    assert callable(metric)
    with pytest.raises(DataError, match="got 2 translations and 3 references"):
        metric(HYPOTHESES[:2], REFERENCES)
    with pytest.raises(DataError, match="got none"):
        metric([], [])
