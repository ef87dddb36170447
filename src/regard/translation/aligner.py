"""Word alignment of a parallel text with a trained model, or with two that read it in opposite directions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from regard.alignment.head_selection import Choice, by_dictionary, by_gold, rank
from regard.alignment.readout import Readout, Rule
from regard.alignment.symmetrize import flipped, symmetrize
from regard.config.schema import RNNConfig
from regard.errors import DataError
from regard.inspection.record import AttentionRecord
from regard.text.links import GoldLinks
from regard.text.normalize import normalize
from regard.translation.chunks import chunks
from regard.translation.result import Translation
from regard.translation.translator import Translator
from regard.values import Links

_TOO_FEW = (
    "too few sentence pairs to find the best layer and head with: their mean is read; name both with --layer and --head"
)
ENOUGH, ROOM = 500, 125_000_000
"""Sentence pairs that a choice among layers and heads looks at, and weights of all their attention, at most."""


@dataclass(frozen=True)
class Aligner:
    """What reads given translations and says which words belong together.

    Attributes:
        translator: Reads the target as a translation of the source.
        readout: How links are read off its attention.
        reverse: Reads the source as a translation of the target, if there is one.
        method: How the two become one, see `symmetrize`.
        tell: Takes what is to be said of a pair, such as that it was too long to be read.
    """

    translator: Translator
    readout: Readout
    reverse: Aligner | None = None
    method: str = "intersection"
    tell: Callable[[str], object] = lambda _said: None

    def links(self, sources: Sequence[str], targets: Sequence[str], *, first: int = 1) -> list[Links]:
        """Aligns sentence pairs.

        Args:
            sources: Source sentences.
            targets: As many translations.
            first: Number of the first pair, by which they are named.

        Returns:
            Word links of each pair, none where a side is empty or too long for a model.

        Raises:
            DataError: A model has no attention.
        """
        forward: list[Links] = []
        for window in chunks(sources, targets):
            forward += self._read(sources[window], targets[window], first=first + window.start)
        if self.reverse is None:
            return forward
        backward = self.reverse.links(targets, sources, first=first)
        return [symmetrize(one, flipped(other), self.method) for one, other in zip(forward, backward, strict=True)]

    def _read(self, sources: Sequence[str], targets: Sequence[str], *, first: int) -> list[Links]:
        """The links of a few pairs, by this direction alone; of their attention the one matrix that is read is kept."""
        scored = self.translator.score(sources, targets, first=first, kept=self.readout)
        for one in scored:
            if one.attention is None:
                for warning in one.warnings:
                    self.tell(warning)
        _check_attention(scored)
        kept = replace(self.readout, layer=None, head=None)
        return [() if one.attention is None else kept.links(one.attention) for one in scored]


def bidirectional(forward: Aligner, backward: Aligner, method: str) -> Aligner:
    """An aligner that reads in both directions.

    Args:
        forward: Reads the target as a translation of the source.
        backward: Reads the source as a translation of the target.
        method: How the two become one, see `symmetrize`.

    Returns:
        An aligner with the forward one's direction.
    """
    return replace(forward, reverse=backward, method=method)


@dataclass(frozen=True)
class ReadoutOptions:
    """What a user says about where to read; None = to be found.

    Attributes:
        rule: Which cells become links; None = as the model's own readout has it.
        threshold: Limit of the rule; None = its own.
        end: A target word that looked at `</s>` more than this stays without a link of its own.
        layer: Number of the layer.
        head: Number of the head.
        shifted: Whether to read one step later.
    """

    rule: Rule | None = None
    threshold: float | None = None
    end: float = 0.5
    layer: int | None = None
    head: int | None = None
    shifted: bool | None = None

    def for_other_model(self) -> ReadoutOptions:
        """The same rule and shift, for a model that has layers and heads of its own."""
        return replace(self, layer=None, head=None)

    def allows(self, found: Readout) -> bool:
        """Whether a place is where the user said, as far as that goes."""
        said = ((self.layer, found.layer), (self.head, found.head), (self.shifted, found.shifted))
        return all(wish in (None, place) for wish, place in said)

    def over(self, own: Readout) -> Readout:
        """What is wanted of the rule, and for the rest a model's own readout.

        Args:
            own: How the model is read where nothing is said.

        Returns:
            Its matrix and row, with the wanted rule; the limit goes with the rule that it was made for.
        """
        rule = self.rule or own.rule
        limit = own.threshold if self.threshold is None and rule == own.rule else self.threshold
        return replace(own, rule=rule, threshold=limit, end=self.end)


def choose_readout(
    translator: Translator,
    sources: Sequence[str],
    targets: Sequence[str],
    wanted: ReadoutOptions,
    gold: Sequence[GoldLinks] | None = None,
) -> tuple[Readout, list[str]]:
    """Decides which layer and head to read, and whether one step later.

    What the user says counts; a layer alone leaves its heads to be chosen among. Then gold links count, then where the
    model's attention was guided. A recurrent model has one matrix, whose row belongs to the word that is being said,
    with Bahdanau's query as with Luong's (measured, see docs/alignment.md). Otherwise the best of all is sought.

    Args:
        translator: The model.
        sources: Sentence pairs to find it with.
        targets: Their translations.
        wanted: The user's wish.
        gold: What is right for these pairs, if known.

    Returns:
        How to read, and what was found out, a sentence each.

    Raises:
        DataError: The model has no attention, or there are not as many gold alignments as pairs.
    """
    own, places = translator.readout, (wanted.layer, wanted.head)
    known = not _has_several(translator) or (own.layer is not None and places == (None, None))
    if None not in places or (gold is None and known):
        chosen = wanted.over(own.named(*places))
        return chosen if wanted.shifted is None else replace(chosen, shifted=wanted.shifted), []
    rule = wanted.over(own)
    choices = rank_readouts(translator, sources, targets, readout=rule, gold=gold)
    choices = [one for one in choices if wanted.allows(one.readout)]
    if not choices or (gold is None and not choices[0].score):
        return rule.at(wanted.layer, wanted.head, shifted=bool(wanted.shifted)), [_TOO_FEW]
    judged = "1 - AER on gold links" if gold is not None else "nats a target word that its links predict"
    count = min(len(sources), ENOUGH)
    return choices[0].readout, [
        f"reading {choices[0]} ({judged}, {count} sentence pairs); next best: "
        + "; ".join(str(one) for one in choices[1:3])
    ]


def rank_readouts(
    translator: Translator,
    sources: Sequence[str],
    targets: Sequence[str],
    *,
    readout: Readout,
    gold: Sequence[GoldLinks] | None = None,
) -> list[Choice]:
    """Finds the layer and head whose links are best, and whether to read them one step later.

    Args:
        translator: The model.
        sources: Sentence pairs to find it with; the first `ENOUGH` are read, fewer where they are very long.
        targets: Their translations.
        readout: The rule.
        gold: What is right for these pairs; without it links are judged by the dictionary that they make.

    Returns:
        All that was tried, the best first; nothing where no pair could be read.

    Raises:
        DataError: The model has no attention, or there are not as many gold alignments as pairs.
    """
    if gold is not None and len(gold) != len(sources):
        raise DataError(f"expected gold links of {len(sources)} sentence pairs, got {len(gold)}")
    chosen = _few(translator, sources, targets)
    scored = translator.score([sources[number] for number in chosen], [targets[number] for number in chosen])
    _check_attention(scored)
    rows = [(number, one.attention) for number, one in zip(chosen, scored, strict=True) if one.attention is not None]
    records: list[AttentionRecord] = [record for _, record in rows]
    if not records:
        return []
    judge = by_dictionary(records) if gold is None else by_gold([gold[number] for number, _ in rows])
    return rank(records, judge, readout)


def _few(translator: Translator, sources: Sequence[str], targets: Sequence[str]) -> list[int]:
    """The first pairs, as far as there is room for all their attention; one that would take most of it is left out."""
    src_ids = translator.src_subword.encode_ids([normalize(one) for one in sources[:ENOUGH]])
    tgt_ids = translator.tgt_subword.encode_ids([normalize(one) for one in targets[:ENOUGH]])
    room, taken = ROOM // max(1, translator.limits.num_matrices), []
    most = room // 8
    for number, (src, tgt) in enumerate(zip(src_ids, tgt_ids, strict=True)):
        area = (len(src) + 1) * (len(tgt) + 1)
        if area > most:
            continue
        if area > room:
            break
        taken.append(number)
        room -= area
    return taken


def _has_several(translator: Translator) -> bool:
    """Whether there is anything to choose."""
    models = [stored.config.model for stored in translator.models]
    heads = [one.attention.heads if isinstance(one, RNNConfig) else one.decoder_layers * one.heads for one in models]
    return sum(heads) > 1


def _check_attention(scored: Sequence[Translation]) -> None:
    """A model without attention gives none to any pair that it read."""
    read = [one for one in scored if one.tokens]
    if read and all(one.attention is None for one in read):
        raise DataError("this model has no attention to read a word alignment from: train one with another decoder")
