"""`regard data prepare`: reads the text of a training once, and stores it on disk as subword ids."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from regard.cli.corpus_options import Workers
from regard.cli.messages import say, warn
from regard.cli.options import Set, examples, parse_path, warn_replaced, with_groups
from regard.cli.parallel import DEFAULT_READING, Reading
from regard.cli.training_options import NO_TEXTS, ConfigFile, Preset, Texts

EXAMPLES = examples(
    "regard data prepare --src train.en --tgt train.fr --out my-text",
    "regard data prepare --corpus web.tsv --corpus news.en,news.fr:2 --out my-text --workers 8",
    "regard train --preset transformer-tiny --src train.en --tgt train.fr --set data.prepared=my-text --out my-model",
)


@with_groups
def data_prepare(
    out: Annotated[
        Path,
        typer.Option(parser=parse_path, metavar="DIR", help="Directory of the prepared text.", show_default=False),
    ],
    config: ConfigFile = None,
    preset: Preset = None,
    texts: Texts = NO_TEXTS,
    reading: Reading = DEFAULT_READING,
    overrides: Set = None,
    vocabulary: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="SentencePiece model of both languages, or SRC,TGT, instead of learning one.",
            show_default=False,
        ),
    ] = None,
    workers: Workers = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only check the hashes of all files of text prepared before.")
    ] = False,
) -> int:
    """Read the text of a training once, and store it as subword ids.

    It takes the options of regard train about text. An interrupted run continues where it was when it is repeated.
    """
    from regard.cli.progress import progress_of_stages
    from regard.config.load import load_config
    from regard.recipes.prepared_summary import check_prepared, given_vocabularies, prepared_summary
    from regard.recipes.prepared_text import prepare_text

    sets = warn_replaced([*texts.settings(), *reading.settings(), *(overrides or [])])
    subwords = None if vocabulary is None else given_vocabularies(vocabulary)
    if subwords is not None:
        sets.append(f"subword.shared={'true' if subwords[0] is subwords[1] else 'false'}")
    settings = load_config(config, preset=preset, overrides=sets)
    if check:
        check_prepared(settings, out, subwords)
        say(f"{out}: all files match their hashes")
        return 0
    with progress_of_stages(str(out)) as progress:
        prepared = prepare_text(settings, out, subwords=subwords, num_workers=workers, progress=progress, report=warn)
    say("\n".join(prepared_summary(prepared)))
    return 0
