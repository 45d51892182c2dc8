#!/usr/bin/env python3
"""Measures what Tessera costs a request, beside what else one could put there; see docs/performance.md."""

from __future__ import annotations

import argparse
import sys

from testbed import concurrency, growth, limits, processes, programs, report, rows
from testbed.bed import Bed
from testbed.jwt import Issuer

SECTIONS = ("rows", "growth", "memory", "concurrency")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds and small numbers: to see that it works")
    parser.add_argument("--rounds", type=int, help="rounds of turns (at least 7 for figures to rely on)")
    parser.add_argument("--only", choices=SECTIONS, action="append", help="this section only; may be repeated")
    parser.add_argument("--without-tessera", action="store_true", help="only the rows that need no module")
    parser.add_argument("--publish", action="store_true", help="also write the results into docs/performance.md")
    return parser.parse_args()


def main() -> int:
    options = _options()
    sections = options.only or (["rows"] if options.without_tessera else list(SECTIONS))
    if options.without_tessera and sections != ["rows"]:
        programs.stop_with("only the section `rows` has something to measure without the module")
    processes.stop_on_sigterm()
    results: dict = {}
    with processes.Children() as children:
        bed = Bed(children, with_tessera=not options.without_tessera, quick=options.quick, rounds=options.rounds)
        results["machine"] = report.machine(bed)
        for section in sections:
            results[section] = _measure(section, bed)
    verdicts = limits.judge(results)
    return report.finish("bench", results, report.bench_text(results), verdicts, publish=options.publish)


def _measure(section: str, bed: Bed) -> dict:
    if section == "rows":
        return rows.measure(bed, Issuer(programs.openssl(), bed.children.directory))
    return {"growth": growth.measure_cost, "memory": growth.measure_memory, "concurrency": concurrency.measure}[section](bed)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted")
    except RuntimeError as problem:
        sys.exit(f"benches: {problem}")
