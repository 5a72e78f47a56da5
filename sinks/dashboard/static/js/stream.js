// Follows one of the server's streams, and tells the bar whether it lives.

const link = document.getElementById("link");
let beats = [];

export class Stream {
  // `whole` gets the document a page begins with, `change` each tick after it.
  constructor(path, { whole, change }, lostAfterMs = 6000) {
    this.lostAfterMs = lostAfterMs;
    this.path = path;
    this.uses = { whole, change };
    this.#open();
    this.watch = setInterval(() => this.#judge(), 500);
    // A tab that nobody sees gives its connection back: a browser has six for one server.
    this.turn = () => (document.hidden ? this.source.close() : this.#open());
    document.addEventListener("visibilitychange", this.turn);
  }

  #open() {
    this.source?.close();
    this.source = new EventSource(this.path);
    this.heard = performance.now();
    for (const [name, use] of Object.entries(this.uses)) {
      this.source.addEventListener(name, (event) => {
        this.heard = performance.now();
        beats.push(this.heard);
        use(JSON.parse(event.data));
      });
    }
  }

  close() {
    this.source.close();
    clearInterval(this.watch);
    document.removeEventListener("visibilitychange", this.turn);
  }

  #judge() {
    if (document.hidden) return;
    const now = performance.now();
    beats = beats.filter((at) => at > now - 4000);
    const lost = now - this.heard > this.lostAfterMs || this.source.readyState === EventSource.CLOSED;
    const view = document.getElementById("view");
    const state = lost ? "lost" : "live";
    if (link.dataset.state !== state) link.dataset.state = state;
    link.textContent = lost ? "✕ no connection" : `● ${(beats.length / 4).toFixed(1)} updates/s`;
    document.body.dataset.hz = (beats.length / 4).toFixed(2);
    if (lost && !view.hasAttribute("data-stale")) {
      const since = new Date(Date.now() - (now - this.heard)).toLocaleTimeString("en-GB");
      const said = document.createElement("p");
      said.className = "banner";
      said.setAttribute("role", "alert");
      said.textContent = `No news from the dashboard's server since ${since}: what you see is old.`;
      view.prepend(said);
      view.setAttribute("data-stale", "");
    } else if (!lost && view.hasAttribute("data-stale")) {
      view.removeAttribute("data-stale");
      view.querySelector(":scope > .banner")?.remove();
    }
  }
}
