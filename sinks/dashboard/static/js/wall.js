// The fleet wall: is every robot alive, on time and good?
import { el, setData, setText } from "./dom.js";
import { Stream } from "./stream.js";
import { makeTile, showTile, toneOf } from "./tile.js";
import { makerOf, number } from "./words.js";

const TONES = { bad: 0, warn: 1, good: 2, idle: 3 };
const MANY = 60;
const FILTERS = [["all", "All robots"], ["trouble", "Needs a look"], ["live", "Live"]];

export function wallView(view) {
  const tiles = new Map();
  const figures = Object.fromEntries(
    [["live", "live"], ["late", "late"], ["silent", "silent"], ["refused", "refused"], ["frames", "frames/s"],
     ["accept", "✓ last take"], ["review", "? last take"], ["reject", "✕ last take"]]
      .map(([key, word]) => [key, figure(word)]));
  const list = el("ul", { class: "wall", "aria-label": "Robots" });
  const search = el("input", { type: "search", placeholder: "maker, serial, task, operator", "aria-label": "Filter robots", oninput: () => arrange() });
  const filter = el("select", { "aria-label": "Which robots", onchange: () => arrange() },
    ...FILTERS.map(([value, word]) => el("option", { value }, word)));
  const order = el("button", { type: "button", class: "quiet-button", "aria-pressed": "false", onclick: () => toggle(order) }, "Worst first");
  const size = el("button", { type: "button", class: "quiet-button", "aria-pressed": "false", onclick: () => toggle(size) }, "Small tiles");
  const empty = el("p", { class: "empty" }, "No robot has been heard yet.");
  view.append(
    el("div", { class: "tools" }, el("div", { class: "figures" }, ...Object.values(figures).map((f) => f.node)),
      el("div", { class: "spacer" }), search, filter, order, size),
    list, empty,
    el("p", { class: "legend" }, ...["● live", "◐ late", "○ silent", "⊘ refused", "■ error", "▲ warning", "✓ accept", "? review", "✕ reject",
      "%: frames without an error, last 60 s", "ms: robot's clock to the canonical topic"].map((word) => el("span", {}, word))));
  let nowMs = 0, ticks = 0;

  function toggle(button) {
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    if (button === size) localStorage.small = size.getAttribute("aria-pressed");
    arrange();
  }

  function wanted(tile) {
    const words = search.value.trim().toLowerCase();
    const { row, name } = tile;
    if (filter.value === "live" && row.state !== "live") return false;
    if (filter.value === "trouble" && TONES[toneOf(row)] > 1) return false;
    return !words || `${name} ${(row.episode ?? []).join(" ")}`.toLowerCase().includes(words);
  }

  function arrange() {
    if (localStorage.small === undefined) size.setAttribute("aria-pressed", String(tiles.size > MANY));
    else size.setAttribute("aria-pressed", localStorage.small);
    list.classList.toggle("small", size.getAttribute("aria-pressed") === "true");
    const worst = order.getAttribute("aria-pressed") === "true";
    const shown = [...tiles.values()].filter(wanted);
    shown.sort((a, b) => (worst ? TONES[toneOf(a.row)] - TONES[toneOf(b.row)] : 0) || (a.name < b.name ? -1 : 1));
    const nodes = [];
    let maker = null;
    for (const tile of shown) {
      const own = makerOf(tile.name);
      if (!worst && own !== maker) nodes.push(el("li", { class: "maker" }, own));
      maker = own;
      nodes.push(tile.item);
    }
    list.replaceChildren(...nodes);
    empty.hidden = tiles.size > 0;
  }

  function take(robots) {
    let fresh = false;
    for (const [name, change] of Object.entries(robots)) {
      let tile = tiles.get(name);
      if (!tile) { tile = makeTile(name); tiles.set(name, tile); fresh = true; }
      showTile(tile, change, nowMs);
    }
    return fresh;
  }

  function summarise() {
    const count = { live: 0, late: 0, silent: 0, refused: 0, frames: 0, accept: 0, review: 0, reject: 0 };
    for (const { row } of tiles.values()) {
      const state = row.state === "gone" || row.state === "unheard" ? "silent" : row.state;
      count[state] += 1;
      if (row.state === "live") count.frames += row.rate ?? 0;
      if (row.verdict && Object.hasOwn(count, row.verdict[0])) count[row.verdict[0]] += 1;
    }
    for (const [key, { value, node }] of Object.entries(figures)) {
      setText(value, number(count[key]));
      const tone = count[key] && { late: "warn", refused: "bad", review: "warn", reject: "bad" }[key];
      setData(node, "tone", tone || null);
    }
  }

  const stream = new Stream("stream/fleet", {
    whole: (document_) => { nowMs = document_.now; tiles.clear(); take(document_.robots); arrange(); summarise(); },
    change: (document_) => {
      nowMs = document_.now;
      for (const name of document_.gone ?? []) tiles.delete(name);
      const fresh = take(document_.robots);
      ticks += 1;
      if (ticks % 6 === 0) {
        for (const tile of tiles.values()) if (tile.row.episode || tile.row.state !== "live") showTile(tile, {}, nowMs);
        summarise();
      }
      const sorted = order.getAttribute("aria-pressed") === "true" || filter.value !== "all";
      if (fresh || document_.gone || (sorted && ticks % 12 === 0)) arrange();
    },
  });
  return () => stream.close();
}

function figure(word) {
  const value = el("b", {}, "0");
  return { value, node: el("span", { class: "figure" }, value, el("span", {}, word)) };
}
