// Whether anything is late or lost: delays by stage, in = out + refused + in flight, refusals, processes.
import { chip, el, setText } from "./dom.js";
import { Stream } from "./stream.js";
import { card, table } from "./table.js";
import { number, span } from "./words.js";

// Later than this is worth a look; by stage.
const LATE_MS = { "publish to raw log": 1000, "raw log to canonical": 1000, "end mark to verdict": 2000, "end mark to ClickHouse": 10_000, "end mark to object storage": 60_000 };
const LONGEST_MS = 120_000;

export function pipelineView(view) {
  const stages = table([["Stage", null], ["Median", "number"], ["p99", "number"], ["Worst", "number"], ["Measured", "number"], ["1 ms … 2 min, median to p99 (line: worst)", null]], { class: "ladder" });
  const flow = table([["Maker", null], ["In", "number"], ["Out", "number"], ["Refused", "number"], ["In flight", "number"], ["", null]]);
  const equation = el("p", { class: "figures" }), flowNote = el("p", { class: "note" });
  const readers = table([["Reader", null], ["Records not committed", "number"]]);
  const audit = el("div"), processes = table([["Process", null], ["", null], ["Restarts", "number"], ["Last exit", null]]);
  const reasons = table([["Maker", null], ["Reason", null], ["Last outcome", null], ["Records", "number"], ["Frames", "number"], ["Last", "number"], ["For example", "detail"]]);
  const recent = table([["When", null], ["Robot", null], ["Reason", null], ["Detail", "detail"], ["Origin", null]]);
  const lettersNote = el("p", { class: "note" });
  view.append(el("div", { class: "grid" },
    el("div", { class: "grid even" },
      card("Delay by stage, last minute", null, el("div", { class: "wide" }, stages.node)),
      card("In = out + refused + in flight", "Raw records since this dashboard began to look. Out: made canonical, or a mark, tick or duplicate; in flight: not committed yet, which the workers do every three seconds.",
        equation, flowNote, el("div", { class: "wide" }, flow.node))),
    el("div", { class: "grid even" },
      card("Is anything lost or twice?", "The running audit reads topics and stores itself, and trusts no count of the pipeline.", audit),
      card("Readers and processes", null, el("div", { class: "grid even" }, readers.node, processes.node))),
    card("Dead letters, last 24 hours", null, lettersNote, el("div", { class: "wide tall" }, reasons.node)),
    card("Refused last", "Put back what can be mended: kinebus dlq redrive.", el("div", { class: "wide tall" }, recent.node))));

  function show(told) {
    if (!told.stages) return;
    stages.fill(told.stages.map((row) => [row.stage, span(row.p50), span(row.p99), span(row.worst), number(row.count), reach(row)]));
    showFlow(told.flow);
    showAudit(audit, told.audit, told.now);
    processes.fill(told.processes.map((one) => [one.name, one.running ? chip("good", "● runs") : chip("bad", "✕ starting again"), number(one.restarts), one.last_exit || "–"]), "No supervisor tells.");
    const { away, letters } = told.letters;
    setText(lettersNote, away ? `ClickHouse does not answer: ${away}` : "By origin, as the last outcome says; from ClickHouse.");
    reasons.fill((letters ?? []).map((row) => [row.vendor, row.reason.replaceAll("_", " "), row.outcome, number(row.records), number(row.frames), `${span(told.now - row.last_ms)} ago`, row.detail]), "Nothing was refused.");
    recent.fill(told.recent.map((one) => [`${span(Math.round((told.now - one.at_ms) / 5000) * 5000)} ago`, one.robot || "not named", one.reason.replaceAll("_", " "), one.detail, one.origin]), "Nothing was refused in the last ten minutes.");
  }

  function showFlow(told) {
    setText(flowNote, told.away ? `The broker does not answer: ${told.away}` : "");
    if (!told.makers) return;
    const sum = { in: 0, out: 0, refused: 0, in_flight: 0 };
    const rows = Object.entries(told.makers).map(([maker, one]) => {
      const refused = Math.min(one.letters, one.done), out = one.done - refused;
      for (const [key, value] of Object.entries({ in: one.in, out, refused, in_flight: one.in_flight })) sum[key] += value;
      return [maker, number(one.in), number(out), number(refused), number(one.in_flight), bar(out, refused, one.in_flight)];
    });
    flow.fill(rows);
    const words = [["in", sum.in, "="], ["out", sum.out, "+"], ["refused", sum.refused, "+"], ["in flight", sum.in_flight, ""]];
    equation.replaceChildren(...words.map(([word, value, sign]) => el("span", { class: "figure", "data-tone": word === "refused" && value ? "bad" : null }, el("b", {}, number(value)), el("span", {}, word), el("b", {}, sign))));
    readers.fill(Object.entries(told.readers).map(([group, records]) => [group, number(records)]));
  }

  const stream = new Stream("stream/pipeline", { whole: show, change: show }, 15_000);
  return () => stream.close();
}

function bar(out, refused, flight) {
  const all = Math.max(1, out + refused + flight);
  const part = (kind, value) => { const node = el("i", { class: kind }); node.style.width = `${(value / all) * 100}%`; return node; };
  return el("div", { class: "flow-bar" }, part("", out), part("refused", refused), part("flight", flight));
}

// On a logarithmic scale: from the median to the 99th percentile, and the worst as a line.
function reach({ stage, p50, p99, worst }) {
  if (p50 === undefined) return "nothing in the last minute";
  const at = (ms) => `${(Math.log(Math.min(LONGEST_MS, Math.max(1, ms))) / Math.log(LONGEST_MS)) * 100}%`;
  const inner = el("i"), line = el("b");
  inner.style.left = at(p50);
  inner.style.width = `max(4px, calc(${at(p99)} - ${at(p50)}))`;
  line.style.left = at(worst);
  return el("div", { class: "reach", "data-tone": p99 > LATE_MS[stage] ? "warn" : null }, inner, line);
}

function showAudit(node, told, now) {
  const lines = [];
  if (!told) lines.push(el("p", {}, "The running audit has not told anything yet."));
  else {
    const bad = told.problems.length > 0;
    lines.push(el("p", {}, chip(bad ? "bad" : "good", bad ? "✕ problems" : "✓ nothing missing, nothing twice"),
      ` judged up to ${span(now - told.judged_to_s * 1000)} ago, ${number(told.records.in_flight)} records on their way then`));
    lines.push(el("div", { class: "figures" }, ...Object.entries(told.records).filter(([, count]) => count).map(([outcome, count]) =>
      el("span", { class: "figure" }, el("b", {}, number(count)), el("span", {}, outcome.replaceAll("_", " "))))));
    lines.push(el("p", { class: "note" }, "Records of its last round, by what became of them."));
    for (const one of told.problems) lines.push(el("p", { class: "away" }, `${one.kind.replaceAll("_", " ")}: ${number(one.count)}. ${one.meaning} ${one.examples.slice(0, 3).join(", ")}`));
  }
  node.replaceChildren(...lines);
}
