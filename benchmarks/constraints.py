"""Measures translation with terms: how many are satisfied, what they do to BLEU, and what they cost.

Run with `python benchmarks/constraints.py MODEL SOURCES REFERENCES`. The terms of the first experiment are words of the
references, those of the second are words of other translations of the same sentences: of samples from the model, which
do not occur in its best translation. The third forbids words of the model's own translations.
"""

from __future__ import annotations

import argparse
import random
import re
import time
from collections.abc import Sequence

import torch

import regard
from regard.evaluate.scores import corpus_bleu
from regard.search.constraints import Constraints, Term
from regard.search.sample import SampleOptions
from regard.translation.translator import Translator

WORD = re.compile(r"[^\W\d_]{3,}")
"""Words from which terms are chosen: at least three letters."""


def contains(text: str, word: str) -> bool:
    """Whether a text contains a word, by a regular expression, which shares no code with the search."""
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


def random_terms(texts: Sequence[str], others: Sequence[str], *, most: int, seed: int) -> list[Constraints]:
    """From 1 to `most` different words of each text that are not in the other text; fewer where there are fewer."""
    choose = random.Random(seed)
    constraints = []
    for text, other in zip(texts, others, strict=True):
        words = sorted({word for word in WORD.findall(text) if contains(text, word) and not contains(other, word)})
        chosen = choose.sample(words, min(len(words), choose.randint(1, most)))
        constraints.append(Constraints(tuple(Term((word,)) for word in chosen)))
    return constraints


def num_terms(constraints: Sequence[Constraints]) -> int:
    return sum(len(own.include) for own in constraints)


def num_found(texts: Sequence[str], constraints: Sequence[Constraints]) -> int:
    """Number of included terms that the texts contain."""
    return sum(
        contains(text, term.alternatives[0])
        for text, own in zip(texts, constraints, strict=True)
        for term in own.include
    )


def translate(translator: Translator, sources: Sequence[str], constraints: Sequence[Constraints] | None) -> list[str]:
    return [translation.text for translation in translator.translate(sources, beam=5, constraints=constraints)]


def report(name: str, texts: Sequence[str], references: Sequence[str], constraints: Sequence[Constraints]) -> None:
    total = num_terms(constraints)
    print(f"{name:42} {num_found(texts, constraints):5}/{total:<5} BLEU {corpus_bleu(texts, references):.2f}", flush=True)


def seconds(translator: Translator, sources: Sequence[str], constraints: Sequence[Constraints] | None) -> float:
    start = time.perf_counter()
    translate(translator, sources, constraints)
    return time.perf_counter() - start


def cost(translator: Translator, sources: Sequence[str], references: Sequence[str], most: int) -> None:
    """Prints how fast the search with exactly `most` terms is, relative to the search without."""
    rows = [row for row, text in enumerate(references) if len(set(WORD.findall(text))) >= most]
    chosen, texts = [sources[row] for row in rows], [references[row] for row in rows]
    choose = random.Random(3)
    words = [choose.sample(sorted(set(WORD.findall(text))), most) for text in texts]
    constraints = [Constraints(tuple(Term((word,)) for word in own)) for own in words]
    pairs = [(seconds(translator, chosen, None), seconds(translator, chosen, constraints)) for _ in range(3)]
    ratio = sorted(plain / constrained for plain, constrained in pairs)[1]
    print(f"{most} terms, {len(rows)} sentences: {ratio:.2f} times the sentences/s without terms", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("sources")
    parser.add_argument("references")
    parser.add_argument("--sentences", type=int, default=500)
    parser.add_argument("--only", choices=["quality", "cost"])
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    translator = regard.load(arguments.model)
    with open(arguments.sources, encoding="utf-8") as file:
        sources = file.read().splitlines()[: arguments.sentences]
    with open(arguments.references, encoding="utf-8") as file:
        references = file.read().splitlines()[: arguments.sentences]
    if arguments.only != "cost":
        quality(translator, sources, references)
    if arguments.only != "quality":
        for most in (1, 4):
            cost(translator, sources, references, most)


def quality(translator: Translator, sources: Sequence[str], references: Sequence[str]) -> None:
    """Prints how many terms are satisfied, and BLEU, with and without them."""
    plain = translate(translator, sources, None)
    nothing = [""] * len(sources)
    for name, texts, others in (
        ("words of the references", references, nothing),
        ("words of the references that are missing", references, plain),
    ):
        constraints = random_terms(texts, others, most=4, seed=1)
        report(f"{name}, unconstrained", plain, references, constraints)
        report(f"{name}, constrained", translate(translator, sources, constraints), references, constraints)
    samples = [
        found.text for found in translator.translate(sources, sample=SampleOptions(1, seed=1, temperature=0.5))
    ]
    constraints = random_terms(samples, nothing, most=4, seed=2)
    report("words of a sample, unconstrained", plain, references, constraints)
    report("words of a sample, constrained", translate(translator, sources, constraints), references, constraints)
    favorites = random_terms(plain, nothing, most=4, seed=3)
    excluded = [Constraints((), own.include) for own in favorites]
    texts = translate(translator, sources, excluded)
    report("own words, unconstrained", plain, references, favorites)
    report("own words, excluded", texts, references, favorites)


if __name__ == "__main__":
    main()
