"""`regard score`: log-probabilities of given translations."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli.engine_options import DEFAULT_ENGINE, EngineOptions, load_translator
from regard.cli.lines import open_output
from regard.cli.messages import warn
from regard.cli.options import Models, Output, examples, with_groups
from regard.cli.parallel import DEFAULT_READING, PairFiles, Reading, read_parallel
from regard.cli.term_options import NO_TERMS, TermOptions, counting, read_terms, report_terms, start_counting
from regard.errors import ConfigError
from regard.files.paths import STDOUT, refuse_overwriting_input

if TYPE_CHECKING:
    from regard.translation.result import Translation

EXAMPLES = examples(
    "regard score model --src test.en --tgt test.fr > test.scores",
    "regard score model --src test.en --tgt test.fr --json",
)


@with_groups
def score(
    models: Models,
    files: PairFiles,
    reading: Reading = DEFAULT_READING,
    output: Output = None,
    normalize: Annotated[
        bool,
        typer.Option(
            "--normalize", help="Divide each score by the number of subwords, the end of the sentence included."
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per line: text, score, tokens, token_scores.")
    ] = False,
    engine: EngineOptions = DEFAULT_ENGINE,
    terms: TermOptions = NO_TERMS,
) -> None:
    """Print the log-probability of each translation under a model or an ensemble.

    One number per sentence pair, in nats; nan for pairs with one empty side, and for pairs too long for the model. With
    --terms, how often the translations meet the terms of the glossary is printed on standard error.
    """
    if engine.shortlist is not None:
        raise ConfigError(
            "--shortlist does not fit here, since given translations need the whole vocabulary: remove it"
        )
    refuse_overwriting_input(STDOUT if output is None else output, [files.src, files.tgt, *models])
    sources, targets = read_parallel(files.src, files.tgt, reading=reading, model=models[0])
    translator = load_translator(models, engine)
    from regard.translation.chunks import chunks

    statistics = start_counting(read_terms(terms, models, reading.langs))
    with open_output(output) as file:
        for part in chunks(sources, targets):
            scored = translator.score(sources[part], targets[part], first=part.start + 1, attention=False)
            for number, (translation, uses) in enumerate(counting(scored, statistics), start=part.start + 1):
                for warning in translation.warnings:
                    warn(warning)
                value = _value(translation, number, normalize=normalize)
                file.write(_json(translation, value, uses) if as_json else f"{value:.6f}")
    report_terms(statistics)


def _value(translation: Translation, number: int, *, normalize: bool) -> float:
    if translation.tokens:
        return translation.score / (len(translation.tokens) + 1 if normalize else 1)
    if not translation.source and not translation.text:
        return 0.0
    if not translation.warnings:
        warn(f"sentence {number}: not scored: one side is empty")
    return math.nan


def _json(translation: Translation, value: float, uses: list[dict[str, object]] | None) -> str:
    fields: dict[str, object] = {
        "text": translation.text,
        "score": None if math.isnan(value) else value,
        "tokens": list(translation.tokens),
        "token_scores": list(translation.token_scores),
    }
    if uses is not None:
        fields["terms"] = uses
    return json.dumps(fields, ensure_ascii=False)
