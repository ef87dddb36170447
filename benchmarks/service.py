"""The service under load, on loopback: throughput, latency of a sentence beside a document, many clients, memory.

    python benchmarks/service.py MODEL SENTENCES [--seconds 60] [--clients 64] [--json FILE]

SENTENCES has one source sentence per line. Each figure is a ratio of two measurements of one run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

PORT = 5091
URL = f"http://127.0.0.1:{PORT}"
DOCUMENT = 5_000
PER_REQUEST = 100
"""Sentences in a request of the throughput measurement."""
TIMEOUT = 120.0


@contextmanager
def server(model: Path, langs: str) -> Iterator[int]:
    """Runs a server for the time of a measurement; gives its process id."""
    command = [sys.executable, "-m", "regard", "serve", "--model", f"{langs}={model}", "--port", str(PORT)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            try:
                if httpx.get(f"{URL}/ready").status_code == 200:
                    break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        process.wait(60)


def offline(model: Path, lines: Sequence[str]) -> float:
    """Sentences per second of what `regard translate` does, without loading the model."""
    code = (
        "import sys, time, regard; t = regard.load(sys.argv[1]); lines = sys.stdin.read().splitlines();"
        "sys.setswitchinterval(0.0002); list(t.translate_lines(lines[:200], scores=False)); s = time.perf_counter();"
        "n = sum(1 for _ in t.translate_lines(lines, scores=False)); print(n / (time.perf_counter() - s))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(model)], input="\n".join(lines), capture_output=True, text=True, check=True
    )
    return float(run.stdout)


class Connection:
    """A kept-alive HTTP connection that costs little: a client library would take as much time as the service."""

    def __init__(self, langs: str) -> None:
        self.source, self.target = langs.split("-")
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def translate(self, q: str | list[str]) -> int:
        """Translates a text or a list of texts; gives the status."""
        if self.streams is None:
            self.streams = await asyncio.open_connection("127.0.0.1", PORT, limit=1 << 24)
        reader, writer = self.streams
        body = json.dumps({"q": q, "source": self.source, "target": self.target}).encode()
        headers = (
            "POST /translate HTTP/1.1",
            "Host: x",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
        )
        head = "\r\n".join(headers) + "\r\n\r\n"
        writer.write(head.encode() + body)
        status, *fields = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
        length = next(int(line.split(":")[1]) for line in fields if line.startswith("content-length"))
        await reader.readexactly(length)
        return int(status.split()[1])


async def through_http(lines: Sequence[str], langs: str, size: int, *, clients: int = 4) -> float:
    """Sentences per second of lists that several clients send."""
    parts = [list(lines[start : start + size]) for start in range(0, len(lines), size)]
    await Connection(langs).translate(parts[0])
    start = time.perf_counter()

    async def worker() -> None:
        connection = Connection(langs)
        while parts:
            assert await connection.translate(parts.pop()) == 200

    await asyncio.gather(*(worker() for _ in range(clients)))
    return len(lines) / (time.perf_counter() - start)


async def latencies(lines: Sequence[str], langs: str, count: int) -> list[float]:
    """Seconds that one sentence after the other takes."""
    seconds, connection = [], Connection(langs)
    for line in random.Random(1).choices(lines, k=count):
        start = time.perf_counter()
        assert await connection.translate(line) == 200
        seconds.append(time.perf_counter() - start)
        await asyncio.sleep(0.05)
    return seconds


async def unloaded(lines: Sequence[str], langs: str) -> float:
    """Median seconds of a list of 64 sentences when nothing else is translated."""
    connection, seconds = Connection(langs), []
    for _ in range(9):
        start = time.perf_counter()
        assert await connection.translate(random.Random(1).choices(lines, k=64)) == 200
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


async def beside_document(lines: Sequence[str], langs: str) -> tuple[list[float], list[float]]:
    """Latencies of a sentence alone, and while a document of another client is translated."""
    alone = await latencies(lines, langs, 60)
    document = "\n".join((list(lines) * (1 + DOCUMENT // len(lines)))[:DOCUMENT])
    source, target = langs.split("-")
    async with httpx.AsyncClient(base_url=URL, timeout=TIMEOUT) as client:
        answer = await client.post(
            "/v1/files", files={"file": ("document.txt", document.encode())}, data={"source": source, "target": target}
        )
        status = answer.json()["status_url"]
        while not (await client.get(status)).json()["done"]:
            await asyncio.sleep(0.1)
        beside: list[float] = []
        while (await client.get(status)).json()["state"] == "running" and len(beside) < 100:
            beside += await latencies(lines, langs, 5)
        await client.delete(status)
        return alone, beside


async def many_clients(
    lines: Sequence[str], langs: str, pid: int, *, clients: int, seconds: float
) -> dict[str, object]:
    """Clients that each send one sentence after the other: latencies, refusals, and memory in each quarter."""
    end = time.monotonic() + seconds
    taken: list[float] = []
    statuses: dict[int, int] = {}
    memory: list[int] = []

    async def worker(number: int) -> None:
        chooser, connection = random.Random(number), Connection(langs)
        while time.monotonic() < end:
            start = time.perf_counter()
            status = await connection.translate(chooser.choice(lines))
            taken.append(time.perf_counter() - start)
            statuses[status] = statuses.get(status, 0) + 1

    async def watch() -> None:
        while time.monotonic() < end:
            await asyncio.sleep(1.0)
            memory.append(resident(pid))

    await asyncio.gather(watch(), *(worker(number) for number in range(clients)))
    quarter = max(1, len(memory) // 4)
    ordered = sorted(taken)
    return {
        "requests": len(taken),
        "per_second": len(taken) / seconds,
        "p50": statistics.median(taken),
        "p99": ordered[int(0.99 * len(ordered))],
        "statuses": statuses,
        "memory_mb": [
            round(max(memory[start : start + quarter]) / 2**20, 1) for start in range(0, len(memory), quarter)
        ],
    }


def resident(pid: int) -> int:
    """Resident memory of a process, in bytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of the values is."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def main() -> None:
    """Runs all measurements."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("sentences", type=Path)
    parser.add_argument("--langs", default="en-fr")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--lines", type=int, default=2_000)
    parser.add_argument("--per-request", type=int, default=PER_REQUEST)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    lines = given.sentences.read_text(encoding="utf-8").splitlines()[: given.lines]
    figures: dict[str, object] = {"offline": offline(given.model, lines)}
    with server(given.model, given.langs) as pid:
        figures["http"] = asyncio.run(through_http(lines, given.langs, given.per_request))
        figures["list_of_64"] = asyncio.run(unloaded(lines, given.langs))
        alone, beside = asyncio.run(beside_document(lines, given.langs))
        figures["alone_p50"], figures["alone_p95"] = percentile(alone, 0.5), percentile(alone, 0.95)
        figures["beside_p50"], figures["beside_p95"] = percentile(beside, 0.5), percentile(beside, 0.95)
        figures["many"] = asyncio.run(
            many_clients(lines, given.langs, pid, clients=given.clients, seconds=given.seconds)
        )
    text = json.dumps(figures, indent=1)
    print(text)
    if given.json:
        given.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
