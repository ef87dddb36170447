"""A self-contained HTML page that shows attention and works without a network.

Sentences are untrusted input. They are embedded as JSON that cannot close its script element, and the page's script
inserts them as text only. A content security policy allows only this script to run and no requests.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files

from regard.errors import DataError
from regard.inspection.compact import compact_record
from regard.inspection.record import AttentionRecord

Records = AttentionRecord | Sequence[AttentionRecord]
"""Attention of one sentence or of several sentences."""

_SCRIPTS = (
    "texts",
    "numbers",
    "colors",
    "pens",
    "matrix",
    "sentences",
    "heads",
    "ranking",
    "panel",
    "display",
    "finder",
    "saving",
    "main",
)
"""The scripts of the page in dependency order."""


def render(records: Records, *, title: str = "Attention") -> str:
    """Renders an HTML page that shows the attention of one or more sentences.

    Args:
        records: Attention of each sentence; with several sentences, the page has a sentence picker.
        title: Heading of the page.

    Returns:
        A complete HTML document in ASCII.

    Raises:
        DataError: `records` is empty.
    """
    return render_comparison({"": records}, title=title)


def render_comparison(models: Mapping[str, Records], *, title: str = "Attention") -> str:
    """Renders an HTML page that compares the attention of several models on the same sentences, side by side.

    Args:
        models: Maps each model name to the model's attention: one record per sentence, with the same source sentences
            in the same order for all models.
        title: Heading of the page.

    Returns:
        A complete HTML document in ASCII.

    Raises:
        DataError: There is no model or no record, or the models have different source sentences.
    """
    by_model = {
        name: [records] if isinstance(records, AttentionRecord) else list(records) for name, records in models.items()
    }
    _check_sentences(by_model)
    data = [
        {"name": name, "records": [compact_record(record) for record in records]} for name, records in by_model.items()
    ]
    style, script = _asset("page.css"), '"use strict";\n' + "\n".join(_asset(f"{name}.js") for name in _SCRIPTS)
    values = {
        "policy": _policy(style=style, script=script),
        "title": _as_ascii(html.escape(title)),
        "style": style,
        "panel": _asset("panel.html"),
        "script": script,
        "data": _as_json(data),
    }
    # A single pass, so that placeholders within the inserted data are not replaced.
    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], _asset("page.html"))


def render_iframe(records: Records, *, title: str = "Attention", height: int = 760) -> str:
    """Renders the page of `render` as an `iframe` for a notebook, isolated from the notebook's styles and scripts.

    Args:
        records: Attention of each sentence; with several sentences, the page has a sentence picker.
        title: Heading of the page.
        height: Height of the `iframe` in pixels.

    Returns:
        An HTML `iframe` element that contains the page.
    """
    page, name = html.escape(render(records, title=title)), _as_ascii(html.escape(title))
    return f'<iframe title="{name}" srcdoc="{page}" height="{height}" style="width: 100%; border: 0"></iframe>'


def _check_sentences(models: Mapping[str, Sequence[AttentionRecord]]) -> None:
    if not any(models.values()):
        raise DataError("an attention page needs at least one sentence, got none: pass an attention record")
    (first, expected), *others = models.items()
    for name, records in others:
        if len(records) != len(expected):
            raise DataError(
                f"expected {len(expected)} sentences for each model, as for {first!r}, got {len(records)} for "
                f"{name!r}: pass the same sentences for all models, in the same order"
            )
        for number, (record, other) in enumerate(zip(expected, records, strict=True), start=1):
            if record.src.text != other.src.text:
                raise DataError(
                    f"sentence {number}: {first!r} has {record.src.text!r} but {name!r} has {other.src.text!r}: "
                    "pass the same sentences for all models, in the same order"
                )


def _asset(name: str) -> str:
    return (files(__package__) / "page" / name).read_text(encoding="ascii")


def _policy(**allowed: str) -> str:
    """A content security policy that allows only the style and script of the page, by their hashes."""
    rules = ["default-src 'none'", "base-uri 'none'", "form-action 'none'"]
    for kind, body in allowed.items():
        digest = base64.b64encode(hashlib.sha256(body.encode("ascii")).digest()).decode("ascii")
        rules.append(f"{kind}-src 'sha256-{digest}'")
    return "; ".join(rules)


def _as_json(data: object) -> str:
    """ASCII JSON without `<`, `>` and `&`, so that it can neither close a script element nor open a comment."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _as_ascii(text: str) -> str:
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")
