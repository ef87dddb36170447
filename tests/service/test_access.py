"""Clients are distinguished by key or address, and each has its rate; only named proxies speak for others."""

from __future__ import annotations

import math
import time

import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st

from regard.errors import ConfigError
from regard.service import access
from regard.service.access import Access, TokenBuckets, parse_proxies
from regard.service.errors import ServiceError


def request(address: str = "192.0.2.1", *forwarded: str, **headers: str) -> Request:
    """A request from an address, with `X-Forwarded-For` headers."""
    pairs = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    pairs += [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "client": (address, 1234), "headers": pairs, "scheme": "http", "path": "/"})


class _Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    """The clock of the token buckets."""
    clock = _Clock()
    monkeypatch.setattr(access, "time", clock)
    return clock


@pytest.mark.parametrize(
    ("address", "forwarded", "client"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["203.0.113.9"], "192.0.2.1"),  # not a proxy: not believed
        ("10.0.0.5", [], "10.0.0.5"),
        ("10.0.0.5", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.5", ["1.2.3.4, 203.0.113.9"], "203.0.113.9"),  # the client made up the first one
        ("10.0.0.5", ["1.2.3.4", "203.0.113.9"], "203.0.113.9"),
        ("10.0.0.5", ["203.0.113.9, 10.1.2.3"], "203.0.113.9"),  # two proxies
        ("10.0.0.5", ["203.0.113.9, 2001:db8:1::7, 10.1.2.3"], "203.0.113.9"),
        ("10.0.0.5", ["10.9.9.9"], "10.9.9.9"),
        ("10.0.0.5", ["203.0.113.9:4711"], "203.0.113.9"),
        ("10.0.0.5", ["[2001:db8:9::1]:4711"], "2001:db8:9::1"),
        ("10.0.0.5", ["2001:DB8:9::1"], "2001:db8:9::1"),
        ("::ffff:10.0.0.5", ["203.0.113.9"], "203.0.113.9"),  # IPv4 on a socket for both
        ("10.0.0.5", ["::ffff:203.0.113.9"], "203.0.113.9"),
        ("2001:db8:1::5", ["203.0.113.9"], "203.0.113.9"),
        ("2001:db8:2::5", ["203.0.113.9"], "2001:db8:2::5"),
        ("10.0.0.5", ["203.0.113.9, unknown"], "10.0.0.5"),  # what is no address does not become a client
        ("10.0.0.5", ["203.0.113.9,"], "10.0.0.5"),
        ("10.0.0.5", ["evil\x1b[31m"], "10.0.0.5"),
        ("unix", ["203.0.113.9"], "unknown"),
    ],
)
def test_the_address_is_the_last_that_no_proxy_has(address: str, forwarded: list[str], client: str) -> None:
    proxies = parse_proxies(["10.0.0.0/8", "2001:db8:1::/64"])
    assert Access(proxies=proxies).address(request(address, *forwarded)) == client


@given(st.lists(st.text(st.characters(codec="latin-1"), max_size=30), max_size=5))
def test_nobody_chooses_an_address_without_a_proxy(forwarded: list[str]) -> None:
    headers = [(b"x-forwarded-for", value.encode("latin-1")) for value in forwarded]
    scope = {"type": "http", "client": ("192.0.2.1", 1), "headers": headers}
    assert Access(proxies=parse_proxies(["10.0.0.5"])).address(Request(scope)) == "192.0.2.1"


@pytest.mark.parametrize("text", ["proxy.example", "10.0.0.0/33", "", "10.0.0.1-10.0.0.9"])
def test_a_proxy_is_an_address_or_a_network(text: str) -> None:
    with pytest.raises(ConfigError, match="expected an IP address, or a network"):
        parse_proxies([text])


def test_the_scheme_is_believed_from_proxies_only() -> None:
    access = Access(proxies=parse_proxies(["10.0.0.5"]))
    assert access.scheme(request("10.0.0.5", x_forwarded_proto="https")) == "https"
    assert access.scheme(request("192.0.2.1", x_forwarded_proto="https")) == "http"
    assert access.scheme(request("10.0.0.5", x_forwarded_proto="javascript")) == "http"


@pytest.mark.parametrize("limit", [1, 7, 60, 1000])
def test_a_client_may_try_again_after_retry_after(clock: _Clock, limit: int) -> None:
    buckets = TokenBuckets(limit)
    assert all(buckets.take("a") == 0.0 for _ in range(limit))
    wait = math.ceil(buckets.take("a"))
    assert 0 < wait <= 60
    assert buckets.take("b") == 0.0  # others are not concerned
    clock.now += wait
    assert buckets.take("a") == 0.0


@given(st.integers(1, 500), st.lists(st.tuples(st.floats(0, 30), st.integers(0, 900)), max_size=60))
def test_no_client_gets_more_than_its_rate(limit: int, steps: list[tuple[float, int]]) -> None:
    clock = _Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(access, "time", clock)
        buckets, taken = TokenBuckets(limit), 0.0
        start = clock.now
        for seconds, cost in steps:
            clock.now += seconds
            if buckets.take("a", cost=cost) == 0.0:
                taken += min(max(1, cost), limit)
        assert taken <= limit + (clock.now - start) * limit / 60 + 1e-3


def test_a_list_costs_as_much_as_its_texts(clock: _Clock) -> None:
    admitting = Access(per_minute=10)
    admitting.admit(request(), None, cost=9)
    admitting.admit(request(), None)
    with pytest.raises(ServiceError, match="Slowdown: 10 per 1 minute") as caught:
        admitting.admit(request(), None)
    assert (caught.value.status, caught.value.retry_after) == (429, 6)


def test_an_empty_list_is_not_free(clock: _Clock) -> None:
    admitting = Access(per_minute=3)
    for _ in range(3):
        admitting.admit(request(), None, cost=0)
    with pytest.raises(ServiceError):
        admitting.admit(request(), None, cost=0)


def test_a_network_of_ipv6_is_one_client(clock: _Clock) -> None:
    admitting = Access(per_minute=2)
    admitting.admit(request("2001:db8::1"), None)
    admitting.admit(request("2001:db8::ffff:2"), None)
    with pytest.raises(ServiceError):
        admitting.admit(request("2001:db8::3"), None)
    admitting.admit(request("2001:db8:0:1::1"), None)


def test_only_so_many_clients_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "MAX_CLIENTS", 100)
    buckets = TokenBuckets(1)
    for number in range(1000):
        buckets.take(str(number))
    assert len(buckets._buckets) == 100
    assert buckets.take("999") > 0.0  # the last ones are


def test_the_clock_of_the_buckets_is_monotonic() -> None:
    assert vars(access)["time"] is time
