"""The picture in a terminal: its lines fit, its columns stand under each other, and nothing moves the cursor."""

from __future__ import annotations

import unicodedata

import pytest
import torch
from rich.cells import cell_len

from regard.inspection.record import AttentionRecord
from regard.inspection.terminal import render
from regard.values import Encoding


def test_the_day_looks_like_this(day):
    lines = [line.rstrip() for line in render(day, width=80).plain.splitlines()]
    assert lines == [
        "        How",
        "        │ was",
        "        │ │ your",
        "        │ │ │ day?",
        "        │ │ │ │ </s>",
        "Comment ██░░· · ░░  How 90%",
        "s'est   ░░██· ░░░░  was 70%",
        "ta      · · ██░░·   your 95%",
        "journée · · ░░██░░  day? 90%",
        "?       · · · ▒▒██  </s> 80%",
        "░ from 5%   ▒ from 20%   ▓ from 40%   █ from 70%",
    ]


def test_color_is_an_addition(day):
    colored, plain = render(day, width=80), render(day, width=80, color=False)
    assert colored.plain == plain.plain
    assert colored.spans
    assert not plain.spans


@pytest.mark.parametrize("width", [12, 20, 40, 60, 80, 200])
@pytest.mark.parametrize("words", [1, 8, 30, 90])
def test_no_line_is_wider_than_the_terminal(make_record, width, words):
    record = make_record(" ".join(["word"] * words), " ".join(["longer|word"] * words))
    for level in ("word", "subword"):
        lines = render(record, width=width, level=level).plain.splitlines()
        assert max(map(cell_len, lines)) <= width
        assert any("█" in line or "▓" in line or "▒" in line for line in lines[:-1])


def test_long_names_are_cut_off_at_the_edge(make_record):
    record = make_record(" ".join(f"{number}{'x' * 40}" for number in range(18)), "y" * 40)
    lines = render(record, width=80).plain.splitlines()
    assert max(map(cell_len, lines)) <= 80
    assert lines[17].endswith("x…")
    assert lines[17].count("│") == 17


def test_wide_characters_take_two_cells(korean):
    lines = render(korean, width=80).plain.splitlines()
    rows = [line for line in lines if line.startswith(korean.tgt_words)]
    assert len(rows) == 4
    # Where the names end, the first column stands under the first name, counted in cells.
    starts = set()
    for line in rows:
        name = next(one for one in korean.tgt_words if line.startswith(one))
        rest = line[len(name) :]
        starts.add(cell_len(name) + len(rest) - len(rest.lstrip(" ")))
    assert starts == {cell_len(lines[0]) - cell_len("My")}


def test_a_long_source_stands_under_a_ruler(make_record):
    record = make_record(" ".join(f"w{number}" for number in range(1, 61)), "a b c")
    lines = render(record, width=100).plain.splitlines()
    assert [int(one) for one in lines[0].split()] == [1, 10, 20, 30, 40, 50, 60]
    strongest = int(record.words()[0].argmax()) + 1
    assert f"w{strongest} " in lines[1] + " "
    start = lines[0].index("1")
    blocks = lines[1][start : start + 61]
    assert max(blocks, key="·░▒▓█".index) == blocks[strongest - 1]
    squeezed = render(record, width=50).plain.splitlines()
    assert squeezed[0].split()[0] == "1"


def test_words_that_share_a_column_show_the_strongest(encode):
    weights = torch.zeros(1, 2, 101)
    weights[0, :, 77] = 1
    record = AttentionRecord(encode(" ".join(["w"] * 100)), encode("x"), (weights,))
    columns = render(record, width=40).plain.splitlines()[1][2:]
    assert columns.count("█") == 1
    assert columns.index("█") == pytest.approx(0.77 * len(columns), abs=1.5)


def test_nothing_in_a_sentence_reaches_the_terminal_as_a_command(hostile):
    for level in ("word", "subword"):
        text = render(hostile, width=300, level=level).plain
        strange = {one for one in text if one != "\n" and unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
        assert strange == set()
        assert "�[31mred�" in text


def test_a_target_without_words(encode):
    record = AttentionRecord(encode("a b"), Encoding("", (), (), ()), (torch.full((1, 1, 3), 1 / 3),))
    assert "a" in render(record, width=40).plain


def test_the_width_of_the_terminal_is_asked_for(day, monkeypatch):
    monkeypatch.setenv("COLUMNS", "24")
    assert max(cell_len(line) for line in render(day).plain.splitlines()) <= 24
