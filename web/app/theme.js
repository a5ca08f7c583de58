// @ts-check
// Dark or light: as the reader's system has it, unless chosen here.

import { keep } from "./kept.js";

/** Read by early.js, too, before anything is drawn. */
const KEPT = "murmur.theme";

/** The other one from now on; the system's own choice needs no keeping. */
export function toggleTheme() {
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const wanted = (document.documentElement.dataset.theme ?? system) === "dark" ? "light" : "dark";
  if (wanted === system) delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = wanted;
  keep("localStorage", KEPT, wanted === system ? null : wanted);
}
