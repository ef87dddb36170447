"""How good are the links beside dedicated aligners', on the same text, judged by the same gold?

    regard align model --src tales.en --tgt tales.fr --reverse-model back > links.align
    python benchmarks/alignment.py --src tales.en --tgt tales.fr --gold tales.align --more train.en train.fr \
        --links regard=links.align

IBM's second model learns from the text that is judged and from `--more`, in both directions; its links are made one as
`regard align --symmetrize` does. Other aligners' links are files for `--links`, such as those that
`regard.interop.eflomal.align_words` finds.
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
    """Links of both directions, from source to target each."""
    sources, targets = [words_of(line) for line in src], [words_of(line) for line in tgt]
    return ibm2_links(sources, targets), [flipped(links) for links in ibm2_links(targets, sources)]


ALIGNERS: dict[str, Callable[[Lines, Lines], tuple[list[Links], list[Links]]]] = {"IBM model 2": by_ibm2}


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--src", type=Path, required=True)
    parser.add_argument("--tgt", type=Path, required=True)
    parser.add_argument("--gold", type=Path, required=True)
    parser.add_argument("--more", type=Path, nargs=2, help="text to learn from beside")
    parser.add_argument("--links", nargs="*", default=[], metavar="NAME=FILE", help="links that were made elsewhere")
    parser.add_argument("--symmetrize", default="grow-diag-final-and")
    options = parser.parse_args()
    src, tgt = (path.read_text(encoding="utf-8").splitlines() for path in (options.src, options.tgt))
    beside = [path.read_text(encoding="utf-8").splitlines() for path in options.more or ()]
    lengths = [(len(words_of(one)), len(words_of(other))) for one, other in zip(src, tgt, strict=True)]
    gold = read_links(options.gold, lengths=lengths)
    print("| aligner | AER | precision | recall | seconds |\n|---|---|---|---|---|")

    def tell(name: str, found: list[Links], seconds: float | None = None) -> None:
        scores = alignment_error_rate(found, [one.sure for one in gold], [one.possible for one in gold])
        took = "" if seconds is None else f"{seconds:.0f}"
        print(f"| {name} | {scores.aer:.3f} | {scores.precision:.3f} | {scores.recall:.3f} | {took} |", flush=True)

    for name, align in ALIGNERS.items():
        began = time.perf_counter()
        forward, backward = align(src + (beside[0] if beside else []), tgt + (beside[1] if beside else []))
        took = time.perf_counter() - began
        both = [symmetrize(*pair, options.symmetrize) for pair in zip(forward, backward, strict=True)]
        for kind, found in (("", both), (", forward", forward), (", backward", backward)):
            tell(name + kind, found[: len(src)], took)
    for named in options.links:
        name, _, file = named.partition("=")
        tell(name, [one.possible for one in read_links(Path(file), lengths=lengths)])


if __name__ == "__main__":
    main()
