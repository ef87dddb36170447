"""Regular expressions that several checks share."""

from __future__ import annotations

import re

_IN_URL = r"[\w!#$%&*+,./:;=?@^`|~\\-]"
URL = re.compile(
    rf"(?:https?|ftp)://[a-z0-9]{_IN_URL}*|www\.[a-z0-9]{_IN_URL}+|[a-z0-9._%+-]+@[a-z0-9-]+\.[a-z0-9.-]*[a-z0-9]",
    re.I | re.A,
)
"""An address of the web or of mail, in ASCII; punctuation at its end is not part of it."""
HANGUL = "\u1100-\u11ff\uac00-\ud7a3"
"""Ranges of Korean letters and syllables, for use within brackets."""
