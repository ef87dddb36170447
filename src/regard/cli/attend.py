"""`regard attend`: shows the attention between sentences and their translations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli.lines import InputLines, write_text
from regard.cli.loading import loading
from regard.cli.messages import warn
from regard.cli.options import (
    Device,
    Model,
    Readout,
    Threads,
    examples,
    parse_model,
    parse_path,
    use_threads,
    with_groups,
)
from regard.cli.parallel import read_parallel
from regard.cli.term_options import NO_USED_TERMS, UsedTermOptions, read_terms, report_terms_of
from regard.errors import RegardError
from regard.files.paths import refuse_overwriting_input
from regard.files.printable import on_one_line
from regard.text.normalize import normalize

if TYPE_CHECKING:
    from regard.alignment.readout import Readout as AlignmentReadout
    from regard.inspection.ranking import AttendedWord
    from regard.inspection.record import AttentionRecord, Level
    from regard.translation.aligner import ReadoutOptions
    from regard.translation.result import Translation

EXAMPLES = examples(
    'regard attend model "How was your day?" --html attention.html',
    'regard attend model "How was your day?" --target "Comment s\'est passée ta journée ?" --png attention.png',
    "regard attend model --src test.en --tgt test.fr --html attention.html",
)

_Sentence = Annotated[str | None, typer.Argument(metavar="SENTENCE", help="Sentence to translate.", show_default=False)]
_Target = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="Translation to use instead of searching for one.", show_default=False),
]
_Src = Annotated[
    Path | None,
    typer.Option(
        "--src",
        parser=parse_path,
        metavar="FILE",
        help="Source sentences, one per line, instead of SENTENCE.",
        show_default=False,
    ),
]
_Tgt = Annotated[
    Path | None,
    typer.Option(
        "--tgt",
        parser=parse_path,
        metavar="FILE",
        help="Translations to use instead of searching for them, one per line.",
        show_default=False,
    ),
]
_Html = Annotated[
    Path | None,
    typer.Option(parser=parse_path, metavar="FILE", help="Write an interactive HTML page.", show_default=False),
]
_Beside = Annotated[
    list[Path] | None,
    typer.Option(
        parser=parse_model,
        metavar="MODEL",
        help="Another model to show on the page, side by side; may be repeated.",
        show_default=False,
    ),
]
_Png = Annotated[
    Path | None,
    typer.Option(
        parser=parse_path, metavar="FILE", help="Write a picture of the matrix: .png, .svg or .pdf.", show_default=False
    ),
]


@dataclass(frozen=True)
class AttendOutputs:
    """Options of `regard attend` about the page and the picture that it writes."""

    html: _Html = None
    beside: _Beside = None
    png: _Png = None


NO_OUTPUTS = AttendOutputs()
"""The attention is only printed."""


@with_groups
def attend(
    model: Model,
    sentence: _Sentence = None,
    target: _Target = None,
    src: _Src = None,
    tgt: _Tgt = None,
    outputs: AttendOutputs = NO_OUTPUTS,
    terms: UsedTermOptions = NO_USED_TERMS,
    readout: Readout = None,
    subwords: Annotated[bool, typer.Option("--subwords", help="Show subwords instead of words.")] = False,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Show which source words a translation attends to.

    Prints the attention matrix, and the most and least attended source words per target word.
    """
    html, png, beside = outputs.html, outputs.png, outputs.beside
    models = [model, *(beside or [])]
    _check_outputs(models, page=html, picture=png, several=src is not None)
    for output in filter(None, (html, png)):
        refuse_overwriting_input(output, [src, tgt, *models, *(terms.terms or [])])
    sources, targets = _inputs(sentence, target, src, tgt)

    with loading():
        from regard.translation.aligner import ReadoutOptions
        from regard.translation.loading import load

    use_threads(threads)
    options = ReadoutOptions.parse(readout or [])
    glossary = read_terms(terms, models)
    translations: dict[str, list[Translation]] = {}
    readouts: dict[str, AlignmentReadout] = {}
    for path in models:
        translator = load(path, device=device)
        readouts[str(path)] = options.applied_to(translator.readout)
        translations[str(path)] = (
            translator.translate(sources, attention=True, glossary=glossary, terms_in_source=terms.in_source)
            if targets is None
            else translator.score(sources, targets)
        )
    records = _records(translations)
    level: Level = "subword" if subwords else "word"
    if png is not None:
        _draw(png, records[str(model)][0], options, level)
    if html is not None:
        from regard.inspection.html import render_comparison

        page = records if beside else {"": records[str(model)]}
        write_text(html, render_comparison(page, title=sentence or Path(src or "").name))
    if src is None or html is None:
        for translation in translations[str(model)]:
            if translation.attention is not None:
                _print(translation, translation.attention, readouts[str(model)], options, level)
    report_terms_of(translations[str(model)], glossary)


def _draw(png: Path, record: AttentionRecord, options: ReadoutOptions, level: Level) -> None:
    from regard.inspection.plot import save

    missing = save(record, png, layer=options.layer, head=options.head, level=level)
    if missing:
        warn(
            f"{png}: no installed font has {missing[:40]}, drawn as \ufffd: install one that has them, such as "
            "Noto Sans CJK for Chinese, Japanese and Korean, or write a page with --html"
        )


def _check_outputs(models: list[Path], *, page: Path | None, picture: Path | None, several: bool) -> None:
    if len(models) > 1 and page is None:
        raise RegardError("--beside needs a page to show the models side by side on: add --html FILE")
    if len(set(models)) < len(models):
        raise RegardError(
            f"{', '.join(map(str, models))}: expected different models, got the same one twice: name it once"
        )
    if picture is not None and several:
        raise RegardError("--png draws one sentence: give SENTENCE in place of --src FILE, or draw all with --html")


def _inputs(
    sentence: str | None, target: str | None, src: Path | None, tgt: Path | None
) -> tuple[list[str], list[str] | None]:
    """The source sentences, and their translations if given."""
    if (sentence is None) == (src is None) or (target and src) or (tgt and not src):
        raise RegardError(
            "expected either SENTENCE, optionally with --target TEXT, or --src FILE, optionally with --tgt FILE"
        )
    if src is None:
        if target is not None and not normalize(target):
            raise RegardError("--target: expected a translation of at least one word, got an empty one")
        return [sentence or ""], None if target is None else [target]
    return (list(InputLines(src)), None) if tgt is None else read_parallel(src, tgt)


def _records(translations: dict[str, list[Translation]]) -> dict[str, list[AttentionRecord]]:
    """Attention of the sentences for which every model has one, reporting the others on standard error."""
    for name, of_model in translations.items():
        if not any(translation.source.strip() for translation in of_model):
            raise RegardError('the sentence is empty: expected some words to translate, such as "How was your day?"')
        if all(translation.attention is None for translation in of_model):
            reasons = "".join(f"; {warning}" for warning in of_model[0].warnings)
            raise RegardError(
                f"{name}: there is no attention to show: if the model has a `plain` decoder, train a model with "
                f"attention; if the sentence is too long for the model, give a shorter one{reasons}"
            )
    records: dict[str, list[AttentionRecord]] = {name: [] for name in translations}
    for number, row in enumerate(zip(*translations.values(), strict=True), start=1):
        row_records = [translation.attention for translation in row]
        for name, record in zip(translations, row_records, strict=True):
            if record is not None and None not in row_records:
                records[name].append(record)
        if None in row_records:
            warn(f"sentence {number} is left out: it is empty or too long")
    return records


def _print(
    translation: Translation,
    record: AttentionRecord,
    readout: AlignmentReadout,
    options: ReadoutOptions,
    level: Level,
) -> None:
    from rich.console import Console

    from regard.alignment.word_alignment import pharaoh
    from regard.inspection.ranking import most_and_least
    from regard.inspection.terminal import render

    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    console.print(on_one_line(translation.source))
    console.print(on_one_line(translation.text), end="\n\n")
    layer, head = options.layer, options.head
    console.print(render(record, width=console.width, layer=layer, head=head, level=level), end="\n\n")
    for ranking in most_and_least(record, layer=layer, head=head):
        line = f"{ranking.word}: most {_format_words(ranking.most)}; least {_format_words(ranking.least)}"
        console.print(on_one_line(line))
    console.print(f"\nalignment {pharaoh(readout.links(record))}")


def _format_words(words: tuple[AttendedWord, ...]) -> str:
    return ", ".join(f"{word.word} {word.weight:.2f}" for word in words) or "none"
