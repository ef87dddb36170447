"""`regard evaluate`: translates a test set and scores the translations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli.engine_options import DEFAULT_ENGINE, EngineOptions, load_translator
from regard.cli.input_options import DEFAULT_INPUT, InputOptions
from regard.cli.loading import loading
from regard.cli.messages import say, say_json
from regard.cli.options import Json, Models, examples, parse_path, with_groups
from regard.cli.parallel import DEFAULT_READING, PairsSrc, Reading, read_parallel
from regard.cli.progress import with_progress
from regard.cli.search_options import DEFAULT_SEARCH, NO_SAMPLING, SamplingOptions, SearchOptions
from regard.cli.term_options import NO_USED_TERMS, UsedTermOptions, counting, read_terms, report_terms, start_counting

if TYPE_CHECKING:
    from regard.evaluate.scores import Scores
    from regard.translation.options import Changes

EXAMPLES = examples(
    "regard evaluate model --src test.en --ref test.fr", "regard evaluate model --src test.tsv --langs en-fr --json"
)


@with_groups
def evaluate(
    models: Models,
    src: PairsSrc,
    ref: Annotated[
        Path | None,
        typer.Option(
            "--ref",
            parser=parse_path,
            metavar="FILE",
            help="Reference translations, one per line; not needed if --src has sentence pairs.",
            show_default=False,
        ),
    ] = None,
    reading: Reading = DEFAULT_READING,
    search: SearchOptions = DEFAULT_SEARCH,
    sampling: SamplingOptions = NO_SAMPLING,
    terms: UsedTermOptions = NO_USED_TERMS,
    input_options: InputOptions = DEFAULT_INPUT,
    engine: EngineOptions = DEFAULT_ENGINE,
    tokenize: Annotated[
        str,
        typer.Option(metavar="NAME", help="sacreBLEU tokenizer for BLEU: 13a, zh, ja-mecab, ko-mecab, char, ..."),
    ] = "auto",
    as_json: Json = False,
) -> None:
    """Translate a test set and score it with BLEU, chrF and TER.

    Scores come from sacreBLEU, each with its signature.
    """
    sources, references = read_parallel(src, ref, reading=reading, model=models[0], option="--ref")

    with loading():
        from regard.evaluate.scores import corpus_scores
        from regard.evaluate.tokenizers import bleu_metric, choose_tokenizer

    tokenizer = choose_tokenizer(references, tokenize)
    bleu_metric(tokenizer)  # if a package is missing, fails now, not after translating
    translator = load_translator(models, engine)
    signature = translator.signature
    if engine.shortlist is not None:
        from regard.files.atomic import sha256

        signature += f"|shortlist:{sha256(engine.shortlist)[:8]}"
    glossary = read_terms(terms, models, input_options.direction(models, reading.langs))
    signature += "" if glossary is None else f"|terms:{glossary.signature[:8]}"
    signature += "|terms-in-source" if terms.terms_in_source else ""
    statistics = start_counting(glossary)
    fields: Changes = {**search.to_fields(), **sampling.to_fields(), **input_options.to_fields(), **terms.to_fields()}
    fields["glossary"] = glossary
    translations = translator.translate_lines(sources, **fields)
    counted = counting(with_progress(translations, total=len(sources)), statistics)
    scores = corpus_scores([translation.text for translation, _ in counted], references, tokenize=tokenizer)
    if as_json:
        counts = {} if statistics is None else {"terms": statistics.to_dict()}
        say_json({**scores.to_dict(), "model": signature, **counts})
        return
    report_terms(statistics)
    _print_scores(scores)
    say(f"model {signature}")


def _print_scores(scores: Scores) -> None:
    for metric, value, metric_signature in (
        ("BLEU", scores.bleu, scores.bleu_signature),
        ("chrF", scores.chrf, scores.chrf_signature),
        ("TER", scores.ter, scores.ter_signature),
    ):
        print(f"{metric:5} {value:6.2f}  {metric_signature}")
