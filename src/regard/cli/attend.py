"""`regard attend`: sentences, and what a model looked at while it wrote their translations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli.lines import InputLines, read_aligned, write_text
from regard.cli.loading import loading
from regard.cli.messages import warn
from regard.cli.options import Beam, Device, Model, Threads, With, examples, place, use_threads
from regard.errors import RegardError
from regard.files.paths import refuse_overwriting_input
from regard.files.printable import on_one_line
from regard.text.normalize import normalize

if TYPE_CHECKING:
    from regard.alignment.readout import Readout
    from regard.inspection.ranking import AttendedWord
    from regard.inspection.record import AttentionRecord
    from regard.translation.translator import Translation

EXAMPLES = examples(
    'regard attend model "How was your day?" --html attention.html',
    'regard attend model "How was your day?" --target "Comment s\'est passée ta journée ?" --png attention.png',
    "regard attend model --src test.en --tgt test.fr --html attention.html",
)

_Sentence = Annotated[str | None, typer.Argument(metavar="SENTENCE", help="What to translate.", show_default=False)]
_Target = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="A translation to read, rather than to find.", show_default=False),
]
_Src = Annotated[
    Path | None,
    typer.Option(
        "--src", parser=place, metavar="FILE", help="Sentences in place of one, a line each.", show_default=False
    ),
]
_Tgt = Annotated[
    Path | None,
    typer.Option(
        "--tgt",
        parser=place,
        metavar="FILE",
        help="Their translations, to read rather than to find.",
        show_default=False,
    ),
]
_Html = Annotated[
    Path | None, typer.Option(parser=place, metavar="FILE", help="Write a page to point at.", show_default=False)
]
_Beside = Annotated[
    list[Path] | None,
    typer.Option(
        parser=place,
        metavar="MODEL",
        help="A model to show beside it on the page; may be repeated.",
        show_default=False,
    ),
]
_Png = Annotated[
    Path | None,
    typer.Option(parser=place, metavar="FILE", help="Write a picture: .png, .svg or .pdf.", show_default=False),
]
_Layer = Annotated[int | None, typer.Option(metavar="N", min=0, help="One layer, from 0.", show_default="their mean")]
_Head = Annotated[int | None, typer.Option(metavar="N", min=0, help="One head, from 0.", show_default="their mean")]


def attend(
    model: Model,
    sentence: _Sentence = None,
    target: _Target = None,
    src: _Src = None,
    tgt: _Tgt = None,
    html: _Html = None,
    beside: _Beside = None,
    png: _Png = None,
    layer: _Layer = None,
    head: _Head = None,
    subwords: Annotated[bool, typer.Option("--subwords", help="Show subwords rather than words.")] = False,
    others: With = None,
    beam: Beam = None,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Show which words a translation was read from: the matrix, and for each word the most and least attended."""
    beside = beside or []
    _check_wishes(model, beside, page=html, picture=png, several=src is not None)
    for output in filter(None, (html, png)):
        refuse_overwriting_input(output, [src, tgt, model, *(others or []), *beside])
    sources, targets = _wanted(sentence, target, src, tgt)

    with loading():
        from regard.translation.loading import load

    use_threads(threads)
    read: dict[str, list[Translation]] = {}
    readouts: dict[str, Readout] = {}
    for models in ([model, *(others or [])], *([one] for one in beside)):
        translator = load(models, device=device)
        readouts[str(models[0])] = translator.readout
        read[str(models[0])] = (
            translator.translate(sources, beam=beam, attention=True)
            if targets is None
            else translator.score(sources, targets)
        )
    records = _records(read)
    if png is not None:
        from regard.inspection.plot import save

        missing = save(records[str(model)][0], png, layer=layer, head=head, level="subword" if subwords else "word")
        if missing:
            warn(
                f"{png}: no installed font has {missing[:40]}, drawn as \ufffd: install one that has, such as "
                "Noto Sans CJK for Chinese, Japanese and Korean, or show the page with --html"
            )
    if html is not None:
        from regard.inspection.html import compare

        page = records if beside else {"": records[str(model)]}
        write_text(html, compare(page, title=sentence or Path(src or "").name))
    if src is None or html is None:
        _print_all(read[str(model)], readouts[str(model)], layer, head, subwords=subwords)


def _check_wishes(model: Path, beside: list[Path], *, page: Path | None, picture: Path | None, several: bool) -> None:
    if beside and page is None:
        raise RegardError("--beside shows models side by side on a page: name it with --html FILE")
    names = [model, *beside]
    if len(set(names)) < len(names):
        raise RegardError(f"{', '.join(map(str, names))}: expected different models beside each other")
    if picture is not None and several:
        raise RegardError("--png draws one sentence: give SENTENCE in place of --src FILE, or --html for all of them")


def _wanted(
    sentence: str | None, target: str | None, src: Path | None, tgt: Path | None
) -> tuple[list[str], list[str] | None]:
    """The sentences to read, and their translations where they are given."""
    if (sentence is None) == (src is None) or (target and src) or (tgt and not src):
        raise RegardError(
            "expected either SENTENCE, with --target TEXT if you like, or --src FILE, with --tgt FILE if you like"
        )
    if src is None:
        if target is not None and not normalize(target):
            raise RegardError("--target: the given translation is empty: expected some words")
        return [sentence or ""], None if target is None else [target]
    return (list(InputLines(src)), None) if tgt is None else read_aligned(src, tgt)


def _records(read: dict[str, list[Translation]]) -> dict[str, list[AttentionRecord]]:
    """The attention of the sentences that every model attended to; the others are named on standard error."""
    for name, translations in read.items():
        if not any(one.source.strip() for one in translations):
            raise RegardError('the sentence is empty: expected some words to translate, such as "How was your day?"')
        if all(one.attention is None for one in translations):
            told = "".join(f"; {warning}" for one in translations[:1] for warning in one.warnings)
            raise RegardError(
                f"{name}: there is no attention to show: train one with attention, not `plain`, or give a shorter "
                f"sentence{told}"
            )
    kept: dict[str, list[AttentionRecord]] = {name: [] for name in read}
    for number, row in enumerate(zip(*read.values(), strict=True), start=1):
        records = [one.attention for one in row]
        for name, record in zip(read, records, strict=True):
            if record is not None and None not in records:
                kept[name].append(record)
        if None in records:
            warn(f"sentence {number} is left out: it is empty or too long")
    return kept


def _print_all(
    translations: list[Translation], own: Readout, layer: int | None, head: int | None, *, subwords: bool
) -> None:
    # Where word links guided a head, that one says what belongs together, whatever is drawn.
    readout = own.named(layer, head)
    for translation in translations:
        if translation.attention is not None:
            _print(translation, translation.attention, readout, layer, head, subwords=subwords)


def _print(
    translation: Translation,
    record: AttentionRecord,
    readout: Readout,
    layer: int | None,
    head: int | None,
    *,
    subwords: bool,
) -> None:
    from rich.console import Console

    from regard.alignment.word_alignment import pharaoh
    from regard.inspection.ranking import most_and_least
    from regard.inspection.terminal import render

    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    console.print(on_one_line(translation.source))
    console.print(on_one_line(translation.text), end="\n\n")
    drawn = render(record, width=console.width, layer=layer, head=head, level="subword" if subwords else "word")
    console.print(drawn, end="\n\n")
    for ranking in most_and_least(record, layer=layer, head=head):
        told = f"{ranking.word}: most {_listed(ranking.most)}; least {_listed(ranking.least)}"
        console.print(on_one_line(told))
    console.print(f"\nalignment {pharaoh(readout.links(record))}")


def _listed(words: tuple[AttendedWord, ...]) -> str:
    return ", ".join(f"{one.word} {one.weight:.2f}" for one in words) or "none"
