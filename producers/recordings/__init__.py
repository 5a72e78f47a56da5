"""Recordings of real robots: a reader a container, numbers untouched."""
