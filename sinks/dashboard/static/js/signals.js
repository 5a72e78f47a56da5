// The last half minute of one robot's signals, in rings of a fixed size.

const KEPT_S = 30;
const MOST = 1200;

export class Signals {
  constructor(channels, rateHz) {
    this.rateHz = rateHz;
    this.time = [];
    this.frame = [];
    this.session = null;
    this.position = channels.map(() => []);
    this.action = channels.map(() => []);
    this.hasAction = false;
    this.findings = [];
    this.last = null;
  }

  // One chunk: its points lie before the moment it was logged, a nominal period apart.
  addChunk(chunk) {
    if (this.session !== null && this.session !== chunk.session) this.#push(chunk.log_ms / 1000 - 0.5, null, null, null);
    // Log time that goes back is another log: what came before it cannot be drawn beside it.
    if (chunk.log_ms / 1000 < (this.time.at(-1) ?? -Infinity) - 5) this.#empty();
    this.session = chunk.session;
    chunk.frame.forEach((frame, i) => {
      const before = (chunk.frames - 1 - frame) / this.rateHz;
      this.#push(chunk.log_ms / 1000 - before, frame, chunk.position[i], chunk.action?.[i] ?? null);
    });
    this.last = chunk;
    this.#forget();
  }

  addFindings(findings) {
    this.findings.push(...findings);
    if (this.findings.length > 400) this.findings.splice(0, this.findings.length - 400);
  }

  // When a frame of this session was; outside of what is kept, its nearest end.
  timeOf(frame) {
    const { frame: frames, time } = this;
    if (!frames.length) return null;
    let low = 0, high = frames.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((frames[middle] ?? -1) < frame) low = middle + 1; else high = middle;
    }
    return time[low];
  }

  // Spans [from, to, severity] in which the checks struck a channel.
  marks(channel) {
    return this.findings
      .filter((one) => one.session === this.session && (one.channel === channel || one.channel === null))
      .map((one) => [this.timeOf(one.first), Math.max(this.timeOf(one.last), this.timeOf(one.first) + 0.06), one.severity, one.channel])
      .filter(([from]) => from !== null);
  }

  // The worst severity that struck a channel within the last seconds.
  worst(channel, seconds = 5) {
    const now = this.time.at(-1) ?? 0;
    let worst = null;
    for (const one of this.findings) {
      if (one.channel !== channel || one.log_ms / 1000 < now - seconds) continue;
      if (one.severity === "error") return "error";
      if (one.severity === "warning") worst = "warning";
    }
    return worst;
  }

  // The channel with the widest span in what is kept.
  liveliest() {
    const spans = this.position.map((list) => {
      const known = list.filter((value) => value !== null);
      return known.length ? Math.max(...known) - Math.min(...known) : -1;
    });
    return spans.indexOf(Math.max(...spans));
  }

  #push(time, frame, position, action) {
    this.time.push(Math.max(time, (this.time.at(-1) ?? -Infinity) + 1e-3));
    this.frame.push(frame ?? this.frame.at(-1) ?? 0);
    this.position.forEach((list, c) => list.push(plain(position?.[c])));
    this.action.forEach((list, c) => list.push(plain(action?.[c])));
    this.hasAction ||= action !== null;
  }

  #empty() {
    for (const list of [this.time, this.frame, ...this.position, ...this.action]) list.length = 0;
    this.findings = [];
  }

  #forget() {
    const oldest = this.time.at(-1) - KEPT_S;
    let gone = Math.max(0, this.time.length - MOST);
    while (gone < this.time.length && this.time[gone] < oldest) gone += 1;
    if (gone < 50) return;
    for (const list of [this.time, this.frame, ...this.position, ...this.action]) list.splice(0, gone);
  }
}

const plain = (value) => (typeof value === "number" ? value : null);
