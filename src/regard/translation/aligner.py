"""Word alignment of parallel text with a trained model, or with two models of opposite directions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from regard.alignment.head_selection import Candidate, dictionary_criterion, gold_criterion, rank_candidates
from regard.alignment.readout import Readout, Rule
from regard.alignment.symmetrize import flipped, symmetrize
from regard.errors import ConfigError, DataError
from regard.inspection.record import AttentionRecord
from regard.text.links import GoldLinks
from regard.text.normalize import normalize
from regard.translation.chunks import chunks
from regard.translation.result import Translation
from regard.translation.translator import Translator
from regard.values import Links

MAX_PAIRS, MAX_WEIGHTS = 500, 125_000_000
"""Largest number of sentence pairs on which layer and head are selected, and of attention weights of these pairs."""
_TOO_FEW_PAIRS = (
    "too few sentence pairs to select a layer and head: the mean of all is read; choose with --readout layer=N and "
    "--readout head=N"
)


@dataclass(frozen=True)
class Aligner:
    """Aligns the words of given translations with the words of their source sentences.

    Attributes:
        translator: Model that translates from source to target.
        readout: How word links are derived from the model's attention.
        reverse: Aligner from target to source, whose links are combined with those of this aligner; None = only this
            direction.
        method: Symmetrization method that combines the links of both directions; see `symmetrize`.
        warn: Called with each warning, such as about a pair that is too long for the model.
    """

    translator: Translator
    readout: Readout
    reverse: Aligner | None = None
    method: str = "intersection"
    warn: Callable[[str], object] = lambda _message: None

    def links(self, sources: Sequence[str], targets: Sequence[str], *, first: int = 1) -> list[Links]:
        """Aligns sentence pairs.

        Args:
            sources: Source sentences.
            targets: One translation per source sentence.
            first: Number of the first pair in warnings and errors, which count the pairs from there.

        Returns:
            Word links of each pair; no links if the source or the target is empty or too long for a model.

        Raises:
            DataError: A model has no attention.
        """
        forward: list[Links] = []
        for chunk in chunks(sources, targets):
            forward += self._one_way(sources[chunk], targets[chunk], first=first + chunk.start)
        if self.reverse is None:
            return forward
        backward = self.reverse.links(targets, sources, first=first)
        return [symmetrize(src, flipped(tgt), self.method) for src, tgt in zip(forward, backward, strict=True)]

    def _one_way(self, sources: Sequence[str], targets: Sequence[str], *, first: int) -> list[Links]:
        """Links by this direction alone; only the matrix that is read is kept of the attention."""
        scored = self.translator.score(sources, targets, first=first, only=self.readout)
        for translation in scored:
            if translation.attention is None:
                for warning in translation.warnings:
                    self.warn(warning)
        _check_attention(scored)
        readout = replace(self.readout, layer=None, head=None)
        links = iter(readout.links_of([pair.attention for pair in scored if pair.attention is not None]))
        return [() if pair.attention is None else next(links) for pair in scored]


def bidirectional(forward: Aligner, backward: Aligner, method: str) -> Aligner:
    """Makes an aligner that combines the links of two aligners of opposite directions.

    Args:
        forward: Aligner from source to target.
        backward: Aligner from target to source.
        method: Symmetrization method that combines the links of both directions; see `symmetrize`.

    Returns:
        An aligner from source to target that uses both.
    """
    return replace(forward, reverse=backward, method=method)


@dataclass(frozen=True)
class ReadoutOptions:
    """Fields of a `Readout` that the user set with --readout; None = not set.

    A readout is the way in which word links are derived from attention. Fields that are not set are taken from the
    readout stored with the model. If none is stored, layer, head and `shifted` are those whose links are best on some
    sentence pairs; see `choose_readout`.

    Attributes:
        rule: Rule that selects the cells of the attention matrix that become links.
        threshold: Threshold of the rule.
        end: Attention weight on the source `</s>` above which a target word does not select a source word. With the
            rule `shares`, source words also select target words, so such a target word may still be linked.
        layer: 0-based number of the layer.
        head: 0-based number of the head.
        shifted: Whether the attention weights of a target word are those of the decoding step after the one that
            generated the word.
    """

    rule: Rule | None = None
    threshold: float | None = None
    end: float | None = None
    layer: int | None = None
    head: int | None = None
    shifted: bool | None = None

    @classmethod
    def parse(cls, settings: Sequence[str]) -> ReadoutOptions:
        """Parses the settings of the option --readout, such as `layer=2`.

        Args:
            settings: Texts of the form `KEY=VALUE` with the keys rule, threshold, end, layer, head and shift.

        Returns:
            The options.

        Raises:
            ConfigError: A key is unknown, or a value is not in the range of its key.
        """
        return cls(**{_field(setting): _value(setting) for setting in settings})  # type: ignore[arg-type]

    def for_other_model(self) -> ReadoutOptions:
        """The same options without layer and head, which do not apply to another model."""
        return replace(self, layer=None, head=None)

    def allows(self, readout: Readout) -> bool:
        """Whether the layer, the head and `shifted` of a readout have the values that the user set with --readout.

        Args:
            readout: How word alignments are read off the attention. Its field `shifted` says whether the weights of a
                target word are those of the decoding step after the one that generated the word.

        Returns:
            True if each of these three fields has the value that the user set, or was not set by the user.
        """
        chosen = ((self.layer, readout.layer), (self.head, readout.head), (self.shifted, readout.shifted))
        return all(option in (None, value) for option, value in chosen)

    def applied_to(self, own: Readout) -> Readout:
        """Overrides a model's readout by these options, without searching for the layer and head with the best links.

        Args:
            own: The model's own readout.

        Returns:
            The model's readout with all fields that the user set. If the user set a layer or head other than those of
            `own`, fields that are not set have their defaults instead of the values of `own`.
        """
        chosen = self.over(own.for_matrix(self.layer, self.head))
        return chosen if self.shifted is None else replace(chosen, shifted=self.shifted)

    def over(self, own: Readout) -> Readout:
        """Overrides `rule`, `threshold` and `end` of a readout by these options; its other fields stay.

        Args:
            own: The model's own readout. See `Readout` for the meaning of its fields.

        Returns:
            The readout with the fields `rule`, `threshold` and `end` that the user set. The threshold of `own` is kept
            only if the rule stays the same.
        """
        rule = self.rule or own.rule
        threshold = own.threshold if self.threshold is None and rule == own.rule else self.threshold
        return replace(own, rule=rule, threshold=threshold, end=own.end if self.end is None else self.end)


def _field(setting: str) -> str:
    key = setting.partition("=")[0].strip()
    if key not in _SETTINGS:
        raise ConfigError(f"--readout {setting}: expected one of {', '.join(f'{name}=...' for name in _SETTINGS)}")
    return "shifted" if key == "shift" else key


def _value(setting: str) -> object:
    key, _, text = (part.strip() for part in setting.partition("="))
    expected, read = _SETTINGS[key]
    try:
        return read(text)
    except (KeyError, ValueError):
        raise ConfigError(f"--readout {setting}: expected {key} to be {expected}, got {text!r}") from None


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError
    return int(text[:9])


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError
    return value


_SETTINGS: dict[str, tuple[str, Callable[[str], object]]] = {
    "rule": ("hmm, shares, strongest or threshold", {rule: rule for rule in get_args(Rule)}.__getitem__),
    "threshold": ("a number from 0 to 1", _share),
    "end": ("a number from 0 to 1", _share),
    "layer": ("the number of a layer, from 0", _number),
    "head": ("the number of a head, from 0", _number),
    "shift": ("true or false", {"true": True, "false": False}.__getitem__),
}
"""Description of the values of each --readout setting, for messages, and the function that parses a value."""


def choose_readout(
    translator: Translator,
    sources: Sequence[str],
    targets: Sequence[str],
    options: ReadoutOptions,
    *,
    gold: Sequence[GoldLinks] | None = None,
    tune: bool = False,
) -> tuple[Readout, list[str]]:
    """Chooses layer, head and rule by which word links are derived from a model's attention.

    A layer and head that the user set are used; if only the layer is set, the best of its heads is selected. Otherwise
    the readout that is stored with the model is used. If none is stored, or with `tune`, layer and head are selected on
    the given sentence pairs: by gold links if there are any, else by how consistently the links of each layer and head
    pair the same words, as entries of a bilingual dictionary do. A recurrent model with a single attention matrix has
    nothing to select: the weights of a target word are those of the step that generates the word, for Bahdanau's and
    for Luong's decoder (see docs/alignment.md).

    Args:
        translator: The model.
        sources: Source sentences of the pairs on which layer and head are selected.
        targets: Translations of `sources`.
        options: Fields of the readout that the user set.
        gold: Gold links of these pairs, if known.
        tune: Whether to select a layer and head even if a readout is stored with the model.

    Returns:
        The readout, and messages for the user: if layer and head had to be selected, one message that names them or
        says that there were too few sentence pairs; otherwise none.

    Raises:
        DataError: The model has no attention, or the number of gold alignments is not the number of sentence pairs.
    """
    own, matrix = translator.readout, (options.layer, options.head)
    stored = translator.readout_is_known and not tune and matrix == (None, None)
    known = translator.limits.num_matrices <= 1 or stored
    if None not in matrix or (gold is None and known):
        return options.applied_to(own), []
    rule = options.over(own)
    candidates = rank_readouts(translator, sources, targets, readout=rule, gold=gold)
    candidates = [candidate for candidate in candidates if options.allows(candidate.readout)]
    if not candidates or (gold is None and not candidates[0].score):
        return rule.at(options.layer, options.head, shifted=bool(options.shifted)), [_TOO_FEW_PAIRS]
    unit = "1 - AER on gold links" if gold is not None else "nats per target word that its links predict"
    num_pairs = min(len(sources), MAX_PAIRS)
    return candidates[0].readout, [
        f"reading {candidates[0]} ({unit}, {num_pairs} sentence pairs); next best: "
        + "; ".join(str(candidate) for candidate in candidates[1:3])
    ]


def rank_readouts(
    translator: Translator,
    sources: Sequence[str],
    targets: Sequence[str],
    *,
    readout: Readout,
    gold: Sequence[GoldLinks] | None = None,
) -> list[Candidate]:
    """Ranks the layers and heads of a model by the quality of the word links that each of them gives.

    Each layer and head is tried twice: the links of a target word are read from the decoding step that generated the
    word, and from the next step, whose input the word is (see `Readout.shifted`).

    Args:
        translator: The model.
        sources: Source sentences; the first `MAX_PAIRS` pairs are used, fewer if they are very long.
        targets: Translations of `sources`.
        readout: Rule and thresholds for all candidates; its `layer`, `head` and `shifted` are ignored.
        gold: Gold links of these pairs. Without them, links are scored by how consistently they pair the same words;
            see `dictionary_criterion`.

    Returns:
        All candidates, best first; empty if no sentence pair could be scored.

    Raises:
        DataError: The model has no attention, or the number of gold alignments is not the number of sentence pairs.
    """
    if gold is not None and len(gold) != len(sources):
        raise DataError(
            f"gold: expected gold links of {len(sources)} sentence pairs, got gold links of {len(gold)}: give one line "
            "of gold links per sentence pair"
        )
    numbers = _pairs_that_fit(translator, sources, targets)
    scored = translator.score([sources[number] for number in numbers], [targets[number] for number in numbers])
    _check_attention(scored)
    attended = [(number, pair.attention) for number, pair in zip(numbers, scored, strict=True) if pair.attention]
    records: list[AttentionRecord] = [record for _, record in attended]
    if not records:
        return []
    criterion = (
        dictionary_criterion(records) if gold is None else gold_criterion([gold[number] for number, _ in attended])
    )
    return rank_candidates(records, criterion, readout)


def _pairs_that_fit(translator: Translator, sources: Sequence[str], targets: Sequence[str]) -> list[int]:
    """Numbers of the first pairs, as far as all their attention fits; a pair that would take most of it is left out."""
    src_ids = translator.src_subword.encode_ids([normalize(source) for source in sources[:MAX_PAIRS]])
    tgt_ids = translator.tgt_subword.encode_ids([normalize(target) for target in targets[:MAX_PAIRS]])
    left, numbers = MAX_WEIGHTS // max(1, translator.limits.num_matrices), []
    largest = left // 8
    for number, (src, tgt) in enumerate(zip(src_ids, tgt_ids, strict=True)):
        weights = (len(src) + 1) * (len(tgt) + 1)
        if weights > largest:
            continue
        if weights > left:
            break
        numbers.append(number)
        left -= weights
    return numbers


def _check_attention(scored: Sequence[Translation]) -> None:
    """A model without attention returns none for any pair that it scored."""
    read = [translation for translation in scored if translation.tokens]
    if read and all(translation.attention is None for translation in read):
        raise DataError(
            "this model has no attention to read a word alignment from: train a model with a model.decoder other than "
            "'plain'"
        )
