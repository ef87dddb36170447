"""Jobs with segments of given lengths, and translators that record what they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from regard.service.jobs import Job
from regard.translation.options import TranslateOptions
from regard.translation.result import Segment, Translation
from regard.values import Encoding

MakeJob = Callable[..., Job]


class EchoTranslator:
    """Translates a segment to its own text in capitals, and keeps the batches."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    def fill(self, segments: Sequence[Segment], options: TranslateOptions) -> list[Segment]:
        """Translates segments."""
        self.batches.append([segment.source.text for segment in segments])
        return [
            replace(segment, found=[Translation(segment.source.text, segment.source.text.upper(), 0.0)])
            for segment in segments
        ]


def segment_of(text: str, length: int) -> Segment:
    """A segment with a number of subwords."""
    ids = tuple(range(4, 4 + length))
    return Segment(1, 0, Encoding(text, ids, tuple(text for _ in ids), tuple((0, 0) for _ in ids)))


def job_maker(translator: EchoTranslator) -> MakeJob:
    """A function that makes a job with segments of given lengths, named `client:number`."""

    def make(
        client: str, lengths: Sequence[int], *, beam: int = 1, on_progress: Callable[[int], None] = lambda _: None
    ) -> Job:
        segments = [segment_of(f"{client}:{number}", length) for number, length in enumerate(lengths)]
        options = TranslateOptions(beam=beam)
        return Job(segments, translator=translator, options=options, client=client, on_progress=on_progress)

    return make
