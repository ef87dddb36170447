"""`regard attend`: one sentence, and what the model looked at while it wrote the translation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli.lines import write_text
from regard.cli.options import Beam, Device, Model, Threads, With, examples, use_threads
from regard.errors import RegardError

if TYPE_CHECKING:
    from regard.inspection.ranking import Attended
    from regard.inspection.record import AttentionRecord
    from regard.translate import Translation

EXAMPLES = examples(
    'regard attend model "How was your day?" --html attention.html',
    'regard attend model "How was your day?" --target "Comment s\'est passée ta journée ?" --png attention.png',
)


def attend(
    model: Model,
    sentence: Annotated[str, typer.Argument(metavar="SENTENCE", help="What to translate.", show_default=False)],
    target: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="A translation to read, rather than to find.", show_default=False),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page to point at.", show_default=False)
    ] = None,
    png: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a picture: .png, .svg or .pdf.", show_default=False)
    ] = None,
    layer: Annotated[
        int | None, typer.Option(metavar="N", help="One layer, from 0.", show_default="their mean")
    ] = None,
    head: Annotated[int | None, typer.Option(metavar="N", help="One head, from 0.", show_default="their mean")] = None,
    subwords: Annotated[bool, typer.Option("--subwords", help="Show subwords rather than words.")] = False,
    others: With = None,
    beam: Beam = None,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Show which words a translation was read from: the matrix, and for each word the most and least attended."""
    from regard.translate import load

    use_threads(threads)
    translator = load([model, *(others or [])], device=device)
    if target is None:
        [translation] = translator.translate([sentence], beam=beam, attention=True)
    else:
        [translation] = translator.score([sentence], [target])
    record = _attention(translation, model)
    if png is not None:
        from regard.inspection.plot import save

        save(record, png, layer=layer, head=head, level="subword" if subwords else "word")
    if html is not None:
        from regard.inspection.html import render

        write_text(html, render(record, title=sentence))
    _print(translation, record, layer, head, subwords=subwords)


def _attention(translation: Translation, model: Path) -> AttentionRecord:
    if not translation.source.strip():
        raise RegardError('the sentence is empty: expected some words to translate, such as "How was your day?"')
    if translation.attention is None:
        told = "".join(f"; {warning}" for warning in translation.warnings)
        raise RegardError(
            f"{model}: there is no attention to show: train one with attention, not `plain`, or give a shorter sentence"
            f"{told}"
        )
    return translation.attention


def _print(
    translation: Translation, record: AttentionRecord, layer: int | None, head: int | None, *, subwords: bool
) -> None:
    from rich.console import Console

    from regard.inspection.alignment import pharaoh, word_alignment
    from regard.inspection.ranking import most_and_least
    from regard.inspection.terminal import render

    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(translation.source)
    console.print(translation.text, end="\n\n")
    drawn = render(record, width=console.width, layer=layer, head=head, level="subword" if subwords else "word")
    console.print(drawn, end="\n\n")
    for ranking in most_and_least(record, layer=layer, head=head):
        console.print(f"{ranking.word}: most {_listed(ranking.most)}; least {_listed(ranking.least)}")
    console.print(f"\nalignment {pharaoh(word_alignment(record, layer=layer, head=head))}")


def _listed(words: tuple[Attended, ...]) -> str:
    return ", ".join(f"{one.word} {one.weight:.2f}" for one in words) or "none"
