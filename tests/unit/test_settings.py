"""Settings come from their own variables and from no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.settings import SettingMissingError, Settings


def test_variables_of_the_shell_are_not_taken_for_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KINEBUS_HOME", "KINEBUS_WORKER", "KINEBUS_PARTITIONS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/somewhere", "WORKER": "7", "PARTITIONS": "9"}.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.home == Path(".kinebus")
    assert (settings.worker, settings.partitions) == (0, 4)


def test_their_own_variables_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINEBUS_HOME", "/data/kinebus")
    monkeypatch.setenv("KAFKA_BOOTSTRAP", "127.0.0.1:9092")
    settings = Settings()
    assert settings.home == Path("/data/kinebus")
    assert settings.require_kafka() == "127.0.0.1:9092"


def test_a_missing_one_says_how_to_give_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLICKHOUSE_URL", raising=False)
    with pytest.raises(SettingMissingError, match="kinebus up"):
        Settings().require_clickhouse()
