"""Builds the dashboards with Grafana's own SDK, ready to be provisioned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.builders import common, dashboard, prometheus, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement
from grafana_foundation_sdk.models.dashboard import Dashboard, DataSourceRef

from deploy.grafana.panels import EPISODES, FLOW, Panel, Row

PROMETHEUS = DataSourceRef(type_val="prometheus", uid="kinebus-prometheus")
CLICKHOUSE = DataSourceRef(type_val="grafana-clickhouse-datasource", uid="kinebus-clickhouse")
_WIDTH, _HEIGHT = 12, 8
_AS_TABLE = 1

AnyPanel = Builder[Any]


class ClickHouseQuery(Dataquery):
    """A question to Grafana's ClickHouse plugin, which the SDK has no type for."""

    def __init__(self, sql: str) -> None:
        self.sql = sql

    def to_json(self) -> dict[str, object]:
        """As the plugin reads it."""
        return {
            "refId": "A",
            "datasource": CLICKHOUSE.to_json(),
            "editorType": "sql",
            "queryType": "table",
            "format": _AS_TABLE,
            "rawSql": self.sql,
        }


class ClickHouseQueryBuilder(Builder[ClickHouseQuery]):
    """Gives the query as it is; panels take builders only."""

    def __init__(self, sql: str) -> None:
        self._query = ClickHouseQuery(sql)

    def build(self) -> ClickHouseQuery:
        """The query."""
        return self._query


def dashboards() -> dict[str, Dashboard]:
    """Every dashboard, by its uid."""
    return {
        "kinebus-flow": _dashboard("kinebus: flow", "kinebus-flow", "now-30m", FLOW, _over_time),
        "kinebus-episodes": _dashboard(
            "kinebus: episodes", "kinebus-episodes", "now-24h", EPISODES, _as_table
        ),
    }


def write_dashboards(folder: Path) -> list[Path]:
    """Write each dashboard as JSON; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for uid, made in dashboards().items():
        path = folder / f"{uid}.json"
        path.write_text(JSONEncoder(sort_keys=True, indent=2).encode(made) + "\n")
        written.append(path)
    return written


def _dashboard(
    title: str, uid: str, since: str, rows: Sequence[Row], make: Callable[[Panel], AnyPanel]
) -> Dashboard:
    builder = dashboard.Dashboard(title).uid(uid).tags(["kinebus"]).time(since, "now")
    builder = builder.refresh("10s").timezone("browser").readonly()
    for row in rows:
        builder = builder.with_row(dashboard.Row(row.title))
        for panel in row.panels:
            builder = builder.with_panel(make(panel))
    return builder.build()


def _over_time(panel: Panel) -> AnyPanel:
    legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST)
    query = prometheus.Dataquery().ref_id("A").expr(panel.query)
    query = query.legend_format(panel.legend)
    return (
        timeseries.Panel()
        .title(panel.title)
        .description(panel.tells)
        .datasource(PROMETHEUS)
        .unit(panel.unit)
        .min(0)
        .span(_WIDTH)
        .height(_HEIGHT)
        .legend(legend.placement(LegendPlacement.BOTTOM).show_legend(True))
        .with_target(query)
    )


def _as_table(panel: Panel) -> AnyPanel:
    return (
        table.Panel()
        .title(panel.title)
        .description(panel.tells)
        .datasource(CLICKHOUSE)
        .unit(panel.unit)
        .span(_WIDTH)
        .height(_HEIGHT)
        .with_target(ClickHouseQueryBuilder(panel.query))
    )
