"""The command line that the benchmarks share."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from . import limits, processes, programs, report
from .bed import Bed

Section = Callable[[Bed], dict]


def run(
    name: str, description: str, sections: dict[str, Section], text: Callable[[dict], str], *, bare: list[str]
) -> None:
    """Measures the sections asked for, reports, and exits: 0 when every limit held. `bare` ones need no module."""
    options = _options(description, list(sections))
    chosen = options.only or (["rows"] if options.pairs else bare if options.without_tessera else list(sections))
    if options.without_tessera and not (chosen and set(chosen) <= set(bare)):
        programs.stop_with(f"without the module there is nothing to measure in: {', '.join(options.only or sections)}")
    if options.before and ("rows" not in chosen or options.without_tessera):
        programs.stop_with("--before is for the section `rows`, beside the module")
    if options.pairs and not options.before:
        programs.stop_with("--pairs takes --before")
    if options.row and chosen != ["rows"]:
        programs.stop_with("--row is for the section `rows` alone: add --only rows")
    if options.publish and (options.quick or options.only or options.pairs):
        programs.stop_with("--publish takes a whole run, without --quick, --only or --pairs")
    processes.stop_on_sigterm()
    try:
        results: dict = {}
        with processes.Children() as children:
            bed = Bed(
                children,
                with_tessera=not options.without_tessera,
                before=options.before,
                pairs_only=options.pairs,
                row_keys=options.row,
                quick=options.quick,
                rounds=options.rounds,
            )
            results["machine"] = report.machine(bed)
            for section in chosen:
                results[section] = sections[section](bed)
        # A few short rounds show that everything works; they are too noisy to judge by.
        verdicts = [] if options.quick else limits.judge(results)
        sys.exit(report.finish(name, results, text(results), verdicts, publish=options.publish))
    except KeyboardInterrupt:
        sys.exit("interrupted")
    except RuntimeError as problem:
        sys.exit(f"benches: {problem}")


def _options(description: str, sections: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="few rounds and small numbers: to see that it works")
    parser.add_argument("--rounds", type=int, help="rounds of turns (at least 7 for figures to rely on)")
    parser.add_argument("--only", choices=sections, action="append", help="this section only; may be repeated")
    parser.add_argument("--row", action="append", help="of the rows this one, and its baseline; may be repeated")
    parser.add_argument("--without-tessera", action="store_true", help="only what needs no module")
    parser.add_argument("--before", type=Path, help="another module, whose requests are measured beside the module's")
    parser.add_argument("--pairs", action="store_true", help="with --before: no rows but those that both modules have")
    parser.add_argument("--publish", action="store_true", help="also write the results into docs/performance.md")
    return parser.parse_args()
