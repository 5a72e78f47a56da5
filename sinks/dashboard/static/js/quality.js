// Where quality is lost: which check at which maker, which takes, which robots, and why.
import { el, setText, setData } from "./dom.js";
import { heatMap } from "./heat.js";
import { hoursChart, swatch } from "./hours.js";
import { secondsChart } from "./seconds.js";
import { Stream } from "./stream.js";
import { card, table } from "./table.js";
import { number, percent, verdictOf } from "./words.js";

export function qualityView(view) {
  const said = el("p", { class: "note" }, "Asking ClickHouse …");
  const totals = Object.fromEntries(["accept", "review", "reject"].map((kind) => [kind, el("b", {}, "–")]));
  const hours = el("div"), heat = el("div", { class: "wide" });
  const seconds = secondsChart();
  const reasons = table([["", null], ["Reason", null], ["Takes", "number"], ["Minutes", "number"], ["Robots", "number"]]);
  const robots = table([["Robot", null], ["Frames", "number"], ["Flagged", "number"], ["Error frames", "number"], ["Most by", null], ["On", null]]);
  view.append(said, el("div", { class: "grid" },
    el("div", { class: "grid two" },
      card("Takes by hour, last 24 hours", null, el("div", { class: "figures" }, ...Object.entries(totals).map(([kind, value]) =>
        el("span", { class: "figure", "data-kind": kind }, swatch(kind), value, el("span", {}, `${verdictOf(kind).mark} ${kind}`)))), hours),
      card("Why takes were not accepted", null, el("div", { class: "wide tall" }, reasons.node))),
    card("Maker by check, last 24 hours", "Frames that a check struck, per thousand frames of the maker's robots (a frame counts on each joint struck). ■ error, ▲ warning, · information.", heat),
    el("div", { class: "grid even" },
      card("Frames a second, and how many a check flagged, last 15 minutes", null, seconds.node),
      card("Worst robots, last 24 hours", null, el("div", { class: "wide tall" }, robots.node)))));
  let shown = "";

  function show(told) {
    if (!("took_ms" in told)) {
      if (told.away) { setText(said, `ClickHouse does not answer: ${told.away}`); said.classList.add("away"); }
      return;
    }
    said.classList.remove("away");
    setText(said, `From ClickHouse, asked every 5 s; rollups are at most 10 s behind what it holds. This answer took ${told.took_ms} ms.`);
    const rows = told.verdicts_by_hour;
    for (const [kind, value] of Object.entries(totals)) {
      const count = rows.reduce((sum, row) => sum + row[kind], 0);
      setText(value, number(count));
      setData(value.parentElement, "tone", count ? { review: "warn", reject: "bad" }[kind] ?? null : null);
    }
    reasons.fill(told.reasons.map((row) => [verdictOf(row.verdict).mark, row.reason, number(row.takes), number(row.hours * 60, 1), number(row.robots)]), "Every take was accepted.");
    robots.fill(told.worst_robots.map((row) => [el("a", { href: `#/robot/${encodeURIComponent(row.robot)}` }, row.robot), number(row.frames), percent(row.flagged), number(row.error_frames), (row.worst_check || "–").replaceAll("_", " "), row.on_joint || "–"]), "No frames yet.");
    seconds.show(told.seconds, Date.now() / 1000);
    const key = JSON.stringify([rows, told.makers_by_check]);
    if (key === shown) return;
    shown = key;
    hours.replaceChildren(hoursChart(rows, Date.now()));
    heat.replaceChildren(told.makers_by_check.length ? heatMap(told.makers_by_check) : el("p", { class: "note" }, "No check has found anything."));
  }

  const stream = new Stream("stream/quality", { whole: show, change: show }, 15_000);
  return () => { stream.close(); seconds.close(); };
}
