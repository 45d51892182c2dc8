"""What the benchmarks run on: processes, Envoy, load, and the writing of results."""
