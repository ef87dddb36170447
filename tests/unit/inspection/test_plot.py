"""Picture files: formats, colors, fonts for any script, and no warnings (which are errors in tests)."""

from __future__ import annotations

import builtins
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib import font_manager
from PIL import Image
from records import Encode, MakeRecord

from regard.errors import CheckpointError, DataError, RegardError
from regard.inspection import fonts, plot
from regard.inspection.plot import save
from regard.inspection.record import AttentionRecord
from regard.values import Encoding


def test_png_and_svg(day: AttentionRecord, tmp_path: Path) -> None:
    save(day, tmp_path / "day.png", title="How was your day?")
    with Image.open(tmp_path / "day.png") as image:
        assert min(image.size) > 200
    save(day, str(tmp_path / "day.SVG"), level="subword", layer=0, head=0)
    assert ET.parse(tmp_path / "day.SVG").getroot().tag.endswith("svg")
    save(day, tmp_path / "day.pdf")
    assert (tmp_path / "day.pdf").read_bytes().startswith(b"%PDF")


def test_an_illegible_picture_is_refused(encode: Encode, tmp_path: Path) -> None:
    record = AttentionRecord(encode(" ".join("a" * 1001)), encode("b"), (torch.ones(1, 2, 1002) / 1002,))
    with pytest.raises(DataError, match=r"a picture with 1 rows and 1002 columns would be illegible: .* --html"):
        save(record, tmp_path / "x.png")
    assert not list(tmp_path.iterdir())


def test_a_large_picture_has_a_bounded_number_of_pixels(
    make_record: MakeRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plot, "_MAX_PIXELS", 300)
    save(make_record("a b c d e f g h i j", "k l m n o p q r s t"), tmp_path / "x.png")
    with Image.open(tmp_path / "x.png") as image:
        assert max(image.size) < 700  # the labels add to the limit


def test_the_same_matrix_gives_the_same_bytes(day: AttentionRecord, tmp_path: Path) -> None:
    for suffix in ("svg", "png"):
        for name in ("a", "b"):
            save(day, tmp_path / f"{name}.{suffix}")
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


def test_each_cell_has_the_color_of_its_weight(encode: Encode, tmp_path: Path) -> None:
    weights = torch.tensor([[[0.0, 1.0, 0.5], [1.0, 0.0, 0.0]]])
    save(AttentionRecord(encode("a b"), encode("c d"), (weights,)), tmp_path / "x.png")
    with Image.open(tmp_path / "x.png") as image:
        pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
    colors = {"#{:02x}{:02x}{:02x}".format(*color) for color in np.unique(pixels, axis=0)}
    assert {plot._SCALE[0], plot._SCALE[4], plot._SCALE[8]} <= colors


def test_the_scale_darkens_in_equal_steps_of_one_hue() -> None:
    channels = np.array([[int(color[start : start + 2], 16) for start in (1, 3, 5)] for color in plot._SCALE]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    luminance = linear @ np.array([0.2126, 0.7152, 0.0722])
    lightness = 116 * np.cbrt(luminance) - 16  # CIE L*
    steps = -np.diff(lightness)
    assert steps.min() > 0.8 * steps.max()


def test_hostile_labels_are_drawn_literally(hostile: AttentionRecord, tmp_path: Path) -> None:
    for suffix in ("png", "svg"):
        save(hostile, tmp_path / f"hostile.{suffix}", title="$\\frac{$ <script>\x07")
        save(hostile, tmp_path / f"hostile.{suffix}", level="subword")
    tags = {element.tag.split("}")[-1] for element in ET.parse(tmp_path / "hostile.svg").iter()}
    assert "script" not in tags


def test_characters_without_a_font(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only = [font for font in font_manager.fontManager.ttflist if font.name == "DejaVu Sans"]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", only)
    encoding = Encoding("책 日本", (4, 5), ("▁책", "▁日本"), ((0, 1), (1, 4)))
    record = AttentionRecord(encoding, encoding, (torch.full((1, 3, 3), 1 / 3),))
    assert save(record, tmp_path / "x.png", title="é 안") == "日本책안"
    assert fonts.choose_fonts(["책 é"]) == fonts.FontChoice(["\ufffd é"], ["DejaVu Sans"], "책")


def test_fonts_are_added_until_all_characters_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Entry:
        style, weight = "normal", 400

        def __init__(self, name: str) -> None:
            self.name = self.fname = name

    characters = {"Zed": set(b"bc"), "Noto Sans CJK KR": set(b"cd"), "Some Emoji": set(b"abcde"), "Broken": set()}
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [Entry(name) for name in characters])
    monkeypatch.setattr(fonts, "_characters", lambda path: characters.get(path, set(b"a")))
    choice = fonts.choose_fonts(["ab", "de"])
    labels, families = choice.labels, choice.families
    assert families == ["DejaVu Sans", "Noto Sans CJK KR", "Zed"]
    assert labels == ["ab", "d\ufffd"]
    assert fonts.choose_fonts(["a"]) == fonts.FontChoice(["a"], ["DejaVu Sans"], "")


def test_a_font_that_cannot_be_read_has_no_characters(tmp_path: Path) -> None:
    (tmp_path / "broken.ttf").write_bytes(b"nothing")
    assert fonts._characters(tmp_path / "broken.ttf") == set()
    assert fonts._characters(tmp_path / "missing.ttf") == set()


def test_long_labels_and_many_words(make_record: MakeRecord, tmp_path: Path) -> None:
    record = make_record(" ".join(["word"] * 70), "x" * 300 + " y")
    save(record, tmp_path / "long.png")
    with Image.open(tmp_path / "long.png") as image:
        assert max(image.size) < 6000


def test_a_target_without_words(encode: Encode, tmp_path: Path) -> None:
    record = AttentionRecord(encode("a b"), Encoding("", (), (), ()), (torch.full((1, 1, 3), 1 / 3),))
    save(record, tmp_path / "empty.png")
    assert (tmp_path / "empty.png").exists()


def test_global_settings_are_unchanged(day: AttentionRecord, tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    save(day, tmp_path / "x.svg")
    assert dict(mpl.rcParams) == before


def test_unknown_suffixes_and_missing_directories(day: AttentionRecord, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"with suffix \.png, \.svg, \.pdf, got 'x\.gif'"):
        save(day, tmp_path / "x.gif")
    with pytest.raises(CheckpointError, match=r"nowhere/x\.png: cannot be written: No such file or directory"):
        save(day, tmp_path / "nowhere" / "x.png")
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib(day: AttentionRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> ModuleType:
        if name.split(".")[0] == "matplotlib":
            raise ImportError(name)
        return real(name, globals, locals, fromlist, level)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(RegardError, match=r"pip install 'regard\[plot\]'"):
        save(day, tmp_path / "x.png")
