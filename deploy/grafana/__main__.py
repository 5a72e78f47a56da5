"""`python -m deploy.grafana FOLDER`: dashboards and the provisioning that Grafana reads."""

from __future__ import annotations

import argparse
from pathlib import Path

from deploy.grafana.dashboards import CLICKHOUSE, PROMETHEUS, write_dashboards

_SOURCES = f"""apiVersion: 1
datasources:
  - name: kinebus Prometheus
    uid: {PROMETHEUS.uid}
    type: {PROMETHEUS.type_val}
    access: proxy
    url: ${{PROMETHEUS_URL}}
  - name: kinebus ClickHouse
    uid: {CLICKHOUSE.uid}
    type: {CLICKHOUSE.type_val}
    access: proxy
    jsonData:
      host: ${{CLICKHOUSE_HOST}}
      port: ${{CLICKHOUSE_PORT}}
      protocol: http
      defaultDatabase: kinebus
"""
_PROVIDERS = """apiVersion: 1
providers:
  - name: kinebus
    folder: kinebus
    type: file
    options:
      path: {dashboards}
"""


def main() -> None:
    """Write everything below a folder."""
    parser = argparse.ArgumentParser(prog="python -m deploy.grafana", description=__doc__)
    parser.add_argument("folder", type=Path, help="Grafana's GF_PATHS_PROVISIONING")
    folder: Path = parser.parse_args().folder.resolve()
    written = write_dashboards(folder / "json")
    for name, text in (
        ("datasources", _SOURCES),
        ("dashboards", _PROVIDERS.format(dashboards=folder / "json")),
    ):
        path = folder / name / "kinebus.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        written.append(path)
    print("\n".join(str(path) for path in written))


if __name__ == "__main__":
    main()
