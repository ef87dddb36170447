"""From pieces to characters and back, without any vocabulary."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.text.surface import SPACE, Surface, escape_text, join_pieces, locate_pieces

BYTES = [0xF0, 0x9F, 0x98, 0x80]


def test_a_text_is_located() -> None:
    surfaces = ["▁a", "▁", *BYTES, "b", "▁", "▁c"]
    assert locate_pieces("a 😀b  c", surfaces) == ((0, 1), (2, 2), *[(2, 3)] * 4, (3, 4), (5, 5), (6, 7))


def test_two_characters_of_bytes_are_told_apart() -> None:
    surfaces = ["▁", 0xC3, 0xA9, *BYTES, 0x41]
    assert locate_pieces("é😀A", surfaces) == ((0, 0), (0, 1), (0, 1), *[(1, 2)] * 4, (2, 3))


@pytest.mark.parametrize(
    ("surfaces", "text", "spans"),
    [
        ([], "", ()),
        (["▁a", "b", "▁c"], "ab c", ((0, 1), (1, 2), (3, 4))),
        (["a", "▁", "▁", "▁b", "▁"], "a b", ((0, 1), (2, 2), (2, 2), (2, 3), (3, 3))),
        ([None, "▁a", None, "▁b", None], "a b", ((0, 0), (0, 1), (1, 1), (2, 3), (3, 3))),
        (["▁", *BYTES], "😀", ((0, 0), *[(0, 1)] * 4)),
        (["▁a", *BYTES[:2], "b"], "a\ufffdb", ((0, 1), (1, 2), (1, 2), (2, 3))),
        (["▁a", *BYTES[:2], None, *BYTES[2:]], "a\ufffd\ufffd\ufffd", ((0, 1), (1, 2), (1, 2), (2, 2), (2, 3), (3, 4))),
        (["▁a", 0x0A, 0x0D, "b"], "a b", ((0, 1), (1, 2), (2, 2), (2, 3))),
        ([0x0A, "▁a", 0xE2, 0x80, 0xA8], "a", ((0, 0), (0, 1), (1, 1), (1, 1), (1, 1))),
    ],
)
def test_pieces_are_joined(surfaces: list[Surface], text: str, spans: tuple[tuple[int, int], ...]) -> None:
    assert join_pieces(surfaces) == (text, spans)


PIECES = st.text(st.sampled_from("ab é한\u0301\n")).map(lambda text: text.replace(" ", SPACE))


@given(st.lists(st.one_of(PIECES, st.integers(0, 255), st.none())))
def test_any_pieces_give_one_tidy_line(surfaces: list[Surface]) -> None:
    text, spans = join_pieces(surfaces)
    assert text == " ".join(text.split())
    assert len(text.splitlines()) <= 1
    assert len(spans) == len(surfaces)
    assert all(0 <= start <= end <= len(text) for start, end in spans)
    assert [span[0] for span in spans] == sorted(span[0] for span in spans)
    covered = {place for start, end in spans for place in range(start, end)}
    assert {place for place, character in enumerate(text) if character != " "} <= covered
    assert all(start == end for (start, end), surface in zip(spans, surfaces, strict=True) if surface is None)


@given(st.binary())
def test_bytes_spell_what_they_are(data: bytes) -> None:
    assert join_pieces(list(data))[0] == join_pieces([data.decode(errors="replace").replace(" ", SPACE)])[0]


def test_the_sign_for_a_space_is_hidden_and_comes_back() -> None:
    hidden = escape_text("x▁y\ud800")
    assert SPACE not in hidden
    assert len(hidden) == 4
    assert join_pieces([SPACE, *hidden.encode()])[0] == "x▁y\ufffd"
