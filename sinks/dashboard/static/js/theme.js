// Dark or light: what the system prefers, until a person chooses.

const button = document.getElementById("theme");
const prefers = matchMedia("(prefers-color-scheme: dark)");
const ORDER = ["system", "dark", "light"];

function apply() {
  const chosen = localStorage.theme ?? "system";
  const dark = chosen === "dark" || (chosen === "system" && prefers.matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  button.textContent = { system: "◑ system", dark: "● dark", light: "○ light" }[chosen];
  button.setAttribute("aria-label", `Theme: ${chosen}. Change.`);
  dispatchEvent(new CustomEvent("themechange"));
}

export function startTheme() {
  button.addEventListener("click", () => {
    localStorage.theme = ORDER[(ORDER.indexOf(localStorage.theme ?? "system") + 1) % ORDER.length];
    apply();
  });
  prefers.addEventListener("change", apply);
  apply();
}

export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
