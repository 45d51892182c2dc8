"""The command line of the registry's benchmark."""

from __future__ import annotations

import argparse
import os
import platform
import resource
import sys
from collections.abc import Callable
from pathlib import Path

from .. import processes, programs, report
from . import administration, databases, feed, filling, workers
from .bed import Bed
from .figures import HEAD, Figure

CONTRACTS, FEW = 1_000_000, 20_000
_SECTIONS: dict[str, Callable[[Bed], None]] = {
    "start": feed.measure_start,
    "delta": feed.measure_delta,
    "snapshot": feed.measure_snapshot,
    "held": feed.measure_held,
    "lists": administration.measure_lists,
    "changes": administration.measure_changes,
    "workers": workers.measure,
}


def run(description: str) -> None:
    """Measures what was asked for, reports, and exits: 0 when every limit held."""
    options = _options(description)
    binary = Path(os.environ.get("TESSERA_REGISTRY", programs.ROOT / "target/release/tessera-registry")).resolve()
    if not binary.is_file():
        programs.stop_with(f"{binary} is missing: run `cargo build --release -p tessera-registry`")
    processes.stop_on_sigterm()
    # A thousand polls are held on connections of their own.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    contracts = options.contracts or (FEW if options.quick else CONTRACTS)
    export = programs.ROOT / "target" / "bench" / f"contracts-{contracts}.jsonl"
    print(f"writing {export.relative_to(programs.ROOT)}, unless it is there", file=sys.stderr, flush=True)
    filling.write(export, filling.Shape(contracts))
    figures: list[Figure] = []
    try:
        for name in options.database or list(databases.KINDS):
            with processes.Children() as children:
                bed = Bed(children, binary, databases.KINDS[name], contracts, quick=options.quick)
                bed.fill(export)
                bed.begin()
                for section in options.only or list(_SECTIONS):
                    bed.say(section)
                    _SECTIONS[section](bed)
                figures += bed.figures
    except KeyboardInterrupt:
        sys.exit("interrupted")
    except RuntimeError as problem:
        sys.exit(f"benches: {problem}")
    sys.exit(_finish(figures, publish=options.publish))


def _finish(figures: list[Figure], *, publish: bool) -> int:
    machine = f"{os.cpu_count()} cores ({report.processor()}), Linux {platform.release()}"
    text = f"Measured on {machine}.\n\n{report.table(HEAD, [figure.cells() for figure in figures])}"
    report.OUTPUT.mkdir(parents=True, exist_ok=True)
    (report.OUTPUT / "bench-registry.md").write_text(text + "\n")
    print(text)
    if publish:
        report.publish_text("bench-registry", text)
    return 0 if all(figure.holds for figure in figures) else 1


def _options(description: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="few contracts and rounds: to see that it works")
    parser.add_argument("--contracts", type=int, help=f"how many (default {CONTRACTS:,})")
    parser.add_argument("--database", choices=list(databases.KINDS), action="append", help="this one only")
    parser.add_argument("--publish", action="store_true", help="also write the results into docs/performance.md")
    parser.add_argument("--only", choices=list(_SECTIONS), action="append", help="this section only; may be repeated")
    options = parser.parse_args()
    if options.publish and (options.quick or options.only or options.database or options.contracts):
        programs.stop_with("--publish takes a whole run, without other options")
    return options
