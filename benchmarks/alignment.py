"""How good are word links compared with those of dedicated aligners, on the same text with the same gold links?

    regard align model --src tales.en --tgt tales.fr --reverse-model back > links.align
    python benchmarks/alignment.py --src tales.en --tgt tales.fr --gold tales.align --more train.en train.fr \
        --links regard=links.align

IBM model 2 is trained on the test text and on `--more`, in both directions; its links are symmetrized as with
`regard align --symmetrize`. Links of other aligners are given as files with `--links`, for example from
`regard.alignment.eflomal.align_words`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from ibm2 import ibm2_links

from regard.alignment.error_rate import alignment_error_rate
from regard.alignment.symmetrize import flipped, symmetrize
from regard.text.links import read_links
from regard.text.words import words_of
from regard.values import Links

Lines = list[str]


def by_ibm2(src: Lines, tgt: Lines) -> tuple[list[Links], list[Links]]:
    """Links of both directions, each from source to target."""
    sources, targets = [words_of(line) for line in src], [words_of(line) for line in tgt]
    return ibm2_links(sources, targets), [flipped(links) for links in ibm2_links(targets, sources)]


ALIGNERS: dict[str, Callable[[Lines, Lines], tuple[list[Links], list[Links]]]] = {"IBM model 2": by_ibm2}


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--src", type=Path, required=True)
    parser.add_argument("--tgt", type=Path, required=True)
    parser.add_argument("--gold", type=Path, required=True)
    parser.add_argument("--more", type=Path, nargs=2, help="additional training text")
    parser.add_argument("--links", nargs="*", default=[], metavar="NAME=FILE", help="links of other aligners")
    parser.add_argument("--symmetrize", default="grow-diag-final-and")
    options = parser.parse_args()
    src, tgt = (path.read_text(encoding="utf-8").splitlines() for path in (options.src, options.tgt))
    more = [path.read_text(encoding="utf-8").splitlines() for path in options.more or ()]
    lengths = [(len(words_of(source)), len(words_of(target))) for source, target in zip(src, tgt, strict=True)]
    gold = read_links(options.gold, lengths=lengths)
    print("| aligner | AER | precision | recall | seconds |\n|---|---|---|---|---|")

    def print_row(name: str, links: list[Links], seconds: float | None = None) -> None:
        scores = alignment_error_rate(links, [pair.sure for pair in gold], [pair.possible for pair in gold])
        took = "" if seconds is None else f"{seconds:.0f}"
        print(f"| {name} | {scores.aer:.3f} | {scores.precision:.3f} | {scores.recall:.3f} | {took} |", flush=True)

    for name, align in ALIGNERS.items():
        start = time.perf_counter()
        forward, backward = align(src + (more[0] if more else []), tgt + (more[1] if more else []))
        seconds = time.perf_counter() - start
        both = [symmetrize(*pair, options.symmetrize) for pair in zip(forward, backward, strict=True)]
        for direction, links in (("", both), (", forward", forward), (", backward", backward)):
            print_row(name + direction, links[: len(src)], seconds)
    for named in options.links:
        name, _, file = named.partition("=")
        print_row(name, [links.possible for links in read_links(Path(file), lengths=lengths)])


if __name__ == "__main__":
    main()
