"""What each kind of filter adds to a request: one Envoy, one worker, a listener for each, turns in shuffled rounds."""

from __future__ import annotations

import dataclasses
import json
import urllib.error
import urllib.request

from . import authorization, envoy, filters, generator, processes, programs
from .bed import Bed
from .jwt import Issuer, ProofKey
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
SIGNED = {"jwt": "RS256", "ps256": "PS256", "eddsa": "EdDSA"}
"""The tokens that are signed, and how."""
_ECHO = "/orders/echo"
_BEFORE = "before_"
"""How keys and listeners of rows with the module of before begin; so its virtual machines are others, too."""


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table."""

    key: str
    title: str
    listener: str
    """The listener that it talks to; also the name of the cluster that this listener's filter asks."""
    token: str
    """`opaque` (43 characters), `jwt` (900, RS256), `ps256`, `eddsa` (as long), `fresh`: opaque, and new with every
    request, or `bound`: opaque, with a DPoP proof that is new with every request."""
    asks: str = "never"
    """How often the filter asks the authorization server once it is warm: `never` or `always`."""
    sets_identity: bool = True
    refuses_without_token: bool = True
    headers: int = 0
    """Header lines of each request, if more than the generator's four."""
    may_be_new: bool = False
    """Whether the module of before may not know what this row is about."""

    @property
    def baseline(self) -> str:
        if self.headers:
            return f"router_{self.headers}"
        if self.token == "bound":
            return "router_dpop"
        return "router_jwt" if self.token in SIGNED else "router"

    @property
    def needs_module(self) -> bool:
        return self.key.startswith("tessera") or self.headers > 0

    @property
    def is_paired(self) -> bool:
        """Whether the module of before is measured beside it, where there is one."""
        return self.key.startswith("tessera") and not self.may_be_new

    def before(self) -> Row:
        """The same row with the module of before."""
        return dataclasses.replace(self, key=_BEFORE + self.key, listener=_BEFORE + self.listener)


def _with_headers(count: int) -> list[Row]:
    return [
        Row(f"router_{count}", f"Router only, {count} headers", "router", "opaque", "never", False, False, count),
        Row(
            f"tessera_{count}",
            f"**Tessera, known opaque token, {count} headers**",
            "tessera",
            "opaque",
            headers=count,
        ),
        Row(
            f"tessera_rules_{count}",
            f"**Tessera, rules on host, path and method, {count} headers**",
            "tessera_rules",
            "opaque",
            headers=count,
        ),
    ]


def _floor(key: str, title: str, **options: bool) -> Row:
    return Row(key, title, key, "opaque", refuses_without_token=False, **{"sets_identity": False, **options})


ROWS = [
    _floor("router", "Router only"),
    Row("router_jwt", "Router only, 900-byte token", "router", "jwt", "never", False, False),
    Row("router_dpop", "Router only, DPoP proof", "router", "bound", "never", False, False),
    _floor("floor", "Empty Wasm filter, exports pruned (the floor)"),
    _floor("floor_read", "the floor + reading one header"),
    _floor("floor_clock", "the floor + one header + the clock"),
    _floor("floor_set", "the floor + one header + the clock + setting two headers", sets_identity=True),
    Row("tessera", "**Tessera, known opaque token**", "tessera", "opaque"),
    Row("tessera_all", "**Tessera, known opaque token, `access_log: all`**", "tessera_all", "opaque", may_be_new=True),
    Row("tessera_dpop", "**Tessera, known opaque token, DPoP proof**", "tessera_dpop", "bound", may_be_new=True),
    Row("tessera_jwt", "**Tessera, known JWT-shaped token, 900 bytes**", "tessera", "jwt"),
    Row("tessera_rules", "**Tessera, rules on host, path and method**", "tessera_rules", "opaque"),
    Row("tessera_known", "**Tessera, known verified JWT, RS256**", "tessera_known", "jwt", may_be_new=True),
    Row("tessera_rs256", "**Tessera, RS256 verified each time**", "tessera_verifies", "jwt", may_be_new=True),
    Row("tessera_ps256", "**Tessera, PS256 verified each time**", "tessera_verifies", "ps256", may_be_new=True),
    Row("tessera_eddsa", "**Tessera, EdDSA verified each time**", "tessera_verifies", "eddsa", may_be_new=True),
    Row("tessera_miss", "**Tessera, every token new**", "tessera_miss", "fresh", "always"),
    *_with_headers(10),
    *_with_headers(40),
    Row("jwt_cached", "`jwt_authn`, token cache", "jwt_cached", "jwt", sets_identity=False),
    Row("jwt_claims", "`jwt_authn`, token cache, two claim headers", "jwt_claims", "jwt"),
    Row("jwt_uncached", "`jwt_authn`, RS256 checked each time", "jwt_uncached", "jwt", sets_identity=False),
    Row("lua", "Lua filter, table cache", "lua", "opaque"),
    Row("lua_callout", "Lua filter, asking each time", "lua_callout", "fresh", "always"),
    Row("ext_authz", "`ext_authz` over HTTP", "ext_authz", "opaque", "always", refuses_without_token=False),
]


def measure(bed: Bed) -> dict:
    """Runs every row and returns its figures by load and key."""
    issuer = Issuer(programs.openssl(), bed.children.directory)
    proof_key = ProofKey(programs.openssl(), bed.children.directory)
    rows = _chosen(bed)
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
        "floor": [envoy.wasm(bed.floor, "floor")],
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
    for prefix, module in (("", bed.module), (_BEFORE, bed.before)):
        if module:
            for name, api in (("tessera", None), ("tessera_rules", filters.RULES), ("tessera_miss", None)):
                chains[prefix + name] = [filters.tessera(module, prefix + name, prefix + name, api=api)]
    if bed.module:
        for name, entries in (("tessera_known", 10000), ("tessera_verifies", 0)):
            chains[name] = [filters.tessera(bed.module, name, name, entries=entries, issuer=issuer)]
        for name, options in (("tessera_dpop", {"proof_key": proof_key}), ("tessera_all", {"access_log": "all"})):
            chains[name] = [filters.tessera(bed.module, name, name, **options)]
    return [envoy.listener(name, chains[name]) for name in sorted({row.listener for row in rows})]


class _Turns:
    """Turns against one proxy; knows which fresh tokens were used already."""

    def __init__(self, bed: Bed, proxy: envoy.Envoy, signed: dict[str, str], proof_key: ProofKey) -> None:
        self._bed = bed
        self._proxy = proxy
        self._proof_key = proof_key
        self._cpu = proxy.cpu_files()
        self._tokens = {"opaque": "o" * 43, "bound": "b" * 43, **signed}
        self._next_fresh = 0

    def turn(self, row: Row, **order: object) -> dict:
        """One turn of `row`, in which everything must be let through."""
        credential = generator.fixed(self._tokens.get(row.token, ""))
        if row.token == "fresh":
            credential = generator.fresh(self._next_fresh)
        elif row.token == "bound":
            credential = generator.proved(self._tokens["bound"], self._proof_key)
        order = {"cpu": self._cpu, "headers": row.headers, **order}
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
        if row.listener == "tessera_dpop":
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
