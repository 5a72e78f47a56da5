// Words, shapes and tones for what the system says; every tone has a shape and a word of its own.

export const STATES = {
  live: { mark: "●", word: "live", tone: "good" },
  late: { mark: "◐", word: "late", tone: "warn" },
  gone: { mark: "○", word: "silent", tone: "idle" },
  refused: { mark: "⊘", word: "refused", tone: "bad" },
  unheard: { mark: "○", word: "no frame yet", tone: "idle" },
};

export const VERDICTS = {
  accept: { mark: "✓", word: "accept", tone: "good" },
  review: { mark: "?", word: "review", tone: "warn" },
  reject: { mark: "✕", word: "reject", tone: "bad" },
};

export const SEVERITIES = {
  error: { mark: "■", word: "error", tone: "bad" },
  warning: { mark: "▲", word: "warning", tone: "warn" },
  info: { mark: "·", word: "info", tone: "idle" },
};

const strange = (word) => ({ mark: "?", word: String(word), tone: "warn" });
const entry = (table, word) => (Object.hasOwn(table, word) ? table[word] : strange(word));
export const stateOf = (word) => entry(STATES, word);
export const verdictOf = (word) => entry(VERDICTS, word);
export const severityOf = (word) => entry(SEVERITIES, word);

export function number(value, digits = 0) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return String(value);
  if (Math.abs(value) >= 1e7) return value.toExponential(2);
  return value.toLocaleString("en", { maximumFractionDigits: digits, minimumFractionDigits: 0 });
}

export function percent(share) {
  if (share === null || share === undefined) return "–";
  return `${(share * 100).toFixed(share > 0.9995 || share === 0 ? 0 : 1)} %`;
}

// Milliseconds as a person says them. A clock that is wrong by hours is shown as it is.
export function span(ms) {
  if (ms === null || ms === undefined) return "–";
  const size = Math.abs(ms);
  if (size < 1000) return `${Math.round(ms)} ms`;
  if (size < 60_000) return `${(ms / 1000).toFixed(size < 10_000 ? 1 : 0)} s`;
  if (size < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.floor((size % 60_000) / 1000)} s`;
  if (size < 86_400_000) return `${(ms / 3_600_000).toFixed(1)} h`;
  return `${number(ms / 86_400_000, 0)} days`;
}

export const makerOf = (robot) => robot.split("/", 1)[0];
export const serialOf = (robot) => (robot.includes("/") ? robot.slice(robot.indexOf("/") + 1) : robot);
