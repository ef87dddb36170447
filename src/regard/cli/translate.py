"""`regard translate`: translates lines of files or streams, and documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli.chunks import ONE_PROCESS, ChunkOptions
from regard.cli.documents import NO_OPTIONS, DocumentOptions, document_type, translate_file
from regard.cli.engine_options import DEFAULT_ENGINE, EngineOptions, load_translator
from regard.cli.input_options import DEFAULT_INPUT, InputOptions
from regard.cli.lines import InputLines, open_output
from regard.cli.loading import loading
from regard.cli.messages import warn
from regard.cli.options import Models, Output, examples, parse_path, with_groups
from regard.cli.progress import with_progress
from regard.cli.search_options import (
    DEFAULT_SEARCH,
    NO_PREFIX,
    NO_SAMPLING,
    PrefixOptions,
    SamplingOptions,
    SearchOptions,
)
from regard.cli.term_options import (
    NO_USED_TERMS,
    UsedTermOptions,
    counting,
    find_terms,
    report_terms,
    start_counting,
)
from regard.cli.translate_chunks import translate_chunks
from regard.errors import SearchError
from regard.files.paths import STDIN, STDOUT, refuse_overwriting_input

if TYPE_CHECKING:
    from regard.translation.glossary import Glossary
    from regard.translation.options import Changes, TranslateOptions
    from regard.translation.result import Translation
    from regard.translation.translator import Translator

EXAMPLES = examples(
    'echo "How was your day?" | regard translate model',
    "regard translate model --input test.en --output test.out",
    "regard translate model --json --attention --n-best 3 < test.en > answers.jsonl",
    'echo "**Hello** world." | regard translate model --format md',
    "regard translate model --input test.en --output test.out --workers 2",
    "regard translate model --terms terms.tsv --input test.en --output test.out",
)

_Input = Annotated[
    Path | None,
    typer.Option(
        "--input",
        parser=parse_path,
        metavar="FILE",
        help="Input file: one sentence per line, or a document such as .po, .xlf, .docx or .md; - = standard input.",
        show_default="standard input",
    ),
]


@dataclass(frozen=True)
class JsonOptions:
    """Options that add fields to the JSON object of each translation."""

    n_best: Annotated[int, typer.Option(metavar="K", help="Number of translations per line; needs --json.")] = 1
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per line: text, score, tokens, alignment, n_best, ...")
    ] = False
    attention: Annotated[bool, typer.Option("--attention", help="Include the attention matrices; needs --json.")] = (
        False
    )

    def to_fields(self) -> Changes:
        """Converts the options to arguments of `TranslateOptions`, as a dictionary by field name."""
        return {
            "n_best": self.n_best, "attention": self.attention, "alignment": self.as_json, "scores": self.as_json
        }  # fmt: skip


NO_JSON = JsonOptions()
"""One line of text per translation."""


@with_groups
def translate(
    models: Models,
    source: _Input = None,
    output: Output = None,
    search: SearchOptions = DEFAULT_SEARCH,
    sampling: SamplingOptions = NO_SAMPLING,
    beginning: PrefixOptions = NO_PREFIX,
    json_options: JsonOptions = NO_JSON,
    terms: UsedTermOptions = NO_USED_TERMS,
    reading: InputOptions = DEFAULT_INPUT,
    document: DocumentOptions = NO_OPTIONS,
    engine: EngineOptions = DEFAULT_ENGINE,
    chunked: ChunkOptions = ONE_PROCESS,
) -> int:
    """Translate text line by line, or a document.

    Of lines, writes one output line per input line; empty lines stay empty. A document keeps its format.
    """
    source = None if source == Path("-") else source
    extension = document_type(source, document)
    _check_json(json_options, sampling, beginning, extension)
    _check_workers(chunked, beginning, extension)
    refuse_overwriting_input(
        STDOUT if output is None else output,
        [STDIN if source is None else source, *models, engine.shortlist, *(terms.terms or [])],
    )

    fields: Changes = {
        **search.to_fields(), **json_options.to_fields(), **sampling.to_fields(), **reading.to_fields(),
        **terms.to_fields(),
    }  # fmt: skip
    document = replace(document, langs=reading.direction(models, document.langs))
    files = find_terms(terms, models, document.langs)
    if chunked.is_given:
        return translate_chunks(
            models, (source, output), fields, chunked, as_json=json_options.as_json, engine=engine, terms=files
        )

    glossary = None if files is None else files.read()
    translator = load_translator(models, engine)
    with loading():
        from regard.translation.options import TranslateOptions

    options = replace(TranslateOptions(**fields), glossary=glossary)
    if extension is not None:
        translate_file(translator, models, (source, output), (options, document))
        return 0
    translate = partial(_translations, translator, options, beginning)
    _translate_lines(translate, source, output, as_json=json_options.as_json, glossary=glossary)
    return 0


def _translations(
    translator: Translator, options: TranslateOptions, beginning: PrefixOptions, lines: InputLines
) -> Iterator[Translation]:
    from regard.translation.result import Translation

    if beginning.alternatives is not None:
        count, prefix = beginning.alternatives, beginning.prefix or ""
        for number, line in enumerate(lines, start=1):
            found = tuple(translator.alternatives(line, prefix, count, options, number=number))
            yield replace(found[0], n_best=found) if found else Translation(line, "", 0.0)
        return
    # A person or a program that sends one line waits for its translation before the next.
    yield from translator.translate_lines(lines, options, prefix=beginning.prefix or "", more=lines.more)


def _translate_lines(
    translate: Callable[[InputLines], Iterator[Translation]],
    source: Path | None,
    output: Path | None,
    *,
    as_json: bool,
    glossary: Glossary | None,
) -> None:
    general: set[str] = set()
    with open_output(output, reading=source) as file:
        lines = InputLines(source)
        translations = translate(lines)
        statistics = start_counting(glossary)
        shown = with_progress(translations, fraction=lines.fraction_read)
        for translation, uses in counting(shown, statistics):
            file.write(translation.to_json_line(uses) if as_json else translation.text)
            for warning in translation.warnings:
                if warning not in general:  # one about all sentences is shown once
                    warn(warning)
            general.update(warning for warning in translation.warnings if not warning.startswith("sentence "))
    report_terms(statistics)


def _check_workers(chunked: ChunkOptions, beginning: PrefixOptions, extension: str | None) -> None:
    if beginning != NO_PREFIX and (chunked.is_given or extension is not None):
        raise SearchError(
            "--prefix and --alternatives work only for lines of text (not documents) in one process: leave both out, "
            "or leave out --workers, --shard and --cluster and give lines of text"
        )
    if chunked.is_given and extension is not None:
        raise SearchError(
            f"workers translate text line by line, but the input is a document of type {extension}: leave out "
            "--workers, --shard and --cluster, or add --format lines"
        )


def _check_json(
    options: JsonOptions, sampling: SamplingOptions, beginning: PrefixOptions, extension: str | None
) -> None:
    if extension is not None and options.as_json:
        raise SearchError(
            f"--json cannot be used with a document of type {extension}: remove it, or add --format lines"
        )
    given = (
        (options.n_best > 1, f"--n-best {options.n_best}"),
        (options.attention, "--attention"),
        (sampling.num_samples > 1, f"--sample {sampling.num_samples}"),
        (beginning.alternatives is not None, f"--alternatives {beginning.alternatives}"),
    )
    for is_given, option in given:
        if is_given and not options.as_json:
            raise SearchError(f"the results of {option} do not fit on one line of text per line of input: add --json")
