"""A translated sentence: its text, and what is known of how it came about."""

from __future__ import annotations

import html
from dataclasses import dataclass

from regard.alignment.readout import Readout
from regard.inspection.html import render_iframe
from regard.inspection.record import AttentionRecord
from regard.translation.quality import QualityFlag, quality_flags
from regard.values import Encoding, Hypothesis, Links


@dataclass(frozen=True)
class Translation:
    """One translated sentence.

    Attributes:
        source: The sentence as it was given, normalized.
        text: Its translation.
        score: Log-probability after penalties, in nats; what the search ranked by. The sum over the parts of a
            sentence that had to be split.
        tokens: Subwords of the translation.
        attention: Where each of them looked; None unless asked for, and for models without attention.
        alignment: Links between words of source and translation, read off the attention; empty without it.
        n_best: The best translations, this one first, fewer where the search found fewer; empty unless more than
            one was asked for.
        warnings: What a careful user should know of it, in sentences.
        quality_flags: Signs that it went wrong; those that need attention are looked for where there is some at hand.
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

    @classmethod
    def of(
        cls, source: Encoding, target: Encoding, hypothesis: Hypothesis, *, attention: bool, readout: Readout | None
    ) -> Translation:
        """What a search has found, with what is seen in it.

        Args:
            source: The sentence.
            target: Its translation, from the hypothesis's ids.
            hypothesis: With weights where attention or alignment is wanted.
            attention: Whether to keep the attention.
            readout: How to read the word alignment off it; None = not at all.

        Returns:
            The translation.
        """
        record = AttentionRecord(source, target, hypothesis.weights) if hypothesis.weights else None
        links = readout.links(record) if record is not None and readout is not None else ()
        doubts = quality_flags(source, target, finished=hypothesis.finished, record=record)
        return cls(
            source.text,
            target.text,
            hypothesis.score,
            target.pieces,
            record if attention else None,
            links,
            warnings=tuple(doubt.message for doubt in doubts),
            quality_flags=doubts,
        )

    def _repr_html_(self) -> str:
        """The attention page in a notebook, or only the text where there is no attention."""
        if self.attention is None:
            return f"<p>{html.escape(self.source)}</p><p>{html.escape(self.text)}</p>"
        return render_iframe([self.attention], title=self.source)

    def to_dict(self, *, attention: bool = True) -> dict[str, object]:
        """The translation as JSON has it.

        Args:
            attention: Whether to give the matrices, where there are any.

        Returns:
            Text, score, tokens, alignment as `[source word, target word]`, n_best, warnings, suspicious as
            `{kind, value, where}`, and perhaps attention.
        """
        told: dict[str, object] = {
            "text": self.text,
            "score": self.score,
            "tokens": list(self.tokens),
            "alignment": [list(link) for link in self.alignment],
            "n_best": [{"text": one.text, "score": one.score} for one in self.n_best],
            "warnings": list(self.warnings),
            "quality_flags": [one.to_dict() for one in self.quality_flags],
        }
        if attention and self.attention is not None:
            told["attention"] = self.attention.to_dict()
        return told
