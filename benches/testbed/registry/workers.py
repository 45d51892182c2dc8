"""How soon a change is in force on every worker of a real Envoy with the built module."""

from __future__ import annotations

import random
import threading
import time

from .. import authorization, envoy, filters, programs
from ..generator import Generator, among
from . import filling
from .bed import Bed
from .figures import p99
from .service import Connection

WORKERS, CONNECTIONS = 2, 32
ROUNDS = 100
PATIENCE_S = 120


def measure(bed: Bed) -> None:
    """A contract is suspended and resumed, now soon after the change before, now later."""
    load = programs.load()
    idp = authorization.start_own(bed.children, load)
    ports = {"idp": idp.port, "echo": idp.port, "registry": bed.service.feed}
    clusters = [envoy.cluster(name, port) for name, port in ports.items()]
    proxy = envoy.Envoy(bed.children, programs.envoy(), [_listener(bed)], clusters, workers=WORKERS)
    gateway = _Gateway(Generator(bed.children, load), proxy.ports["tessera"], bed.shape.last)
    admin, contract, taken = bed.caller("admin"), bed.shape.contract_id(bed.shape.last, 0), []
    pauses = random.Random(1)
    try:
        gateway.await_status(200)
        bed.say("in force on every worker")
        # The poll after the first snapshot comes after `refresh`; from then on one is held.
        bed.await_held()
        for number in range(bed.rounds(ROUNDS)):
            time.sleep(pauses.uniform(0.2, 2))
            bed.change(admin, contract)
            taken.append(gateway.await_status(403 if number % 2 == 0 else 200))
        if len(taken) % 2:
            bed.change(admin, contract)
    except RuntimeError as problem:
        raise RuntimeError(f"{problem}\nEnvoy's last words:\n{proxy.last_words()}") from problem
    finally:
        proxy.stop()
    floor = [_held_poll_ms(bed, admin, contract) for _ in range(2 * bed.rounds(10))]
    bed.told(f"a change in force on {WORKERS} workers of Envoy, p99", p99(taken), "ms", 500, floor=p99(floor))
    bed.told("the same, median", sorted(taken)[len(taken) // 2], "ms", floor=sorted(floor)[len(floor) // 2])


def _listener(bed: Bed) -> dict:
    source = {
        "url": "http://registry/v1/contracts",
        "cluster": "registry",
        "refresh": "1s",
        "timeout": "25s",
        "headers": {"authorization": {"env": "CONTRACTS_AUTH"}, "prefer": "wait=20"},
    }
    api = {"id": filling.SMALL_API, "contract": "required"}
    tessera = filters.tessera(programs.module(), "tessera", "idp", api=api, contracts={"source": source})
    variables = {"key_values": {"CONTRACTS_AUTH": f"Bearer {bed.gateway_token}"}}
    tessera["typed_config"]["config"]["vm_config"]["environment_variables"] = variables
    return envoy.listener("tessera", [tessera])


class _Gateway:
    """Envoy, asked on as many connections as make sure that every worker has some."""

    def __init__(self, generator: Generator, port: int, application: int) -> None:
        self._generator, self._port, self._token = generator, port, among(application, 1, "client")

    def await_status(self, status: int) -> float:
        """Until every connection is answered so; milliseconds."""
        begun = time.monotonic()
        while time.monotonic() - begun < PATIENCE_S:
            outcome = self._generator.turn(self._port, self._token, requests=CONNECTIONS, connections=CONNECTIONS)
            if outcome["statuses"] == {str(status): CONNECTIONS}:
                return (time.monotonic() - begun) * 1000
            time.sleep(0.002)
        raise RuntimeError(f"not every worker answers {status} after {PATIENCE_S} s: {outcome['statuses']}")


def _held_poll_ms(bed: Bed, admin: Connection, contract: str) -> float:
    """After how long somebody who holds a poll, and does nothing else, has been told of a change."""
    target, told = f"/v1/contracts?since={bed.cursor()}", []
    gateway = Connection(bed.service.feed, bed.gateway_token, prefer="wait=20")

    def poll() -> None:
        gateway.get(target)
        told.append(time.monotonic())

    thread = threading.Thread(target=poll)
    thread.start()
    bed.await_held()
    bed.change(admin, contract)
    changed = time.monotonic()
    thread.join()
    return max(0.0, told[0] - changed) * 1000
