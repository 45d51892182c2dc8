#!/usr/bin/env python3
"""Measures the contract database from a thousand to a million contracts; see docs/performance.md."""

from testbed import command, contracts, report

if __name__ == "__main__":
    command.run(
        "bench-contracts",
        __doc__,
        {"loading": contracts.measure_loading, "hits": contracts.measure_hits, "swap": contracts.measure_swap},
        report.contracts_text,
        bare=[],
    )
