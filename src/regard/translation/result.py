"""Translations: of segments as the engine returns them, and of whole lines, joined from their segments."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass, replace

from regard.alignment.readout import Readout
from regard.inspection.html import render_iframe
from regard.inspection.record import AttentionRecord
from regard.text.sentences import separator
from regard.text.words import word_of_piece, word_spans
from regard.translation.quality import QualityFlag, quality_flags
from regard.values import Encoding, Hypothesis, Links, Span


@dataclass(frozen=True)
class Translation:
    """One translated sentence.

    Attributes:
        source: The sentence, normalized.
        text: Its translation.
        score: Log-probability after penalties, in nats, by which the search ranked it. A sentence that was split has
            the sum over its segments.
        tokens: Subwords of the translation.
        attention: Attention of each subword; None unless asked for, and for models without attention.
        alignment: Links between words of source and translation, read off the attention; empty without it.
        n_best: The best translations, this one first, fewer where the search found fewer; empty unless more than
            one was asked for.
        warnings: Warnings about the translation, in sentences.
        quality_flags: Signs of a bad translation; those read off the attention only where there is attention.
        token_scores: Log-probability of each of `tokens`, in nats; their sum and the log-probability of `</s>` are the
            score without penalties. Empty for an export to CTranslate2, which does not return them.
        token_spans: Characters of `text` that each of `tokens` covers.
    """

    source: str
    text: str
    score: float
    tokens: tuple[str, ...] = ()
    attention: AttentionRecord | None = None
    alignment: Links = ()
    n_best: tuple[Translation, ...] = ()
    warnings: tuple[str, ...] = ()
    quality_flags: tuple[QualityFlag, ...] = ()
    token_scores: tuple[float, ...] = ()
    token_spans: tuple[Span, ...] = ()

    @property
    def word_scores(self) -> tuple[float, ...]:
        """Log-probability of each word of `text`: the sum over its subwords; empty where `token_scores` is empty."""
        if not self.token_scores:
            return ()
        scores = [0.0] * len(word_spans(self.text))
        words = word_of_piece(Encoding(self.text, (), self.tokens, self.token_spans))
        for word, score in zip(words, self.token_scores, strict=True):
            if word is not None:
                scores[word] += score
        return tuple(scores)

    @classmethod
    def of(
        cls, source: Encoding, target: Encoding, hypothesis: Hypothesis, *, attention: bool, readout: Readout | None
    ) -> Translation:
        """The translation of a hypothesis.

        Args:
            source: The sentence.
            target: Its translation, decoded from the hypothesis's ids.
            hypothesis: The hypothesis, with weights where attention or alignment is asked for.
            attention: Whether to keep the attention.
            readout: How to read the word alignment off it; None = not at all.

        Returns:
            The translation.
        """
        record = AttentionRecord(source, target, hypothesis.weights) if hypothesis.weights else None
        links = readout.links(record) if record is not None and readout is not None else ()
        flags = quality_flags(source, target, finished=hypothesis.finished, record=record)
        return cls(
            source.text,
            target.text,
            hypothesis.score,
            target.pieces,
            record if attention else None,
            links,
            warnings=tuple(flag.message for flag in flags),
            quality_flags=flags,
            token_scores=hypothesis.log_probs[: len(target.ids)],
            token_spans=target.spans,
        )

    def _repr_html_(self) -> str:
        """The attention page in a notebook, or only the text where there is no attention."""
        if self.attention is None:
            return f"<p>{html.escape(self.source)}</p><p>{html.escape(self.text)}</p>"
        return render_iframe([self.attention], title=self.source)

    def to_dict(self, *, attention: bool = True) -> dict[str, object]:
        """The translation as a JSON object.

        Args:
            attention: Whether to include the attention matrices, where there are any.

        Returns:
            text, score, tokens, token_scores, alignment as `[source word, target word]`, n_best, warnings,
            quality_flags as `{kind, value, where}`, and attention.
        """
        fields: dict[str, object] = {
            "text": self.text,
            "score": self.score,
            "tokens": list(self.tokens),
            "token_scores": list(self.token_scores),
            "alignment": [list(link) for link in self.alignment],
            "n_best": [{"text": translation.text, "score": translation.score} for translation in self.n_best],
            "warnings": list(self.warnings),
            "quality_flags": [flag.to_dict() for flag in self.quality_flags],
        }
        if attention and self.attention is not None:
            fields["attention"] = self.attention.to_dict()
        return fields


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a line that the model can translate at once.

    Attributes:
        line: Number of the line, from 1.
        first_word: Number of the line's word that the segment begins with or within.
        source: The segment.
        found: Its translations, best first; empty before it is translated.
        within_word: Whether it begins within a word, so that no space belongs before it.
        prefix: Target subwords that its translations must begin with, in ids.
    """

    line: int
    first_word: int
    source: Encoding
    found: Sequence[Translation] = ()
    within_word: bool = False
    prefix: tuple[int, ...] = ()


def join_lines(
    lines: Sequence[str], segments: Sequence[Segment], *, first: int = 1, many: bool = False
) -> list[Translation]:
    """Joins translated segments to translations of lines.

    Args:
        lines: The lines, normalized.
        segments: Segments of all lines, in order.
        first: Number of the first line.
        many: As for `join_segments`.

    Returns:
        One translation per line.
    """
    of_line: dict[int, list[Segment]] = {}
    for segment in segments:
        of_line.setdefault(segment.line, []).append(segment)
    return [join_segments(line, of_line.get(number, []), many=many) for number, line in enumerate(lines, start=first)]


def join_segments(line: str, segments: Sequence[Segment], *, many: bool = False) -> Translation:
    """Joins the translated segments of one line.

    Args:
        line: The line, normalized.
        segments: Its segments in order; none for an empty line.
        many: Whether to return an n-best list; only a line of one segment has more than one entry.

    Returns:
        The translation; its warnings name the line.
    """
    if not segments:
        return Translation(line, "", 0.0)
    number = segments[0].line
    if len(segments) == 1:
        found = tuple(
            replace(translation, warnings=with_line_number(number, translation.warnings))
            for translation in segments[0].found
        )
        return replace(found[0], n_best=found if many else ())
    whole = concatenate(line, segments)
    warning = f"longer than the model was trained for: translated in {len(segments)} segments, without attention"
    whole = replace(whole, warnings=with_line_number(number, (warning, *whole.warnings)))
    return replace(whole, n_best=(whole,) if many else ())


def concatenate(text: str, segments: Sequence[Segment]) -> Translation:
    """Concatenates the best translations of segments, with spaces where the language has them.

    Args:
        text: Text of all segments; their first words are counted from its start.
        segments: One or more translated segments.

    Returns:
        One translation, without attention.
    """
    links: list[tuple[int, int]] = []
    flags: list[QualityFlag] = []
    texts: list[str] = []
    spans: list[Span] = []
    num_words, last = 0, ""  # of the translation so far
    for segment in segments:
        best = segment.found[0]
        between = "" if segment.within_word else separator(last, best.text)
        num_words -= bool(last and best.text and not between)  # its first word continues the last one
        links += [(src + segment.first_word, tgt + num_words) for src, tgt in best.alignment]
        flags += [flag.moved(src=segment.first_word, tgt=num_words) for flag in best.quality_flags]
        num_words += len(best.text.split())
        start = sum(map(len, texts)) + len(between)
        spans += [(start + first, start + end) for first, end in best.token_spans]
        texts += [between, best.text]
        last = best.text or last
    return Translation(
        text,
        "".join(texts),
        sum(segment.found[0].score for segment in segments),
        tuple(token for segment in segments for token in segment.found[0].tokens),
        alignment=tuple(sorted(set(links))),
        warnings=tuple(dict.fromkeys(flag.message for flag in flags)),
        quality_flags=tuple(flags),
        token_scores=tuple(score for segment in segments for score in segment.found[0].token_scores),
        token_spans=tuple(spans),
    )


def with_line_number(number: int, warnings: Sequence[str]) -> tuple[str, ...]:
    """Warnings that name the line that they are about.

    Args:
        number: Number of the line, from 1.
        warnings: Warnings without it.

    Returns:
        The warnings, each after `sentence N: `.
    """
    return tuple(f"sentence {number}: {warning}" for warning in warnings)
