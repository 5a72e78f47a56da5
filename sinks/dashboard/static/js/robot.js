// One robot: what it says, what is wrong with it, and how it moves, beside the canonical body.
import { el, chip, setText } from "./dom.js";
import { Signals } from "./signals.js";
import { Stream } from "./stream.js";
import { makeStrips } from "./strips.js";
import { makeChart } from "./chart.js";
import { makeBodies } from "./bodies.js";
import { number, percent, severityOf, span, stateOf, verdictOf } from "./words.js";

const MAX_FINDINGS = 40;
const UNITS = { revolute: "rad", prismatic: "m", share: "0 open … 1 closed", own: "as sent" };

export function robotView(view, name) {
  const head = el("div", { class: "robot-head" });
  const verdict = el("p", { class: "verdict-line" });
  const place = el("div", { class: "robot-grid" });
  view.append(head, verdict, place);
  let row = {}, nowMs = 0, body = null, parts = null, chosen = null, drawn = 0;
  const latest = new Map();

  function build(next) {
    parts?.close();
    body = next;
    parts = makeParts(next, choose);
    chosen = null;
    place.replaceChildren(...parts.columns);
  }

  function choose(index) { chosen = index; draw(); }

  function draw() {
    if (!parts?.signals.time.length) return;
    // Until somebody chooses: the joint that moves most.
    const index = chosen ?? parts.signals.liveliest();
    const channel = body.channels[index];
    setText(parts.title, `${channel.name}, ${UNITS[channel.kind]}`);
    parts.chart.show(parts.signals, index, channel);
    parts.strips.draw(parts.signals, index);
  }

  function take(told) {
    nowMs = told.now;
    Object.assign(row, told.row ?? {});
    if (told.body) build(told.body);
    showHead(head, verdict, name, row, body, nowMs);
    if (!body) {
      if (!place.childElementCount) place.append(el("p", { class: "empty" }));
      setText(place.firstElementChild, waiting(row));
      return;
    }
    for (const chunk of told.chunks ?? []) if (chunk.position[0]?.length === body.channels.length) parts.signals.addChunk(chunk);
    if (told.chunks?.length) parts.bodies.show(told.chunks.at(-1));
    if (told.findings) {
      parts.signals.addFindings(told.findings);
      for (const one of told.findings) { const key = `${one.check} ${one.channel}`; latest.delete(key); latest.set(key, one); }
      while (latest.size > MAX_FINDINGS) latest.delete(latest.keys().next().value);
    }
    if (performance.now() - drawn > 180) {
      drawn = performance.now();
      draw();
      parts.bodies.mark(struckJoints(latest, body, nowMs));
      showFindings(parts.list, latest, body, nowMs);
    }
  }

  const stream = new Stream(`stream/robot?name=${encodeURIComponent(name)}`, {
    whole: (told) => { row = {}; take(told); }, change: take,
  });
  return () => { stream.close(); parts?.close(); };
}

function makeParts(body, choose) {
  const signals = new Signals(body.channels, body.rate_hz);
  const strips = makeStrips(body.channels, choose), chart = makeChart(""), bodies = makeBodies(body);
  const title = el("h2"), list = el("tbody");
  const key = el("p", { class: "key" }, el("span", {}, el("i"), "measured"), el("span", {}, el("i", { class: "told" }), "commanded"),
    el("span", {}, el("i", { class: "limit" }), "limit"), el("span", {}, "shaded: what a check found (■ error, ▲ warning)"));
  const columns = [
    el("div", { class: "column" },
      el("section", { class: "card" }, title, chart.node, key),
      el("section", { class: "card" }, el("h2", {}, "Every joint, last 15 s"), strips.node)),
    el("div", { class: "column" },
      el("section", { class: "card" }, el("h2", {}, "Its body, and the canonical body"), bodies.node,
        body.native ? null : el("p", { class: "note" }, "No description of this robot: its joints are known, its geometry is not.")),
      el("section", { class: "card" }, el("h2", {}, "What the checks find"),
        el("div", { class: "findings-now wide" }, el("table", {}, el("thead", {}, el("tr", {}, ...["", "Check", "Joint", "Worst", "Limit", "Last"].map((word) => el("th", { scope: "col" }, word)))), list)))),
  ];
  return { signals, strips, chart, bodies, title, list, columns, close() { chart.close(); bodies.close(); } };
}

function waiting(row) {
  if (row.profile) return `This dashboard has no profile ${row.profile}: its channels cannot be named. Give it the profiles that the stream workers have (KINEBUS_PROFILES).`;
  if (row.refused) return `Nothing of this robot can be used: ${row.refused.join(", ")}. See kinebus dlq list.`;
  return "No frame of this robot has been seen since the dashboard began to look.";
}

function showHead(head, line, name, row, body, nowMs) {
  const state = stateOf(row.state);
  const silent = row.state === "live" || !row.seen ? "" : `, for ${span(nowMs - row.seen * 1000)}`;
  const pieces = [
    ["h1", { title: name }, name], ["span", { class: "type" }, body ? `${body.maker} · ${body.embodiment} · profile ${body.profile}` : `profile ${row.profile ?? "not known"}`],
    ["chip", state.tone, `${state.mark} ${state.word}${silent}`],
    ["span", {}, `${number(row.rate, 1)} of ${number(row.nominal, 1)} Hz`], ["span", {}, `${span(row.delay)} to canonical`],
    ["span", {}, `${percent(row.score)} without error, last 60 s`],
  ];
  same(head, JSON.stringify(pieces), () => pieces.map(([tag, ...rest]) => (tag === "chip" ? chip(...rest) : el(tag, ...rest))));
  const [task, operator, station, mode, since] = row.episode ?? [];
  const judged = row.verdict ? verdictOf(row.verdict[0]) : null;
  const said = row.episode ? `Now: ${task ?? "no task named"}, ${[operator, station, mode].filter(Boolean).join(", ") || "nobody named"}, for ${span(Math.max(0, nowMs - since))}` : "Between episodes";
  same(line, JSON.stringify([said, row.verdict]), () => [
    el("span", {}, said), judged && el("span", {}, "Last take:"), judged && chip(judged.tone, `${judged.mark} ${judged.word}`),
    ...(row.verdict?.[2] ?? []).map((reason) => el("span", { class: "reason" }, reason)),
  ].filter(Boolean));
}

function same(node, key, make) {
  if (node.dataset.shown === key) return;
  node.dataset.shown = key;
  node.replaceChildren(...make());
}

function struckJoints(latest, body, nowMs) {
  const joints = new Map(body.channels.map(({ name, joint }) => [name, joint]));
  return [...latest.values()].filter((one) => one.severity !== "info" && one.log_ms > nowMs - 4000 && joints.get(one.channel))
    .map((one) => ({ joint: joints.get(one.channel), severity: one.severity, words: `${severityOf(one.severity).mark} ${one.check.replaceAll("_", " ")}` }));
}

function showFindings(list, latest, body, nowMs) {
  const rows = [...latest.values()].reverse().map((one) => {
    const { mark, word, tone } = severityOf(one.severity);
    return [tone, `${mark} ${word}`, one.check, one.channel ?? "whole frame", number(one.value, 3), number(one.threshold, 3), span(Math.max(0, nowMs - one.log_ms)), body.checks[one.check] ?? "", body.units[one.check] ?? ""];
  });
  same(list, JSON.stringify(rows), () => rows.length ? rows.map(([tone, severity, check, joint, value, limit, ago, meaning, unit]) =>
    el("tr", { title: `${meaning} (${unit})` }, el("td", {}, chip(tone, severity)), el("td", {}, check.replaceAll("_", " ")), el("td", {}, joint),
      el("td", { class: "number" }, value), el("td", { class: "number" }, limit), el("td", { class: "number" }, ago)))
    : [el("tr", {}, el("td", { colspan: "6" }, "Nothing since this page was opened."))]);
}
