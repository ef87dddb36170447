"""Labels: commands become visible, letters stay."""

from __future__ import annotations

import pytest

from regard.inspection.labels import replace_controls


@pytest.mark.parametrize(
    "text", ["journée", "여동생은", "می\u200cروم", "क्\u200dष", "▁day", "e\u0301", "a b", "\U0001f600"]
)
def test_letters_stay(text):
    assert replace_controls(text) == text


@pytest.mark.parametrize("one", ["\x1b", "\x00", "\r", "\n", "\x9b", "\u202e", "\u2066", "\ud800", "\u2028", "\u200b"])
def test_commands_become_visible(one):
    assert replace_controls(f"a{one}b") == "a\ufffdb"
