"""`regard aer`: scores word alignments against gold alignments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from regard.cli.options import Json, examples, parse_path
from regard.cli.parallel import read_parallel
from regard.errors import ConfigError

EXAMPLES = examples(
    "regard aer --gold test.align --links test.align",
    "regard aer --gold test.align --links test.align --gold-base 0 --links-base 0 --json",
)

_DETECTED = "detected; required if ambiguous"
_Gold = Annotated[
    Path,
    typer.Option(
        parser=parse_path,
        metavar="FILE",
        help="Gold links: Pharaoh format, where 1-2 is sure and 1p2 or 1?2 possible, or NAACL format.",
    ),
]
_GoldBase = Annotated[
    int | None,
    typer.Option(
        min=0, max=1, metavar="0|1", help="Index of the first word in the --gold file.", show_default=_DETECTED
    ),
]
_LinksBase = Annotated[
    int | None,
    typer.Option(
        min=0, max=1, metavar="0|1", help="Index of the first word in the --links file.", show_default=_DETECTED
    ),
]


def aer(
    gold: _Gold,
    links: Annotated[
        Path, typer.Option(parser=parse_path, metavar="FILE", help="Links to score, in the same formats.")
    ],
    gold_base: _GoldBase = None,
    links_base: _LinksBase = None,
    src: Annotated[
        Path | None,
        typer.Option(
            parser=parse_path, metavar="FILE", help="Source sentences, to check links against.", show_default=False
        ),
    ] = None,
    tgt: Annotated[
        Path | None,
        typer.Option(
            parser=parse_path, metavar="FILE", help="Target sentences, to check links against.", show_default=False
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Score word alignments against gold links.

    Prints precision, recall and alignment error rate (Och & Ney 2003).
    """
    from regard.alignment.error_rate import alignment_error_rate
    from regard.text.links import check_not_empty, read_links
    from regard.text.words import word_counts

    if (src is None) != (tgt is None):
        raise ConfigError("expected --src and --tgt together, got only one: give both, or neither")
    lengths: list[tuple[int, int]] = []
    if src is not None and tgt is not None:
        lengths = word_counts(*read_parallel(src, tgt))
    gold_links = read_links(gold, base=gold_base, lengths=lengths)
    check_not_empty(gold_links, gold)
    predicted = read_links(links, base=links_base, lengths=lengths, num_pairs=len(gold_links))
    if len(gold_links) < len(predicted):  # a NAACL file has no lines for final pairs without links
        gold_links = read_links(gold, base=gold_base, lengths=lengths, num_pairs=len(predicted))
    scores = alignment_error_rate(
        [pair.possible for pair in predicted],
        [pair.sure for pair in gold_links],
        [pair.possible for pair in gold_links],
    )
    if as_json:
        counts = {"guessed": scores.num_predicted, "sure": scores.num_sure, "sentences": len(gold_links)}
        print(json.dumps({**scores.to_dict(), **counts}))
        return
    print(f"AER       {scores.aer:.4f}")
    print(f"precision {scores.precision:.4f}  {scores.num_in_possible} of {scores.num_predicted} links are possible")
    print(f"recall    {scores.recall:.4f}  {scores.num_in_sure} of {scores.num_sure} sure links were found")
