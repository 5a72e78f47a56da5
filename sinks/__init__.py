"""Canonical frames at rest: ClickHouse, object storage, raw archive."""
