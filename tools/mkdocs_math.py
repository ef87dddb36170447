"""A hook of mkdocs: formulas become MathML while the site is built, so that reading them needs no script."""

from __future__ import annotations

import html
import re

from latex2mathml.converter import convert

FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.+?)\\[)\]]</\1>', re.DOTALL)
WORD = re.compile(r"\\mathrm\{(\w\w+)\}")


def on_page_content(content: str, **_: object) -> str:
    r"""Turns what `pymdownx.arithmatex` marked as LaTeX into `<math>`; mkdocs calls this once a page.

    Args:
        content: The page's HTML, formulas as `\(...\)` and `\[...\]`.

    Returns:
        The page's HTML, formulas as MathML.
    """
    return FORMULA.sub(_mathml, content)


def _mathml(match: re.Match[str]) -> str:
    latex = html.unescape(match[2])
    # Letter by letter, as \mathrm is converted, a word would fall apart.
    latex = WORD.sub(r"\\text{\1}", latex)
    return convert(latex, display="block" if match[1] == "div" else "inline")
