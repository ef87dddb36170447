"""Mapping pieces to characters and back, without a vocabulary."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.text.tokenizers import SPACE, Surface, escape_text, join_pieces, locate_pieces

BYTES = [0xF0, 0x9F, 0x98, 0x80]


def test_spans_of_pieces_and_bytes() -> None:
    surfaces: list[Surface] = ["▁a", "▁", *BYTES, "b", "▁", "▁c"]
    assert locate_pieces("a 😀b  c", surfaces) == ((0, 1), (2, 2), *[(2, 3)] * 4, (3, 4), (5, 5), (6, 7))


def test_spans_of_adjacent_characters_in_bytes() -> None:
    surfaces: list[Surface] = ["▁", 0xC3, 0xA9, *BYTES, 0x41]
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
def test_any_pieces_join_to_one_line(surfaces: list[Surface]) -> None:
    text, spans = join_pieces(surfaces)
    assert text == " ".join(text.split())
    assert len(text.splitlines()) <= 1
    assert len(spans) == len(surfaces)
    assert all(0 <= start <= end <= len(text) for start, end in spans)
    assert [span[0] for span in spans] == sorted(span[0] for span in spans)
    covered = {position for start, end in spans for position in range(start, end)}
    assert {position for position, character in enumerate(text) if character != " "} <= covered
    assert all(start == end for (start, end), surface in zip(spans, surfaces, strict=True) if surface is None)


@given(st.binary())
def test_bytes_are_decoded_as_utf_8(data: bytes) -> None:
    assert join_pieces(list(data))[0] == join_pieces([data.decode(errors="replace").replace(" ", SPACE)])[0]


def test_the_space_symbol_is_escaped_and_restored() -> None:
    escaped = escape_text("x▁y\ud800")
    assert SPACE not in escaped
    assert len(escaped) == 4
    assert join_pieces([SPACE, *escaped.encode()])[0] == "x▁y\ufffd"
