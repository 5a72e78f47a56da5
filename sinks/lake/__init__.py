"""Canonical episodes in object storage: segments as Parquet, a manifest for each episode."""
