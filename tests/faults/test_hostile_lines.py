"""Five hundred hostile lines: each is translated to exactly one line, and nothing crashes."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from growth import growth

from regard.store import load_model, save_model
from regard.text.normalize import normalize
from regard.text.segments import segments
from regard.translation.loading import load

SCRIPTS = {
    "latin": "aàbcdeéfghiœst",
    "cyrillic": "абвгдежз",
    "greek": "αβγδέ",
    "arabic": "ابتثج؟،",
    "hebrew": "אבגד\u05b0",
    "devanagari": "कखगि।",
    "thai": "กขคเ่",
    "han": "我们来了。，",
    "kana": "あいうエオ「」。",
    "hangul": "가나다\u1112\u1161\u11ab",
    "emoji": "😀👩\u200d👧🇫🇷❤\ufe0f",
    "marks": "e\u0301\u0316\u0344",
    "private": "\ue000\U0010fffd\uffff▁",
}
CONTROLS = "\x00\x01\x07\x08\x0b\x0c\x1b\x1c\x1d\x1e\x7f\x85\u2028\u2029\ufeff\u200b\u200e\u202e\u00a0\t\r"
MARKUP = ["<b>", "</p>", "<script>", "&amp;", "{{x}}", "%s%n", "$(ls)", "]]>", "<s>", "</s>", "<unk>", "<0x41>", "\\n"]


def _lines(draw: random.Random) -> Iterator[str]:
    yield from ["", " ", "\t", "\u3000", "\r", "\ufeff", "\0", "\u2028", "\x85", "\v\f", "😀😀😀", "\u0301", "x" * 3000]
    yield from MARKUP
    while True:
        script = SCRIPTS[draw.choice(list(SCRIPTS))]
        alphabet = script + " " * draw.randint(0, 4) + draw.choice(["", CONTROLS, ".,!?;:…«»\"'()-–"])
        line = "".join(draw.choices(alphabet, k=int(10 ** draw.uniform(0, 2))))
        if draw.random() < 0.2:
            line = draw.choice(MARKUP).join([line, *draw.choices(line, k=2)])
        yield line


@pytest.fixture(scope="module")
def hostile() -> list[str]:
    lines, draw = [], random.Random(4)
    for line in _lines(draw):
        lines.append(line)
        if len(lines) == 500:
            return lines
    raise AssertionError


@pytest.fixture(scope="module")
def model(workshop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with a low length limit, since a barely trained one always reaches it, that splits long lines."""
    path = tmp_path_factory.mktemp("hostile") / "model"
    stored = load_model(workshop / "model")
    subword = stored.tgt_subword
    [blank] = [number for number in range(len(subword)) if subword.decode([number]).pieces == ("▁",)]
    with torch.no_grad():  # so that it does not output spaces only
        stored.model.output_bias[blank] -= 100.0
    search = stored.config.search.model_copy(update={"max_len_ratio": 0.01, "max_len_offset": 4})
    data = stored.config.data.model_copy(update={"max_len": 80})
    config = stored.config.model_copy(update={"search": search, "data": data})
    save_model(path, model=stored.model, config=config, src_subword=stored.src_subword, tgt_subword=stored.tgt_subword)
    return path


def is_one_line(text: str) -> bool:
    return len(text.splitlines()) <= 1 and text == normalize(text)


@pytest.mark.parametrize("retry", [False, True])
def test_from_python(hostile: list[str], model: Path, retry: bool) -> None:
    lines = [*hostile, "\ud800", "a\udcffb", "\udfff\ud800 x"]
    translations = list(load(model, device="cpu").translate_lines(lines, beam=1, retry=retry))
    assert [translation.source for translation in translations] == [normalize(line) for line in lines]
    assert all(is_one_line(translation.text) for translation in translations)
    for translation in translations:
        json.dumps(translation.to_dict(), ensure_ascii=False).encode()
    warnings = [warning for translation in translations for warning in translation.warnings]
    assert any("segments, without attention" in warning for warning in warnings)


def _corrupt(line: str, draw: random.Random) -> bytes:
    """A line with bytes deleted, changed and inserted, but no line feed among them."""
    raw = bytearray(line.encode(errors="surrogatepass"))
    for _ in range(draw.randint(0, 3)):
        start = draw.randint(0, len(raw))
        raw[start : start + draw.randint(0, 2)] = draw.choice([b"", b"\0", b"\xff\xfe", b"\xc0\xaf", draw.randbytes(3)])
    return bytes(raw).replace(b"\n", b"\x80")


def _is_text(raw: bytes) -> bool:
    try:
        return raw.decode(errors="surrogatepass") is not None
    except UnicodeDecodeError:
        return False


@pytest.mark.parametrize(("options", "from_file"), [(["--beam=1"], True), (["--beam=2", "--json"], False)])
def test_from_the_command_line(
    hostile: list[str], model: Path, tmp_path: Path, ready_regard: Path, options: list[str], from_file: bool
) -> None:
    """As bytes: every other line corrupt, both kinds of line ends, a byte order mark, and unpaired surrogates."""
    draw = random.Random(8)
    lines = [line.encode(errors="surrogatepass") for line in [*hostile, "\ud800", "b\udfff x"]]
    lines = [_corrupt(line.decode(errors="surrogatepass"), draw) if n % 2 else line for n, line in enumerate(lines)]
    ends = [b"\n", b"\r\n"]
    raw = b"\xef\xbb\xbf" + b"".join(line + ends[number // 2 % 2] for number, line in enumerate(lines))
    (tmp_path / "raw").write_bytes(raw)
    input_option = [f"--input={tmp_path / 'raw'}"] if from_file else []
    programs = str(Path(sys.executable).parent)
    done = subprocess.run(
        ["regard", "translate", str(model), *options, *input_option],
        env=os.environ | {"PATH": os.pathsep.join([str(ready_regard), programs, os.environ["PATH"]])},
        input=b"" if from_file else raw,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-500:]
    assert b"Traceback" not in done.stderr
    *output, rest = done.stdout.decode().split("\n")
    assert rest == ""
    assert len(output) == len(lines)
    texts = [json.loads(line)["text"] for line in output] if "--json" in options else output
    assert all(is_one_line(text) for text in texts)
    assert not any(
        text for text, line in zip(texts, lines, strict=True) if not normalize(line.decode(errors="replace"))
    )
    assert sum(map(bool, texts)) > 100
    warned = {int(number) for number in re.findall(rb":(\d+): expected UTF-8, found byte 0x", done.stderr)}
    assert warned == {number for number, line in enumerate(lines, start=1) if not _is_text(line)}
    assert len(warned) > 100


def test_a_very_long_line(model: Path) -> None:
    """It is translated in several parts, and split in a time that grows no faster than its length."""
    translator = load(model, device="cpu")
    fine, long = translator.translate(["fine", "The cat sleeps. " * 500], beam=1)
    assert fine.text
    assert long.source == normalize("The cat sleeps. " * 500)
    assert long.warnings[0].startswith("sentence 2: longer than the model was trained for")
    for unit in ("The cat sleeps. ", "x", "好", "e\u0301\u0316", "."):
        short_text, long_text = (normalize(unit * (size // len(unit))) for size in (25_000, 200_000))

        def split(text: str) -> None:
            parts = segments(text, translator.src_subword, limit=256)
            assert "".join(part.encoding.text for part in parts).replace(" ", "") == text.replace(" ", "")

        assert growth(split, short_text, long_text) < 24, unit  # for 8 times the text: 8 if linear, 64 if quadratic
