"""Clients of LibreTranslate from npm, unchanged: every method of each. They are fetched while the test runs."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import httpx
import pytest
from compatible import fetch

SCRIPT = """
import { createRequire } from "node:module";
const require = createRequire(import.meta.url);
const { default: translate, Translate } = await import("./translate/index.min.js");
const libre = require("./libretranslate/dist/translate.js").translate;
const [url, lockedUrl, key] = process.argv.slice(2);
// The package keeps translations by address and text without the key: each call has a text of its own.
const failure = promise => promise.then(() => "none", error => error.message);
const words = "The cat sleeps.";

translate.engine = "libre";
translate.url = `${url}/translate`;
const own = new Translate({ engine: "libre", url: `${url}/translate`, from: "en", to: "fr" });
const locked = Translate({ engine: "libre", url: `${lockedUrl}/translate`, key, to: "fr" });
const wrong = Translate({ engine: "libre", url: `${lockedUrl}/translate`, key: "x", to: "fr" });
const keyless = Translate({ engine: "libre", url: `${lockedUrl}/translate`, to: "fr" });
console.log(JSON.stringify({
  to: await translate(words, "fr"),
  options: await translate(words, { from: "English", to: "French" }),
  own: await own(words),
  emoji: await own("😀"),
  locked: await locked("Hey!"),
  errors: [
    await failure(translate(words, "ga")),
    await failure(wrong("Ha!")),
    await failure(keyless("Ho!")),
    await failure(locked("sechs!")),
  ],
  libre: [
    await libre({ query: words, source: "en", target: "fr", apiurl: url }),
    await libre({ query: "<b>The children</b> play.", target: "fr", format: "html", apiurl: url, apiKey: "any" }),
    await libre({ query: [words, words], source: "en", target: "fr", apiurl: url }),
    await failure(libre({ query: words, source: "en", target: "ga", apiurl: url })),
  ],
}));
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the packages `translate` and `libretranslate`, and the script that uses them."""
    npm = shutil.which("npm")
    if not npm or not shutil.which("node"):
        pytest.skip("needs node and npm")
    directory = tmp_path_factory.mktemp("npm")
    names = {"translate": "3.1.0", "libretranslate": "1.0.1"}
    fetch([npm, "pack", *(f"{name}@{version}" for name, version in names.items())], directory, what="npm packages")
    for name, version in names.items():
        with tarfile.open(directory / f"{name}-{version}.tgz") as archive:
            archive.extractall(directory / "unpacked", filter="data")
        (directory / "unpacked" / "package").rename(directory / name)
    (directory / "use.mjs").write_text(SCRIPT)
    return directory


def test_every_method(packages: Path, url: str, locked_url: str, key: str, http: httpx.Client) -> None:
    done = subprocess.run(
        ["node", "use.mjs", url, locked_url, key],
        cwd=packages,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    body = {"q": "The cat sleeps.", "source": "en", "target": "fr"}
    translated = http.post("/translate", json=body).json()["translatedText"]
    assert [found["to"], found["options"], found["own"]] == [translated] * 3
    assert found["emoji"] == "😀"
    assert found["locked"]
    assert found["errors"] == [
        "ga is not supported",
        "Invalid API key",
        "Please contact the server operator to get an API key",
        "Invalid request: request (6) exceeds text limit (5)",
    ]
    text, html, texts, error = found["libre"]
    assert (text, texts) == (translated, [translated] * 2)
    assert html.count("<b>") == html.count("</b>") == 1
    assert error == "This language was not found/does not exist."
