"""From subwords to characters and back: which part of a text each subword stands for.

SentencePiece writes spaces into its pieces as `▁`, puts one more before the first word, and spells a
character that it does not know by one piece for each of its UTF-8 bytes. Here that is undone.
"""

from __future__ import annotations

from collections.abc import Iterable

from regard.text.normalize import replace_blanks, replace_surrogates
from regard.values import Span

SPACE = "\u2581"
"""How a piece spells a space."""

_STAND_IN = "\U0010fffd"
# A text may hold `▁` itself. It goes through SentencePiece as the last code point set aside for private
# use, which is as good as never written; a text that holds that one comes back with `▁` instead.

Surface = str | int | None
"""What an id stands for: characters (a space spelled as `▁`), the value of one byte, or nothing."""


def escape_text(text: str) -> str:
    """The text as SentencePiece may see it, of the same length: its own signs are hidden, surrogates replaced."""
    return text if text.isascii() else replace_surrogates(text).replace(SPACE, _STAND_IN)


def locate_pieces(text: str, surfaces: Iterable[Surface]) -> tuple[Span, ...]:
    """Finds the characters that each subword of a text covers.

    Args:
        text: The text that was cut, hidden (see `hide`).
        surfaces: What its subwords stand for, in order; together they spell `▁` and the text.

    Returns:
        One span a subword. The spaces before a word belong to no span, so that a subword that is only a space has
        an empty one where the next character stands. The bytes of one character all have this character's span.
    """
    spans: list[Span] = []
    end, bytes_left = -1, 0  # the space that SentencePiece puts before the text stands at -1
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
    """Spells the text of any subwords, also of such as no text was ever cut into.

    Bytes that are no UTF-8 become U+FFFD. Spaces are single and none stands at the ends, and a line break
    cannot come out: one line stays one line.

    Args:
        surfaces: What the subwords stand for, in order.

    Returns:
        The text and one span a subword, as for `locate`.
    """
    parts: list[str] = []
    spans: list[Span] = []
    run: list[int] = []
    length = 0
    for surface in (*surfaces, None):  # the last one is not theirs: it ends a run of bytes
        if isinstance(surface, int):
            run.append(surface)
            continue
        if run:
            parts.append(_spell(run, length, spans))
            length += len(parts[-1])
            run = []
        text = surface or ""
        spans.append((length + _leading_spaces(text), length + len(text)))
        parts.append(text.replace(SPACE, " "))
        length += len(text)
    return _tidy("".join(parts), spans[:-1])


def _leading_spaces(piece: str) -> int:
    return len(piece) - len(piece.lstrip(SPACE))


def _spell(run: list[int], start: int, spans: list[Span]) -> str:
    """Turns a run of bytes into text that begins at `start`, and adds one span a byte."""
    characters: list[str] = []
    rest = bytes(run)
    while rest:
        try:
            good, broken, after = rest.decode(), 0, b""
        except UnicodeDecodeError as error:
            good, broken, after = rest[: error.start].decode(), error.end - error.start, rest[error.end :]
        for character, size in [(one, len(one.encode())) for one in good] + [("\ufffd", broken)] * bool(broken):
            spans += [(start + len(characters), start + len(characters) + 1)] * size
            characters.append(character)
        rest = after
    return "".join(characters)


def _tidy(raw: str, spans: list[Span]) -> tuple[str, tuple[Span, ...]]:
    """Single spaces, none at the ends; the spans follow."""
    kept: list[str] = []
    places: list[int] = []
    for character in replace_blanks(raw):
        places.append(len(kept))
        if character != " " or (kept and kept[-1] != " "):
            kept.append(character)
    places.append(len(kept))
    text = "".join(kept).rstrip(" ")
    moved = tuple((min(places[start], len(text)), min(places[end], len(text))) for start, end in spans)
    return text.replace(_STAND_IN, SPACE), moved
