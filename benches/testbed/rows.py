"""What each kind of filter adds to a request: one Envoy, one worker, a listener for each, turns in shuffled rounds."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path

from . import authorization, envoy, filters, generator, processes, programs
from .bed import Bed
from .jwt import Issuer, ProofKey
from .row import BEFORE, MANY_ROUTES, ROWS, SIGNED, Row
from .statistics import confidence, median, spread

USUAL_ROUNDS = 300
TURN_MS = 20
LOADS = {"one": 1, "four": 4}
"""Connections in each load, closed loop. One: the worker sleeps between requests and each finds its caches cooled, as
on a proxy with room to spare. Four: the worker is saturated; figures scatter least, and limits are judged here."""
WARM_UP_REQUESTS = 20_000
"""Before each load. V8 compiles a function anew, and much faster, once it has run for a while: a proxy has that behind it
after its first seconds."""
CHECK_REQUESTS = 40
_ECHO = "/orders/echo"


def measure(bed: Bed) -> dict:
    """Runs every row and returns its figures by load and key."""
    issuer = Issuer(programs.openssl(), bed.children.directory)
    proof_key = ProofKey(programs.openssl(), bed.children.directory)
    rows = _chosen(bed)
    if any(row.listener.startswith("native") for row in rows):
        programs.needs_dynamic_module()
    pairs = [row for row in rows if row.is_paired and bed.before]
    everything = rows + [row.before() for row in pairs]
    server = authorization.start(bed.children, bed.load, bed.nginx)
    _, echo_port = generator.start_server(bed.children, bed.load, "echo")
    processes.pin(server.pid, 1)
    asking = sorted({row.listener for row in everything})
    clusters = [envoy.cluster(name, server.port) for name in asking] + [envoy.cluster("echo", echo_port)]
    with bed.envoy(_listeners(bed, everything, issuer, proof_key, server.port), clusters) as proxy:
        signed = {name: issuer.token(algorithm) for name, algorithm in SIGNED.items()}
        turns = _Turns(bed, proxy, signed, proof_key)
        bed.say("rows: every listener checked before it is measured")
        for row in everything:
            turns.check(row)
        loads, compared = {}, {}
        for load, connections in LOADS.items():
            samples = turns.run(everything, connections)
            loads[load] = {row.key: _figures(row, samples) for row in rows}
            compared[load] = {row.key: _compared(row, samples) for row in pairs}
    return {
        "authorization_server": server.title,
        "rounds": bed.rounds(USUAL_ROUNDS),
        "turn_ms": TURN_MS,
        "titles": {row.key: row.title for row in rows},
        "loads": loads,
        "compared": compared,
    }


def _chosen(bed: Bed) -> list[Row]:
    """The rows that are asked for, and those that they are compared with."""
    rows = [row for row in ROWS if bed.module or not row.needs_module]
    unknown = set(bed.row_keys or []) - {row.key for row in rows}
    if unknown:
        programs.stop_with(f"no row {', '.join(sorted(unknown))}; there are {', '.join(row.key for row in rows)}")

    def is_wanted(row: Row) -> bool:
        return (row.is_paired or not bed.pairs_only) and (not bed.row_keys or row.key in bed.row_keys)

    needed = {row.baseline for row in rows if is_wanted(row)}
    return [row for row in rows if is_wanted(row) or row.key in needed]


def _listeners(bed: Bed, rows: list[Row], issuer: Issuer, proof_key: ProofKey, port: int) -> list[dict]:
    chains: dict[str, list[dict]] = {
        "router": [],
        "router_routes": [],
        "floor": [envoy.wasm(bed.floor, "floor")],
        "floor_routes": [envoy.wasm(bed.floor, "floor_routes")],
        "floor_read": [envoy.wasm(bed.floor, "floor_read", "read")],
        "floor_clock": [envoy.wasm(bed.floor, "floor_clock", "clock")],
        "floor_set": [envoy.wasm(bed.floor, "floor_set", "set")],
        "jwt_cached": [filters.jwt_authn(issuer, caches=True, sets_claims=False)],
        "jwt_claims": [filters.jwt_authn(issuer, caches=True, sets_claims=True)],
        "jwt_uncached": [filters.jwt_authn(issuer, caches=False, sets_claims=False)],
        "lua": [filters.lua("lua", remembers=True)],
        "lua_callout": [filters.lua("lua_callout", remembers=False)],
        "ext_authz": [filters.ext_authz("ext_authz", port)],
    }
    if bed.before:
        for name, api in (("tessera", None), ("tessera_rules", filters.RULES), ("tessera_miss", None)):
            chains[BEFORE + name] = [filters.tessera(bed.before, BEFORE + name, BEFORE + name, api=api)]
    if bed.module:
        for host, module in (("tessera", bed.module), ("native", None)):
            chains |= _of_host(host, module, issuer, proof_key)
    return [
        envoy.listener(name, chains[name], routes=MANY_ROUTES if name.endswith("routes") else 2)
        for name in sorted({row.listener for row in rows})
    ]


def _of_host(host: str, module: Path | None, issuer: Issuer, proof_key: ProofKey) -> dict[str, list[dict]]:
    """Tessera's chains in one host: in Wasm with `module`, else natively."""
    options: dict[str, dict] = {
        "": {},
        "_rules": {"api": filters.RULES},
        "_miss": {},
        "_routes": {},
        "_known": {"issuer": issuer},
        "_verifies": {"issuer": issuer, "entries": 0},
        "_dpop": {"proof_key": proof_key},
        "_all": {"access_log": "all"},
    }
    names = {host + ending: chosen for ending, chosen in options.items()}
    return {name: [filters.tessera(module, name, name, **chosen)] for name, chosen in names.items()}


class _Turns:
    """Turns against one proxy; knows which fresh tokens were used already."""

    def __init__(self, bed: Bed, proxy: envoy.Envoy, signed: dict[str, str], proof_key: ProofKey) -> None:
        self._bed = bed
        self._proxy = proxy
        self._proof_key = proof_key
        self._cpu = proxy.cpu_files()
        self._main_cpu = proxy.main_cpu_file()
        self._tokens = {"opaque": "o" * 43, "bound": "b" * 43, **signed}
        self._next_fresh = 0

    def turn(self, row: Row, **order: object) -> dict:
        """One turn of `row`, in which everything must be let through."""
        credential = generator.fixed(self._tokens.get(row.token, ""))
        if row.token == "fresh":
            credential = generator.fresh(self._next_fresh)
        elif row.token == "bound":
            credential = generator.proved(self._tokens["bound"], self._proof_key)
        cpu = [*self._cpu, self._main_cpu] if row.main_thread else self._cpu
        order = {"cpu": cpu, "headers": row.headers, **order}
        outcome = self._bed.generator.ask(self._proxy.ports[row.listener], credential, **order)
        self._next_fresh += outcome["completed"] if row.token == "fresh" else 0
        return outcome

    def check(self, row: Row) -> None:
        """That the row measures what it says: verdicts, identity headers, and how often the server is asked."""
        port = self._proxy.ports[row.listener]
        self.turn(row, requests=CHECK_REQUESTS)
        if row.refuses_without_token:
            self._bed.generator.ask(port, "none", status=401, requests=4)
        token = self._tokens.get(row.token) or self._tokens["opaque"]
        shown = self._shown(row, token)
        headers = _echoed_headers(port, shown)
        identity = [headers.get(name) for name in filters.IDENTITY]
        expected = ["portal", "gold"] if row.sets_identity else ["spoofed", "spoofed"]
        if identity != expected:
            raise RuntimeError(f"{row.key}: the upstream saw {identity} in {filters.IDENTITY}, not {expected}")
        if row.listener.endswith("rules"):
            _check_rules(port, shown)
        if row.token == "bound" and row.sets_identity:
            _check_proofs(port, shown)
        logged = headers.get(envoy.OUTCOME)
        if (logged == "allowed") != (row.listener == "tessera_all"):
            raise RuntimeError(f"{row.key}: an access log would show the outcome {logged}")
        self._check_asking(row, CHECK_REQUESTS)

    def _shown(self, row: Row, token: str) -> dict[str, str]:
        """The headers of one request to the echo that show the row's token."""
        if row.token != "bound":
            return {"authorization": f"Bearer {token}"}
        proof = generator.proof(self._bed.load, token, self._proof_key, _ECHO)
        return {"authorization": f"DPoP {token}", "dpop": proof}

    def _check_asking(self, row: Row, requests: int) -> None:
        before = self._proxy.callouts(row.listener)
        self.turn(row, requests=requests)
        asked = self._proxy.callouts(row.listener) - before
        expected = requests if row.asks == "always" else 0
        if asked != expected:
            raise RuntimeError(f"{row.key}: {requests} requests asked {asked} times, not {expected}")

    def run(self, rows: list[Row], connections: int) -> dict[str, list[dict]]:
        """All rounds of one load; afterwards, that what was warm at the start still is."""
        samples: dict[str, list[dict]] = {row.key: [] for row in rows}
        rounds = self._bed.rounds(USUAL_ROUNDS)
        self._bed.say(f"rows: {rounds} rounds of {len(rows)} turns of {TURN_MS} ms, {connections} connection(s)")
        for row in rows:
            self.turn(row, requests=500 if self._bed.quick else WARM_UP_REQUESTS, connections=connections)
        for order in self._bed.shuffled_rounds(rows, rounds, "rows"):
            for row in order:
                samples[row.key].append(self.turn(row, millis=TURN_MS, connections=connections))
        for row in rows:
            self._check_asking(row, CHECK_REQUESTS)
        return samples


def _echoed_headers(port: int, shown: dict[str, str]) -> dict[str, str]:
    """What reaches an upstream when a client sends this, and identity headers of its own."""
    status, body = _ask(port, {**shown, **{name: "spoofed" for name in filters.IDENTITY}})
    if status != 200:
        raise RuntimeError(f"port {port}: {status} {body}")
    return json.loads(body)


def _check_rules(port: int, shown: dict[str, str]) -> None:
    """That host, path and method are looked at: another one is refused."""
    got = [
        _ask(port, {**shown, "host": "other.example.com"})[0],
        _ask(port, shown, path="/other")[0],
        _ask(port, shown, method="DELETE")[0],
    ]
    if got != [404, 404, 403]:
        raise RuntimeError(f"port {port}: another host, path and method got {got}, not 404, 404 and 403")


def _check_proofs(port: int, used: dict[str, str]) -> None:
    """That each request needs a proof of its own: none, and one that was used, are refused."""
    got = [_ask(port, {"authorization": used["authorization"]})[0], _ask(port, used)[0]]
    if got != [401, 401]:
        raise RuntimeError(f"port {port}: no proof and one that was used got {got}, not 401 twice")


def _ask(port: int, headers: dict[str, str], *, method: str = "GET", path: str = _ECHO) -> tuple[int, str]:
    """Status and body of the answer to one request."""
    headers = {"host": "api.example.com", **headers}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode(errors="replace")


def cpu_us(turn: dict) -> float:
    """The worker's CPU for each request of a turn, in µs."""
    return turn["cpu_ns"] / 1000 / turn["completed"]


def added_us(turns: list[dict], baseline: list[dict]) -> list[float]:
    """Round by round, the CPU that a request costs more than with the router only."""
    return [cpu_us(turn) - cpu_us(base) for turn, base in zip(turns, baseline)]


def _figures(row: Row, samples: dict[str, list[dict]]) -> dict:
    turns = samples[row.key]
    added = added_us(turns, samples[row.baseline])
    return {
        "cpu_us": median([cpu_us(turn) for turn in turns]),
        "added_us": median(added),
        "added_us_quartiles": spread(added),
        "requests_per_s": median([turn["completed"] / turn["seconds"] for turn in turns]),
        "p50_us": median([turn["p50_us"] for turn in turns]),
        "p99_us": median([turn["p99_us"] for turn in turns]),
    }


def _compared(row: Row, samples: dict[str, list[dict]]) -> dict:
    """What a request costs with the module, as a multiple of what it costs with the module of before.

    The two are subtracted round by round, where drifts cancel out, and set in relation to the median of before: ratios
    of single rounds would have a denominator that noise brings close to 0.
    """
    base = samples[row.baseline]
    before = median(added_us(samples[row.before().key], base))
    more = added_us(samples[row.key], samples[row.before().key])

    def ratio(difference: float) -> float:
        return 1 + difference / before if before > 0 else float("inf")

    return {
        "before_added_us": before,
        "added_us": median(added_us(samples[row.key], base)),
        "ratio": ratio(median(more)),
        "ratio_quartiles": tuple(map(ratio, spread(more))),
        "ratio_median_95": tuple(map(ratio, confidence(more))),
    }
