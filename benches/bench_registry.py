#!/usr/bin/env python3
"""Measures the contract registry with a million contracts in an environment; see docs/performance.md."""

from testbed.registry import command

if __name__ == "__main__":
    command.run(__doc__)
