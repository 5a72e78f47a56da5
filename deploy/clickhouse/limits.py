"""What one query and the whole embedded ClickHouse may take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """Bounds of the embedded ClickHouse.

    Readers are capped, writers only in number: a question may be asked again, a row that was
    refused is late for everyone. A guard against accidents: a SETTINGS clause in the text of a
    query goes beyond it.
    """

    read_seconds: int = 300
    read_memory_mb: int = 1024
    readers: int = 8
    writers: int = 4
    slot_wait_s: float = 60.0
    server_memory_mb: int = 3072


def reader_settings(asked: Mapping[str, str], limits: Limits) -> dict[str, str]:
    """The settings of a reader: what was asked for, within the caps.

    Zero means "no limit" in ClickHouse, so it counts as the largest wish.
    """
    caps = {
        "max_execution_time": limits.read_seconds,
        "max_threads": 1,
        "max_memory_usage": limits.read_memory_mb * _MIB,
    }
    capped = {name: str(_within(asked.get(name, "0"), cap)) for name, cap in caps.items()}
    spill = str(limits.read_memory_mb * _MIB // 2)
    spills = {"max_bytes_before_external_sort": spill, "max_bytes_before_external_group_by": spill}
    return {**spills, **asked, **capped}


def server_config(limits: Limits) -> str:
    """ClickHouse's configuration file: small caches, for the page cache serves this disk well."""
    return f"""<clickhouse>
  <max_server_memory_usage>{limits.server_memory_mb * _MIB}</max_server_memory_usage>
  <mark_cache_size>{64 * _MIB}</mark_cache_size>
  <primary_index_cache_size>{64 * _MIB}</primary_index_cache_size>
  <index_mark_cache_size>{16 * _MIB}</index_mark_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <query_cache><max_size_in_bytes>{16 * _MIB}</max_size_in_bytes></query_cache>
  <background_pool_size>2</background_pool_size>
</clickhouse>
"""


def _within(asked: str, cap: int) -> float | int:
    try:
        value = float(asked)
    except ValueError:
        return cap
    return value if 0 < value < cap else cap
