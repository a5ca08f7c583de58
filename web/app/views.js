// @ts-check
// The views there are. The view NAME is #/NAME in the address, parts/NAME.js (which exports `View`, a Part) and style/NAME.css.

/** @import { Part } from "./part.js" */

/** The view shown where the address names none. Its styles are those of the page. */
export const FIRST = "flock";

/** `key` is pressed after g. @type {readonly { name: string, title: string, key: string }[]} */
export const VIEWS = [
  { name: FIRST, title: "Flock", key: "f" },
  { name: "timeline", title: "Timeline", key: "t" },
  { name: "queues", title: "Queues", key: "q" },
  { name: "environment", title: "Environment", key: "e" },
  { name: "history", title: "History", key: "h" },
];

/** What people call it. @param {string} name */
export function titleOf(name) {
  return VIEWS.find((view) => view.name === name)?.title ?? name;
}

/**
 * A new element of the view, not yet attached to the app. It is loaded when it is first looked at; rejects if the server does not have it.
 * @param {string} name One of VIEWS
 * @returns {Promise<Part>}
 */
export async function makeView(name) {
  const [{ View }] = await Promise.all([import(`./parts/${name}.js`), name === FIRST ? null : styled(name)]);
  const tag = `murmur-${name}`;
  if (!customElements.get(tag)) customElements.define(tag, View);
  return new View();
}

/** @type {Map<string, Promise<void>>} */
const sheets = new Map();

/** The stylesheet is there before the view shows. One that cannot be had leaves the view plain. @param {string} view @returns {Promise<void>} */
function styled(view) {
  const known = sheets.get(view);
  if (known) return known;
  /** @type {Promise<void>} */
  const loaded = new Promise((done) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = `style/${view}.css`;
    link.onload = link.onerror = () => done();
    document.head.append(link);
  });
  sheets.set(view, loaded);
  return loaded;
}
