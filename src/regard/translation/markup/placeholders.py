"""Finds placeholders, addresses, paths and options, which must come back from a translation unchanged."""

from __future__ import annotations

import re
from collections.abc import Iterator

from regard.translation.markup.keep import KeepPatterns
from regard.values import Span

MESSAGE_MARK = "\ufdd2"
"""First character of the marks for arguments of messages; see `regard.translation.markup.embedded`."""
_NAME = r"[A-Za-z_][\w.\-]{0,80}"
_INDEX = r"(?:\[[\w.\-'\"]{0,40}\])"
_CONVERSION = (
    r"%(?:\d{1,2}\$)?[-+#0]{0,3}(?:\d{1,3}|\*)?(?:\.(?:\d{1,3}|\*))?(?:hh?|ll?|[Lqjzt])?[diouxXeEfFgGaAcrspn@]"
)
_PATTERN = re.compile(
    r"(?P<embedded>\ufdd2\d{1,9}\ufdd3)"
    r"|(?P<quoted>'\{'|'\}'|'\{[^'{}\n]{0,80}\}')"
    r"|(?P<mark>\[X\d{1,9}X\]|@@[\w.\-]{1,80}@@)"
    r"|(?P<angles><<[^<>\n]{1,80}>>)"
    r"|(?P<percent>(?<![\w.,%])\d{1,12}(?:[.,]\d{1,9})?%%(?![\w%])|(?<!%)%%(?!%)\w{0,80})"
    r"|(?P<json>\[?\{\s{0,3}\"[\w.\-]{1,80}\"\s{0,3}:(?:[^{}\n]|\{[^{}\n]{0,200}\}){1,400}\}\]?)"
    r"|(?P<double>\{\{[^{}\n]{1,200}\}\}|\{%[^{}\n]{1,200}%\})"
    r"|(?P<empty>\{\})|(?P<position>\{\\[A-Za-z0-9&(),.\\]{1,80}\})"
    r"|(?P<format>\{[ ]{0,3}\w{1,80}[ ]{0,3},[ ]{0,3}(?:number|date|time|spellout|ordinal|duration)"
    r"[ ]{0,3}(?:,[^{}\n]{0,80})?\})"
    r"|(?P<dollar>\$\{[^{}\n]{1,200}\})"
    rf"|(?P<brace>[$%]?\{{(?:{_NAME}|\d{{1,3}}){_INDEX}{{0,4}}(?:![rsa])?(?::[^{{}}\s]{{0,20}})?\}})"
    r"|(?P<numbered>(?<![\w%])%L?\d{1,2}(?![\w%$.,]*\d|[\w%$])|<[A-Z][A-Z0-9_\-]{1,60}>)"
    r"|(?P<named>%\([^()\s]{1,80}\)[-+#0]{0,3}\d{0,3}(?:\.\d{1,3})?[diouxXeEfFgGcrsa])"
    rf"|(?P<printf>(?<![\d%])(?:{_CONVERSION})+(?![\w%]))"
    r"|(?P<url>(?<![A-Za-z0-9.+\-])(?:(?i:https?|ftp)://|www\.(?=\w))[^\s<>\"“”«»。，、；：！？「」『』（）【】]{0,2000})"
    r"|(?P<email>(?<![A-Za-z0-9_.+\-])(?:mailto:)?[A-Za-z0-9_+\-][A-Za-z0-9_.+\-]{0,63}"
    r"@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){1,8})"
    r"|(?P<path>(?<![\w\\])[A-Za-z]:\\[^\s<>\"|?*]{0,500}|(?<![\w\\/.~])(?:~|\.{1,2})?/[\w.\-+]{1,80}/[\w./\-+]{0,500})"
    r"|(?P<escape>(?<![\w\\])\\(?:[abefnrtv0]|u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2})(?![\w\\])|(?<![\w\\])\\(?![\w\\]))"
    r"|(?P<option>(?<![\w\-])--[a-z][a-z0-9]{0,40}(?:-[a-z0-9]{1,40}){0,8}(?:=[^\s,;()\[\]]{1,200})?(?![\w\-]))"
    r"|(?P<count>(?<![\w&#])\#(?![\w#{]))"
)
_MAYBE = re.compile(r"<[A-Z<]|[{}%@\\\ufdd2#~]|\[X|://|www\.|--[a-z]|/[\w.\-+]")
"""What every placeholder contains."""
_TRIMMED = ("url", "email", "path")
"""Kinds that do not include the punctuation of the sentence after them."""
_GLUE = "/:.,=+_-–×"
"""Characters that join two placeholders to a single one, as in `%s/%s`."""
_POSITIONAL = re.compile(r"\{\}|%(?![(%]|\d{1,2}\$)")
_TRAILING = ".,;:!?'’…*_"
_BRACKETS = {")": "(", "]": "[", "}": "{"}


def find_placeholders(text: str, keep: KeepPatterns | None = None) -> Iterator[Span]:
    r"""Finds the parts of a text that are not translated.

    These are `[X1X]`, `@@name@@`, `{name}`, `{0}`, `{}`, `{n, number}`, `{{ name }}`, `{% tag %}`, `${name}`,
    `%(name)s`, `%1$s`, `%1`, `%s` and `%d` (but not a percent sign after a number or before a word), `%%` with the
    number before it or the word after it, `<NAME>`, `<<name>>`, `{"name": ...}`, a single `#`, web addresses, e-mail
    addresses, paths, options such as `--all`, `\n`, and what matches `keep`. Two placeholders with a single sign
    between them, such as `%s/%s`, count as one.

    Args:
        text: The text, with entities such as `&amp;` decoded.
        keep: Patterns of further parts; a match that overlaps a placeholder is merged with it. None = no patterns.

    Yields:
        The character range `[start, end)` of each part, in order, without overlap.

    Raises:
        ConfigError: Matching a pattern of `keep` takes too long.

    >>> text = "Mail {name} (50% off: http://a.org/b_(c).)"
    >>> [text[start:end] for start, end in find_placeholders(text)]
    ['{name}', 'http://a.org/b_(c)']
    """
    spans = list(_built_in(text)) if _MAYBE.search(text) else []
    if keep is not None:
        spans = sorted([*keep.find(text), *spans])
    merged: list[Span] = []
    for start, end in spans:
        is_joined = merged and start == merged[-1][1] + 1 and text[start - 1] in _GLUE
        if merged and (is_joined or start < merged[-1][1]):  # a pattern matches a part of a placeholder
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    yield from merged


def _built_in(text: str) -> Iterator[Span]:
    """Placeholders of the built-in kinds."""
    position = 0
    while match := _PATTERN.search(text, position):
        end = match.end()
        if match.lastgroup in _TRIMMED:
            end = match.start() + _address_length(match[0])
        yield match.start(), end
        position = end


def is_positional(placeholder: str) -> bool:
    """Whether a placeholder has neither number nor name, such as `%s` or `{}`, so that its order matters."""
    return placeholder[:1] in ("{", "%") and _POSITIONAL.search(placeholder) is not None


def is_percentage(placeholder: str) -> bool:
    """Whether a placeholder is a number with a doubled percent sign, such as `50%%`."""
    return placeholder[-2:] == "%%" and placeholder[:1].isdigit()


def may_contain_placeholders(text: str, keep: KeepPatterns | None = None) -> bool:
    """Whether a text may contain a placeholder: a fast test before the exact search of `find_placeholders`.

    Args:
        text: The text.
        keep: Patterns of further parts that are not translated.

    Returns:
        False if the text certainly has no placeholder. True does not mean that it has one.
    """
    return keep is not None or _MAYBE.search(text) is not None


def _address_length(address: str) -> int:
    """Length of an address without the punctuation of the sentence after it."""
    length = len(address)
    counts = {bracket: address.count(bracket) for bracket in "()[]{}"}
    while length > 1:
        last = address[length - 1]
        if last in _BRACKETS:
            if counts[_BRACKETS[last]] >= counts[last]:
                break
        elif last not in _TRAILING:
            break
        length -= 1
        if last in counts:
            counts[last] -= 1
    return length
