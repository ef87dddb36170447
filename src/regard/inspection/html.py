"""One page of HTML that shows attention: complete in itself, for a browser without a network.

Sentences come from outside and may hold anything. They enter the page as JSON in which nothing can end the
element that it stands in, and the page's script writes them as text only. A content security policy lets
nothing run but that script, and lets nothing be fetched.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Sequence
from importlib.resources import files

from regard.errors import DataError
from regard.inspection.record import AttentionRecord
from regard.text.words import word_of_piece
from regard.values import Encoding

_SCALE = 10_000  # weights are whole ten-thousandths: half the size, and finer than a screen shows


def render(records: AttentionRecord | Sequence[AttentionRecord], *, title: str = "Attention") -> str:
    """A page for one or more sentences.

    Args:
        records: What was attended to; the page has a picker where there are several sentences.
        title: Heading of the page.

    Returns:
        A whole HTML document; all its characters are ASCII.

    Raises:
        DataError: Where there is no record.
    """
    chosen = [records] if isinstance(records, AttentionRecord) else list(records)
    if not chosen:
        raise DataError("a page of attention needs at least one sentence, got none")
    template = files(__package__).joinpath("page.html").read_text(encoding="utf-8")
    filled = {
        "policy": _policy(template),
        "title": _as_ascii(html.escape(title)),
        "data": _as_json([_record_data(record) for record in chosen]),
    }
    # One pass: what is filled in is not searched for places to fill in.
    return re.sub(r"\{\{(policy|title|data)\}\}", lambda match: filled[match[1]], template)


def frame(records: AttentionRecord | Sequence[AttentionRecord], *, title: str = "Attention", height: int = 760) -> str:
    """The page as an element for a notebook, whose styles and script stay apart from the notebook's.

    Args:
        records: As for `render`.
        title: As for `render`.
        height: In pixels.

    Returns:
        An `iframe` element.
    """
    page, name = html.escape(render(records, title=title)), _as_ascii(html.escape(title))
    return f'<iframe title="{name}" srcdoc="{page}" height="{height}" style="width: 100%; border: 0"></iframe>'


def _policy(template: str) -> str:
    """Allows the page's own style and script by their hashes, and nothing else."""
    rules = ["default-src 'none'", "base-uri 'none'", "form-action 'none'"]
    for kind in ("style", "script"):
        body = re.search(rf"<{kind}>(.*?)</{kind}>", template, re.DOTALL)
        if body is None:
            raise AssertionError(f"page.html has lost its {kind}")
        digest = base64.b64encode(hashlib.sha256(body[1].encode("utf-8")).digest()).decode("ascii")
        rules.append(f"{kind}-src 'sha256-{digest}'")
    return "; ".join(rules)


def _record_data(record: AttentionRecord) -> dict[str, object]:
    return {
        "src": _encoding_data(record.src, record.src_words),
        "tgt": _encoding_data(record.tgt, record.tgt_words),
        "layers": [
            {"name": name, "heads": (layer * _SCALE).round().int().tolist()}
            for name, layer in zip(record.layer_names, record.layers, strict=True)
        ],
    }


def _encoding_data(encoding: Encoding, words: tuple[str, ...]) -> dict[str, object]:
    return {"pieces": list(encoding.pieces), "words": list(words), "wordOf": list(word_of_piece(encoding))}


def _as_json(data: object) -> str:
    """JSON in ASCII without `<`, `>` and `&`: it can neither close a script element nor open a comment."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _as_ascii(text: str) -> str:
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")
