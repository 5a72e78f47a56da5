"""Arrays in, arrays out: the numerical core, compiled by numba; no I/O, no state."""
