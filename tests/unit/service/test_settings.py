"""Settings of the service on the command line."""

from __future__ import annotations

import pytest

from regard.errors import ConfigError
from regard.service.settings import parse_settings


def test_settings_are_parsed() -> None:
    settings = parse_settings(
        ["char_limit=none", "req_limit=60", "proxies=10.0.0.1,,10.1.0.0/16", "page=false"], api_keys=True
    )
    assert (settings.char_limit, settings.req_limit, settings.page, settings.api_keys) == (None, 60, False, True)
    assert settings.proxies == ("10.0.0.1", "10.1.0.0/16")


@pytest.mark.parametrize("text", ["char_limit", "speed=3", "api_keys=true"])
def test_unknown_settings_are_refused_with_the_known_ones(text: str) -> None:
    expected = f"--set {text}: expected KEY=VALUE, where KEY is one of char_limit, .*, files$"
    with pytest.raises(ConfigError, match=expected):
        parse_settings([text], api_keys=False)


def test_impossible_values_are_refused() -> None:
    with pytest.raises(ConfigError, match="--set: char_limit"):
        parse_settings(["char_limit=0"], api_keys=False)
