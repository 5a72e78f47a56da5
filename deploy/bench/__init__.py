"""Benchmarks of the running system: `kinebus bench`."""
