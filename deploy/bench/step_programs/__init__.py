"""Runners of one and the same step: a plain loop, Bytewax, Quix Streams; each a process."""
