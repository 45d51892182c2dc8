"""What the benchmarks run on: processes, Envoy, load, and the writing of results."""

import sys
from pathlib import Path

# What the demo has already: how to wait for a program, how to find free ports.
sys.path.append(str(Path(__file__).resolve().parents[2] / "envoy" / "demo"))
