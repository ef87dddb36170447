"""A line in the parts that a model can take in one go, and the one translation that becomes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from regard.text.sentences import separator
from regard.translation.quality import QualityFlag
from regard.translation.result import Translation
from regard.values import Encoding


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a line.

    Attributes:
        line: Number of the line in all that is translated, from 1.
        first_word: Number of the line's word that the stretch begins with or within.
        source: The stretch.
        found: Its translations, best first, when they are there.
        within_word: Whether it begins within a word, so that no space belongs before it.
    """

    line: int
    first_word: int
    source: Encoding
    found: Sequence[Translation] = ()
    within_word: bool = False


def join_lines(
    texts: Sequence[str], parts: Sequence[Segment], *, first: int = 1, many: bool = False
) -> list[Translation]:
    """Makes translations of lines again.

    Args:
        texts: The lines, normalized.
        parts: Of all of them, in order.
        first: Number of the first line.
        many: As for `join`.

    Returns:
        One translation a line.
    """
    of_line: dict[int, list[Segment]] = {}
    for part in parts:
        of_line.setdefault(part.line, []).append(part)
    return [join_segments(text, of_line.get(line, []), many=many) for line, text in enumerate(texts, start=first)]


def join_segments(text: str, parts: Sequence[Segment], *, many: bool = False) -> Translation:
    """Makes one translation of a line again.

    Args:
        text: The line, normalized.
        parts: Its parts in order, translated; none of an empty line.
        many: Whether all that were found are wanted, which only a line in one part has.

    Returns:
        The translation; what it warns of names the line.
    """
    if not parts:
        return Translation(text, "", 0.0)
    line = parts[0].line
    if len(parts) == 1:
        found = tuple(replace(one, warnings=with_line_number(line, one.warnings)) for one in parts[0].found)
        return replace(found[0], n_best=found if many else ())
    whole = concatenate(text, parts)
    told = f"longer than the model was trained for, so it was translated in {len(parts)} parts, without attention"
    whole = replace(whole, warnings=with_line_number(line, (told, *whole.warnings)))
    return replace(whole, n_best=(whole,) if many else ())


def concatenate(text: str, parts: Sequence[Segment]) -> Translation:
    """The best translations of some parts behind one another, with a space where the language sets one.

    Args:
        text: What the parts are of; the numbers of their first words count from its start.
        parts: One or more, translated.

    Returns:
        One translation, without attention.
    """
    links: list[tuple[int, int]] = []
    doubts: list[QualityFlag] = []
    said: list[str] = []
    words, last = 0, ""  # of the translation so far
    for part in parts:
        one = part.found[0]
        between = "" if part.within_word else separator(last, one.text)
        words -= bool(last and one.text and not between)  # its first word goes on where the last one ended
        links += [(src + part.first_word, tgt + words) for src, tgt in one.alignment]
        doubts += [doubt.moved(src=part.first_word, tgt=words) for doubt in one.quality_flags]
        words += len(one.text.split())
        said += [between, one.text]
        last = one.text or last
    return Translation(
        text,
        "".join(said),
        sum(part.found[0].score for part in parts),
        tuple(token for part in parts for token in part.found[0].tokens),
        alignment=tuple(sorted(set(links))),
        warnings=tuple(dict.fromkeys(doubt.message for doubt in doubts)),
        quality_flags=tuple(doubts),
    )


def with_line_number(line: int, warnings: Sequence[str]) -> tuple[str, ...]:
    """Warnings that name the line they are about.

    Args:
        line: Its number, from 1.
        warnings: Sentences.

    Returns:
        The same, each after the number.
    """
    return tuple(f"sentence {line}: {warning}" for warning in warnings)
