"""What the benchmark of the contract registry is made of."""
