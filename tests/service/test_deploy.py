"""The page about deploying, the dashboard and the units name settings, measurements and limits that exist."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from served import MODELS, serving

from regard.service.settings import ServiceSettings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
DASHBOARD = ROOT / "deploy" / "grafana.json"
MEASUREMENT = re.compile(r"\b(?:regard|process)_[a-z_]+")


def _section(title: str) -> str:
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


@pytest.fixture(scope="module")
def measurements(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names of all measurements of a server that has been used, as queries name them."""
    with serving("--model", f"en-fr={MODELS / 'luong'}", directory=tmp_path_factory.mktemp("deploy")) as server:
        server.translate("a")
        server.raw(b"no HTTP\r\n\r\n")
        text = server.get("/metrics")[2].decode()
    families = list(text_string_to_metric_families(text))
    return {sample.name for family in families for sample in family.samples} | {
        family.name for family in families if family.type == "histogram"
    }


def test_the_page_names_each_setting_with_its_default() -> None:
    documented = dict(re.findall(r"^\| `(\w+)` \| (\S+) \|", _section("Limits"), re.MULTILINE))
    documented |= dict(re.findall(r"`(\w+)` \(`?(\w+)`?\)", _section("Limits")))
    shown = {str(None): "none", str(()): "none", "True": "true"}
    defaults = {
        name: shown.get(
            str(field.default), f"{field.default:g}" if isinstance(field.default, float) else str(field.default)
        )
        for name, field in ServiceSettings.model_fields.items()
        if name != "api_keys"
    }
    assert documented == defaults


def test_settings_in_examples_exist() -> None:
    files = [ROOT / "deploy" / name for name in ("regard.service", "Caddyfile", "nginx.conf", "Dockerfile")]
    for text in (PAGE, *(file.read_text(encoding="utf-8") for file in files)):
        assert set(re.findall(r"--set ([a-z_]+)=", text)) <= set(ServiceSettings.model_fields)
        assert set(re.findall(r"settings? `(\w+)`", text)) <= set(ServiceSettings.model_fields)


def test_the_page_names_measurements_that_exist(measurements: set[str]) -> None:
    named = set(MEASUREMENT.findall(_section("Measurements")))
    assert len(named) > 5
    assert named <= measurements
    own = {re.sub(r"_(bucket|sum|count|created)$", "", name) for name in measurements if name.startswith("regard_")}
    assert own <= named | {name.removesuffix("_total") for name in named}


def test_the_dashboard_shows_measurements_that_exist(measurements: set[str]) -> None:
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len(queries) > 10
    for query in queries:
        assert MEASUREMENT.findall(query)
        assert set(MEASUREMENT.findall(query)) <= measurements, query
        assert query.count("(") == query.count(")")
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    assert {name for query in queries for name in MEASUREMENT.findall(query)} >= {
        "regard_requests_total",
        "regard_refused_connections_total",
        "regard_waiting_tokens",
        "regard_loaded_models",
    }


def test_supervisors_wait_longer_than_the_deadline() -> None:
    deadline = ServiceSettings().deadline
    unit = (ROOT / "deploy" / "regard.service").read_text(encoding="utf-8")
    image = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    assert int(re.findall(r"TimeoutStopSec=(\d+)", unit)[0]) > deadline + 5
    assert int(re.findall(r"--stop-timeout (\d+)", image)[0]) > deadline + 5
    assert int(re.findall(r"LimitNOFILE=(\d+)", unit)[0]) > ServiceSettings().max_connections


def test_the_image_runs_as_a_user_and_asks_whether_it_is_ready() -> None:
    lines = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8").splitlines()
    final = lines[max(number for number, line in enumerate(lines) if line.startswith("FROM")) :]
    assert any(line.startswith("USER 1") for line in final)
    assert any("/ready" in line for line in final)


def test_proxies_keep_connections_for_a_shorter_time_than_the_service() -> None:
    for name in ("Caddyfile", "nginx.conf"):
        text = (ROOT / "deploy" / name).read_text(encoding="utf-8")
        assert int(re.findall(r"keepalive(?:_timeout)? (\d+)s", text)[0]) < ServiceSettings().idle_seconds
