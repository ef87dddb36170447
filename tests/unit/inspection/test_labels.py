"""Labels: control characters are replaced, letters are kept."""

from __future__ import annotations

import pytest

from regard.inspection.labels import replace_controls


@pytest.mark.parametrize(
    "text", ["journée", "여동생은", "می\u200cروم", "क्\u200dष", "▁day", "e\u0301", "a b", "\U0001f600"]
)
def test_letters_are_kept(text: str) -> None:
    assert replace_controls(text) == text


@pytest.mark.parametrize(
    "control", ["\x1b", "\x00", "\r", "\n", "\x9b", "\u202e", "\u2066", "\ud800", "\u2028", "\u200b"]
)
def test_control_characters_are_replaced(control: str) -> None:
    assert replace_controls(f"a{control}b") == "a\ufffdb"
