"""Maps subwords to the characters that they stand for, and back.

SentencePiece writes spaces into its pieces as `▁`, adds one before the first word, and spells an unknown character with
one piece per UTF-8 byte. This module undoes that.
"""

from __future__ import annotations

from collections.abc import Iterable

from regard.text.normalize import replace_blanks, replace_surrogates
from regard.values import Span

SPACE = "\u2581"
"""The character that stands for a space in a piece."""

_ESCAPED_SPACE = "\U0010fffd"
# A text may contain `▁` itself. It passes through SentencePiece as the last private-use code point, which practically
# never occurs; a text that contains that code point is decoded with `▁` instead.

Surface = str | int | None
"""The surface form of an id: characters (with `▁` for a space), the value of one byte, or None for special tokens."""


def escape_text(text: str) -> str:
    """Escapes `▁` and replaces lone surrogates for SentencePiece; the length stays the same."""
    return text if text.isascii() else replace_surrogates(text).replace(SPACE, _ESCAPED_SPACE)


def locate_pieces(text: str, surfaces: Iterable[Surface]) -> tuple[Span, ...]:
    """Finds the characters that each subword of a text covers.

    Args:
        text: The tokenized text, escaped by `escape_text`.
        surfaces: The surface forms of its subwords in order; together they spell `▁` and the text.

    Returns:
        One span per subword. The spaces before a word belong to no span, so a subword that is only a space has an
        empty span at the next character. All bytes of a character have the span of the character.
    """
    spans: list[Span] = []
    end, bytes_left = -1, 0  # the space that SentencePiece adds before the text is at -1
    for surface in surfaces:
        if isinstance(surface, str):
            spans.append((end + _leading_spaces(surface), end + len(surface)))
            end += len(surface)
        elif isinstance(surface, int):
            if not bytes_left:
                bytes_left = len(text[end].encode())
                end += 1
            bytes_left -= 1
            spans.append((end - 1, end))
        else:
            spans.append((end, end))
    return tuple(spans)


def join_pieces(surfaces: Iterable[Surface]) -> tuple[str, tuple[Span, ...]]:
    """Detokenizes any sequence of subwords to one line of text.

    Invalid UTF-8 becomes U+FFFD. Spaces are single, with none at the ends, and line breaks become spaces.

    Args:
        surfaces: The surface forms of the subwords in order.

    Returns:
        The text and one span per subword, as for `locate_pieces`.
    """
    parts: list[str] = []
    spans: list[Span] = []
    byte_run: list[int] = []
    length = 0
    for surface in (*surfaces, None):  # the added None ends a run of bytes
        if isinstance(surface, int):
            byte_run.append(surface)
            continue
        if byte_run:
            parts.append(_decode_bytes(byte_run, length, spans))
            length += len(parts[-1])
            byte_run = []
        text = surface or ""
        spans.append((length + _leading_spaces(text), length + len(text)))
        parts.append(text.replace(SPACE, " "))
        length += len(text)
    return _collapse_spaces("".join(parts), spans[:-1])


def _leading_spaces(piece: str) -> int:
    return len(piece) - len(piece.lstrip(SPACE))


def _decode_bytes(byte_run: list[int], start: int, spans: list[Span]) -> str:
    """Decodes a run of bytes to text that starts at `start`, and appends one span per byte to `spans`."""
    characters: list[str] = []
    rest = bytes(byte_run)
    while rest:
        try:
            valid, num_invalid, after = rest.decode(), 0, b""
        except UnicodeDecodeError as error:
            valid, num_invalid, after = rest[: error.start].decode(), error.end - error.start, rest[error.end :]
        decoded = [(character, len(character.encode())) for character in valid]
        for character, size in decoded + [("\ufffd", num_invalid)] * bool(num_invalid):
            spans += [(start + len(characters), start + len(characters) + 1)] * size
            characters.append(character)
        rest = after
    return "".join(characters)


def _collapse_spaces(raw: str, spans: list[Span]) -> tuple[str, tuple[Span, ...]]:
    """Collapses runs of spaces, strips the ends, and adjusts the spans."""
    characters: list[str] = []
    positions: list[int] = []  # position in the result of each position in `raw`
    for character in replace_blanks(raw):
        positions.append(len(characters))
        if character != " " or (characters and characters[-1] != " "):
            characters.append(character)
    positions.append(len(characters))
    text = "".join(characters).rstrip(" ")
    moved = tuple((min(positions[start], len(text)), min(positions[end], len(text))) for start, end in spans)
    return text.replace(_ESCAPED_SPACE, SPACE), moved
