"""`regard score`: log-probabilities of given translations."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli.chunks import ONE_PROCESS, ChunkOptions, check_chunks, run_chunks
from regard.cli.engine_options import DEFAULT_ENGINE, EngineOptions, load_translator
from regard.cli.lines import open_output
from regard.cli.messages import warn
from regard.cli.options import Models, Output, examples, with_groups
from regard.cli.parallel import DEFAULT_READING, PairFiles, Reading, parallel_pairs, read_parallel
from regard.cli.term_options import NO_TERMS, TermOptions, counting, find_terms, report_terms, start_counting
from regard.errors import ConfigError
from regard.files.paths import STDOUT, refuse_overwriting_input

if TYPE_CHECKING:
    from regard.translation.glossary_files import GlossaryFiles

EXAMPLES = examples(
    "regard score model --src test.en --tgt test.fr > test.scores",
    "regard score model --src test.en --tgt test.fr --json",
    "regard score model --src test.en --tgt test.fr --output test.scores --workers 2",
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
    chunked: ChunkOptions = ONE_PROCESS,
) -> int:
    """Print the log-probability of each translation under a model or an ensemble.

    One number per sentence pair, in nats; nan for pairs with one empty side, and for pairs too long for the model. With
    --terms, standard error shows how often the translations use the terms of the glossary as required.
    """
    if engine.shortlist is not None:
        raise ConfigError(
            "--shortlist cannot be used to score given translations, which need the whole vocabulary: remove it"
        )
    refuse_overwriting_input(STDOUT if output is None else output, [files.src, files.tgt, *models])
    glossary = find_terms(terms, models, reading.langs)
    if chunked.is_given:
        workers = check_chunks(chunked, files.inputs(), output, engine.threads)
        assert output is not None
        from regard.recipes.chunks.scoring import score_work

        work = score_work(
            models, normalize=normalize, as_json=as_json, device=engine.device, precision=engine.precision,
            terms=glossary, reading=reading.description(),
        )  # fmt: skip
        finish = partial(_report_terms, glossary, files, reading, models[0])
        return run_chunks(files.text(reading, models[0]), output, work, workers, finish=finish)
    sources, targets = read_parallel(files.src, files.tgt, reading=reading, model=models[0])
    translator = load_translator(models, engine)
    from regard.translation.pair_lines import score_all, score_line

    statistics = start_counting(None if glossary is None else glossary.read())
    with open_output(output) as file:
        scored = counting(score_all(translator, sources, targets), statistics)
        for number, (translation, uses) in enumerate(scored, start=1):
            line, warnings = score_line(translation, number, normalize=normalize, as_json=as_json, uses=uses)
            for warning in warnings:
                warn(warning)
            file.write(line)
    report_terms(statistics)
    return 0


def _report_terms(terms: GlossaryFiles | None, files: PairFiles, reading: Reading, model: Path) -> None:
    """Counts the terms of all pairs; what is left out was reported before."""
    if terms is None:
        return
    from regard.text.normalize import normalize
    from regard.translation.term_use import count_terms

    pairs = parallel_pairs(files.src, files.tgt, reading=reading, model=model, report=lambda _warning: None)
    report_terms(count_terms(terms.read(), ((normalize(src), normalize(tgt)) for src, tgt in pairs)))
