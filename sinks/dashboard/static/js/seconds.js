// Frames a second over the last quarter of an hour, and those that a check flagged.
import uPlot from "../vendor/uPlot.js";
import { el } from "./dom.js";
import { colour } from "./theme.js";

const SPAN_S = 900;
const HEIGHT = 200;

export function secondsChart() {
  const node = el("div", { class: "chart" });
  const axis = { stroke: () => colour("ink-2"), grid: { stroke: () => colour("line-soft"), width: 1 }, ticks: { stroke: () => colour("line") }, font: "12px system-ui" };
  const clock = (at) => new Date(at * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  const plot = new uPlot({
    width: 600, height: HEIGHT, legend: { show: false }, cursor: { show: false }, scales: { x: { time: false }, y: { range: (_, __, most) => [0, Math.max(1, most * 1.1)] } },
    axes: [{ ...axis, size: 30, values: (_, ticks) => ticks.map(clock) }, { ...axis, size: 60 }],
    series: [{}, { stroke: () => colour("accent"), width: 1.6, points: { show: false }, fill: () => colour("accent-soft") },
      { stroke: () => colour("warn-mark"), width: 1.4, dash: [5, 3], points: { show: false } }],
  }, [[0], [0], [0]], node);
  const fit = new ResizeObserver(() => node.clientWidth && plot.setSize({ width: node.clientWidth, height: HEIGHT }));
  fit.observe(node);
  const key = el("p", { class: "key" }, el("span", {}, el("i"), "frames a second"), el("span", {}, el("i", { class: "told" }), "flagged by a check"));
  return {
    node: el("div", {}, node, key),
    show(rows, now) {
      plot.setData([rows.map((row) => row.second), rows.map((row) => row.frames), rows.map((row) => row.flagged)], true);
      plot.setScale("x", { min: Math.max(now - SPAN_S, rows[0]?.second ?? now - SPAN_S), max: now });
    },
    close() { fit.disconnect(); plot.destroy(); },
  };
}
