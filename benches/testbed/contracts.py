"""The contract database at four sizes: how soon it is in force, what it holds, and who notices a new snapshot."""

from __future__ import annotations

import http.client
import json
import threading
import time
import urllib.request

from . import authorization, envoy, filters, generator, processes
from .bed import Bed
from .rows import added_us
from .statistics import median, quantile, spread

SIZES = (1_000, 10_000, 100_000, 1_000_000)
QUICK_SIZES = (100, 1_000)
PAGE_ROWS = 10_000
TOUCHED_CLIENTS = 10_000

HIT_ROUNDS = 200
HIT_TURN_MS = 20

SWAPS = 5
SWAP_RATE = 1000
SWAP_CONNECTIONS = 32
CALM_S = 2
LOADED_S = 6
"""How long the load goes on after the new version is there to be fetched."""


class Source:
    """A running contract source of `rows` contracts, one for each client."""

    def __init__(self, bed: Bed, rows: int) -> None:
        self.rows = rows
        arguments = ("contract-source", "--rows", rows, "--page-rows", PAGE_ROWS)
        self.pid, self.port = generator.start_server(bed.children, bed.load, *arguments)
        processes.pin(self.pid, 1)

    def advance(self) -> None:
        """Makes the next version: every contract has another tier."""
        self._ask("/advance")

    def state(self) -> dict:
        return json.loads(self._ask("/state"))

    def _ask(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return answer.read()


def _listener(bed: Bed, name: str, refresh: str = "10m") -> dict:
    source = {
        "url": "https://contracts.internal/v1/contracts",
        "cluster": f"contracts-{name}",
        "refresh": refresh,
        "timeout": "20s",
    }
    return envoy.listener(name, [filters.tessera(bed.tessera_module(), name, "idp", contracts={"source": source})])


def _clusters(idp: int, echo: int, sources: dict[str, Source]) -> list[dict]:
    clusters = [envoy.cluster("idp", idp), envoy.cluster("echo", echo)]
    return clusters + [envoy.cluster(f"contracts-{name}", source.port) for name, source in sources.items()]


def _last_client(source: Source) -> dict:
    """The token of the last contract's client: it is let through only once everything is loaded."""
    return generator.among(source.rows - 1, 1, "client")


def _await_in_force(bed: Bed, proxy: envoy.Envoy, name: str, source: Source, connections: int) -> float:
    """Asks until every connection (so, every worker) lets the last client through; when that was."""
    patience = 30 + source.rows / 5_000
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        everywhere = {"requests": connections, "connections": connections}
        outcome = bed.generator.turn(proxy.ports[name], _last_client(source), **everywhere)
        if outcome["statuses"] == {"200": connections}:
            return time.monotonic()
        time.sleep(0.005)
    raise RuntimeError(
        f"{source.rows} contracts are not in force after {patience:.0f} s: the last client gets {outcome['statuses']}, "
        f"the source was polled {source.state()['polls']} times"
    )


def measure_loading(bed: Bed) -> dict:
    """Time to in force and memory, with one worker and with two."""
    idp = authorization.start_own(bed.children, bed.load)
    results: dict = {"page_rows": PAGE_ROWS, "touched_clients": TOUCHED_CLIENTS, "sizes": {}}
    baselines = {workers: _load_once(bed, 1, workers, idp.port) for workers in (1, 2)}
    for size in QUICK_SIZES if bed.quick else SIZES:
        loads = {workers: _load_once(bed, size, workers, idp.port) for workers in (1, 2)}
        for workers, load in loads.items():
            grown = load["resident_bytes"] - baselines[workers]["resident_bytes"]
            load["bytes_per_contract"] = grown / size
        results["sizes"][str(size)] = {str(workers): load for workers, load in loads.items()}
    return results


def _load_once(bed: Bed, size: int, workers: int, idp: int) -> dict:
    bed.say(f"loading: {size} contracts, {workers} worker(s)")
    source = Source(bed, size)
    listeners, clusters = [_listener(bed, "tessera")], _clusters(idp, idp, {"tessera": source})
    with bed.envoy(listeners, clusters, workers=workers) as proxy:
        live = time.monotonic()
        in_force = _await_in_force(bed, proxy, "tessera", source, 1 if workers == 1 else 32)
        figures = {
            "in_force_s": in_force - proxy.started,
            "in_force_after_live_s": in_force - live,
            "resident_bytes": proxy.resident_bytes(),
        }
        touched = min(size, TOUCHED_CLIENTS)
        bed.generator.ask(proxy.ports["tessera"], generator.fresh(0, "client"), requests=touched)
        figures["resident_bytes_after_touching"] = proxy.resident_bytes()
        figures["peak_bytes"] = proxy.peak_resident_bytes()
        return figures


def measure_hits(bed: Bed) -> dict:
    """Warm-hit CPU at each size, side by side in one Envoy."""
    idp = authorization.start_own(bed.children, bed.load)
    processes.pin(idp.pid, 1)
    sizes = QUICK_SIZES if bed.quick else SIZES
    sources = {f"n{size}": Source(bed, size) for size in sizes}
    listeners = [envoy.listener("router", []), *(_listener(bed, name) for name in sources)]
    rounds = bed.rounds(HIT_ROUNDS)
    samples: dict[str, list[dict]] = {"router": [], **{name: [] for name in sources}}
    with bed.envoy(listeners, _clusters(idp.port, idp.port, sources)) as proxy:
        for name, source in sources.items():
            bed.say(f"hits: waiting for {source.rows} contracts")
            _await_in_force(bed, proxy, name, source, 1)
        cpu, asked = proxy.cpu_files(), proxy.callouts("idp")
        for order in bed.shuffled_rounds(list(samples), rounds, "hits"):
            for name in order:
                token = _last_client(sources[name]) if name in sources else generator.fixed("o" * 43)
                outcome = bed.generator.ask(proxy.ports[name], token, cpu=cpu, millis=HIT_TURN_MS, connections=4)
                samples[name].append(outcome)
        if proxy.callouts("idp") != asked:
            raise RuntimeError("hits: the authorization server was asked while only hits were measured")
    added = {name: added_us(samples[name], samples["router"]) for name in sources}
    return {
        "rounds": rounds,
        "turn_ms": HIT_TURN_MS,
        "sizes": {
            str(sources[name].rows): {"added_us": median(values), "added_us_quartiles": spread(values)}
            for name, values in added.items()
        },
    }


def measure_swap(bed: Bed) -> dict:
    """Latency of requests while a whole new snapshot comes in, and just before."""
    size = QUICK_SIZES[-1] if bed.quick else 100_000
    idp = authorization.start_own(bed.children, bed.load)
    _, echo = generator.start_server(bed.children, bed.load, "echo")
    source = Source(bed, size)
    calm: list[int] = []
    swapping: list[int] = []
    durations: list[float] = []
    waits: list[float] = []
    listeners, clusters = [_listener(bed, "tessera", "1s")], _clusters(idp.port, echo, {"tessera": source})
    with bed.envoy(listeners, clusters, workers=2) as proxy:
        _await_in_force(bed, proxy, "tessera", source, 32)
        bed.generator.ask(proxy.ports["tessera"], generator.among(0, min(size, 1000), "client"), requests=20_000)
        for number in range(2 if bed.quick else SWAPS):
            bed.say(f"swap: {number + 1} of {SWAPS}, {size} contracts under {SWAP_RATE} requests/s")
            samples, swap = _swap_once(bed, proxy, source)
            begins, ends = swap["first_sent_unix_us"], swap["in_force_unix_us"]
            durations.append((ends - begins) / 1e6)
            waits.append((ends - swap["advanced_unix_us"]) / 1e6)
            for started, latency in samples:
                if started + latency >= begins and started <= ends:
                    swapping.append(latency)
                elif started < swap["advanced_unix_us"]:
                    calm.append(latency)
    return {
        "contracts": size,
        "requests_per_s": SWAP_RATE,
        "swaps": len(durations),
        "swap_s": median(durations),
        "change_to_in_force_s": max(waits),
        "calm": _latencies(calm),
        "swapping": _latencies(swapping),
    }


def _latencies(values: list[int]) -> dict:
    return {
        "requests": len(values),
        **{f"p{share}_ms": quantile(values, share / 100) / 1000 for share in (50, 99)},
        "max_ms": max(values) / 1000,
    }


def _swap_once(bed: Bed, proxy: envoy.Envoy, source: Source) -> tuple[list[tuple[int, int]], dict]:
    """Load on a thread of its own; meanwhile a calm stretch, a new version, and the wait until every worker has it."""
    path = bed.children.directory / "swap"
    outcome: dict = {}
    order = {"rate": SWAP_RATE, "connections": SWAP_CONNECTIONS, "samples": str(path)}
    millis = (CALM_S + LOADED_S) * 1000

    def load() -> None:
        token = generator.among(0, min(source.rows, 1000), "client")
        outcome.update(bed.generator.turn(proxy.ports["tessera"], token, millis=millis, **order))

    thread = threading.Thread(target=load)
    thread.start()
    try:
        time.sleep(CALM_S)
        advanced = time.time_ns() // 1000
        source.advance()
        _await_tier(proxy.ports["tessera"], source)
        in_force = time.time_ns() // 1000
        is_loaded = thread.is_alive()
    finally:
        thread.join()
    if not is_loaded:
        raise RuntimeError("swap: the new version came into force only after the load had ended")
    if outcome["failed"] or list(outcome["statuses"]) != ["200"]:
        raise RuntimeError(f"swap: {outcome['failed']} failures, statuses {outcome['statuses']}")
    samples = [tuple(map(int, line.split())) for line in path.read_text().splitlines()]
    state = source.state()
    times = {"advanced_unix_us": advanced, "in_force_unix_us": in_force}
    return samples, {**times, "first_sent_unix_us": state["first_sent_unix_us"]}


def _await_tier(port: int, source: Source) -> None:
    """Until every one of sixteen connections, which are spread over the workers, shows the source's tier."""
    expected = source.state()["tier"]
    token = f"client-{source.rows - 1:07}~tier"
    waiting = [http.client.HTTPConnection("127.0.0.1", port, timeout=10) for _ in range(16)]
    deadline = time.monotonic() + 30
    while waiting:
        if time.monotonic() > deadline:
            raise RuntimeError(f"swap: after 30 s {len(waiting)} of 16 connections still see the old tier")
        for connection in list(waiting):
            connection.request("GET", "/orders/echo", headers={"authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            headers = json.loads(answer.read())
            if answer.status == 200 and headers.get("x-sla-tier") == expected:
                connection.close()
                waiting.remove(connection)
        time.sleep(0.02)
