"""Sealed episodes as training sets: select, read, put on a time grid, write what trainers read."""
