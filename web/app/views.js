// @ts-check
// The views there are. A view is a module of parts/ that exports `View`, a Part; it is loaded when it is first looked at.

/** @typedef {{ name: string, path: string, title: string, key: string, part: string, style: string }} ViewInfo */

/** `path` follows #/ in the address; `key` is pressed after g; `style` is a file of style/. @type {readonly ViewInfo[]} */
export const VIEWS = [
  { name: "flock", path: "", title: "Flock", key: "f", part: "flock", style: "" },
  { name: "timeline", path: "timeline", title: "Timeline", key: "t", part: "timeline", style: "timeline.css" },
  { name: "queues", path: "queues", title: "Queues", key: "q", part: "inspector", style: "inspector.css" },
  { name: "environment", path: "environment", title: "Environment", key: "e", part: "environment", style: "files.css" },
  { name: "history", path: "history", title: "History", key: "h", part: "history", style: "history.css" },
];

/** @typedef {import("./part.js").Part} Part */

/**
 * A new element of the view, not yet attached to the app. Rejects if the server does not have it.
 * @param {string} name
 * @returns {Promise<Part>}
 */
export async function makeView(name) {
  const view = VIEWS.find((one) => one.name === name) ?? VIEWS[0];
  if (!view) throw new TypeError("no view at all");
  const [{ View }] = await Promise.all([import(`./parts/${view.part}.js`), styled(view.style)]);
  const tag = `murmur-${view.name}`;
  if (!customElements.get(tag)) customElements.define(tag, View);
  return new View();
}

/** @type {Map<string, Promise<void>>} */
const sheets = new Map();

/** The stylesheet is there before the view shows. One that cannot be had leaves the view plain. @param {string} file @returns {Promise<void>} */
function styled(file) {
  if (!file) return Promise.resolve();
  const known = sheets.get(file);
  if (known) return known;
  /** @type {Promise<void>} */
  const loaded = new Promise((done) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = `style/${file}`;
    link.onload = link.onerror = () => done();
    document.head.append(link);
  });
  sheets.set(file, loaded);
  return loaded;
}
