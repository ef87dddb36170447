"""The licenses of everything that regard and its extras for users install allow any use."""

from __future__ import annotations

import re
import site
from importlib import metadata

import pytest

# `align` is left out: eflomal is a program under the GPL, which is run and never imported.
EXTRAS = ("plot", "interop", "serve", "data", "parquet")
ALLOWED = re.compile(
    r"apache|bsd|mit\b|isc\b|psf|python software foundation|0bsd|zlib|cc0|bsl-1\.0|cnri|mpl-2\.0|kiwi|matplotlib",
    re.IGNORECASE,
)
"""Licenses without conditions on programs that use the package; MPL-2.0 concerns changes to its own files only."""
REFUSED = re.compile(r"\b(a|l)?gpl|gnu|non-?commercial|proprietary|\bnc\b", re.IGNORECASE)


def installed_with(extras: tuple[str, ...]) -> set[str]:
    """Names of the installed packages that regard needs with some of its extras, directly or indirectly."""
    seen: set[str] = set()
    waiting: list[tuple[str, tuple[str, ...]]] = [("regard", extras)]
    while waiting:
        name, chosen = waiting.pop()
        for requirement in metadata.requires(name) or []:
            match = re.match(r"([A-Za-z0-9._-]+)(?:\[([^]]*)\])?", requirement)
            extra = re.search(r"extra == ['\"]([^'\"]+)", requirement)
            if match is None or (extra is not None and extra[1] not in chosen):
                continue
            other = re.sub(r"[-_.]+", "-", match[1]).lower()
            found = metadata.Distribution.discover(name=other, path=site.getsitepackages())
            if other not in seen and next(iter(found), None):
                seen.add(other)
                waiting.append((other, tuple((match[2] or "").split(","))))
    return seen - {"regard"}


def license_of(name: str) -> str:
    """What a package's metadata say about its license: an SPDX expression, else classifiers, else the first line."""
    fields = metadata.metadata(name)
    classifiers = [line for line in fields.get_all("Classifier") or [] if line.startswith("License ::")]
    text, expression = (str((fields.get_all(name) or [""])[0]) for name in ("License", "License-Expression"))
    return expression or "; ".join(classifiers) or text.strip().partition("\n")[0]


def test_all_licenses_allow_any_use() -> None:
    names = installed_with(EXTRAS)
    assert {"torch", "numpy", "sacrebleu", "fastapi", "onnxruntime"} <= names
    licenses = {name: license_of(name) for name in names}
    refused = {name: text for name, text in licenses.items() if REFUSED.search(text) or not ALLOWED.search(text)}
    assert refused == {}


@pytest.mark.parametrize("text", ["GPL-3.0-or-later", "License :: OSI Approved :: GNU Affero General Public License v3",
                                  "LGPLv2", "CC-BY-NC-4.0", ""])  # fmt: skip
def test_other_licenses_are_refused(text: str) -> None:
    assert REFUSED.search(text) or not ALLOWED.search(text)
