// Tables of plain values; cells may be nodes. Made again only where something changed.
import { el } from "./dom.js";

export function table(columns, attributes = {}) {
  const body = el("tbody");
  const node = el("table", attributes,
    el("thead", {}, el("tr", {}, ...columns.map(([word, kind]) => el("th", { scope: "col", class: kind ?? null }, word)))), body);
  let shown = null;
  return {
    node,
    fill(rows, none = "Nothing.") {
      const key = JSON.stringify(rows.map((row) => row.map((cell) => (cell instanceof Node ? cell.outerHTML : cell))));
      if (key === shown) return;
      shown = key;
      body.replaceChildren(...(rows.length ? rows.map((row) => el("tr", {}, ...row.map((cell, i) => el("td", { class: columns[i][1] ?? null }, cell ?? "–"))))
        : [el("tr", {}, el("td", { colspan: String(columns.length), class: "note" }, none))]));
    },
  };
}

export function card(title, note, ...children) {
  return el("section", { class: "card" }, el("h2", {}, title), note ? el("p", { class: "note" }, note) : null, ...children);
}
