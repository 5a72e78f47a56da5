// One joint large: position, what it was told, its limits, and what the checks found.
import uPlot from "../vendor/uPlot.js";
import { el } from "./dom.js";
import { colour } from "./theme.js";

const SHOWN_S = 20;

export function makeChart(unit) {
  const node = el("div", { class: "chart" });
  let state = { marks: [], low: null, high: null };
  const axis = () => ({ stroke: colour("ink-2"), grid: { stroke: colour("line-soft"), width: 1 }, ticks: { stroke: colour("line") }, font: "12px system-ui" });
  const plot = new uPlot({
    width: 600, height: 210, cursor: { drag: { x: false, y: false } }, legend: { show: false },
    scales: { x: { time: false }, y: { range: (_, low, high) => padded(low, high) } },
    axes: [{ ...axis(), size: 30, values: (_, ticks) => ticks.map((at) => `${at} s`) }, { ...axis(), size: 56, label: unit, labelSize: 18, labelFont: "12px system-ui" }],
    series: [{}, { stroke: () => colour("accent"), width: 1.8, points: { show: false } },
      { stroke: () => colour("warn-mark"), width: 1.4, dash: [6, 4], points: { show: false } }],
    hooks: { drawClear: [(u) => drawMarks(u, state)], draw: [(u) => drawLimits(u, state)] },
  }, [[0], [0], [0]], node);
  const fit = new ResizeObserver(() => node.clientWidth && plot.setSize({ width: node.clientWidth, height: 210 }));
  fit.observe(node);
  const show = (signals, index, channel) => {
    const end = signals.time.at(-1) ?? 0;
    const from = signals.time.findIndex((at) => at >= end - SHOWN_S);
    state = {
      low: channel.low, high: channel.high,
      marks: signals.marks(channel.name).map(([first, last, severity, own]) => [first - end, last - end, severity, own]),
    };
    const cut = (list) => list.slice(Math.max(from, 0));
    plot.setData([cut(signals.time).map((at) => at - end), cut(signals.position[index]), cut(signals.action[index])], false);
    plot.setScale("x", { min: -SHOWN_S, max: 0 });
  };
  return { node, show, close: () => { fit.disconnect(); plot.destroy(); } };
}

function padded(low, high) {
  if (low === null || high === null) return [-1, 1];
  const span = Math.max(high - low, 0.02);
  return [low - span * 0.12, high + span * 0.12];
}

function drawMarks(u, { marks }) {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const [from, to, severity, own] of marks) {
    if (severity === "info" || to < -SHOWN_S) continue;
    const ink = colour(severity === "error" ? "bad-mark" : "warn-mark");
    const x = u.valToPos(from, "x", true), width = Math.max(3, u.valToPos(to, "x", true) - x);
    ctx.fillStyle = ink;
    ctx.globalAlpha = own === null ? 0.1 : 0.24;
    ctx.fillRect(x, bbox.top, width, bbox.height);
    ctx.globalAlpha = 1;
    ctx.fillRect(x, bbox.top, width, 3 * devicePixelRatio);
  }
  ctx.restore();
}

function drawLimits(u, { low, high }) {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.strokeStyle = colour("ink-3");
  ctx.setLineDash([2, 4]);
  for (const limit of [low, high]) {
    if (limit === null || limit < u.scales.y.min || limit > u.scales.y.max) continue;
    const y = u.valToPos(limit, "y", true);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
  }
  ctx.restore();
}
