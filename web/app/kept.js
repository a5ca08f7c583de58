// @ts-check
// What the browser keeps for this page. One that keeps nothing is put up with: what was chosen lasts until the next reload.

/** @typedef {"localStorage" | "sessionStorage"} Where For good, or as long as the tab. */

/** @param {Where} where @param {string} name @returns {string | null} */
export function recall(where, name) {
  try {
    return window[where].getItem(name);
  } catch {
    return null;
  }
}

/** @param {Where} where @param {string} name @param {string | null} value null: forget it. */
export function keep(where, name, value) {
  try {
    if (value === null) window[where].removeItem(name);
    else window[where].setItem(name, value);
  } catch {
    // it is not kept
  }
}
