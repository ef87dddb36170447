"""`regard rerank`: sorts n-best lists by several models."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regard.cli.engine_options import DEFAULT_ENGINE, EngineOptions, load_translator
from regard.cli.lines import InputLines, open_output
from regard.cli.messages import warn
from regard.cli.options import Output, examples, parse_model, parse_path, with_groups
from regard.cli.term_options import NO_TERMS, TermOptions, read_terms, report_terms
from regard.errors import ConfigError, DataError
from regard.files.paths import STDOUT, refuse_overwriting_input

if TYPE_CHECKING:
    from regard.translation.glossary import Glossary
    from regard.translation.reranking import Candidate

EXAMPLES = examples(
    "regard translate model --json --beam 3 --n-best 3 < test.en > lists.jsonl; "
    "regard rerank lists.jsonl --src test.en --model model:1.0 --length 0.2 > test.out",
)
_SIZE = 256
"""Number of n-best lists that are scored at once."""

_NBest = Annotated[
    Path,
    typer.Argument(
        parser=parse_path,
        metavar="FILE",
        help="N-best lists from `regard translate --json --n-best K`.",
        show_default=False,
    ),
]
_Src = Annotated[
    Path,
    typer.Option(
        parser=parse_path, metavar="FILE", help="Source sentences of the lists, one per line.", show_default=False
    ),
]
_Model = Annotated[
    list[str] | None,
    typer.Option(
        metavar="MODEL[:W]",
        help="Model to score translations with, and its weight (1 if not given); may be repeated.",
        show_default=False,
    ),
]
_Reverse = Annotated[
    list[str] | None,
    typer.Option(
        metavar="MODEL[:W]",
        help="Model of the opposite direction, to score sources with (noisy channel), and its weight; may be repeated.",
        show_default=False,
    ),
]


@with_groups
def rerank(
    n_best: _NBest,
    src: _Src,
    model: _Model = None,
    reverse: _Reverse = None,
    length: Annotated[float, typer.Option(metavar="W", help="Weight of the number of subwords.")] = 0.0,
    score: Annotated[float, typer.Option(metavar="W", help="Weight of the scores in the lists.")] = 0.0,
    tune: Annotated[
        Path | None,
        typer.Option(
            parser=parse_path,
            metavar="REF",
            help="Find the weights that give the best chrF against these reference translations, and report them.",
            show_default=False,
        ),
    ] = None,
    output: Output = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per line: text, score, and n_best with all features.")
    ] = False,
    engine: EngineOptions = DEFAULT_ENGINE,
    terms: TermOptions = NO_TERMS,
) -> None:
    """Sort n-best lists by a weighted sum of log-probabilities of models, and print the best translations.

    With --terms, translations that use more terms of the glossary as required come first.
    """
    named = [(_parse(text), False) for text in model or []] + [(_parse(text), True) for text in reverse or []]
    if not named:
        raise ConfigError("expected a model to score with: add --model MODEL, --reverse MODEL, or both")
    paths = [path for (path, _), _ in named]
    refuse_overwriting_input(STDOUT if output is None else output, [n_best, src, tune, *paths])
    from regard.translation.reranking import LENGTH, SCORE, Scorer, add_features
    from regard.translation.reranking import rerank as sort_lists

    scorers, weights = [], {}
    for (path, weight), is_reverse in named:
        name = f"reverse:{path}" if is_reverse else str(path)
        scorers.append(Scorer(name, load_translator([path], engine), is_reverse))
        weights[name] = weight
    weights |= {LENGTH: length, SCORE: score}
    sources, lists = list(InputLines(src)), list(_read_lists(n_best))
    if len(sources) != len(lists):
        raise DataError(
            f"{n_best}: expected one list for each of the {len(sources)} lines of {src}, found {len(lists)}: name with "
            "--src the file that was translated"
        )
    found: list[list[Candidate]] = []
    for start in range(0, len(sources), _SIZE):
        part = slice(start, start + _SIZE)
        found += add_features(sources[part], lists[part], scorers, first=start + 1)
    if tune is not None:
        weights = _tuned(found, tune, weights)
    glossary = read_terms(terms, [path for (path, _), is_reverse in named if not is_reverse] or paths)
    ranked = _with_terms(sources, sort_lists(found, weights), glossary)
    with open_output(output) as file:
        for own in ranked:
            file.write(_json(own) if as_json else (own[0].text if own else ""))


def _with_terms(
    sources: Sequence[str], lists: Sequence[Sequence[Candidate]], glossary: Glossary | None
) -> Sequence[Sequence[Candidate]]:
    """Puts the translations that meet more terms first, and reports how often the first ones meet each term."""
    if glossary is None:
        return lists
    from regard.text.normalize import normalize
    from regard.translation.reranking import sort_by_terms
    from regard.translation.term_use import count_terms

    lists = [sort_by_terms(source, own, glossary) for source, own in zip(sources, lists, strict=True)]
    pairs = ((normalize(source), own[0].text) for source, own in zip(sources, lists, strict=True) if own)
    report_terms(count_terms(glossary, pairs))
    return lists


def _tuned(found: Sequence[Sequence[Candidate]], references: Path, weights: dict[str, float]) -> dict[str, float]:
    from regard.translation.reranking import tune_weights

    weights, chrf = tune_weights(found, list(InputLines(references)), weights)
    chosen = ", ".join(f"{name} {weight:g}" for name, weight in weights.items())
    warn(f"weights with a mean chrF of {chrf:.2f}: {chosen}")
    return weights


def _parse(text: str) -> tuple[Path, float]:
    """Path and weight, from text such as `model:0.5`."""
    path, colon, weight = text.rpartition(":")
    try:
        value = float(weight) if colon else 1.0
    except ValueError:
        return parse_model(text), 1.0  # the colon belongs to the path
    if not math.isfinite(value):
        raise ConfigError(
            "--model, --reverse: expected a finite number as the weight after the colon, such as model:0.5, "
            f"got {text!r}"
        )
    return parse_model(path if colon else text), value


def _read_lists(path: Path) -> Iterator[list[tuple[str, float]]]:
    from regard.files.json_text import parse_json

    remedy = "give the output of `regard translate --json --n-best K`"
    for number, line in enumerate(InputLines(path), start=1):
        fields = parse_json(line.encode(errors="replace"), where=f"{path}:{number}", remedy=remedy, error=DataError)
        entries = fields.get("n_best") or [fields] if isinstance(fields, dict) else None
        if not isinstance(entries, list) or not all(_is_entry(entry) for entry in entries):
            raise DataError(f"{path}:{number}: expected n_best, a list of {{text, score}}, in a JSON object: {remedy}")
        yield [(entry["text"], float(entry["score"])) for entry in entries if entry["text"]]


def _is_entry(entry: object) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("text"), str)
        and isinstance(entry.get("score"), (int, float))
        and not isinstance(entry["score"], bool)
    )


def _json(candidates: Sequence[Candidate]) -> str:
    entries = [
        {
            "text": candidate.text,
            "score": _finite(candidate.total),
            "features": {name: _finite(value) for name, value in candidate.features.items()},
        }
        for candidate in candidates
    ]
    best = entries[0] if entries else {"text": "", "score": 0.0}
    return json.dumps({"text": best["text"], "score": best["score"], "n_best": entries}, ensure_ascii=False)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
