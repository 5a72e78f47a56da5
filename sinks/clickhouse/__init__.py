"""Canonical frames, episodes, findings and dead letters in ClickHouse."""
