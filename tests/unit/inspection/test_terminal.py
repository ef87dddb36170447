"""The terminal heat map: lines fit the width, columns are aligned, and nothing moves the cursor."""

from __future__ import annotations

import unicodedata

import pytest
import torch
from records import Encode, MakeRecord
from rich.cells import cell_len

from regard.inspection.record import AttentionRecord
from regard.inspection.terminal import render
from regard.values import Encoding


def test_the_picture_of_the_day(day: AttentionRecord) -> None:
    lines = [line.rstrip() for line in render(day, width=80).plain.splitlines()]
    assert lines == [
        "        How",
        "        │ was",
        "        │ │ your",
        "        │ │ │ day?",
        "        │ │ │ │ </s>",
        "Comment ██░░· · ░░  How 90%",
        "s'est   ░░██· ▒▒░░  was 80%",
        "ta      · · ██░░·   your 95%",
        "journée · · ░░██░░  day? 90%",
        "?       · · · ▒▒██  </s> 80%",
        "░ from 5%   ▒ from 20%   ▓ from 40%   █ from 70%",
    ]


def test_color_does_not_change_the_text(day: AttentionRecord) -> None:
    colored, plain = render(day, width=80), render(day, width=80, color=False)
    assert colored.plain == plain.plain
    assert colored.spans
    assert not plain.spans


@pytest.mark.parametrize("width", [12, 20, 40, 60, 80, 200])
@pytest.mark.parametrize("words", [1, 8, 30, 90])
def test_no_line_is_wider_than_the_terminal(make_record: MakeRecord, width: int, words: int) -> None:
    record = make_record(" ".join(["word"] * words), " ".join(["longer|word"] * words))
    for level in ("word", "subword"):
        lines = render(record, width=width, level=level).plain.splitlines()
        assert max(map(cell_len, lines)) <= width
        assert any("█" in line or "▓" in line or "▒" in line for line in lines[:-1])


def test_long_labels_are_truncated(make_record: MakeRecord) -> None:
    record = make_record(" ".join(f"{number}{'x' * 40}" for number in range(18)), "y" * 40)
    lines = render(record, width=80).plain.splitlines()
    assert max(map(cell_len, lines)) <= 80
    assert lines[17].endswith("x…")
    assert lines[17].count("│") == 17


def test_wide_characters_take_two_cells(korean: AttentionRecord) -> None:
    lines = render(korean, width=80).plain.splitlines()
    rows = [line for line in lines if line.startswith(korean.tgt_words)]
    assert len(rows) == 4
    # After the row labels, the first column starts under the first source label, in cells.
    starts = set()
    for line in rows:
        name = next(word for word in korean.tgt_words if line.startswith(word))
        rest = line[len(name) :]
        starts.add(cell_len(name) + len(rest) - len(rest.lstrip(" ")))
    assert starts == {cell_len(lines[0]) - cell_len("My")}


def test_a_long_source_has_a_ruler(make_record: MakeRecord) -> None:
    record = make_record(" ".join(f"w{number}" for number in range(1, 61)), "a b c")
    lines = render(record, width=100).plain.splitlines()
    assert [int(number) for number in lines[0].split()] == [1, 10, 20, 30, 40, 50, 60]
    strongest = int(record.words()[0].argmax()) + 1
    assert f"w{strongest} " in lines[1] + " "
    start = lines[0].index("1")
    blocks = lines[1][start : start + 61]
    assert max(blocks, key="·░▒▓█".index) == blocks[strongest - 1]
    narrow = render(record, width=50).plain.splitlines()
    assert narrow[0].split()[0] == "1"


def test_words_that_share_a_column_show_the_strongest(encode: Encode) -> None:
    weights = torch.zeros(1, 2, 101)
    weights[0, :, 77] = 1
    record = AttentionRecord(encode(" ".join(["w"] * 100)), encode("x"), (weights,))
    columns = render(record, width=40).plain.splitlines()[1][2:]
    assert columns.count("█") == 1
    assert columns.index("█") == pytest.approx(0.77 * len(columns), abs=1.5)


def test_control_characters_do_not_reach_the_terminal(hostile: AttentionRecord) -> None:
    for level in ("word", "subword"):
        text = render(hostile, width=300, level=level).plain
        controls = {c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
        assert controls == set()
        assert "�[31mred�" in text


def test_a_target_without_words(encode: Encode) -> None:
    record = AttentionRecord(encode("a b"), Encoding("", (), (), ()), (torch.full((1, 1, 3), 1 / 3),))
    assert "a" in render(record, width=40).plain


def test_the_default_width_is_that_of_the_terminal(day: AttentionRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "24")
    assert max(cell_len(line) for line in render(day).plain.splitlines()) <= 24
