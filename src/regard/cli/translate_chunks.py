"""`regard translate` with many workers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from regard.cli.chunks import ChunkOptions, check_chunks, run_chunks
from regard.cli.term_options import report_terms
from regard.files.compression import open_input
from regard.text.lossy import decode_lossy
from regard.text.readers import raw_lines

if TYPE_CHECKING:
    from regard.cli.engine_options import EngineOptions
    from regard.translation.glossary_files import GlossaryFiles
    from regard.translation.options import Changes


def translate_chunks(
    models: Sequence[Path],
    files: tuple[Path | None, Path | None],
    fields: Changes,
    options: ChunkOptions,
    *,
    as_json: bool,
    engine: EngineOptions,
    terms: GlossaryFiles | None = None,
) -> int:
    """Translates a file with many workers.

    Args:
        models: Directories of the models.
        files: Input and output file; None = a standard stream, which is refused.
        fields: Values for fields of `TranslateOptions`, by name.
        options: The options `--workers`, `--shard` and `--cluster`.
        as_json: Whether output lines are JSON objects.
        engine: Device, number type and shortlist of the models, and the number of threads of each worker.
        terms: Files of a glossary; None = no glossary.

    Returns:
        Exit status: 0, or 130 if the job was interrupted (Ctrl-C).
    """
    source, output = files
    workers = check_chunks(options, {"--input": source}, output, engine.threads)
    assert source is not None
    assert output is not None

    from regard.recipes.chunks.translating import translation_work

    work = translation_work(
        models, source, fields, as_json=as_json, device=engine.device, precision=engine.precision,
        shortlist=engine.shortlist, terms=terms,
    )  # fmt: skip

    def finish() -> None:
        if terms is not None:
            _report_terms(terms, source, output, as_json=as_json)

    return run_chunks(source, output, work, workers, finish=finish)


def _report_terms(terms: GlossaryFiles, source: Path, output: Path, *, as_json: bool) -> None:
    """Counts the terms of all lines, whichever process translated them."""
    from regard.text.normalize import normalize
    from regard.translation.term_use import count_terms

    with open_input(source) as input_file, open_input(output) as output_file:
        sentences = (normalize(decode_lossy(raw, "")[0]) for raw in raw_lines(input_file, str(source)))
        lines = (raw.decode().rstrip("\n") for raw in raw_lines(output_file, str(output)))
        texts = (json.loads(line)["text"] if as_json else line for line in lines)
        report_terms(count_terms(terms.read(), zip(sentences, texts, strict=True)))
