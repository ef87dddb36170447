"""`regard aer`: how far word alignments are from gold ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from regard.cli.lines import read_aligned
from regard.cli.options import Base, Json, examples, place
from regard.errors import ConfigError

EXAMPLES = examples(
    "regard aer --gold test.align --links test.align",
    "regard aer --gold test.align --links test.align --gold-base 0 --links-base 0 --json",
)


def aer(
    gold: Annotated[
        Path,
        typer.Option(
            parser=place, metavar="FILE", help="What is right: 1-2 is sure, 1p2 or 1?2 possible; or NAACL lines."
        ),
    ],
    links: Annotated[Path, typer.Option(parser=place, metavar="FILE", help="What was guessed, in the same forms.")],
    gold_base: Base = None,
    links_base: Base = None,
    src: Annotated[
        Path | None,
        typer.Option(parser=place, metavar="FILE", help="Source sentences, to check links by.", show_default=False),
    ] = None,
    tgt: Annotated[
        Path | None,
        typer.Option(parser=place, metavar="FILE", help="Target sentences, to check links by.", show_default=False),
    ] = None,
    as_json: Json = False,
) -> None:
    """Score word alignments: precision, recall and alignment error rate (Och & Ney 2003). Words count from 0 or 1."""
    from regard.alignment.error_rate import alignment_error_rate
    from regard.text.links import check_not_empty, read_links
    from regard.text.words import word_counts

    if (src is None) != (tgt is None):
        raise ConfigError("links are checked against both sides: give --src and --tgt, or neither")
    lengths: list[tuple[int, int]] = []
    if src is not None and tgt is not None:
        lengths = word_counts(*read_aligned(src, tgt))
    right = read_links(gold, base=gold_base, lengths=lengths)
    check_not_empty(right, gold)
    guessed = read_links(links, base=links_base, lengths=lengths, num_pairs=len(right))
    if len(right) < len(guessed):  # a NAACL file does not tell of last pairs without links
        right = read_links(gold, base=gold_base, lengths=lengths, num_pairs=len(guessed))
    scores = alignment_error_rate(
        [one.possible for one in guessed], [one.sure for one in right], [one.possible for one in right]
    )
    if as_json:
        counts = {"guessed": scores.num_predicted, "sure": scores.num_sure, "sentences": len(right)}
        print(json.dumps({**scores.to_dict(), **counts}))
        return
    print(f"AER       {scores.aer:.4f}")
    print(f"precision {scores.precision:.4f}  {scores.num_in_possible} of {scores.num_predicted} links are possible")
    print(f"recall    {scores.recall:.4f}  {scores.num_in_sure} of {scores.num_sure} sure links were found")
