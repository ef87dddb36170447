"""Translations of segments, as the engine returns them, and of whole lines, joined from their segments."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from regard.alignment.readout import Readout
from regard.inspection.html import render_iframe
from regard.inspection.record import AttentionRecord
from regard.search.constraints import NO_CONSTRAINTS, Constraints, Term
from regard.text.sentences import separator
from regard.text.words import word_of_piece, word_spans
from regard.translation.quality import QualityFlag, quality_flags
from regard.values import Encoding, Hypothesis, Links, Span


class GeneralWarning(str):
    """A warning about all translations of a call, which is therefore not preceded by a sentence number."""

    __slots__ = ()


@dataclass(frozen=True)
class Translation:
    """One translated sentence.

    Attributes:
        source: The source sentence, normalized by `regard.text.normalize`.
        text: The translation.
        score: Log-probability in nats after length and coverage penalties, by which the search ranked the translation.
            For a line that was split into segments, the sum over the segments.
        tokens: Subwords of the translation.
        attention: Attention of the translation; None unless requested, and for models without attention.
        alignment: Links `(source word, target word)` derived from the attention; empty unless requested, and for
            models without attention.
        n_best: The best translations, this one first; empty unless more than one was requested. The search may find
            fewer than requested.
        warnings: Warnings about the translation, one sentence each.
        quality_flags: Signs of a bad translation. Those that depend on attention are missing if the attention was not
            computed.
        token_scores: Log-probability of each of `tokens`, in nats; their sum plus the log-probability of `</s>` is the
            score without penalties. Empty for an export to CTranslate2, which does not return them.
        token_spans: For each of `tokens`, the range `[start, end)` of the characters of `text` that it covers.
        utility: Expected chrF, 0 to 100, by which minimum Bayes risk decoding chose the translation; None after other
            searches, and for a line that was split into segments.
        unmet: Constraints that the translation does not satisfy: the first alternative of each included term that is
            missing, and of each excluded term that occurs.
        read_as: The sentence as the model read it, if upper and lower case letters were changed before the translation,
            such as in a sentence in capitals; otherwise empty.
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
    utility: float | None = None
    unmet: tuple[str, ...] = ()
    read_as: str = ""

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
        """Makes a translation from a hypothesis of the search, with its alignment and quality flags.

        Args:
            source: Encoded source sentence.
            target: Translation, decoded from the hypothesis's ids.
            hypothesis: The hypothesis; it must have attention weights if attention or alignment is requested.
            attention: Whether the translation should hold the attention.
            readout: How to derive the word alignment from the attention; None = no word alignment.

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
        """HTML for notebooks: the interactive attention page, or only the text if there is no attention."""
        if self.attention is None:
            return f"<p>{html.escape(self.source)}</p><p>{html.escape(self.text)}</p>"
        return render_iframe([self.attention], title=self.source)

    def to_dict(self, *, attention: bool = True) -> dict[str, object]:
        """Converts the translation to a JSON object.

        Args:
            attention: Whether to include the attention matrices, if the translation has any.

        Returns:
            An object with the keys `text`, `score`, `tokens`, `token_scores`, `alignment` (a list of
            `[source word, target word]`), `n_best` (a list of `{text, score}`), `warnings` and `quality_flags` (a list
            of `{kind, value, where}`). The keys `utility` (also in `n_best`), `attention`, `unmet` and `read_as` are
            left out if the translation has no such value.
        """
        fields: dict[str, object] = {
            "text": self.text,
            "score": self.score,
            "tokens": list(self.tokens),
            "token_scores": list(self.token_scores),
            "alignment": [list(link) for link in self.alignment],
            "n_best": [{"text": other.text, "score": other.score, **other._utility_fields()} for other in self.n_best],
            "warnings": list(self.warnings),
            "quality_flags": [flag.to_dict() for flag in self.quality_flags],
        }
        fields.update(self._utility_fields())
        if attention and self.attention is not None:
            fields["attention"] = self.attention.to_dict()
        if self.unmet:
            fields["unmet"] = list(self.unmet)
        if self.read_as:
            fields["read_as"] = self.read_as
        return fields

    def _utility_fields(self) -> dict[str, object]:
        return {} if self.utility is None else {"utility": self.utility}

    def to_json_line(self, terms: Sequence[dict[str, object]] | None = None) -> str:
        """Converts the translation to one line of JSON, as `regard translate --json` prints it.

        Args:
            terms: Glossary terms in the sentence as JSON objects, from `TermUse.to_dict`; None = there is no glossary.

        Returns:
            The object of `to_dict`, with `terms` if they are given.
        """
        fields = self.to_dict()
        if terms is not None:
            fields["terms"] = list(terms)
        return json.dumps(fields, ensure_ascii=False)

    def judged_by(self, constraints: Constraints, source_terms: Sequence[Term] = ()) -> Translation:
        """Checks which constraints and terms the translation does not satisfy.

        Args:
            constraints: Terms that the translation must and must not contain, normalized.
            source_terms: Terms that were written into the source, so that the model puts them into the translation.

        Returns:
            The translation with these constraints and terms in the field `unmet`, and with a warning about each.
        """
        unused = tuple(term.alternatives[0] for term in source_terms if not term.occurs_in(self.text))
        unmet = constraints.unmet(self.text) if constraints else ()
        if not unmet and not unused:
            return self
        num_missing = sum(not term.occurs_in(self.text) for term in constraints.include)
        warnings = [
            f"the translation lacks the term {term!r}, for which it has no place" for term in unmet[:num_missing]
        ]
        warnings += [f"the translation lacks the term {term!r}, which the model did not take over" for term in unused]
        warnings += [
            f"the translation contains the excluded term {term!r}, which could not be avoided"
            for term in unmet[num_missing:]
        ]
        return replace(self, unmet=(*unused, *unmet), warnings=(*self.warnings, *warnings))


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a line that the model can translate at once.

    Attributes:
        line: Number of the line, from 1.
        first_word: 0-based number, within the line, of the word in which the segment begins.
        source: Encoded text of the segment.
        found: Translations of the segment, best first; empty before the segment is translated.
        within_word: Whether the segment begins within a word, so that no space belongs before it.
        prefix: Ids of the target subwords that the segment's translations must begin with.
        constraints: Terms that the segment's translations must and must not contain, normalized; `Term.source`
            counts the characters of the segment.
        source_terms: Terms that are written into the source for the model, instead of being required by the search.
    """

    line: int
    first_word: int
    source: Encoding
    found: Sequence[Translation] = ()
    within_word: bool = False
    prefix: tuple[int, ...] = ()
    constraints: Constraints = NO_CONSTRAINTS
    source_terms: tuple[Term, ...] = ()


def join_lines(
    lines: Sequence[str], segments: Sequence[Segment], *, first: int = 1, many: bool = False
) -> list[Translation]:
    """Joins the translated segments of each line into a translation of the line.

    Args:
        lines: The lines, normalized.
        segments: Translated segments of all lines, in order.
        first: Number of the first line.
        many: Whether to return n-best lists; only lines of one segment have more than one entry.

    Returns:
        One translation per line.
    """
    of_line: dict[int, list[Segment]] = {}
    for segment in segments:
        of_line.setdefault(segment.line, []).append(segment)
    return [join_segments(line, of_line.get(number, []), many=many) for number, line in enumerate(lines, start=first)]


def join_segments(line: str, segments: Sequence[Segment], *, many: bool = False) -> Translation:
    """Joins the translated segments of one line into a translation of the line.

    Args:
        line: The line, normalized.
        segments: Translated segments of the line in order; empty for an empty line.
        many: Whether to return an n-best list; only a line of one segment has more than one entry.

    Returns:
        The translation; its warnings contain the number of the line.
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
    """Concatenates the best translations of segments, with spaces between them if the language uses spaces.

    Args:
        text: Source text of all segments, whose words `Segment.first_word` counts.
        segments: One or more translated segments.

    Returns:
        One translation with the alignments, scores and quality flags of the segments, but without attention.
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
    whole = Translation(
        text,
        "".join(texts),
        sum(segment.found[0].score for segment in segments),
        tuple(token for segment in segments for token in segment.found[0].tokens),
        alignment=tuple(sorted(set(links))),
        warnings=tuple(
            dict.fromkeys(
                (*_general_warnings(segments), *(flag.message for flag in flags), *_recasing_warnings(segments))
            )
        ),
        quality_flags=tuple(flags),
        token_scores=tuple(score for segment in segments for score in segment.found[0].token_scores),
        token_spans=tuple(spans),
        read_as=separator("a", "b").join(segment.found[0].read_as or segment.source.text for segment in segments)
        if any(segment.found[0].read_as for segment in segments)
        else "",
    )
    included = tuple(term for segment in segments for term in segment.constraints.include)
    excluded = tuple(dict.fromkeys(term for segment in segments for term in segment.constraints.exclude))
    in_source = [term for segment in segments for term in segment.source_terms]
    return whole.judged_by(Constraints(included, excluded), in_source)


def _general_warnings(segments: Sequence[Segment]) -> Iterator[str]:
    for segment in segments:
        yield from (warning for warning in segment.found[0].warnings if isinstance(warning, GeneralWarning))


def _recasing_warnings(segments: Sequence[Segment]) -> Iterator[str]:
    """What the translations of segments say about the case from which they were translated."""
    for segment in segments:
        if segment.found[0].read_as:
            yield segment.found[0].warnings[-1]


def with_line_number(number: int, warnings: Sequence[str]) -> tuple[str, ...]:
    """Puts the number of the line before each warning.

    Args:
        number: Number of the line, from 1.
        warnings: Warnings without a line number.

    Returns:
        The warnings, each preceded by `sentence N: ` with the line number N, unless it is a `GeneralWarning`.
    """
    return tuple(
        warning if isinstance(warning, GeneralWarning) else f"sentence {number}: {warning}" for warning in warnings
    )
