"""The limits that the project has set itself; ratios within one run, so that they hold on any machine."""

from __future__ import annotations

from typing import NamedTuple

JUDGED_LOAD = "four"
"""The load whose figures scatter least: a verdict on them is the same from run to run."""

_RATIOS = [
    ("tessera", "floor", 2.2),
    ("tessera", "lua", 1.15),
    ("tessera", "ext_authz", 0.22),
    ("tessera", "jwt_claims", 2.0),
    ("tessera_miss", "lua_callout", 1.5),
    ("tessera_known", "tessera_jwt", 1.1),
    ("tessera_rs256", "jwt_uncached", 1.3),
    ("native", "jwt_claims", 1.0),
    ("native", "floor", 1.15),
    ("native_routes", "native", 1.1),
    ("native_miss", "lua_callout", 1.2),
    ("native_rs256", "jwt_uncached", 1.1),
]
_BEFORE = 1.03
"""What a request may cost as a multiple of what it costs with the module of before, where there is one.

This limit is near to what noise alone makes of two equal modules. So the lower end of the interval is held against it in
which the median lies with a certainty of 95 %: it is missed when the module is dearer, not when a run was unlucky. A run
whose interval is wide proves little; more rounds (`--rounds`) and an idle machine make it narrow."""
_GROWTH = 1.15
_MEMORY_NOISE = 1 << 20
"""Bytes by which a process may seem to grow that does not."""


class Verdict(NamedTuple):
    """One limit and what was measured against it."""

    what: str
    value: float
    limit: float
    surely: float | None = None
    """What the value is at least, with a certainty of 95 %, where that is known."""

    @property
    def holds(self) -> bool:
        return (self.value if self.surely is None else self.surely) <= self.limit


def judge(results: dict) -> list[Verdict]:
    """Every limit that these results have a figure for."""
    verdicts = []
    if "rows" in results:
        verdicts += _rows(results["rows"])
    if "growth" in results:
        verdicts += _growth(results["growth"]["sizes"])
    for host in ("", "native-"):
        where = " natively" if host else ""
        if f"{host}memory" in results:
            verdicts += _memory(results[f"{host}memory"], where)
        if f"{host}concurrency" in results:
            verdicts += _concurrency(results[f"{host}concurrency"], where)
    if "loading" in results:
        verdicts += _loading(results["loading"]["sizes"])
    if "hits" in results:
        verdicts += _hits(results["hits"]["sizes"])
    if "swap" in results:
        verdicts.append(Verdict("p99 in ms while a snapshot is swapped in", results["swap"]["swapping"]["p99_ms"], 20))
    return verdicts


def _ratio(cost: float, reference: float) -> float:
    """A reference that drowned in noise proves nothing: no limit holds against it."""
    return cost / reference if reference > 0 else float("inf")


def _rows(rows: dict) -> list[Verdict]:
    figures, titles = rows["loads"][JUDGED_LOAD], rows["titles"]
    verdicts = []
    for one, other, limit in _RATIOS:
        if one in figures and other in figures:
            ratio = _ratio(figures[one]["added_us"], figures[other]["added_us"])
            verdicts.append(Verdict(f"{titles[one]} ÷ {titles[other]}".replace("**", ""), ratio, limit))
    for key, pair in rows["compared"][JUDGED_LOAD].items():
        title, surely = titles[key].replace("**", ""), pair["ratio_median_95"][0]
        verdicts.append(Verdict(f"{title} ÷ with the module of before", pair["ratio"], _BEFORE, surely))
    return verdicts


def _growth(sizes: dict) -> list[Verdict]:
    least, most = min(sizes, key=int), max(sizes, key=int)
    return [
        Verdict(
            f"{kind} at {int(most):,} known tokens ÷ at {int(least):,}",
            _ratio(sizes[most][kind]["added_us"], sizes[least][kind]["added_us"]),
            _GROWTH,
        )
        for kind in ("hit", "miss")
    ]


def _memory(memory: dict, where: str) -> list[Verdict]:
    verdicts = []
    for form in ("bad", "good"):
        what = f"bytes grown in the second half of the {form} tokens{where}"
        verdicts.append(Verdict(what, memory[form]["second_half_growth_bytes"], _MEMORY_NOISE))
    return [*verdicts, Verdict(f"good tokens lost to bad ones{where}", memory["kept_tokens_asked_again"], 0)]


def _concurrency(concurrency: dict, where: str) -> list[Verdict]:
    verdicts = []
    # In Wasm each worker may ask once; natively one thread asks for all.
    most = 1 if where else concurrency["workers"]
    for title in ("all_stay", "first_hangs_up"):
        burst, name = concurrency[title], title.replace("_", " ") + where
        expected = concurrency["callers"] - (title == "first_hangs_up")
        verdicts += [
            Verdict(f"introspections for one cold token, {name}", burst["introspections"], most),
            Verdict(f"callers left without an answer, {name}", expected - burst["answered"], 0),
            Verdict(f"ms to the last caller's answer, {name}", burst["last_ms_after_the_servers_answer"], 100),
        ]
    return verdicts


_IN_FORCE_S = {1_000: 1.0, 100_000: 5.0}
_PEAK_GIB = {1_000_000: 1.5}


def _loading(sizes: dict) -> list[Verdict]:
    verdicts = []
    for size, by_workers in sizes.items():
        for workers, load in by_workers.items():
            where = f"{int(size):,} contracts, {workers} worker(s)"
            if int(size) in _IN_FORCE_S:
                after_live = load["in_force_after_live_s"]
                verdicts.append(Verdict(f"s from live to in force: {where}", after_live, _IN_FORCE_S[int(size)]))
            if int(size) in _PEAK_GIB:
                verdicts.append(Verdict(f"peak GiB: {where}", load["peak_bytes"] / 2**30, _PEAK_GIB[int(size)]))
    return verdicts


def _hits(sizes: dict) -> list[Verdict]:
    costs = [figures["added_us"] for figures in sizes.values()]
    return [Verdict("dearest warm hit at any number of contracts ÷ cheapest", _ratio(max(costs), min(costs)), 1.10)]
