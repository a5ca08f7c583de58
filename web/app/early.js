// @ts-check
// Before anything is drawn: the theme the reader chose, so that the page does not flash in the other one.
try {
  const chosen = localStorage.getItem("murmur.theme");
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
} catch {
  // a browser that keeps nothing: the system's choice
}
