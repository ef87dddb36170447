"""Logs and measurements name no texts, keys or files of users, also when something breaks, and mislead no terminal."""

from __future__ import annotations

import json
import logging
import threading
import warnings
from collections.abc import Iterator

import pytest
from served import MODELS, Served, serving

from regard.service import logs
from regard.service.logs import JSONFormatter, TerminalFormatter
from regard.service.metrics import Metrics

SECRET = "resignation"


def _record(message: str = "request", error: BaseException | None = None, **fields: object) -> logging.LogRecord:
    record = logging.LogRecord("regard.service", logging.INFO, __file__, 1, message, (), None)
    record.exc_info = None if error is None else (type(error), error, error.__traceback__)
    vars(record).update(fields)
    return record


def _raised() -> BaseException:
    """An exception that quotes a text, raised because of another that does."""
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as error:
            raise ValueError(f"cannot read {SECRET}\x1b[2J") from error
    except ValueError as error:
        return error


def test_a_line_is_one_json_object() -> None:
    line = JSONFormatter().format(_record(path='/a"\n\x1b[31m\x9b\u202e', status=200))
    assert line.isascii()
    assert line.isprintable()
    entry = json.loads(line)
    assert entry["path"] == '/a"\n\x1b[31m\x9b\u202e'
    assert set(entry) == {"time", "level", "event", "path", "status"}


@pytest.mark.parametrize("formatter", [JSONFormatter(), TerminalFormatter()])
def test_exceptions_lose_their_messages(formatter: logging.Formatter) -> None:
    text = formatter.format(_record("internal error", _raised()))
    assert SECRET not in text
    assert "ValueError < KeyError" in text
    assert "test_logs.py" in text
    assert "\x1b" not in text


def test_the_lines_for_terminals_have_no_control_characters() -> None:
    text = TerminalFormatter().format(_record("a\nb\x1b", path="\x1b[2J\r\n", name_of_model="\x9b"))
    assert text.isascii()
    assert text.isprintable()


def test_messages_of_other_packages_lose_their_values() -> None:
    record = logging.LogRecord("somewhere", logging.WARNING, __file__, 1, "cannot read %s", (SECRET,), None)
    entry = json.loads(JSONFormatter().format(record))
    assert entry["event"] == "cannot read %s"


@pytest.fixture
def _logging_as_before() -> Iterator[None]:
    """Undoes what `start_logging` sets."""
    loggers = [logging.getLogger(name) for name in ("", "regard.service", "uvicorn.error")]
    before = [(logger.handlers, logger.propagate, logger.level) for logger in loggers]
    hook = threading.excepthook
    yield
    threading.excepthook = hook
    for logger, (handlers, propagate, level) in zip(loggers, before, strict=True):
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


@pytest.mark.usefixtures("_logging_as_before")
def test_warnings_threads_and_other_loggers_are_logged_without_texts(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logs.start_logging()
        warnings.warn(f"odd text {SECRET}", stacklevel=1)

    def fail() -> None:
        raise ValueError(SECRET)

    thread = threading.Thread(target=fail, name="decoder-7")
    thread.start()
    thread.join()
    logging.getLogger("asyncio").error("Task exception was never retrieved", exc_info=_raised())
    lines = capsys.readouterr().err.splitlines()
    entries = [json.loads(line) for line in lines]
    assert {"warning", "thread ended", "Task exception was never retrieved"} <= {entry["event"] for entry in entries}
    assert any(entry.get("thread_name") == "decoder-7" for entry in entries)
    assert SECRET not in "".join(lines)


# A running server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that breaks at a certain word."""
    directory = tmp_path_factory.mktemp("logs")
    with serving("--model", f"en-fr={MODELS / 'transformer'}", directory=directory, step=1e-6) as server:
        yield server


def test_an_internal_error_shows_and_logs_nothing_of_the_text(server: Served) -> None:
    for path, body in (
        ("/translate", {"q": f"break-inside {SECRET}", "source": "en", "target": "fr"}),
        ("/v1/translate", {"text": f"break-inside {SECRET}"}),
    ):
        status, headers, answer = server.post(path, body)
        assert (status, answer["code"]) == (500, "internal_error")
        assert headers["content-type"] == "application/json"
        assert set(answer) == {"error", "code"}
        assert "Runtime" not in str(answer)
    assert server.translate("a")[0] == 200
    errors = [entry for line in server.whole_log().splitlines() if (entry := json.loads(line))["level"] == "error"]
    assert len(errors) == 2
    assert all(entry["exception"] == "RuntimeError < KeyError" and entry["places"] for entry in errors)
    assert SECRET not in server.whole_log()


def test_refused_texts_are_not_logged(server: Served) -> None:
    text = f"{SECRET} \x1b[31m"
    for body in (
        {"q": text, "source": SECRET, "target": "fr"},
        {"q": text, "source": "en", "target": text},
        {"q": text, "source": "en", "target": "fr", "format": text},
        {"q": text, "source": "en", "target": "fr", "alternatives": text},
        {"q": [text, {"a": text}], "source": "en", "target": "fr"},
        {"q": text + "\ud800", "source": "en", "target": "fr"},
        {text: text},
    ):
        assert server.post("/translate", body)[0] == 400
    for odd in (
        {"text": text, "prefix": [text, text]},
        {"text": {"a": text}},
        {"text": text, text: text, "beam": text},
    ):
        assert server.post("/v1/translate", odd)[0] in (400, 409, 422)
    server.post("/v1/score", {"text": [text], "translation": [text, text]})
    server.request("POST", "/translate", f"{SECRET}", {"Content-Type": "application/json"})
    server.request("GET", f"/translate?q={SECRET}")
    assert SECRET not in server.whole_log()
    assert SECRET not in server.get("/metrics")[2].decode()


def test_names_of_files_are_not_logged(server: Served) -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="source"\r\n\r\nen\r\n'
        b'--x\r\nContent-Disposition: form-data; name="target"\r\n\r\nfr\r\n'
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="'
        + SECRET.encode()
        + b'.txt"\r\n\r\na\r\n--x--\r\n'
    )
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    status, _, answer = server.request("POST", "/translate_file", body, kind)
    assert status == 200
    path = "/" + json.loads(answer)["translatedFileUrl"].split("/", 3)[3]
    assert SECRET in path
    assert server.get(path)[0] == 200
    assert SECRET not in server.whole_log()
    assert path.split("/")[2][:22] not in server.whole_log()


def test_the_measurements_have_few_labels(server: Served) -> None:
    def num_series() -> int:
        return sum(not line.startswith("#") for line in server.get("/metrics")[2].decode().splitlines())

    def send(number: int) -> None:
        server.get(f"/nowhere/{number}")
        server.get(f"/v1/files/{number}")
        server.get(f"/download_file/{number}")
        server.request(f"M{number}", "/translate")
        server.translate("a", source=f"x{number}", api_key=str(number))

    num_series()  # is measured as well
    send(0)
    before = num_series()
    for number in range(1, 30):
        send(number)
    assert num_series() == before


def test_the_measurements_name_routes_methods_and_statuses() -> None:
    metrics = Metrics()
    metrics.add_request("/translate", "BREW", 418, 0.1)
    metrics.add_refusal(408)
    text = metrics.text().decode()
    assert 'regard_requests_total{method="other",route="/translate",status="418"} 1.0' in text
    assert 'regard_refused_connections_total{status="408"} 1.0' in text


def test_lines_for_terminals_are_short() -> None:
    line = TerminalFormatter().format(_record("listening", url="http://x", models="en-fr"))
    assert line[8:] == " listening http://x en-fr"
