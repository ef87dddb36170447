"""A stand-in for the translation service, for the tests of its page and for work on the page.

It answers the requests that the page makes with translations of stored models. Tests set its attributes to make it
slow, full, strict or empty. To work on the page: `python tests/support/stand_in.py en-fr=MODEL fr-en=MODEL`.
"""

from __future__ import annotations

import json
import math
import re
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import torch

from regard import load
from regard.inspection.html import render
from regard.inspection.record import AttentionRecord
from regard.service.page_assets import PAGE, POLICY, asset
from regard.text.sentences import sentence_spans
from regard.text.words import words_of
from regard.translation.glossary import Glossary
from regard.translation.result import Translation
from regard.translation.term_use import term_uses
from regard.translation.translator import Translator

GOLDEN = Path(__file__).parents[1] / "golden" / "models"
NAMES = {"en": "English", "fr": "French", "ko": "Korean"}
Translators = dict[tuple[str, str], Translator]
"""A translator for each direction."""
Request = dict[str, object]
"""The body of a request."""


@dataclass
class Failure:
    """A failure to answer with.

    Attributes:
        status: HTTP status.
        error: Sentence for the user.
        code: Name of the failure.
        retry_after: Content of the `Retry-After` header; None = no header.
    """

    status: int
    error: str = "The request failed."
    code: str = "failed"
    retry_after: str | None = None


@dataclass
class Script:
    """What the stand-in does, which tests may change at any time.

    Attributes:
        translators: A translator per direction.
        delay: Seconds before a text is answered.
        failures: Failures that the next requests for a path are answered with; an empty path stands for any.
        settings: Content of `/frontend/settings`.
        demo: Content of `/v1/demo`; None = the service has no demonstration.
        glossaries: Glossaries that requests may name.
        key: The API key that requests need; empty = none.
        lost: Kind of the event of a stream before which the connection is lost; empty = it is not.
        between: Seconds between two events of a stream.
        languages: Whether any language is served.
        attention: Whether translations come with attention.
        detected: What `auto` detects.
        path: Languages that a translation goes through; None = directly.
        file: State of every file.
        expected: Parts of messages by which the browser reports failures that the script causes.
        seen: Paths of all requests.
        requests: Path and body of requests for translations.
        uploads: Bodies of uploaded files.
    """

    translators: Translators
    delay: Callable[[str], float] = lambda text: 0.0
    failures: list[tuple[str, Failure]] = field(default_factory=list)
    settings: dict[str, object] = field(default_factory=dict)
    demo: dict[str, object] | None = None
    glossaries: dict[str, Glossary] = field(default_factory=dict)
    key: str = ""
    lost: str = ""
    between: float = 0.0
    languages: bool = True
    attention: bool = True
    detected: list[dict[str, object]] = field(default_factory=lambda: [{"language": "en", "confidence": 97.0}])
    path: list[str] | None = None
    file: dict[str, object] = field(default_factory=lambda: {"state": "done", "done": 3, "total": 3, "error": None})
    expected: Sequence[str] = ()
    seen: list[str] = field(default_factory=list)
    requests: list[tuple[str, Request]] = field(default_factory=list)
    uploads: list[bytes] = field(default_factory=list)


def golden_translators() -> Translators:
    """A Transformer and a recurrent model."""
    return {("en", "fr"): load(GOLDEN / "transformer"), ("fr", "en"): load(GOLDEN / "bahdanau")}


class Answers:
    """Answers to requests, by path."""

    def __init__(self, script: Script) -> None:
        self.script = script

    def languages(self) -> list[dict[str, object]]:
        """Content of `/languages`."""
        codes = sorted({code for direction in self.script.translators for code in direction})
        targets = {code: [code, *(to for start, to in self.script.translators if start == code)] for code in codes}
        everything: list[dict[str, object]] = [
            {"code": code, "name": NAMES[code], "targets": targets[code]} for code in codes
        ]
        return everything if self.script.languages else []

    def settings(self) -> dict[str, object]:
        """Content of `/frontend/settings`."""
        formats = [".txt", ".html", ".srt", ".docx"]
        usual = {"charLimit": 5000, "keyRequired": False, "filesTranslation": True, "supportedFilesFormat": formats}
        return usual | self.script.settings

    def translate(self, request: Request) -> dict[str, object]:
        """Content of `/v1/translate`."""
        source, target, detected = self._direction(request)
        translator, text = self.script.translators[source, target], str(request["text"])
        pieces = re.split(r"(\n+)", text)
        translated, sentences = "", []
        for piece in pieces:
            if not piece.strip():
                translated += piece
                continue
            parts = [piece[start:end].strip() for start, end in sentence_spans(piece)]
            glossary = self.script.glossaries[str(request["glossary"])] if "glossary" in request else None
            found = translator.translate(parts, attention=True, glossary=glossary)
            sentences += [self._sentence(each, bool(request.get("attention")), glossary) for each in found]
            translated += " ".join(each.text for each in found)
        result = {"text": translated, "sentences": sentences}
        path = self.script.path or [source, target]
        return {"source": source, "target": target, "path": path, "detected": detected, "translations": [result]}

    def score(self, request: Request) -> dict[str, object]:
        """Content of `/v1/score`."""
        source, target, _ = self._direction(request)
        [found] = self.script.translators[source, target].score(str(request["text"]), str(request["translation"]))
        result = {"text": found.text, "sentences": [self._sentence(found, True)]}
        return {"source": source, "target": target, "translations": [result]}

    def alternatives(self, request: Request) -> dict[str, object]:
        """Content of `/v1/alternatives`."""
        source, target, _ = self._direction(request)
        prefix, count = str(request["prefix"]), int(str(request["count"]))
        found = self.script.translators[source, target].alternatives(str(request["text"]), prefix, count)
        at = len(words_of(prefix))
        listed = [{"word": each.text.split()[at], "text": each.text, "score": each.score} for each in found]
        return {"source": source, "target": target, "alternatives": listed}

    def _direction(self, request: Request) -> tuple[str, str, list[dict[str, object]] | None]:
        source, detected = str(request.get("source") or "auto"), None
        if source == "auto":
            detected = self.script.detected
            source = str(detected[0]["language"])
        return source, str(request["target"]), detected

    def _sentence(self, found: Translation, attention: bool, glossary: Glossary | None = None) -> dict[str, object]:
        words = words_of(found.text)
        uses = () if glossary is None else term_uses(glossary, found.source, found.text)
        record = found.attention if attention and self.script.attention else None
        return {
            "source": found.source, "text": found.text, "score": found.score, "tokens": list(found.tokens),
            "token_scores": [-0.1] * len(found.tokens), "source_words": list(words_of(found.source)),
            "words": list(words), "word_scores": [pretended_score(word, at) for at, word in enumerate(words)],
            "alignment": [list(link) for link in found.alignment], "n_best": [], "warnings": [], "quality_flags": [],
            "attention": encoded(record) if record else None, "readout": None,
            "terms": [use.to_dict() for use in uses],
        }  # fmt: skip


def encoded(record: AttentionRecord) -> object:
    """The record as the one-file page holds it, which is how the service sends it."""
    [data] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', render(record))
    return json.loads(data)[0]["records"][0]


def pretended_score(word: str, position: int) -> float:
    """A log-probability that depends on the word only, as if the model had given it."""
    return math.log(1 - 0.97 * (sum(map(ord, word)) * 37 + position % 2) % 101 / 101)


class Handler(BaseHTTPRequestHandler):
    """Answers requests as the script says."""

    server: StandIn
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answers pages, assets and states."""
        script, answers = self.server.script, self.server.answers
        path = urlsplit(self.path).path
        script.seen.append(path)
        if self._fails(path):
            return None
        if path == "/" or path.startswith("/page/"):
            return self._asset(path.removeprefix("/page/").removeprefix("/") or PAGE)
        if path.startswith("/v1/files/"):
            name = {"id": "1", "name": "story.fr.txt", "download_url": "/download_file/story.fr.txt"}
            return self._json(name | script.file)
        if path.startswith("/download_file/"):
            return self._send(200, b"Une histoire.\n", "text/plain", {})
        if path == "/v1/demo":
            return self._json(script.demo or {"state": "off"})
        if path == "/v1/models":
            return self._json({"models": [], "glossaries": list(script.glossaries)})
        routes = {"/languages": answers.languages, "/frontend/settings": answers.settings}
        return self._json(routes[path]()) if path in routes else self._json({"error": "not found", "code": "none"}, 404)

    def do_POST(self) -> None:
        """Answers translations."""
        script, answers = self.server.script, self.server.answers
        script.seen.append(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/v1/files":
            script.uploads.append(body)
            return None if self._fails(self.path) else self._json({"id": "1", "status_url": "/v1/files/1"}, 202)
        request = json.loads(body)
        script.requests.append((self.path, request))
        time.sleep(script.delay(str(request["text"])))
        if self._fails(self.path):
            return None
        if script.key and self.headers["Authorization"] != f"Bearer {script.key}":
            return self._json({"error": "This server needs an API key.", "code": "key_required"}, 403)
        routes = {
            "/v1/translate": answers.translate,
            "/v1/score": answers.score,
            "/v1/alternatives": answers.alternatives,
        }
        with self.server.translating:
            if self.path == "/v1/stream":
                return self._stream(answers.translate(request))
            return self._json(routes[self.path](request))

    def _stream(self, answer: dict[str, object]) -> None:
        """Answers with the events of a stream, sentence by sentence."""
        content, script = json.loads(json.dumps(answer)), self.server.script
        [translation] = content.pop("translations")
        sentences = translation["sentences"]
        numbered = [("sentence", {"index": i, "of": len(sentences), **each}) for i, each in enumerate(sentences)]
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        for kind, data in [("start", content), *numbered, ("done", {"text": translation["text"]})]:
            if kind == script.lost:
                return
            self.wfile.write(f"event: {kind}\ndata: {json.dumps(data)}\n\n".encode())
            time.sleep(script.between)

    def do_DELETE(self) -> None:
        """Removes a file."""
        self.server.script.seen.append(self.path)
        self._json({})

    def _fails(self, path: str) -> bool:
        failures = self.server.script.failures
        for number, (only, failure) in enumerate(failures):
            if path.startswith(only or "/v1/translate"):
                del failures[number]
                self._fail(failure)
                return True
        return False

    def _fail(self, failure: Failure) -> None:
        if failure.status == 0:  # hang up
            self.close_connection = True
            self.connection.close()
            return
        retry = {"Retry-After": failure.retry_after} if failure.retry_after else {}
        self._json({"error": failure.error, "code": failure.code}, failure.status, retry)

    def _asset(self, name: str) -> None:
        try:
            content, media_type = asset(name)
        except KeyError:
            return self._json({"error": "not found", "code": "none"}, 404)
        headers = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"}
        return self._send(200, content, media_type, headers)

    def _json(self, data: object, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(data).encode(), "application/json", headers or {})

    def _send(self, status: int, content: bytes, media_type: str, headers: dict[str, str]) -> None:
        fields = Message()
        for name, value in {"Content-Type": media_type, "Content-Length": str(len(content)), **headers}.items():
            fields[name] = value
        try:
            self.send_response(status)
            for name, value in fields.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):  # the page has canceled the request
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Logs nothing."""


class StandIn(ThreadingHTTPServer):
    """The server; `script` says how it behaves."""

    daemon_threads = True

    def __init__(self, script: Script, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.script, self.answers, self.translating = script, Answers(script), threading.Lock()

    @property
    def address(self) -> str:
        """Address of the page."""
        return f"http://127.0.0.1:{self.server_address[1]}/"

    def handle_error(self, *_: object) -> None:
        """Ignores connections that the browser has closed."""


if __name__ == "__main__":
    torch.set_num_threads(1)
    pairs = [argument.split("=") for argument in sys.argv[1:]]
    chosen: Translators = {}
    for direction, path in pairs:
        start, _, end = direction.partition("-")
        chosen[start, end] = load(path)
    server = StandIn(Script(chosen or golden_translators()), port=5005)
    print(server.address)
    server.serve_forever()
