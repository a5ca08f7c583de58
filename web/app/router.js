// @ts-check
// Where the reader is: which view, and of what. It is all in the address after #, so that a link leads to the same sight.

import { Emitter } from "./emitter.js";
import { FIRST, VIEWS } from "./views.js";

/**
 * @typedef {object} Place
 * @property {string} view A name of VIEWS.
 * @property {string} run The run looked at; "" for the one the flock is in.
 * @property {number | null} t The moment looked at, in ms since 1970; null for now.
 * @property {number | null} agent The agent looked at.
 * @property {string} file The file looked at; "" for none.
 */

/** @type {Place} */
const NOWHERE = { view: FIRST, run: "", t: null, agent: null, file: "" };

/** Topics: place, when anything of it has changed; view, agent, file, t, run, when that has. */
export class Router extends Emitter {
  /** @type {Place} */
  place = parse(location.hash);

  start() {
    window.addEventListener("hashchange", () => this.#take(parse(location.hash)));
  }

  /**
   * Go there; what is not named stays. A new view or file is a step that Back undoes; another agent or moment is not.
   * @param {Partial<Place>} changes
   */
  go(changes) {
    const place = { ...this.place, ...changes };
    const step = place.view !== this.place.view || place.file !== this.place.file || place.run !== this.place.run;
    const address = write(place);
    if (address !== (location.hash || "#/")) history[step ? "pushState" : "replaceState"](null, "", address);
    this.#take(place);
  }

  /** The address of a place, for links. @param {Partial<Place>} changes */
  href(changes) {
    return write({ ...this.place, ...changes });
  }

  /** @param {Place} place */
  #take(place) {
    const before = this.place;
    this.place = place;
    const changed = /** @type {(keyof Place)[]} */ (Object.keys(NOWHERE)).filter((name) => before[name] !== place[name]);
    for (const name of changed) this.emit(name);
    if (changed.length) this.emit("place");
  }
}

/** @param {string} hash Such as `#/timeline?agent=3&t=2026-01-31T12:00:00.000Z`; what makes no sense in it is left out. @returns {Place} */
function parse(hash) {
  const [path = "", query = ""] = hash.replace(/^#?\/?/, "").split("?", 2);
  const given = new URLSearchParams(query);
  const agent = given.get("agent") ?? "";
  const t = Date.parse(given.get("t") ?? "");
  return {
    view: VIEWS.some(({ name }) => name === path) ? path : FIRST,
    run: /^[\w.-]{1,64}$/.exec(given.get("run") ?? "")?.[0] ?? "",
    t: Number.isNaN(t) ? null : t,
    agent: /^\d{1,6}$/.test(agent) ? Number(agent) : null,
    file: given.get("file") ?? "",
  };
}

/** @param {Place} place @returns {string} */
function write({ view, run, t, agent, file }) {
  const query = new URLSearchParams();
  if (run) query.set("run", run);
  if (t !== null) query.set("t", new Date(t).toISOString());
  if (agent !== null) query.set("agent", String(agent));
  if (file) query.set("file", file);
  return `#/${view === FIRST ? "" : view}${query.size ? `?${query}` : ""}`;
}
