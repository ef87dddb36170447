"""Finds placeholders, web addresses and e-mail addresses, which must come back from a translation unchanged."""

from __future__ import annotations

import re
from collections.abc import Iterator

from regard.values import Span

_NAME = r"[A-Za-z_][\w.\-]{0,80}"
_INDEX = r"(?:\[[\w.\-'\"]{0,40}\])"
_CONVERSION = r"%(?:\d{1,2}\$)?[-+#0]{0,3}(?:\d{1,3}|\*)?(?:\.(?:\d{1,3}|\*))?(?:hh?|ll?|[Lqjzt])?[diouxXeEfFgGaAcspn@]"
_PATTERN = re.compile(
    r"(?P<mark>\[X\d{1,9}X\]|@@[\w.\-]{1,80}@@)"
    r"|(?P<double>\{\{[^{}\n]{1,200}\}\}|\{%[^{}\n]{1,200}%\})"
    r"|(?P<empty>\{\})|(?P<position>\{\\[A-Za-z0-9&(),.\\]{1,80}\})"
    r"|(?P<dollar>\$\{[^{}\n]{1,200}\})"
    rf"|(?P<brace>[$%]?\{{(?:{_NAME}|\d{{1,3}}){_INDEX}{{0,4}}(?:![rsa])?(?::[^{{}}\s]{{0,20}})?\}})"
    r"|(?P<named>%\([^()\s]{1,80}\)[-+#0]{0,3}\d{0,3}(?:\.\d{1,3})?[diouxXeEfFgGcrsa])"
    rf"|(?P<printf>(?<![\d%])(?:{_CONVERSION})+(?![\w%]))"
    r"|(?P<url>(?<![A-Za-z0-9.+\-])(?:(?i:https?|ftp)://|www\.(?=\w))[^\s<>\"“”«»。，、；：！？「」『』（）【】]{1,2000})"
    r"|(?P<email>(?<![A-Za-z0-9_.+\-])(?:mailto:)?[A-Za-z0-9_+\-][A-Za-z0-9_.+\-]{0,63}"
    r"@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){1,8})",
)
_TRAILING = ".,;:!?'’…*_"
_BRACKETS = {")": "(", "]": "[", "}": "{"}


def find_placeholders(text: str) -> Iterator[Span]:
    """Finds the parts of a text that are not translated.

    These are `[X1X]`, `@@name@@`, `{name}`, `{0}`, `{}`, `{{ name }}`, `{% tag %}`, `${name}`, `%(name)s`, `%1$s`,
    `%s` and `%d` (but not a percent sign after a number or before a word), web addresses and e-mail addresses.

    Args:
        text: Decoded text.

    Yields:
        The spans, in order, without overlap.

    >>> text = "Mail {name} (50% off: http://a.org/b_(c).)"
    >>> [text[start:end] for start, end in find_placeholders(text)]
    ['{name}', 'http://a.org/b_(c)']
    """
    if not may_contain_placeholders(text):
        return
    position = 0
    while match := _PATTERN.search(text, position):
        end = match.end()
        if match.lastgroup in ("url", "email"):
            end = match.start() + _address_length(match[0])
        yield match.start(), end
        position = end


def is_positional(placeholder: str) -> bool:
    """Whether a placeholder, such as `%s` or `{}`, has neither a number nor a name, so that the order counts."""
    return placeholder == "{}" or (placeholder.startswith("%") and "$" not in placeholder and placeholder[1] != "(")


def may_contain_placeholders(text: str) -> bool:
    """Whether a text may contain a placeholder: a fast test before the exact search of `find_placeholders`.

    Args:
        text: The text.

    Returns:
        False if the text certainly has no placeholder. True does not mean that it has one.
    """
    return any(character in text for character in "{%@") or "[X" in text or "://" in text or "www." in text


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
