"""Text in, translations out: as many as went in, in their order, each with what it attended to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from os import PathLike

import torch
from torch import Tensor

from regard.config.schema import SearchConfig, TransformerConfig
from regard.data.collate import collate
from regard.errors import SearchError
from regard.inspection.alignment import word_alignment
from regard.inspection.html import frame
from regard.inspection.record import AttentionRecord
from regard.model.build import ScoreFactory
from regard.model.decoder import StepModel
from regard.search.beam import BeamOptions, beam_search
from regard.search.ensemble import Ensemble
from regard.search.score import force_decode
from regard.store import StoredModel, load_model
from regard.text.normalise import normalise
from regard.values import Batch, Encoding, Hypothesis, Links

PathName = str | PathLike[str]
WINDOW = 1000
"""Lines that `translate_lines` holds at once."""
ROWS, POSITIONS = 64, 20_000
"""Sentences in a batch, and padded source positions of all its beams, at most."""


@dataclass(frozen=True)
class Translation:
    """One translated sentence.

    Attributes:
        source: The sentence as it was given, normalised.
        text: Its translation.
        score: Log-probability after penalties, in nats; what the search ranked by.
        tokens: Subwords of the translation.
        attention: Where each of them looked; None unless asked for, and for models without attention.
        alignment: Links between words of source and translation, read off the attention; empty without it.
        n_best: The best translations, this one first; empty unless more than one was asked for.
        warnings: What a careful user should know of it, in sentences.
    """

    source: str
    text: str
    score: float
    tokens: tuple[str, ...] = ()
    attention: AttentionRecord | None = None
    alignment: Links = ()
    n_best: tuple[Translation, ...] = ()
    warnings: tuple[str, ...] = ()

    def _repr_html_(self) -> str | None:
        """The attention page, in a notebook."""
        return None if self.attention is None else frame([self.attention], title=self.source)


@dataclass(frozen=True)
class _Job:
    """A stretch of a line that the model can take in one go, and the line's number."""

    line: int
    source: Encoding
    found: list[Translation] = field(default_factory=list)


@dataclass(frozen=True)
class _Wish:
    """What is wanted of a translation."""

    options: BeamOptions
    attention: bool
    alignment: bool


def load(path: PathName | Sequence[PathName], *, device: str = "auto", score: ScoreFactory | None = None) -> Translator:
    """Opens a trained model, or several as an ensemble.

    Args:
        path: A model directory, or a list of them.
        device: `auto`, `cpu`, `cuda`, …
        score: The factory of the user's own score that the model was built with, if it was.

    Returns:
        What translates.

    Raises:
        CheckpointError: When a directory holds no sound model.
        SearchError: When the models of an ensemble differ in their vocabularies.
    """
    paths = [path] if isinstance(path, (str, PathLike)) else list(path)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    return Translator(
        [load_model(str(one), device=device, score=score) for one in paths], names=[str(p) for p in paths]
    )


class Translator:
    """A model, or an ensemble, with its vocabularies.

    Args:
        models: One or more models with the same vocabularies.
        names: Their names, for messages.

    Raises:
        SearchError: When there are none, or their vocabularies differ.
    """

    def __init__(self, models: Sequence[StoredModel], *, names: Sequence[str] | None = None) -> None:
        if not models:
            raise SearchError("expected a model or several, got none")
        first = models[0]
        for number, model in enumerate(models[1:], start=1):
            for side, mine, theirs in (
                ("source", first.src_subword, model.src_subword),
                ("target", first.tgt_subword, model.tgt_subword),
            ):
                if mine.fingerprint() != theirs.fingerprint():
                    told = names or [f"model {n + 1}" for n in range(len(models))]
                    raise SearchError(
                        f"{told[0]} and {told[number]} have different {side} vocabularies, so their probabilities "
                        "cannot be averaged: an ensemble needs models trained with one vocabulary"
                    )
        self.models = tuple(models)
        self.src_subword, self.tgt_subword = first.src_subword, first.tgt_subword
        self.search: SearchConfig = first.config.search
        self._step_model: StepModel = first.model if len(models) == 1 else Ensemble([m.model for m in models])
        positions = [limit for model in models if (limit := _max_positions(model)) is not None]
        self._most_positions = min(positions, default=None)
        longest = [model.config.data.max_len for model in models]
        self._limit = min(longest + [limit - 1 for limit in positions])  # eos takes a position too

    def translate(
        self,
        sentences: str | Sequence[str],
        *,
        beam: int | None = None,
        n_best: int = 1,
        attention: bool = False,
        alignment: bool = False,
        length_penalty: float | None = None,
        coverage_penalty: float | None = None,
    ) -> list[Translation]:
        """Translates sentences.

        Args:
            sentences: One sentence or several. An empty one has an empty translation.
            beam: Size of the beam; the model's own when not given; 1 = greedy.
            n_best: Translations of each sentence.
            attention: Whether to keep the attention (and with it the alignment).
            alignment: Whether to read off the word alignment.
            length_penalty: α of Wu et al. 2016; the model's own when not given.
            coverage_penalty: β of Wu et al. 2016; the model's own when not given.

        Returns:
            One translation a sentence, in their order.

        Raises:
            SearchError: When the beam is impossible, or the model's numbers are not finite.
        """
        lines = [sentences] if isinstance(sentences, str) else list(sentences)
        wish = self._wish(beam, n_best, attention, alignment, length_penalty, coverage_penalty)
        return self._translate_window(lines, wish, first=0)

    def translate_lines(
        self,
        lines: Iterable[str],
        *,
        beam: int | None = None,
        n_best: int = 1,
        attention: bool = False,
        alignment: bool = False,
        window: int = WINDOW,
    ) -> Iterator[Translation]:
        """Translates a stream of any length in bounded memory; one out for each in, in order.

        Args:
            lines: Sentences as they come.
            beam: As in `translate`.
            n_best: As in `translate`.
            attention: As in `translate`.
            alignment: As in `translate`.
            window: Lines held at once: more make better batches, fewer a quicker first answer.

        Yields:
            One translation a line.

        Raises:
            SearchError: As in `translate`.
        """
        wish = self._wish(beam, n_best, attention, alignment, None, None)
        source, first = iter(lines), 0
        while held := list(islice(source, window)):
            yield from self._translate_window(held, wish, first=first)
            first += len(held)

    def score(self, sources: str | Sequence[str], targets: str | Sequence[str]) -> list[Translation]:
        """Makes the model read given translations: what it thinks of them, and where it looks.

        Args:
            sources: One sentence or several.
            targets: As many translations.

        Returns:
            Translations with the given text, its log-probability as score, attention and alignment. A pair with an
            empty side has neither.

        Raises:
            SearchError: When the counts differ.
        """
        left = [sources] if isinstance(sources, str) else list(sources)
        right = [targets] if isinstance(targets, str) else list(targets)
        if len(left) != len(right):
            raise SearchError(f"expected a translation for each of the {len(left)} sentences, got {len(right)}")
        pairs = [
            (self.src_subword.encode(normalise(src)), self.tgt_subword.encode(normalise(tgt)))
            for src, tgt in zip(left, right, strict=True)
        ]
        results = [Translation(src.text, tgt.text, 0.0) for src, tgt in pairs]
        rows = [number for number, (src, tgt) in enumerate(pairs) if src.ids and tgt.ids]
        for batch in _batches(rows, [len(src.ids) + len(tgt.ids) for src, tgt in pairs], beam=1):
            for number, hypothesis in zip(batch, self._force([pairs[n] for n in batch]), strict=True):
                src, tgt = pairs[number]
                results[number] = _translation(src, tgt, hypothesis, attention=True, alignment=True)
        return results

    @torch.inference_mode()
    def _force(self, pairs: Sequence[tuple[Encoding, Encoding]]) -> list[Hypothesis]:
        batch = self._collate([src for src, _ in pairs])
        return force_decode(
            self._step_model,
            batch.src_ids,
            batch.src_len,
            [tgt.ids for _, tgt in pairs],
            specials=self.tgt_subword.specials,
            need_weights=True,
        )

    def _wish(
        self,
        beam: int | None,
        n_best: int,
        attention: bool,
        alignment: bool,
        length_penalty: float | None,
        coverage_penalty: float | None,
    ) -> _Wish:
        options = BeamOptions(
            beam=max(self.search.beam, n_best) if beam is None else beam,
            n_best=n_best,
            length_penalty=self.search.length_penalty if length_penalty is None else length_penalty,
            coverage_penalty=self.search.coverage_penalty if coverage_penalty is None else coverage_penalty,
        )
        return _Wish(options, attention, attention or alignment)

    def _translate_window(self, lines: Sequence[str], wish: _Wish, *, first: int) -> list[Translation]:
        texts = [normalise(line) for line in lines]
        jobs = [job for number, text in enumerate(texts) for job in self._jobs(number, text)]
        lengths = [len(job.source.ids) + 1 for job in jobs]
        for batch in _batches(list(range(len(jobs))), lengths, beam=wish.options.beam):
            chosen = [jobs[number] for number in batch]
            for job, hypotheses in zip(chosen, self._search([job.source for job in chosen], wish), strict=True):
                job.found.extend(self._read(job.source, hypothesis, wish) for hypothesis in hypotheses)
        parts: dict[int, list[_Job]] = {}
        for job in jobs:
            parts.setdefault(job.line, []).append(job)
        return [_join(text, parts.get(number, []), line=first + number + 1) for number, text in enumerate(texts)]

    def _jobs(self, line: int, text: str) -> Iterator[_Job]:
        if not text:
            return
        whole = self.src_subword.encode(text)
        if len(whole.ids) <= self._limit:
            yield _Job(line, whole)
            return
        for start, end in _cuts(whole, self._limit):
            part = text[start:end].strip()
            if part:
                yield _Job(line, self.src_subword.encode(part))

    def _collate(self, sources: Sequence[Encoding]) -> Batch:
        device = next(iter(self.models[0].model.parameters())).device
        return collate([source.ids for source in sources], None, specials=self.src_subword.specials).to(str(device))

    @torch.inference_mode()
    def _search(self, sources: Sequence[Encoding], wish: _Wish) -> list[list[Hypothesis]]:
        batch = self._collate(sources)
        limits: Tensor = (batch.src_len * self.search.max_len_ratio).long() + self.search.max_len_offset
        if self._most_positions is not None:
            limits = limits.clamp(max=self._most_positions)
        specials = self.tgt_subword.specials
        return beam_search(
            self._step_model,
            batch.src_ids,
            batch.src_len,
            max_len=limits,
            specials=specials,
            options=wish.options,
            need_weights=wish.alignment,
        )

    def _read(self, source: Encoding, hypothesis: Hypothesis, wish: _Wish) -> Translation:
        ids = hypothesis.ids[:-1] if hypothesis.finished else hypothesis.ids
        target = self.tgt_subword.decode(ids)
        return _translation(source, target, hypothesis, attention=wish.attention, alignment=wish.alignment)


def _max_positions(stored: StoredModel) -> int | None:
    """Subwords that a model's learned positions reach; None where there is no such end."""
    model = stored.config.model
    return model.max_positions if isinstance(model, TransformerConfig) and model.position == "learned" else None


def _translation(
    source: Encoding, target: Encoding, hypothesis: Hypothesis, *, attention: bool, alignment: bool
) -> Translation:
    record = AttentionRecord(source, target, hypothesis.weights) if hypothesis.weights else None
    links = word_alignment(record) if record is not None and alignment else ()
    warnings = () if hypothesis.finished else ("the translation reached its length limit before its end",)
    return Translation(
        source.text,
        target.text,
        hypothesis.score,
        target.pieces,
        record if attention else None,
        links,
        warnings=warnings,
    )


def _batches(rows: list[int], lengths: Sequence[int], *, beam: int) -> Iterator[list[int]]:
    """Rows of like length together, the longest first: what does not fit in memory fails at once."""
    batch: list[int] = []
    for row in sorted(rows, key=lambda number: -lengths[number]):
        if batch and (len(batch) == ROWS or (len(batch) + 1) * lengths[batch[0]] * beam > POSITIONS):
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _cuts(whole: Encoding, limit: int) -> Iterator[tuple[int, int]]:
    """Stretches of at most `limit` subwords, cut between words where there is a space in reach."""
    begin, count, last_space, since_space = 0, 0, 0, 0
    for start, _ in whole.spans:
        at_space = start > begin and whole.text[start - 1] == " "
        if at_space:
            last_space, since_space = start, 0
        if count >= limit and start > begin:
            cut = last_space if last_space > begin else start
            yield begin, cut
            begin, count = cut, 0 if cut == start else since_space
        count += 1
        since_space += 1
    yield begin, len(whole.text)


def _join(text: str, jobs: Sequence[_Job], *, line: int) -> Translation:
    """One translation a line again."""
    if not jobs:
        return Translation(text, "", 0.0)
    if len(jobs) == 1:
        best = jobs[0].found[0]
        told = tuple(f"sentence {line}: {warning}" for warning in best.warnings)
        return replace(best, n_best=tuple(jobs[0].found) if len(jobs[0].found) > 1 else (), warnings=told)
    parts = [job.found[0] for job in jobs]
    links: list[tuple[int, int]] = []
    src_words = tgt_words = 0
    for part in parts:
        links += [(i + src_words, j + tgt_words) for i, j in part.alignment]
        src_words, tgt_words = src_words + len(part.source.split()), tgt_words + len(part.text.split())
    told = (
        f"longer than the model was trained for, so it was translated in {len(parts)} parts, without attention",
        *dict.fromkeys(warning for part in parts for warning in part.warnings),
    )
    return Translation(
        text,
        " ".join(part.text for part in parts if part.text),
        sum(part.score for part in parts),
        tuple(token for part in parts for token in part.tokens),
        alignment=tuple(links),
        warnings=tuple(f"sentence {line}: {warning}" for warning in told),
    )
