"""The journey of a sentence enters the files that `docs/journey.md` names, and no more than 22."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

import regard
from regard.cli.lines import InputLines, OutputLines
from regard.text.segments import TextSegment
from regard.translation.loading import load
from regard.translation.options import TranslateOptions
from regard.translation.result import Segment, Translation
from regard.values import Encoding, Hypothesis

ROOT = Path(regard.__file__).parent
PAGE = Path(__file__).parents[2] / "docs/journey.md"
MAX_FILES = 22
FORMS = (Encoding, Hypothesis, Segment, TextSegment, Translation)
"""Types of a line between text and ids."""


def carries(value: object, texts: tuple[str, ...], ids: tuple[int, ...], depth: int = 0) -> bool:
    """Whether a value is the line or its translation, as text, bytes, subwords or ids, or holds one of these."""
    if isinstance(value, str):
        return any(text in value for text in texts)
    if isinstance(value, bytes):
        return any(text.encode() in value for text in texts)
    if isinstance(value, FORMS):
        return True
    if isinstance(value, (list, tuple)):
        if value and all(isinstance(item, int) for item in value):
            return tuple(value)[: len(ids)] == ids
        return depth < 3 and any(carries(item, texts, ids, depth + 1) for item in value)
    return False


@contextmanager
def traced(texts: tuple[str, ...], ids: tuple[int, ...]) -> Iterator[set[str]]:
    """Collects the files of the package in which a function is given the line, or returns it."""
    entered: set[str] = set()

    def profile(frame: FrameType, event: str, returned: object) -> None:
        name = frame.f_code.co_filename
        if not name.startswith(str(ROOT)) or event not in ("call", "return"):
            return
        values = frame.f_locals.values() if event == "call" else (returned,)
        if any(carries(value, texts, ids) for value in values):
            entered.add(Path(name).relative_to(ROOT).as_posix())

    sys.setprofile(profile)
    try:
        yield entered
    finally:
        sys.setprofile(None)


def files_entered(model: Path, line: str) -> set[str]:
    translator = load(model, device="cpu", threads=1)
    [expected] = translator.translate(line)
    ids = translator.src_subword.encode(line).ids
    Path("line").write_text(f"{line}\n", encoding="utf-8")
    with traced((line, expected.text or line), ids) as entered:
        output = OutputLines(sys.stdout)
        for translation in translator.translate_lines(InputLines(Path("line")), TranslateOptions(scores=False)):
            output.write(translation.text)
    return entered


def test_a_line_enters_the_files_on_the_page(at_work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entered = files_entered(at_work / "model", "How was your day?")
    assert capsys.readouterr().out.count("\n") == 1
    named = set(re.findall(r"^([a-z_0-9]+/[a-z_0-9/]+\.py) ", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert entered <= named, sorted(entered - named)
    assert len(entered) <= MAX_FILES
    assert all((ROOT / name).is_file() for name in named)
    assert len(named - entered) <= 4, sorted(named - entered)  # what only some models or options enter


def test_the_tracer_sees_a_line_that_takes_another_way(at_work: Path) -> None:
    from regard.text.sentences import sentence_spans

    with traced(("How was your day?",), (1,)) as entered:
        sentence_spans("How was your day? Fine.")
    assert "text/sentences.py" in entered
