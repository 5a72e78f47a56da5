// Takes by hour: accepted plain, to be reviewed hatched, rejected crossed.

const NAMESPACE = "http://www.w3.org/2000/svg";
const WIDTH = 720, HEIGHT = 190, LEFT = 34, BOTTOM = 20, TOP = 8;
const KINDS = ["accept", "review", "reject"];

function shape(tag, attributes, ...children) {
  const node = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function patterns() {
  const pattern = (id, ground, lines) => shape("pattern", { id, width: 6, height: 6, patternUnits: "userSpaceOnUse" },
    shape("rect", { width: 6, height: 6, class: `${ground}-ground` }),
    ...lines.map((d) => shape("path", { d, class: `${ground}-line`, "stroke-width": 1.6, fill: "none" })));
  return shape("defs", {}, pattern("hatch", "hatch", ["M0 6 6 0"]), pattern("cross", "cross", ["M0 6 6 0", "M0 0 6 6"]));
}

// rows: {hour, accept, review, reject}; the last 24 hours up to `nowMs`.
export function hoursChart(rows, nowMs) {
  const last = Math.floor(nowMs / 3_600_000);
  const by = new Map(rows.map((row) => [Math.round(Date.parse(row.hour) / 3_600_000), row]));
  const most = Math.max(1, ...rows.map((row) => row.accept + row.review + row.reject));
  const step = (WIDTH - LEFT) / 24, high = HEIGHT - BOTTOM - TOP;
  const chart = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "hours", role: "img", "aria-label": "Takes by hour and verdict" }, patterns());
  for (const share of [0, 0.5, 1]) {
    const y = TOP + high * (1 - share);
    chart.append(shape("line", { x1: LEFT, x2: WIDTH, y1: y, y2: y, class: "rule" }),
      shape("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, share === 0.5 && most < 2 ? "" : String(Math.round(most * share))));
  }
  for (let i = 0; i < 24; i += 1) {
    const hour = last - 23 + i, row = by.get(hour), x = LEFT + i * step;
    let y = TOP + high;
    const bar = shape("g", {});
    for (const kind of KINDS) {
      const size = row ? (row[kind] / most) * high : 0;
      y -= size;
      if (size > 0) bar.append(shape("rect", { x: x + 2, y, width: step - 4, height: size, class: kind, rx: 1.5 }));
    }
    const clock = new Date(hour * 3_600_000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
    if (row) bar.prepend(shape("title", {}, `${clock}: ${row.accept} accept, ${row.review} review, ${row.reject} reject`));
    chart.append(bar);
    if (i % 3 === 2) chart.append(shape("text", { x: x + step / 2, y: HEIGHT - 5, "text-anchor": "middle" }, clock));
  }
  return chart;
}

export function swatch(kind) {
  return shape("svg", { viewBox: "0 0 20 14", class: "hours swatch" }, shape("rect", { width: 20, height: 14, class: kind, rx: 2 }));
}
