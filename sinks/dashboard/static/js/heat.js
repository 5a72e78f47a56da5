// Maker by check: how often a check strikes, as a number, and darker where it is more.
import { el, setData } from "./dom.js";
import { number, severityOf } from "./words.js";

const STEPS = [0, 1, 10, 100];
const RANK = { error: 0, warning: 1, info: 2 };

export function heatMap(rows) {
  const makers = [...new Set(rows.map((row) => row.maker))].sort();
  const worst = new Map();
  for (const { check, severity } of rows) if (!worst.has(check) || RANK[severity] < RANK[worst.get(check)]) worst.set(check, severity);
  const checks = [...worst.keys()].sort((a, b) => RANK[worst.get(a)] - RANK[worst.get(b)] || a.localeCompare(b));
  const cells = new Map();
  for (const row of rows) {
    const key = JSON.stringify([row.maker, row.check]);
    const before = cells.get(key) ?? { struck: 0, per_thousand: 0, frames: row.frames };
    cells.set(key, { ...before, struck: before.struck + row.struck, per_thousand: before.per_thousand + row.per_thousand });
  }
  return el("table", { class: "heat" },
    el("thead", {}, el("tr", {}, el("td"), ...checks.map((check) => el("th", { scope: "col" }, el("span", {}, check.replaceAll("_", " ")), severityOf(worst.get(check)).mark)))),
    el("tbody", {}, ...makers.map((maker) => el("tr", {}, el("th", { scope: "row" }, maker), ...checks.map((check) => {
      const cell = cells.get(JSON.stringify([maker, check]));
      const said = cell ? `${maker}, ${check}: ${number(cell.struck)} of ${number(cell.frames)} frames` : `${maker}, ${check}: nothing`;
      const node = el("td", { title: said }, cell ? number(cell.per_thousand, cell.per_thousand < 10 ? 1 : 0) : "·");
      // Information only tells; it is not coloured as trouble.
      if (cell && worst.get(check) !== "info") setData(node, "heat", String(STEPS.filter((step) => cell.per_thousand > step).length));
      return node;
    })))));
}
