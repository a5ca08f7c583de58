// @ts-check
// Dark or light: as the reader's system has it, unless chosen here.

/** @typedef {"system" | "light" | "dark"} Theme */

const KEPT = "murmur.theme";

/** @returns {Theme} */
export function theme() {
  const chosen = document.documentElement.dataset.theme;
  return chosen === "light" || chosen === "dark" ? chosen : "system";
}

/** Whether the page is dark now. */
export function isDark() {
  return theme() === "dark" || (theme() === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
}

/** The other one from now on; the system's own choice needs no keeping. */
export function toggleTheme() {
  const wanted = isDark() ? "light" : "dark";
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  if (wanted === system) delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = wanted;
  try {
    if (wanted === system) localStorage.removeItem(KEPT);
    else localStorage.setItem(KEPT, wanted);
  } catch {
    // a browser that keeps nothing: it lasts until the next reload
  }
}
