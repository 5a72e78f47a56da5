"""Where the parts of a running system are: read once at the edge, frozen, passed down."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Addresses and sizes; every field has the environment variable named by its alias."""

    # The prefix matters: without it a field's own name is read, and `home` would be $HOME.
    model_config = SettingsConfigDict(
        frozen=True, populate_by_name=True, extra="ignore", env_prefix="KINEBUS_"
    )

    kafka_bootstrap: str | None = Field(default=None, alias="KAFKA_BOOTSTRAP")
    clickhouse_url: str | None = Field(default=None, alias="CLICKHOUSE_URL")
    clickhouse_database: str = Field(default="kinebus", alias="KINEBUS_DATABASE")
    lake_url: str | None = Field(default=None, alias="KINEBUS_LAKE")
    schema_registry_url: str | None = Field(default=None, alias="SCHEMA_REGISTRY_URL")
    home: Path = Field(default=Path(".kinebus"), alias="KINEBUS_HOME")
    partitions: int = Field(default=4, ge=1, le=4096, alias="KINEBUS_PARTITIONS")
    profiles_dir: Path | None = Field(default=None, alias="KINEBUS_PROFILES")
    vendors: str = Field(default="", alias="KINEBUS_VENDORS")
    pause_refusals: int = Field(default=1_000, ge=0, alias="KINEBUS_PAUSE_REFUSALS")
    pause_s: float = Field(default=60.0, gt=0, alias="KINEBUS_PAUSE_S")
    retarget: str = Field(default="", alias="KINEBUS_RETARGET")
    worker: int = Field(default=0, ge=0, alias="KINEBUS_WORKER")
    dashboard_host: str = Field(default="127.0.0.1", alias="KINEBUS_DASHBOARD_HOST")
    dashboard_port: int = Field(default=8800, ge=1, le=65_535, alias="KINEBUS_DASHBOARD_PORT")
    metrics_host: str = Field(default="127.0.0.1", alias="KINEBUS_METRICS_HOST")
    metrics_port: int = Field(default=0, ge=0, alias="KINEBUS_METRICS_PORT")

    @property
    def retarget_targets(self) -> tuple[str, ...]:
        """Embodiments that everything is retargeted to in flight."""
        return tuple(name.strip() for name in self.retarget.split(",") if name.strip())

    def require_kafka(self) -> str:
        """The bootstrap address, or an error that says how to give one."""
        if not self.kafka_bootstrap:
            raise SettingMissingError(
                "KAFKA_BOOTSTRAP", "run `kinebus up`, or name a broker such as 127.0.0.1:9092"
            )
        return self.kafka_bootstrap

    def require_clickhouse(self) -> str:
        """ClickHouse's HTTP address, or an error that says how to give one."""
        if not self.clickhouse_url:
            raise SettingMissingError(
                "CLICKHOUSE_URL", "run `kinebus up`, or name a server such as http://127.0.0.1:8123"
            )
        return self.clickhouse_url

    def require_lake(self) -> str:
        """The object store's URL, or an error that says how to give one."""
        if not self.lake_url:
            raise SettingMissingError(
                "KINEBUS_LAKE", "run `kinebus up`, or name a store: file:///data/lake, s3://bucket"
            )
        return self.lake_url


class SettingMissingError(RuntimeError):
    """A setting that a command needs is not there."""

    def __init__(self, variable: str, advice: str) -> None:
        super().__init__(f"{variable} is not set: {advice}")
        self.variable = variable
