"""Writes what was measured: to the terminal, to target/bench, and on demand into the documentation."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import time
from pathlib import Path

from . import limits, plot
from .bed import Bed
from .programs import ROOT

OUTPUT = ROOT / "target" / "bench"
DOCUMENT = ROOT / "docs" / "performance.md"
MIB = 1 << 20

_LOADS = {
    "one": "One connection: the worker sleeps between requests",
    "four": "Four connections: the worker is saturated",
}


def machine(bed: Bed) -> dict:
    """What the figures depend on."""
    version = subprocess.run([str(bed.envoy_program), "--version"], capture_output=True, text=True).stdout
    facts = {"cpu": processor(), "cores": os.cpu_count(), "kernel": platform.release()}
    found = re.search(r"/(\d+\.\d+\.\d+)/", version)
    facts["date"] = time.strftime("%Y-%m-%d")
    facts["envoy"] = found.group(1) if found else "of unknown version"
    facts["module_bytes"] = bed.module.stat().st_size if bed.module else None
    return facts


def processor() -> str:
    """Its name."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(": ", 1)[1]
    return "unknown CPU"


def table(head: list[str], lines: list[list[str]]) -> str:
    """A Markdown table; all columns but the first are numbers."""
    rule = ["---"] + ["--:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, rule, *lines])


def finish(name: str, results: dict, text: str, verdicts: list[limits.Verdict], *, publish: bool) -> int:
    """Prints and writes everything; the exit status says whether every limit held."""
    text = f"{_conditions(results['machine'])}\n\n{text}"
    if verdicts:
        text += "\n\n" + _verdict_table(verdicts)
    results["verdicts"] = [verdict._asdict() for verdict in verdicts]
    OUTPUT.mkdir(parents=True, exist_ok=True)
    (OUTPUT / f"{name}.json").write_text(json.dumps(results, indent=1) + "\n")
    (OUTPUT / f"{name}.md").write_text(text + "\n")
    drawing = plot.bars(results["rows"]) if "rows" in results else None
    if drawing:
        (OUTPUT / f"{name}.svg").write_text(drawing)
    print(text)
    print(f"\nwritten to {OUTPUT.relative_to(ROOT)}/{name}.*")
    if publish:
        if drawing:
            image = f"performance-{name}.svg"
            (DOCUMENT.parent / image).write_text(drawing)
            text = f"![Worker CPU added to a request]({image})\n\n{text}"
        publish_text(name, text)
    return 0 if all(verdict.holds for verdict in verdicts) else 1


def _conditions(facts: dict) -> str:
    module = f", module {facts['module_bytes'] / 1024:.0f} KiB" if facts["module_bytes"] else ""
    machine = f"{facts['cores']} cores ({facts['cpu']}), Linux {facts['kernel']}"
    return f"Measured on {facts['date']} with Envoy {facts['envoy']} on {machine}{module}."


def publish_text(name: str, text: str) -> None:
    """Replaces what stands between the document's markers."""
    begin, end = f"<!-- results of {name}: begin -->", f"<!-- results of {name}: end -->"
    document = DOCUMENT.read_text()
    head, found, rest = document.partition(begin)
    _, closed, tail = rest.partition(end)
    if not (found and closed):
        raise RuntimeError(f"docs/performance.md lacks the lines `{begin}` and `{end}`")
    DOCUMENT.write_text(f"{head}{begin}\n\n{text}\n\n{end}{tail}")


def _verdict_table(verdicts: list[limits.Verdict]) -> str:
    lines = [
        [verdict.what, _measured(verdict), f"≤ {verdict.limit:.4g}", "yes" if verdict.holds else "**no**"]
        for verdict in verdicts
    ]
    return "### Limits\n\n" + table(["what", "measured", "limit", "holds"], lines)


def _measured(verdict: limits.Verdict) -> str:
    surely = "" if verdict.surely is None else f", surely {verdict.surely:.4g}"
    return f"{verdict.value:.4g}{surely}"


def bench_text(results: dict) -> str:
    """The tables of `bench.py`."""
    parts = []
    if "rows" in results:
        parts += [_rows_text(results["rows"], load) for load in results["rows"]["loads"]]
        parts += _parts_of_a_hit(results["rows"]["loads"][limits.JUDGED_LOAD])
        parts += _compared_text(results["rows"])
    if "growth" in results:
        parts.append(_growth_text(results["growth"]))
    for host in ("", "native-"):
        where = ", natively" if host else ""
        if f"{host}memory" in results:
            parts.append(_memory_text(results[f"{host}memory"], where))
        if f"{host}concurrency" in results:
            parts.append(_concurrency_text(results[f"{host}concurrency"], where))
    return "\n\n".join(parts)


def _rows_text(rows: dict, load: str) -> str:
    figures = rows["loads"][load]
    floor = figures["floor"]["added_us"] if "floor" in figures else 0
    lines = []
    for key, row in figures.items():
        low, high = row["added_us_quartiles"]
        is_baseline = key.startswith("router")
        lines.append(
            [
                rows["titles"][key],
                f"{row['cpu_us']:.1f}",
                "" if is_baseline else f"{row['added_us']:.1f} ({low:.1f}–{high:.1f})",
                "" if is_baseline else f"{row['added_us'] / floor:.2f}" if floor > 0 else "–",
                f"{row['requests_per_s']:.0f}",
                f"{row['p50_us']:.0f}",
                f"{row['p99_us']:.0f}",
            ]
        )
    head = ["", "CPU µs", "added µs (quartiles)", "× floor", "requests/s", "p50 µs", "p99 µs"]
    note = f"Medians of {rows['rounds']} rounds of {rows['turn_ms']} ms turns; asked: {rows['authorization_server']}."
    return f"### {_LOADS[load]}\n\n{note}\n\n{table(head, lines)}"


_STEPS = [
    ("floor", "entering the module and leaving it, with nothing done (the floor)"),
    ("floor_read", "reading one header"),
    ("floor_clock", "asking the clock"),
    ("floor_set", "setting two headers"),
    ("tessera", "everything that is Tessera's own"),
]


def _parts_of_a_hit(figures: dict) -> list[str]:
    """What a warm hit is made of: each step's cost is its row's less that of the row before."""
    if not all(key in figures for key, _ in _STEPS):
        return []
    total, before, lines = figures["tessera"]["added_us"], 0.0, []
    for key, title in _STEPS:
        step, before = figures[key]["added_us"] - before, figures[key]["added_us"]
        lines.append([title, f"{step:.1f}", f"{step / total:.0%}"])
    lines.append(["a warm hit", f"{total:.1f}", "100%"])
    return ["### What a warm hit is made of\n\n" + table(["step", "added µs", "share"], lines)]


def _compared_text(rows: dict) -> list[str]:
    """The module beside the module of before, where there is one."""
    lines = []
    for load, pairs in rows["compared"].items():
        for key, pair in pairs.items():
            low, high = pair["ratio_quartiles"]
            least, most = pair["ratio_median_95"]
            lines.append(
                [
                    f"{rows['titles'][key].replace('**', '')}; {load} connection{'s' if load != 'one' else ''}",
                    f"{pair['before_added_us']:.1f}",
                    f"{pair['added_us']:.1f}",
                    f"**{pair['ratio']:.3f}** ({low:.2f}–{high:.2f})",
                    f"{least:.3f}–{most:.3f}",
                ]
            )
    head = ["", "before: added µs", "added µs", "ratio (quartiles)", "median lies in (95 %)"]
    return ["### Beside the module of before\n\n" + table(head, lines)] if lines else []


def _growth_text(growth: dict) -> str:
    lines = []
    for size, kinds in growth["sizes"].items():
        cells = [f"{int(size):,}"]
        for kind in ("hot", "hit", "miss"):
            low, high = kinds[kind]["added_us_quartiles"]
            cells.append(f"{kinds[kind]['added_us']:.1f} ({low:.1f}–{high:.1f})")
        lines.append(cells)
    head = ["known tokens", "hit on one of them, added µs", "hits on all, added µs", "miss, added µs"]
    return "### Cost by number of known tokens\n\nOne worker, one connection.\n\n" + table(head, lines)


def _memory_text(memory: dict, where: str) -> str:
    lines = []
    for form in ("bad", "good"):
        flood = memory[form]
        resident = [f"{flood['resident_bytes'][at] / MIB:.1f}" for at in (0, 5, 10)]
        lines.append([f"{flood['tokens']:,} {form}", *resident, f"{flood['second_half_growth_bytes'] / MIB:+.2f}"])
    head = ["distinct tokens", "RSS before, MiB", "half way", "after", "second half"]
    kept = memory["kept_tokens"] - memory["kept_tokens_asked_again"]
    start = memory["at_start_bytes"] / MIB
    note = f"`cache.entries` is {memory['entries']:,}; one worker; {start:.1f} MiB before any token."
    after = f"After the bad ones, {kept} of {memory['kept_tokens']} good tokens cached before them still hit."
    return f"### Memory under a flood{where}\n\n{note}\n\n{table(head, lines)}\n\n{after}"


def _concurrency_text(concurrency: dict, where: str) -> str:
    lines = []
    for title in ("all_stay", "first_hangs_up"):
        burst = concurrency[title]
        cells = [title.replace("_", " "), str(burst["answered"]), str(burst["introspections"])]
        lines.append([*cells, f"{burst['last_ms_after_the_servers_answer']:.1f}"])
    head = ["callers", "answered", "introspections", "last one after the server's answer, ms"]
    note = f"{concurrency['callers']} requests at once with one unknown token, {concurrency['workers']} workers."
    return f"### One cold token, many callers{where}\n\n{note}\n\n{table(head, lines)}"


def contracts_text(results: dict) -> str:
    """The tables of `bench_contracts.py`."""
    parts = []
    if "loading" in results:
        parts.append(_loading_text(results["loading"]))
    if "hits" in results:
        parts.append(_hits_text(results["hits"]))
    if "swap" in results:
        parts.append(_swap_text(results["swap"]))
    return "\n\n".join(parts)


def _loading_text(loading: dict) -> str:
    lines = []
    for size, by_workers in loading["sizes"].items():
        for workers, load in by_workers.items():
            lines.append(
                [
                    f"{int(size):,}",
                    workers,
                    f"{load['in_force_s']:.2f}",
                    f"{load['in_force_after_live_s']:.2f}",
                    f"{load['resident_bytes'] / MIB:.0f}",
                    f"{load['resident_bytes_after_touching'] / MIB:.0f}",
                    f"{load['peak_bytes'] / MIB:.0f}",
                    f"{load['bytes_per_contract']:.0f}",
                ]
            )
    used = f"used by {loading['touched_clients']:,}"
    head = ["contracts", "workers", "in force, s", "after live, s", "RSS MiB", used, "peak MiB", "bytes each"]
    note = f"Pages of {loading['page_rows']:,} rows; bytes each = resident memory beyond that with one contract."
    return f"### Loading\n\n{note}\n\n{table(head, lines)}"


def _hits_text(hits: dict) -> str:
    lines = []
    for size, figures in hits["sizes"].items():
        low, high = figures["added_us_quartiles"]
        lines.append([f"{int(size):,}", f"{figures['added_us']:.1f} ({low:.1f}–{high:.1f})"])
    note = f"Medians of {hits['rounds']} rounds of {hits['turn_ms']} ms turns, one worker, four connections."
    return f"### A warm hit\n\n{note}\n\n" + table(["contracts", "added µs (quartiles)"], lines)


def _swap_text(swap: dict) -> str:
    lines = []
    for key, title in (("calm", "before"), ("swapping", "while it is swapped in")):
        figures = swap[key]
        numbers = [f"{figures[name]:.2f}" for name in ("p50_ms", "p99_ms", "max_ms")]
        lines.append([title, f"{figures['requests']:,}", *numbers])
    note = (
        f"{swap['contracts']:,} contracts, {swap['swaps']} swaps, 2 workers, {swap['requests_per_s']:,} requests/s. "
        f"From first page to in force on every worker: {swap['swap_s']:.2f} s; from change to in force, with a refresh "
        f"of 1 s, at most {swap['change_to_in_force_s']:.2f} s."
    )
    return f"### A snapshot swapped in\n\n{note}\n\n" + table(["", "requests", "p50 ms", "p99 ms", "max ms"], lines)
