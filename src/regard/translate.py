"""Text in, translations out: as many as went in, in their order, each with what it attended to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from os import PathLike

import torch
from torch import Tensor

from regard.config.schema import SearchConfig, TransformerConfig
from regard.data.collate import collate
from regard.errors import SearchError
from regard.inspection.readout import Readout, own_readout
from regard.inspection.record import AttentionRecord
from regard.model.build import ScoreFactory, source_reach
from regard.model.decoder import StepModel
from regard.search.beam import BeamOptions, beam_search
from regard.search.ensemble import Ensemble
from regard.search.log_probs import NotFiniteError
from regard.search.score import force_decode
from regard.store import StoredModel, load_model
from regard.text.normalise import normalise
from regard.text.stretches import stretches
from regard.translation import Translation
from regard.values import Batch, Encoding, Hypothesis

__all__ = ["WINDOW", "Translation", "Translator", "load"]

PathName = str | PathLike[str]
WINDOW = 1000
"""Lines that `translate_lines` holds at once."""
ROWS, POSITIONS = 64, 20_000
"""Sentences in a batch, and padded source positions of all its beams, at most."""
_ENDLESS = 1_000_000_000


@dataclass(frozen=True)
class _Job:
    """A stretch of a line that the model can take in one go.

    Attributes:
        line: Number of the line in all that is translated, from 1.
        first_word: Number of the line's word that the stretch begins with or within.
        source: The stretch.
        found: Its translations, best first, when they are there.
    """

    line: int
    first_word: int
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

    readout = Readout()

    def __init__(self, models: Sequence[StoredModel], *, names: Sequence[str] | None = None) -> None:
        if not models:
            raise SearchError("expected a model or several, got none")
        _check_vocabularies(models, names or [f"model {number}" for number in range(1, len(models) + 1)])
        first = models[0]
        self.readout = own_readout(first.config) if len(models) == 1 else Readout()
        self.models = tuple(models)
        self.src_subword, self.tgt_subword = first.src_subword, first.tgt_subword
        self.search: SearchConfig = first.config.search
        self._step_model: StepModel = first.model if len(models) == 1 else Ensemble([m.model for m in models])
        self._most_positions = min((_max_positions(model) for model in models), default=_ENDLESS)
        self._limit = min(_max_source(model) for model in models)

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
        return self._translate_window(lines, wish, first=1)

    def translate_lines(
        self,
        lines: Iterable[str],
        *,
        beam: int | None = None,
        n_best: int = 1,
        attention: bool = False,
        alignment: bool = False,
        length_penalty: float | None = None,
        coverage_penalty: float | None = None,
        window: int = WINDOW,
    ) -> Iterator[Translation]:
        """Translates a stream of any length in bounded memory; one out for each in, in order.

        Args:
            lines: Sentences as they come.
            beam: As in `translate`.
            n_best: As in `translate`.
            attention: As in `translate`.
            alignment: As in `translate`.
            length_penalty: As in `translate`.
            coverage_penalty: As in `translate`.
            window: Lines held at once: more make better batches, fewer a quicker first answer.

        Yields:
            One translation a line.

        Raises:
            SearchError: As in `translate`.
        """
        if window < 1:
            raise SearchError(f"expected a window of at least 1 line, got {window}")
        wish = self._wish(beam, n_best, attention, alignment, length_penalty, coverage_penalty)
        source, first = iter(lines), 1
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
            empty side has neither, nor has one that is too long for the model, which says so in its warnings.

        Raises:
            SearchError: When the counts differ, or the model's numbers are not finite.
        """
        left = [sources] if isinstance(sources, str) else list(sources)
        right = [targets] if isinstance(targets, str) else list(targets)
        if len(left) != len(right):
            raise SearchError(f"expected a translation for each of the {len(left)} sentences, got {len(right)}")
        pairs = [
            (self.src_subword.encode(normalise(src)), self.tgt_subword.encode(normalise(tgt)))
            for src, tgt in zip(left, right, strict=True)
        ]
        results = [
            Translation(src.text, tgt.text, 0.0, warnings=self._too_long(number, src, tgt))
            for number, (src, tgt) in enumerate(pairs, start=1)
        ]
        rows = [n for n, (src, tgt) in enumerate(pairs) if src.ids and tgt.ids and not results[n].warnings]
        for batch in _batches(rows, [len(src.ids) + len(tgt.ids) for src, tgt in pairs], beam=1):
            with _naming([number + 1 for number in batch]):
                hypotheses = self._force([pairs[number] for number in batch])
            for number, hypothesis in zip(batch, hypotheses, strict=True):
                results[number] = _translation(*pairs[number], hypothesis, attention=True, readout=self.readout)
        return results

    def _too_long(self, line: int, src: Encoding, tgt: Encoding) -> tuple[str, ...]:
        longest = max(len(src.ids), len(tgt.ids)) + 1  # with eos
        if longest <= self._most_positions:
            return ()
        return _numbered(
            line, [f"not read: it has {longest} subwords, the model's positions end at {self._most_positions}"]
        )

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
        jobs = [
            _Job(line, part.first_word, part.encoding)
            for line, text in enumerate(texts, start=first)
            for part in stretches(text, self.src_subword, limit=self._limit)
        ]
        lengths = [len(job.source.ids) + 1 for job in jobs]
        for batch in self._batched(lengths, beam=wish.options.beam):
            chosen = [jobs[number] for number in batch]
            with _naming([job.line for job in chosen]):
                found = self._search([job.source for job in chosen], wish.options, need_weights=wish.alignment)
            for job, hypotheses in zip(chosen, found, strict=True):
                job.found.extend(self._read(job.source, hypothesis, wish) for hypothesis in hypotheses)
        parts: dict[int, list[_Job]] = {}
        for job in jobs:
            parts.setdefault(job.line, []).append(job)
        return [_join(text, parts.get(line, []), wish) for line, text in enumerate(texts, start=first)]

    def _collate(self, sources: Sequence[Encoding]) -> Batch:
        device = next(iter(self.models[0].model.parameters())).device
        return collate([source.ids for source in sources], None, specials=self.src_subword.specials).to(str(device))

    def _batched(self, lengths: Sequence[int], *, beam: int) -> Iterator[list[int]]:
        """Rows that are searched together; another engine may want them otherwise."""
        return _batches(list(range(len(lengths))), lengths, beam=beam)

    def _search(
        self, sources: Sequence[Encoding], options: BeamOptions, *, need_weights: bool
    ) -> list[list[Hypothesis]]:
        """Hypotheses of each source, best first; what another engine does in its own way."""
        batch = self._collate(sources)
        limits: Tensor = (batch.src_len * self.search.max_len_ratio).long() + self.search.max_len_offset
        limits = limits.clamp(max=self._most_positions)
        specials = self.tgt_subword.specials
        return beam_search(
            self._step_model,
            batch.src_ids,
            batch.src_len,
            max_len=limits,
            specials=specials,
            options=options,
            need_weights=need_weights,
        )

    def _read(self, source: Encoding, hypothesis: Hypothesis, wish: _Wish) -> Translation:
        ids = hypothesis.ids[:-1] if hypothesis.finished else hypothesis.ids
        readout = self.readout if wish.alignment else None
        return _translation(source, self.tgt_subword.decode(ids), hypothesis, attention=wish.attention, readout=readout)


def _check_vocabularies(models: Sequence[StoredModel], names: Sequence[str]) -> None:
    for model, name in zip(models, names, strict=True):
        same_src = model.src_subword.fingerprint() == models[0].src_subword.fingerprint()
        same_tgt = model.tgt_subword.fingerprint() == models[0].tgt_subword.fingerprint()
        if not (same_src and same_tgt):
            raise SearchError(
                f"{names[0]} and {name} have different {'target' if same_src else 'source'} vocabularies, so their "
                "probabilities cannot be averaged: an ensemble needs models trained with one vocabulary"
            )


@contextmanager
def _naming(lines: Sequence[int]) -> Iterator[None]:
    """Lets an error name the sentence by its number among all that are translated, not by its row in the batch."""
    try:
        yield
    except NotFiniteError as error:
        line = lines[error.sentence]
        raise NotFiniteError(error.sentence, error.step, where=f"sentence {line}") from None


def _max_positions(stored: StoredModel) -> int:
    """Subwords with eos that a model's learned positions reach, on either side."""
    model = stored.config.model
    return model.max_positions if isinstance(model, TransformerConfig) and model.position == "learned" else _ENDLESS


def _max_source(stored: StoredModel) -> int:
    """Source subwords without eos that a model has learnt, or is able, to read."""
    model = stored.config.model
    reach = source_reach(model) or _ENDLESS
    return max(1, min(stored.config.data.max_len, _max_positions(stored) - 1, reach - 1))


def _translation(
    source: Encoding, target: Encoding, hypothesis: Hypothesis, *, attention: bool, readout: Readout | None
) -> Translation:
    record = AttentionRecord(source, target, hypothesis.weights) if hypothesis.weights else None
    links = readout.links(record) if record is not None and readout is not None else ()
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


def _join(text: str, jobs: Sequence[_Job], wish: _Wish) -> Translation:
    """One translation a line again."""
    if not jobs:
        return Translation(text, "", 0.0)
    line, many = jobs[0].line, wish.options.n_best > 1
    if len(jobs) == 1:
        found = tuple(replace(one, warnings=_numbered(line, one.warnings)) for one in jobs[0].found)
        return replace(found[0], n_best=found if many else ())
    parts = [job.found[0] for job in jobs]
    links: list[tuple[int, int]] = []
    tgt_words = 0
    for job, part in zip(jobs, parts, strict=True):
        links += [(src + job.first_word, tgt + tgt_words) for src, tgt in part.alignment]
        tgt_words += len(part.text.split())
    told = (
        f"longer than the model was trained for, so it was translated in {len(parts)} parts, without attention",
        *dict.fromkeys(warning for part in parts for warning in part.warnings),
    )
    whole = Translation(
        text,
        " ".join(part.text for part in parts if part.text),
        sum(part.score for part in parts),
        tuple(token for part in parts for token in part.tokens),
        alignment=tuple(sorted(links)),
        warnings=_numbered(line, told),
    )
    return replace(whole, n_best=(whole,) if many else ())


def _numbered(line: int, warnings: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"sentence {line}: {warning}" for warning in warnings)
