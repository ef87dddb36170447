"""Regular expressions that several checks share."""

from __future__ import annotations

import re

SPACELESS_LETTERS = (
    "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Tibetan, Burmese, Khmer
    "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"  # Japanese, Chinese
)
"""Ranges of the letters of scripts that do not separate words, for use within brackets."""
_IN_URL = r"[\w!#$%&*+,./:;=?@^`|~\\-]"
URL = re.compile(
    rf"(?:https?|ftp)://[a-z0-9]{_IN_URL}*|www\.[a-z0-9]{_IN_URL}+|[a-z0-9._%+-]+@[a-z0-9-]+\.[a-z0-9.-]*[a-z0-9]",
    re.I | re.A,
)
"""An address of the web or of mail, in ASCII; punctuation at its end is not part of it."""
HANGUL = "\u1100-\u11ff\uac00-\ud7a3"
"""Ranges of Korean letters and syllables, for use within brackets."""
