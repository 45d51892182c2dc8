#!/usr/bin/env python3
"""Measures what Tessera costs a request, beside what else one could put there; see docs/performance.md."""

from testbed import command, concurrency, growth, report, rows

if __name__ == "__main__":
    command.run(
        "bench",
        __doc__,
        {
            "rows": rows.measure,
            "growth": growth.measure_cost,
            "memory": growth.measure_memory,
            "concurrency": concurrency.measure,
            "native-memory": growth.measure_memory_natively,
            "native-concurrency": concurrency.measure_natively,
        },
        report.bench_text,
        bare=["rows"],
    )
