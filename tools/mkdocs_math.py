"""A mkdocs hook that converts formulas to MathML at build time, so that pages need no script to show them."""

from __future__ import annotations

import html
import re

from latex2mathml.converter import convert

FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.+?)\\[)\]]</\1>', re.DOTALL)
WORD = re.compile(r"\\mathrm\{(\w\w+)\}")


def on_page_content(content: str, **_: object) -> str:
    r"""Converts the LaTeX that `pymdownx.arithmatex` marked to `<math>`. mkdocs calls this once per page.

    Args:
        content: HTML of the page, with formulas as `\(...\)` and `\[...\]`.

    Returns:
        HTML of the page, with formulas as MathML.
    """
    return FORMULA.sub(_mathml, content)


def _mathml(match: re.Match[str]) -> str:
    latex = html.unescape(match[2])
    # The converter renders \mathrm letter by letter, which would break words apart; \text keeps them whole.
    latex = WORD.sub(r"\\text{\1}", latex)
    return convert(latex, display="block" if match[1] == "div" else "inline")
