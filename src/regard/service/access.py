"""Who may send requests, and how many: API keys, and rate limits (token buckets) per key or address."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request

from regard.errors import ConfigError
from regard.service.client import CLIENT
from regard.service.errors import ServiceError
from regard.service.keys import KeyFile
from regard.service.settings import ServiceSettings

MAX_CLIENTS = 10_000
"""Clients whose requests are counted at once; those seen longest ago are forgotten first."""
MAX_FAILURES = 10
"""Unknown keys that an address may send in a minute."""
IPV6_PREFIX = 64
"""Bits of an IPv6 address that name its network: one household or machine has all addresses that begin with them."""
_ROUNDING = 1e-6
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass
class _Bucket:
    """Tokens that a client has left.

    Attributes:
        tokens: Number of tokens.
        time: Time of the last count, by the monotonic clock.
    """

    tokens: float
    time: float


class TokenBuckets:
    """Limits the rate of requests of each client, who may send the requests of a whole minute at once.

    Args:
        per_minute: Limit of each client, in requests per minute.
    """

    def __init__(self, per_minute: float) -> None:
        self._per_minute = per_minute
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, client: str, *, cost: float = 1.0, per_minute: float | None = None) -> float:
        """Counts a request against the rate limit of a client, if the client has enough requests left.

        Args:
            client: Id of the client.
            cost: Number of requests to count, at least 1; if it is above the limit of a minute, that limit is counted.
            per_minute: Limit of this client, in requests per minute; None = the limit of this object.

        Returns:
            0 if the client had enough requests left. Otherwise nothing is counted, and the result is the number of
            seconds until it has enough.
        """
        limit = per_minute or self._per_minute
        now = time.monotonic()
        bucket = self._buckets.pop(client, None) or _Bucket(limit, now)
        self._buckets[client] = bucket
        while len(self._buckets) > MAX_CLIENTS:
            self._buckets.popitem(last=False)
        bucket.tokens = min(limit, bucket.tokens + (now - bucket.time) * limit / 60.0)
        bucket.time = now
        cost = min(max(1.0, cost), limit)
        if bucket.tokens >= cost - _ROUNDING:
            bucket.tokens -= cost
            return 0.0
        return (cost - bucket.tokens) * 60.0 / limit


def parse_proxies(texts: Sequence[str]) -> tuple[Network, ...]:
    """Parses the addresses of trusted proxies.

    Args:
        texts: Addresses or networks, such as `10.0.0.5` or `10.0.0.0/8`.

    Returns:
        The networks.

    Raises:
        ConfigError: A text is neither an address nor a network.
    """
    networks = []
    for text in texts:
        try:
            networks.append(ipaddress.ip_network(text, strict=False))
        except ValueError:
            raise ConfigError(
                f"proxies: expected an IP address, or a network such as 10.0.0.0/8, got {text!r}"
            ) from None
    return tuple(networks)


class Access:
    """Checks the API key of each request and the rate limit of each client.

    Args:
        keys: The file of API keys; None if requests need no key.
        per_minute: Limit of each client, in requests per minute; None = no limit.
        proxies: Networks of the proxies whose headers `X-Forwarded-For` and `X-Forwarded-Proto` are trusted.
    """

    def __init__(
        self, keys: KeyFile | None = None, *, per_minute: int | None = None, proxies: Sequence[Network] = ()
    ) -> None:
        self._keys, self._per_minute, self._proxies = keys, per_minute, tuple(proxies)
        self._requests = TokenBuckets(per_minute or math.inf)
        self._failures = TokenBuckets(MAX_FAILURES)

    def admit(self, request: Request, key: object, *, cost: int = 1) -> str:
        """Checks the API key of a request, and counts the request against the client's rate limit.

        Args:
            request: The request, in whose scope the id of the client is stored for the log.
            key: The API key among the parameters of the request; without one, that of the header `Authorization` is
                used.
            cost: Number of requests to count, such as the number of texts.

        Returns:
            Id of the client: `key:` and the id of the API key, or `address:` and the IP address if no keys are needed.

        Raises:
            ServiceError: The key is missing or unknown, or there were too many requests.
        """
        address = _network_name(self.address(request))
        client, own_limit = f"address:{address}", None
        if self._keys is not None:
            given = _key_of(request, key)
            if not given:
                raise ServiceError("Please contact the server operator to get an API key", code="missing_key")
            stored = self._keys.find(given)
            if stored is None:  # a right key is never refused because others at its address guess: keys are random
                self._count_failure(address)
                raise ServiceError("Invalid API key", status=403, code="invalid_key")
            client, own_limit = f"key:{stored.id}", stored.requests_per_minute
        limit = own_limit or self._per_minute
        if limit is not None:
            wait = self._requests.take(client, cost=cost, per_minute=limit)
            if wait:
                raise ServiceError(
                    f"Slowdown: {limit} per 1 minute",  # the sentence of LibreTranslate
                    status=429,
                    code="too_many_requests",
                    retry_after=math.ceil(wait),
                )
        request.scope[CLIENT] = client
        return client

    def may_use(self, request: Request, key: object, glossary: str) -> bool:
        """Whether the API key of an admitted request may use a named glossary.

        Args:
            request: The request.
            key: The API key among the parameters of the request; without one, that of the header `Authorization` is
                used.
            glossary: Name of the glossary.

        Returns:
            False if the key may use only certain glossaries, and this is none of them; otherwise True.
        """
        stored = None if self._keys is None else self._keys.find(_key_of(request, key))
        return stored is None or stored.glossaries is None or glossary in stored.glossaries

    def address(self, request: Request) -> str:
        """IP address of the client, also behind trusted proxies.

        If the sender is a trusted proxy, the addresses in `X-Forwarded-For` are read from the last to the first, up to
        the first one that is not the address of a trusted proxy.

        Args:
            request: The request.

        Returns:
            That address, without a port. If an entry of the header is not an IP address, the address of the proxy that
            added the entry. `unknown` if the address of the sender is not known.
        """
        address = _parse_address(request.client.host if request.client is not None else "")
        forwarded = [part for value in request.headers.getlist("x-forwarded-for") for part in value.split(",")]
        while forwarded and address is not None and self._is_proxy(address):
            further = _parse_address(forwarded.pop())
            if further is None:
                break
            address = further
        return "unknown" if address is None else str(address)

    def scheme(self, request: Request) -> str:
        """URL scheme of the client's request: to the trusted proxy if there is one, otherwise to the service.

        Args:
            request: The request.

        Returns:
            `http` or `https`.
        """
        address = _parse_address(request.client.host if request.client is not None else "")
        forwarded = request.headers.get("x-forwarded-proto", "").strip().lower()
        if forwarded in ("http", "https") and address is not None and self._is_proxy(address):
            return forwarded
        return str(request.scope["scheme"])

    def _count_failure(self, address: str) -> None:
        wait = self._failures.take(address)
        if wait:
            raise ServiceError(
                "Too many request limits violations",  # the sentence of LibreTranslate
                status=429,
                code="too_many_failures",
                retry_after=math.ceil(wait),
            )

    def _is_proxy(self, address: _Address) -> bool:
        return any(address in network for network in self._proxies)


def _parse_address(text: str) -> _Address | None:
    """An address, which may have brackets, a port or a zone; None for anything else."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _network_name(address: str) -> str:
    """What requests from an address are counted for: the address, or the network of an IPv6 address."""
    if ":" not in address:
        return address
    return str(ipaddress.ip_network(f"{address}/{IPV6_PREFIX}", strict=False))


def make_access(settings: ServiceSettings, keys: Path | None) -> Access:
    """Makes the object that checks API keys and rate limits, from the settings of the service.

    Args:
        settings: Settings of the service, with the rate limit and the trusted proxies.
        keys: File of API keys; None = no keys are needed.

    Returns:
        The object, whose method `admit` is to be called for each request.
    """
    file = None if keys is None else KeyFile(keys)
    return Access(file, per_minute=settings.req_limit, proxies=parse_proxies(settings.proxies))


def _key_of(request: Request, key: object) -> str:
    if isinstance(key, str) and key:
        return key
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""
