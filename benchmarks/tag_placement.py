"""Where do tags go? Random spans of source words in text with gold word links, against the words linked to them.

    regard align model --src tales.en --tgt tales.fr > model.align
    python benchmarks/tag_placement.py --src tales.en --tgt tales.fr --gold tales.align --links model=model.align

Each span of one to five words gets a tag, and the reference is its translation. The links by which the tag is placed
are the gold links, which shows the error of the rules alone; links of a model; the diagonal; or none. For translation
of each text node alone, the best case is taken: all words are right, but the nodes keep the order of the source.
"""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from regard.text.links import read_links
from regard.text.words import words_of
from regard.translation.markup.document import parse
from regard.translation.markup.sentence import TranslatedSentence
from regard.values import Links, Span


@dataclass(frozen=True)
class Case:
    """A pair of sentences with a tag around source words.

    Attributes:
        number: Number of the pair.
        source_len: Number of source words.
        target_len: Number of target words.
        span: The source words in the tag.
        gold: The target words linked to them.
    """

    number: int
    source_len: int
    target_len: int
    span: Span
    gold: frozenset[int]


def choose(lengths: Sequence[tuple[int, int]], gold: Sequence[Links], per_pair: int) -> list[Case]:
    """Random spans of source words, of which at least one has a link."""
    generator = random.Random(1)
    cases = []
    for number, ((source_len, target_len), links) in enumerate(zip(lengths, gold, strict=True)):
        for _ in range(per_pair):
            size = generator.randint(1, min(5, source_len))
            start = generator.randint(0, source_len - size)
            words = frozenset(target for source, target in links if start <= source < start + size)
            if words:
                cases.append(Case(number, source_len, target_len, (start, start + size), words))
    return cases


def covered(case: Case, links: Links) -> set[int]:
    """The target words in the tag after translation with these links."""
    start, end = case.span
    words = [f"s{number}" for number in range(case.source_len)]
    text = " ".join([*words[:start], "<b>" + " ".join(words[start:end]) + "</b>", *words[end:]])
    target = " ".join(f"t{number}" for number in range(case.target_len))
    output = parse(text, "html").render([TranslatedSentence(" ".join(words), target, links)])
    inside = output[output.index("<b>") : output.index("</b>")]
    return {int(word[1:]) for word in re.findall(r"t\d+", inside)}


def covered_by_node(case: Case, gold: Links) -> set[int]:
    """The same if the text before, in and after the tag is translated apart."""
    first = {target: source for source, target in reversed(gold)}
    before = sum(source < case.span[0] for source in first.values())
    size = sum(case.span[0] <= source < case.span[1] for source in first.values())
    return set(range(before, before + size))


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--src", type=Path, required=True)
    parser.add_argument("--tgt", type=Path, required=True)
    parser.add_argument("--gold", type=Path, required=True)
    parser.add_argument("--links", nargs="*", default=[], metavar="NAME=FILE", help="links of models")
    parser.add_argument("--per-pair", type=int, default=5)
    options = parser.parse_args()
    src, tgt = (path.read_text(encoding="utf-8").splitlines() for path in (options.src, options.tgt))
    lengths = [(len(words_of(source)), len(words_of(target))) for source, target in zip(src, tgt, strict=True)]
    read = read_links(options.gold, lengths=lengths)
    gold = [tuple(sorted({*pair.sure, *pair.possible})) for pair in read]
    cases = choose(lengths, gold, options.per_pair)
    print(f"{len(cases)} tags\n\n| links | precision | recall | F1 |\n|---|---|---|---|")
    _print("gold", cases, [covered(case, gold[case.number]) for case in cases])
    for named in options.links:
        name, _, path = named.partition("=")
        links = [tuple(sorted({*pair.sure, *pair.possible})) for pair in read_links(Path(path), lengths=lengths)]
        _print(name, cases, [covered(case, links[case.number]) for case in cases])
    diagonal = [
        tuple((number * source_len // target_len, number) for number in range(target_len))
        for source_len, target_len in lengths
    ]
    _print("diagonal", cases, [covered(case, tuple(sorted(diagonal[case.number]))) for case in cases])
    _print("none", cases, [covered(case, ()) for case in cases])
    _print("each text node alone", cases, [covered_by_node(case, gold[case.number]) for case in cases])


def _print(name: str, cases: Sequence[Case], found: Sequence[set[int]]) -> None:
    right = sum(len(words & case.gold) for case, words in zip(cases, found, strict=True))
    precision = right / max(1, sum(map(len, found)))
    recall = right / sum(len(case.gold) for case in cases)
    f1 = 2 * precision * recall / max(1e-9, precision + recall)
    print(f"| {name} | {precision:.3f} | {recall:.3f} | {f1:.3f} |", flush=True)


if __name__ == "__main__":
    main()
