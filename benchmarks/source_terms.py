"""Measures terms in sources: how many are met, BLEU and time, beside the constrained search and no terms at all.

Run with `python benchmarks/source_terms.py MODEL SOURCES REFERENCES LINKS`; the model was trained with `train.terms`.
The terms are words of the references that are linked to a word of the source, one or two in a sentence; `LINKS` has the
word links (`0-0 1-2`) of each sentence.
"""

from __future__ import annotations

import argparse
import random
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

import regard
from regard.data.source_terms import linked_spans
from regard.evaluate.scores import corpus_bleu
from regard.search.constraints import Constraints, Term
from regard.text.links import read_pharaoh
from regard.text.words import word_spans
from regard.translation.options import TranslateOptions
from regard.translation.result import Segment

WORD = re.compile(r"([^\W\d_]{4,})[.,!?]*")
"""Words from which terms are chosen: at least four letters, without an apostrophe or a hyphen."""
KINDS = ("no terms", "terms in the source", "constrained search")


def chosen_terms(source: str, target: str, links: Sequence[tuple[int, int]], choose: random.Random) -> list[Term]:
    """One or two words of a target that are linked to one word of the source; none if there are no such words."""
    src_words, tgt_words = word_spans(source), word_spans(target)
    possible = {}
    for first, end, tgt_first, tgt_end in linked_spans(links):
        (start, stop), (tgt_start, tgt_stop) = src_words[first], tgt_words[tgt_first]
        found = WORD.fullmatch(source, start, stop), WORD.fullmatch(target, tgt_start, tgt_stop)
        if end - first == tgt_end - tgt_first == 1 and found[0] and found[1]:
            possible[found[0][1]] = Term((found[1][1],), found[0].span(1), ignore_case=True)
    return choose.sample(list(possible.values()), min(len(possible), choose.randint(1, 2)))


def with_terms(segment: Segment, terms: tuple[Term, ...], kind: str) -> Segment:
    """A segment with its terms, as one of `KINDS` uses them."""
    if kind == KINDS[0]:
        return segment
    return (
        replace(segment, source_terms=terms) if kind == KINDS[1] else replace(segment, constraints=Constraints(terms))
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("model", "sources", "references", "links"):
        parser.add_argument(name)
    parser.add_argument("--sentences", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    translator = regard.load(arguments.model)
    sources, references = (
        Path(path).read_text(encoding="utf-8").splitlines()[: arguments.sentences]
        for path in (arguments.sources, arguments.references)
    )
    choose = random.Random(1)
    links = [alignment.possible for alignment in read_pharaoh(arguments.links, base=0)]
    terms = [
        tuple(chosen_terms(source, target, sorted(own), choose))
        for source, target, own in zip(sources, references, links, strict=False)
    ]
    segments = [
        segment for number, source in enumerate(sources, start=1) for segment in translator.split(source, first=number)
    ]
    assert len(segments) == len(sources), "expected sentences that are translated at once"
    options = TranslateOptions(beam=5, scores=False)
    translator.fill(segments[:100], options)  # compiles and allocates
    for kind in KINDS:
        given = [with_terms(segment, own, kind) for segment, own in zip(segments, terms, strict=True)]
        start = time.process_time()
        texts = [segment.found[0].text for segment in translator.fill(given, options)]
        seconds = time.process_time() - start
        met = sum(term.occurs_in(text) for text, own in zip(texts, terms, strict=True) for term in own)
        bleu = corpus_bleu(texts, references)
        print(f"{kind}: {met} of {sum(map(len, terms))} terms, BLEU {bleu:.1f}, {seconds:.1f} s of processor time")


if __name__ == "__main__":
    main()
