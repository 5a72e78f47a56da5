"""Canonical frames in the joints of other robots, in flight: `retargeted.<embodiment>`."""
