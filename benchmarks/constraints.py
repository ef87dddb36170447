"""Measures translation with terms: how many are satisfied, what they do to BLEU, and what they cost.

Run with `python benchmarks/constraints.py MODEL SOURCES REFERENCES`. The terms of the first experiment are words of the
references. Those of the second are from a dictionary: translations of source words, as often as they are linked in the
training text; with all words, and without the 300 most frequent ones. The third forbids words of the model's own
translations. `--dictionary SOURCES TARGETS LINKS` is the text and the word links (`0-0 1-2`) from which the dictionary
is made.
"""

from __future__ import annotations

import argparse
import random
import re
import time
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence

import torch

import regard
from regard.evaluate.scores import corpus_bleu
from regard.search.constraints import Constraints, Term
from regard.translation.result import Translation
from regard.translation.translator import Translator

WORD = re.compile(r"[^\W\d_]{3,}")
"""Words from which terms are chosen: at least three letters."""
LEAST = 0.1
"""Smallest share of the links of a source word that a translation in the dictionary has."""
MAIN = 0.8
"""Smallest share of the links of a source word that its main translation has."""
FREQUENT = 300
"""Number of words that are left out of the dictionary of content words."""
Dictionary = dict[str, dict[str, int]]


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


def make_dictionary(sources: str, targets: str, links: str) -> Dictionary:
    """Translations of each source word, with the numbers of links to them; those with few links are left out."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    with open(sources, encoding="utf-8") as src, open(targets, encoding="utf-8") as tgt, open(links) as linked:
        for source, target, line in zip(src, tgt, linked, strict=True):
            left, right = source.split(), target.split()
            pairs = [tuple(map(int, link.split("-"))) for link in line.split()]
            for word, translation in ((left[i].strip(".,!?"), right[j].strip(".,!?")) for i, j in pairs):
                if WORD.fullmatch(word) and WORD.fullmatch(translation):
                    counts[word][translation] += 1
    return {
        word: {text: count for text, count in found.items() if count >= max(5, LEAST * found.total())}
        for word, found in counts.items()
    }


def dictionary_terms(
    dictionary: Dictionary, sources: Sequence[str], *, most: int, seed: int, kind: str
) -> list[Constraints]:
    """Dictionary translations of 1 to `most` words of each sentence, tied to these words.

    Args:
        dictionary: Translations of each word, with their numbers of links.
        sources: The sentences.
        most: Largest number of terms of a sentence.
        seed: Random seed.
        kind: `main`: only words of which one translation has most links, and this translation; `all`: each translation
            counts; `any`: one of the translations, at random.

    Returns:
        The constraints of each sentence.
    """
    choose = random.Random(seed)
    constraints = []
    for source in sources:
        matches = []
        for match in WORD.finditer(source):
            found = dictionary.get(match.group())
            if found and (kind != "main" or max(found.values()) > MAIN * sum(found.values())):
                matches.append(match)
        terms = []
        for match in choose.sample(matches, min(len(matches), choose.randint(1, most))):
            found = dictionary[match.group()]
            words = sorted(found, key=lambda word: -found[word])
            if kind == "any":
                words = choose.choices(words, weights=[found[word] for word in words])
            terms.append(Term(tuple(words if kind == "all" else words[:1]), source=match.span()))
        constraints.append(Constraints(tuple(terms)))
    return constraints


def content_words(dictionary: Dictionary, sources: str, number: int) -> Dictionary:
    """The dictionary without the most frequent words of a text, which no glossary contains.

    Args:
        dictionary: Translations of each word.
        sources: File of the source sentences from which it was made.
        number: Number of words to leave out.

    Returns:
        The other words.
    """
    counts: Counter[str] = Counter()
    with open(sources, encoding="utf-8") as file:
        for line in file:
            counts.update(word.lower() for word in WORD.findall(line))
    frequent = {word for word, _ in counts.most_common(number)}
    return {word: found for word, found in dictionary.items() if word.lower() not in frequent}


def by_reference(
    constraints: Sequence[Constraints], references: Sequence[str]
) -> tuple[list[Constraints], list[Constraints]]:
    """The terms that the references contain, and those that they do not contain."""
    right: list[Constraints] = []
    wrong: list[Constraints] = []
    for own, reference in zip(constraints, references, strict=True):
        for chosen, is_right in ((right, True), (wrong, False)):
            terms = (term for term in own.include if contains(reference, term.alternatives[0]) == is_right)
            chosen.append(Constraints(tuple(terms)))
    return right, wrong


def substituted(translations: Sequence[Translation], constraints: Sequence[Constraints]) -> list[str]:
    """Translations in which terms take the place of the words that are aligned to their source words.

    All else stays: this shows what wrong terms cost without any search. An unaligned term goes to the end.
    """
    texts = []
    for translation, own in zip(translations, constraints, strict=True):
        words = translation.text.split()
        starts = [match.start() for match in re.finditer(r"\S+", translation.source)]
        for term in own.include:
            word = term.alternatives[0]
            if term.source is None or any(contains(text, other) for text in words for other in term.alternatives):
                continue
            source = bisect_right(starts, term.source[0]) - 1
            target = next((tgt for src, tgt in translation.alignment if src == source), None)
            if target is None:
                words.append(word)
            else:
                words[target] = re.sub(r"\w+(?=\W*\Z)", word.replace("\\", r"\\"), words[target])
        texts.append(" ".join(words))
    return texts


def num_terms(constraints: Sequence[Constraints]) -> int:
    return sum(len(own.include) for own in constraints)


def num_found(texts: Sequence[str], constraints: Sequence[Constraints]) -> int:
    """Number of included terms that the texts contain."""
    return sum(
        any(contains(text, word) for word in term.alternatives)
        for text, own in zip(texts, constraints, strict=True)
        for term in own.include
    )


def translate(translator: Translator, sources: Sequence[str], constraints: Sequence[Constraints] | None) -> list[str]:
    return [translation.text for translation in translator.translate(sources, beam=5, constraints=constraints)]


def report(name: str, texts: Sequence[str], references: Sequence[str], constraints: Sequence[Constraints]) -> None:
    total = num_terms(constraints)
    print(
        f"{name:42} {num_found(texts, constraints):5}/{total:<5} BLEU {corpus_bleu(texts, references):.2f}", flush=True
    )


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
    parser.add_argument("--only", choices=["quality", "dictionary", "cost"])
    parser.add_argument("--dictionary", nargs=3, metavar=("SOURCES", "TARGETS", "LINKS"))
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    translator = regard.load(arguments.model)
    with open(arguments.sources, encoding="utf-8") as file:
        sources = file.read().splitlines()[: arguments.sentences]
    with open(arguments.references, encoding="utf-8") as file:
        references = file.read().splitlines()[: arguments.sentences]
    if arguments.only != "cost":
        dictionaries = None
        if arguments.dictionary:
            dictionary = make_dictionary(*arguments.dictionary)
            dictionaries = dictionary, content_words(dictionary, arguments.dictionary[0], FREQUENT)
        quality(translator, sources, references, dictionaries, arguments.only)
    if arguments.only in (None, "cost"):
        for most in (1, 4):
            cost(translator, sources, references, most)


def quality(
    translator: Translator,
    sources: Sequence[str],
    references: Sequence[str],
    dictionaries: tuple[Dictionary, Dictionary] | None,
    only: str | None,
) -> None:
    """Prints how many terms are satisfied, and BLEU, with and without them."""
    aligned = translator.translate(sources, beam=5, alignment=True)
    plain = [translation.text for translation in aligned]
    nothing = [""] * len(sources)
    experiments = []
    if dictionaries is not None:
        dictionary, content = dictionaries
        for kind in ("main", "all", "any"):
            terms = dictionary_terms(dictionary, sources, most=4, seed=2, kind=kind)
            experiments.append((f"words of a dictionary ({kind})", terms))
        terms = dictionary_terms(content, sources, most=4, seed=2, kind="main")
        experiments.append(("content words of a dictionary (main)", terms))
        right, wrong = by_reference(experiments[0][1], references)
        experiments += [("main, in the reference", right), ("main, not in the reference", wrong)]
    lists = translator.translate(sources, beam=5, n_best=5)
    others = [(found.n_best or (found,))[-1].text for found in lists]
    experiments.append(("words of the fifth-best translation", random_terms(others, nothing, most=4, seed=4)))
    for name, constraints in experiments:
        report(f"{name}, unconstrained", plain, references, constraints)
        if any(term.source for own in constraints for term in own.include):
            report(f"{name}, substituted", substituted(aligned, constraints), references, constraints)
        report(f"{name}, constrained", translate(translator, sources, constraints), references, constraints)
    if only == "dictionary":
        return
    for name, texts, others in (
        ("words of the references", references, nothing),
        ("words of the references that are missing", references, plain),
    ):
        constraints = random_terms(texts, others, most=4, seed=1)
        report(f"{name}, unconstrained", plain, references, constraints)
        report(f"{name}, constrained", translate(translator, sources, constraints), references, constraints)
    favorites = random_terms(plain, nothing, most=4, seed=3)
    excluded = [Constraints((), own.include) for own in favorites]
    texts = translate(translator, sources, excluded)
    report("own words, unconstrained", plain, references, favorites)
    report("own words, excluded", texts, references, favorites)


if __name__ == "__main__":
    main()
