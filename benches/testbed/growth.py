"""What the number of known tokens changes: the cost of a hit and of a miss, and the memory.

Hits are measured twice: `hot`, always the same token, shows what the cache's own work grows by; `hit`, any of the known
tokens, also pays for memory that no CPU cache holds any more.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from . import authorization, envoy, filters, generator, processes, programs
from .bed import Bed
from .rows import added_us
from .statistics import median, spread

USUAL_ROUNDS = 200
TURN_MS = 30
SIZES = (100, 1_000, 10_000, 100_000)

GOOD_FLOOD = 100_000
BAD_FLOOD = 300_000
ENTRIES = 10_000
KEPT_TOKENS = 100
BAD_FROM = 0
GOOD_FROM = 10_000_000


@dataclasses.dataclass
class _Known:
    """A listener whose cache holds `size` tokens; for misses it is full, so that each new token displaces one."""

    size: int
    kind: str
    used: int = 0

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.size}"

    @property
    def entries(self) -> int:
        return self.size if self.kind == "miss" else 2 * self.size


def measure_cost(bed: Bed) -> dict:
    """Hit and miss cost at each size, in interleaved rounds."""
    module = bed.tessera_module()
    sizes = SIZES[:2] if bed.quick else SIZES
    known = [_Known(size, kind) for size in sizes for kind in ("hit", "miss")]
    server = authorization.start_own(bed.children, bed.load)
    processes.pin(server.pid, 1)
    listeners = [envoy.listener("router", [])]
    listeners += [
        envoy.listener(one.name, [filters.tessera(module, one.name, one.name, entries=one.entries)]) for one in known
    ]
    clusters = [envoy.cluster(name, server.port) for name in ("echo", *(one.name for one in known))]
    with bed.envoy(listeners, clusters) as proxy:
        for one in known:
            bed.say(f"growth: {one.name}: learning {one.size} tokens")
            bed.generator.ask(proxy.ports[one.name], generator.fresh(0), requests=one.size)
            one.used = one.size
        samples = _rounds(bed, proxy, known)
    figures: dict = {"rounds": bed.rounds(USUAL_ROUNDS), "turn_ms": TURN_MS, "sizes": {}}
    for size in sizes:
        figures["sizes"][str(size)] = {
            kind: _figures(samples[f"{kind}-{size}"], samples["router"]) for kind in ("hot", "hit", "miss")
        }
    return figures


def _rounds(bed: Bed, proxy: envoy.Envoy, known: list[_Known]) -> dict[str, list[dict]]:
    cpu = proxy.cpu_files()
    turns = [("router", None), *((one.kind, one) for one in known)]
    turns += [("hot", one) for one in known if one.kind == "hit"]
    samples: dict[str, list[dict]] = {_key(kind, one): [] for kind, one in turns}
    asked_before = {one.name: proxy.callouts(one.name) for one in known}
    rounds = bed.rounds(USUAL_ROUNDS)
    for order in bed.shuffled_rounds(turns, rounds, "growth"):
        for kind, one in order:
            port = proxy.ports[one.name if one else "router"]
            outcome = bed.generator.ask(port, _credential(kind, one), cpu=cpu, millis=TURN_MS, connections=1)
            samples[_key(kind, one)].append(outcome)
            if kind == "miss":
                one.used += outcome["completed"]
    for one in known:
        requests = sum(turn["completed"] for turn in samples[_key(one.kind, one)])
        share = (proxy.callouts(one.name) - asked_before[one.name]) / requests
        if (one.kind == "hit" and share > 0.001) or (one.kind == "miss" and share < 0.999):
            raise RuntimeError(f"growth: {one.name}: {share:.1%} of the requests asked the authorization server")
    return samples


def _key(kind: str, one: _Known | None) -> str:
    return f"{kind}-{one.size}" if one else kind


def _credential(kind: str, one: _Known | None) -> dict:
    if kind == "hit":
        return generator.among(0, one.size)
    if kind == "hot":
        return generator.among(one.size - 1, 1)
    return generator.fresh(one.used) if one else generator.fixed("o" * 43)


def _figures(turns: list[dict], router: list[dict]) -> dict:
    added = added_us(turns, router)
    return {"added_us": median(added), "added_us_quartiles": spread(added)}


def measure_memory(bed: Bed) -> dict:
    """Resident memory while many more distinct tokens come than the cache has room for."""
    return _memory(bed, bed.tessera_module())


def measure_memory_natively(bed: Bed) -> dict:
    """The same with the dynamic module."""
    programs.needs_dynamic_module()
    return _memory(bed, None)


def _memory(bed: Bed, module: Path | None) -> dict:
    scale = 50 if bed.quick else 1
    server = authorization.start_own(bed.children, bed.load)
    processes.pin(server.pid, 1)
    listeners = [envoy.listener("tessera", [filters.tessera(module, "tessera", "tessera", entries=ENTRIES)])]
    clusters = [envoy.cluster("tessera", server.port), envoy.cluster("echo", server.port)]
    kept = {"requests": KEPT_TOKENS, "connections": 1}
    with bed.envoy(listeners, clusters) as proxy:
        port = proxy.ports["tessera"]
        figures: dict = {"entries": ENTRIES, "at_start_bytes": proxy.resident_bytes()}
        bed.generator.ask(port, generator.fresh(GOOD_FROM), **kept)
        figures["bad"] = _flood(bed, proxy, "bad", BAD_FLOOD // scale, status=401)
        before = proxy.callouts("tessera")
        bed.generator.ask(port, generator.fresh(GOOD_FROM), **kept)
        figures["kept_tokens"] = KEPT_TOKENS
        figures["kept_tokens_asked_again"] = proxy.callouts("tessera") - before
        figures["good"] = _flood(bed, proxy, "good", GOOD_FLOOD // scale, status=200)
        figures["peak_bytes"] = proxy.peak_resident_bytes()
    return figures


def _flood(bed: Bed, proxy: envoy.Envoy, form: str, tokens: int, *, status: int) -> dict:
    """`tokens` distinct tokens in ten parts, and the resident memory after each."""
    bed.say(f"memory: {tokens} distinct {form} tokens")
    resident = [proxy.resident_bytes()]
    part = tokens // 10
    first = GOOD_FROM * 2 if form == "good" else BAD_FROM
    for number in range(10):
        credential = generator.fresh(first + number * part, form)
        bed.generator.ask(proxy.ports["tessera"], credential, status=status, requests=part)
        resident.append(proxy.resident_bytes())
    return {
        "tokens": part * 10,
        "resident_bytes": resident,
        "first_half_growth_bytes": resident[5] - resident[0],
        "second_half_growth_bytes": resident[10] - resident[5],
    }
