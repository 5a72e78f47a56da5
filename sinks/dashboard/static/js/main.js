// Which view the address names; each view is loaded when it is first asked for.
import { startTheme } from "./theme.js";
import { wallView } from "./wall.js";

const view = document.getElementById("view");
const ROUTES = [
  [/^#\/robot\/(.+)$/, async (name) => (await import("./robot.js")).robotView(view, plain(name))],
  [/^#\/quality$/, async () => (await import("./quality.js")).qualityView(view)],
  [/^#\/pipeline$/, async () => (await import("./pipeline.js")).pipelineView(view)],
  [/^/, async () => wallView(view)],
];
// An address may be typed by hand: what is no encoded name is taken as it stands.
function plain(name) {
  try { return decodeURIComponent(name); } catch { return name; }
}

let leave = () => {};
let turn = 0;

async function show() {
  const own = ++turn;
  leave();
  leave = () => {};
  view.replaceChildren();
  view.removeAttribute("data-stale");
  const hash = location.hash || "#/";
  for (const link of document.querySelectorAll("#views a")) {
    const here = link.getAttribute("href") === hash || (hash.startsWith("#/robot/") && link.getAttribute("href") === "#/");
    if (here) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
  }
  const [, open, found] = ROUTES.map(([pattern, start]) => [pattern, start, hash.match(pattern)]).find(([, , match]) => match);
  const close = await open(...found.slice(1));
  if (own !== turn) close(); else leave = close;
}

function tick() {
  document.getElementById("clock").textContent = new Date().toLocaleTimeString("en-GB");
}

startTheme();
tick();
setInterval(tick, 1000);
addEventListener("hashchange", show);
show();
