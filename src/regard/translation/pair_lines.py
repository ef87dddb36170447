"""Output lines of `regard align` and `regard score`, the same whether a text comes whole or in parts."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence

from regard.alignment.formats import FORMATS, LINE_PER_PAIR
from regard.text.normalize import normalize
from regard.translation.aligner import Aligner
from regard.translation.chunks import AT_ONCE, chunks
from regard.translation.result import Translation
from regard.translation.translator import Translator


def link_lines(
    aligner: Aligner, format_name: str, sources: Sequence[str], targets: Sequence[str], *, first: int = 1
) -> Iterator[str | None]:
    """Aligns the words of sentence pairs, and formats the links of each pair as text.

    Args:
        aligner: Model, or two models of opposite directions, that align the words.
        format_name: Name of the output format, a key of `regard.alignment.formats.FORMATS`.
        sources: Source sentences.
        targets: One translation per source sentence.
        first: Number of the first pair in the whole text, counted from 1; it must be 1 plus a multiple of `AT_ONCE`
            (512), the largest number of pairs that are aligned at once.

    Yields:
        Text for each pair; None if the format writes nothing for a pair without links.

    Raises:
        DataError: A model has no attention.
    """
    for start in range(0, len(sources), AT_ONCE):
        pairs = sources[start : start + AT_ONCE], targets[start : start + AT_ONCE]
        found = aligner.links(*pairs, first=first + start)
        for number, (links, src, tgt) in enumerate(zip(found, *pairs, strict=True), start=first + start):
            text = FORMATS[format_name](number, links, normalize(src).split(), normalize(tgt).split())
            yield text if text or format_name in LINE_PER_PAIR else None


def score_all(
    translator: Translator, sources: Sequence[str], targets: Sequence[str], *, first: int = 1
) -> Iterator[Translation]:
    """Scores any number of given translations in limited memory, without attention; see `Translator.score`.

    Args:
        translator: The model that scores them.
        sources: Source sentences.
        targets: One translation per source sentence.
        first: Number of the first pair in the whole text, counted from 1; it must be 1 plus a multiple of `AT_ONCE`
            (512), the largest number of pairs that are scored at once.

    Yields:
        For each pair, the translation with its log-probability as `score`.

    Raises:
        SearchError: The model computed NaN or infinite numbers.
    """
    for part in chunks(sources, targets):
        yield from translator.score(sources[part], targets[part], first=first + part.start, attention=False)


def score_line(
    translation: Translation,
    number: int,
    *,
    normalize: bool,
    as_json: bool,
    uses: Sequence[dict[str, object]] | None = None,
) -> tuple[str, tuple[str, ...]]:
    """Formats the score of a given translation as a line of output.

    Args:
        translation: The translation, from `score_all`.
        number: Number of the pair, for warnings.
        normalize: Whether the score is divided by the number of subwords, including `</s>`.
        as_json: Whether the line is a JSON object rather than a number.
        uses: Glossary terms in the sentence as JSON objects, from `TermUse.to_dict`; None = no glossary.

    Returns:
        The line, and warnings for the user.
    """
    value, warnings = math.nan, translation.warnings
    if translation.tokens:
        value = translation.score / (len(translation.tokens) + 1 if normalize else 1)
    elif not translation.source and not translation.text:
        value = 0.0
    elif not warnings:
        warnings = (f"sentence {number}: not scored: one side is empty",)
    if not as_json:
        return f"{value:.6f}", warnings
    fields: dict[str, object] = {
        "text": translation.text,
        "score": None if math.isnan(value) else value,
        "tokens": list(translation.tokens),
        "token_scores": list(translation.token_scores),
    }
    if uses is not None:
        fields["terms"] = list(uses)
    return json.dumps(fields, ensure_ascii=False), warnings
