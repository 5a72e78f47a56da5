// One robot's tile on the wall: made once, then only what changed is touched.
import { el, setData, setText } from "./dom.js";
import { makerOf, number, percent, serialOf, severityOf, span, stateOf, verdictOf } from "./words.js";

const LOW_RATE = 0.9;
const LATE_MS = 1000;
const LOW_SCORE = 0.9;

export function makeTile(name) {
  const part = (tag, cls) => el(tag, { class: cls });
  const parts = {
    state: part("span", "state"), name: part("span", "name"), score: part("span", "score"),
    task: el("div", { class: "line task", "data-maker": makerOf(name) }), figures: part("div", "line figures-line"),
    verdict: part("span", "chip verdict"), finding: part("span", "chip finding"),
  };
  const node = el("a", { class: "tile", href: `#/robot/${encodeURIComponent(name)}` },
    el("div", { class: "top" }, parts.state, parts.name, parts.score),
    parts.task, parts.figures, el("div", { class: "chips" }, parts.verdict, parts.finding));
  setText(parts.name, serialOf(name));
  return { node, item: el("li", {}, node), parts, name, row: {} };
}

// The worst of what a robot's row says: bad, warn, idle or good.
export function toneOf(row) {
  const state = stateOf(row.state).tone;
  if (state === "bad" || row.findings?.some(([severity]) => severity === "error")) return "bad";
  if (state === "idle") return "idle";
  const slow = row.nominal && row.rate !== null && row.rate < row.nominal * LOW_RATE;
  const poor = row.score !== null && row.score < LOW_SCORE;
  return state === "warn" || slow || poor || row.refused || !row.known ? "warn" : "good";
}

export function showTile(tile, change, nowMs) {
  Object.assign(tile.row, change);
  const { row, parts, node } = tile;
  const state = stateOf(row.state);
  setData(node, "tone", toneOf(row));
  setText(parts.state, state.mark);
  setText(parts.score, row.score === null ? "" : percent(row.score));
  setData(parts.score, "full", row.score === 1 ? "" : null);
  setText(parts.task, taskLine(row, nowMs));
  setText(parts.figures, figureLine(row, nowMs));
  showVerdict(parts.verdict, row.verdict);
  showFinding(parts.finding, row);
  const said = spoken(tile, state);
  if (node.title !== said) { node.title = said; node.setAttribute("aria-label", said); }
}

function taskLine(row, nowMs) {
  if (row.refused && row.state === "refused") return row.refused[0].replaceAll("_", " ");
  if (!row.episode) return row.state === "live" ? "between episodes" : stateOf(row.state).word;
  const [task, , , , since] = row.episode;
  return `${task ?? "no task named"} · ${span(Math.max(0, nowMs - since))}`;
}

function figureLine(row, nowMs) {
  if (row.rate === null && row.delay === null) return row.refused ? row.refused[1] : "";
  if (row.state === "late" || row.state === "gone") return `silent for ${span(nowMs - row.seen * 1000)}`;
  const rate = row.nominal ? `${Math.round(row.rate ?? 0)} / ${number(row.nominal, 1)} Hz` : `${row.rate ?? "–"} Hz`;
  const late = row.delay > LATE_MS ? " ▲ late" : "";
  return `${rate} · ${span(row.delay)}${late}`;
}

function showVerdict(node, verdict) {
  node.hidden = !verdict;
  if (!verdict) return;
  const { mark, word, tone } = verdictOf(verdict[0]);
  setData(node, "tone", tone);
  setText(node, `${mark} ${word}`);
}

function showFinding(node, row) {
  const worst = row.findings[0];
  node.hidden = !worst && row.known;
  if (!row.known) {
    setData(node, "tone", "warn");
    setText(node, `? no profile ${row.profile}`);
  } else if (worst) {
    const { mark, tone } = severityOf(worst[0]);
    setData(node, "tone", tone);
    const more = row.findings.length - 1 + row.more;
    setText(node, `${mark} ${worst[1].replaceAll("_", " ")}${worst[2] ? ` · ${worst[2]}` : ""}${more ? ` +${more}` : ""}`);
  }
}

function spoken(tile, state) {
  const { row, name } = tile;
  const words = [`${name} (${makerOf(name)}): ${state.word}`];
  if (row.episode) words.push(`task ${row.episode[0] ?? "not named"}, operator ${row.episode[1] ?? "–"}, station ${row.episode[2] ?? "–"}`);
  if (row.verdict) words.push(`last verdict ${row.verdict[0]}${row.verdict[2].length ? `: ${row.verdict[2].join(" ")}` : ""}`);
  for (const [severity, check, channel, meaning] of row.findings) words.push(`${severity} ${check}${channel ? ` on ${channel}` : ""}: ${meaning}`);
  if (row.refused) words.push(`refused: ${row.refused.join(", ")}`);
  return words.join("\n");
}
