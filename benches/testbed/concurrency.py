"""Many callers at once with one token that nobody knows yet."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

from . import authorization, envoy, filters, generator, programs
from .bed import Bed

CALLERS = 500
WORKERS = 4
ANSWER_AFTER_MS = 400
LEAD_MS = 50


def measure(bed: Bed) -> dict:
    """Introspections and waiting, with every caller patient and with the first one hanging up."""
    return _measure(bed, bed.tessera_module())


def measure_natively(bed: Bed) -> dict:
    """The same with the dynamic module."""
    programs.needs_dynamic_module()
    return _measure(bed, None)


def _measure(bed: Bed, module: Path | None) -> dict:
    server = authorization.start_own(bed.children, bed.load, "--delay-ms", ANSWER_AFTER_MS)
    listeners = [envoy.listener("tessera", [filters.tessera(module, "tessera", "tessera")])]
    clusters = [envoy.cluster("tessera", server.port), envoy.cluster("echo", server.port)]
    results: dict = {"callers": CALLERS, "workers": WORKERS, "answer_after_ms": ANSWER_AFTER_MS}
    with bed.envoy(listeners, clusters, workers=WORKERS) as proxy:
        for number, title in enumerate(("all_stay", "first_hangs_up")):
            bed.say(f"concurrency: {CALLERS} callers with one cold token, {title.replace('_', ' ')}")
            results[title] = _burst(bed, proxy, server.port, number, hangs_up=title == "first_hangs_up")
    return results


def _burst(bed: Bed, proxy: envoy.Envoy, server: int, number: int, *, hangs_up: bool) -> dict:
    port = proxy.ports["tessera"]
    # Another token, known before the burst, opens the connections.
    known = generator.fixed(f"{number}" * 43)
    bed.generator.ask(port, known, requests=1, connections=CALLERS)
    samples = bed.children.directory / "burst"
    asked = proxy.callouts("tessera")
    order: dict = {"hang_up_after_ms": LEAD_MS} if hangs_up else {}
    outcome = bed.generator.ask(
        port, generator.fixed(f"cold-{number}"), requests=CALLERS, connections=CALLERS, samples=str(samples), **order
    )
    with urllib.request.urlopen(f"http://127.0.0.1:{server}/state", timeout=10) as answer:
        answered = json.load(answer)["last_answer_unix_us"]
    ends = [sum(map(int, line.split())) for line in samples.read_text().splitlines()]
    return {
        "answered": outcome["completed"],
        "introspections": proxy.callouts("tessera") - asked,
        "last_ms_after_the_servers_answer": (max(ends) - answered) / 1000,
    }
