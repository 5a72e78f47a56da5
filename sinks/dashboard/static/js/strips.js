// A line for each joint, all of them at once; what the checks found is shaded and marked.
import { el, setData, setText } from "./dom.js";
import { colour } from "./theme.js";
import { number } from "./words.js";

const ROW = 22;
const SHOWN_S = 15;
const LEAST_SPAN = 0.05;

export function makeStrips(channels, choose) {
  const buttons = channels.map((channel, index) =>
    el("button", { type: "button", "aria-pressed": "false", title: channel.name, onclick: () => choose(index) }, channel.name));
  const values = channels.map(() => el("span"));
  const canvas = el("canvas", { role: "img", "aria-label": "The last seconds of every joint" });
  const node = el("div", { class: "strips", tabindex: "0", "aria-label": "Signals by joint" },
    el("div", { class: "names" }, ...buttons), el("div", { class: "values", "aria-hidden": "true" }, ...values), canvas);
  canvas.style.height = `${channels.length * ROW}px`;
  return { node, draw: (signals, chosen) => draw(canvas, channels, signals, { buttons, values, chosen }) };
}

function draw(canvas, channels, signals, { buttons, values, chosen }) {
  const scale = devicePixelRatio, width = canvas.clientWidth, height = channels.length * ROW;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  const end = signals.time.at(-1) ?? 0, begin = end - SHOWN_S;
  const x = (time) => ((time - begin) / SHOWN_S) * width;
  const inks = { line: colour("accent"), rule: colour("line-soft"), error: colour("bad-mark"), warning: colour("warn-mark") };
  channels.forEach((channel, c) => {
    const top = c * ROW;
    const worst = signals.worst(channel.name);
    setData(buttons[c], "tone", { error: "bad", warning: "warn" }[worst] ?? null);
    const mark = { error: "■ ", warning: "▲ " }[worst] ?? "";
    setText(buttons[c], mark + channel.name);
    buttons[c].setAttribute("aria-pressed", String(c === chosen));
    setText(values[c], said(signals.last?.position.at(-1)?.[c]));
    pen.fillStyle = inks.rule;
    pen.fillRect(0, top + ROW - 1, width, 1);
    for (const [from, to, severity, own] of signals.marks(channel.name)) {
      if (own === null || !(severity in inks) || to < begin) continue;
      pen.globalAlpha = 0.28;
      pen.fillStyle = inks[severity];
      pen.fillRect(x(from), top + 1, Math.max(2, x(to) - x(from)), ROW - 3);
      pen.globalAlpha = 1;
      pen.fillRect(x(from), top + 1, Math.max(2, x(to) - x(from)), 2);
    }
    line(pen, signals.time, signals.position[c], x, top, begin, inks.line);
  });
}

function line(pen, time, values, x, top, begin, ink) {
  let low = Infinity, high = -Infinity, first = time.length;
  for (let i = time.length - 1; i >= 0 && time[i] >= begin; i -= 1) {
    first = i;
    const value = values[i];
    if (value === null) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const span = Math.max(high - low, LEAST_SPAN), middle = (high + low) / 2;
  pen.strokeStyle = ink;
  pen.lineWidth = 1.2;
  pen.beginPath();
  let drawing = false;
  for (let i = first; i < time.length; i += 1) {
    if (values[i] === null) { drawing = false; continue; }
    const y = top + ROW / 2 - ((values[i] - middle) / span) * (ROW - 6);
    if (drawing) pen.lineTo(x(time[i]), y); else pen.moveTo(x(time[i]), y);
    drawing = true;
  }
  pen.stroke();
}

function said(value) {
  if (value === null) return "no number";
  if (typeof value === "string") return value;
  return value === undefined ? "" : Math.abs(value) >= 1e5 ? number(value) : value.toFixed(3);
}
