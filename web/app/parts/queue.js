// @ts-check
// One agent's queue: what lets a message in, what waits, what became of the last ones, and what can be done about them.

import { fill, h, said, write } from "../dom.js";
import { count, latency, plural, span, timeOfDay } from "../format.js";
import { keyed } from "../list.js";
import { Part } from "../part.js";
import { Notice } from "./notice.js";
import { QueueActions } from "./queueacts.js";

/** @import { Counters, Inbox } from "../types.js" */
/** @typedef {{ key: string, version: string, sent: string, received: string, receives: number, became: string, iteration?: number | null }} Delivery */
/**
 * @typedef {object} Queue
 * @property {number} agent
 * @property {string} rule
 * @property {string} queue
 * @property {any} pattern
 * @property {Inbox | null} [inbox]
 * @property {Partial<Counters> & { duplicates?: number, out_of_order?: number, unreadable?: number, looks?: number }} [counters]
 * @property {Delivery[]} [deliveries]
 */

const LOOK_MS = 2000;
const COLUMNS = ["received", "what changed", "version", "on its way", "receives", "became"];
/** @type {Record<string, string>} */
const BECAME = {
  turn: "a turn took it",
  gated: "no turn: it told nothing the agent had not taken into account, or an idle entry",
  duplicate: "dropped: this version had been delivered before",
  "out-of-order": "dropped: a newer version of the object had come before it",
  control: "read: the flock's state or settings, which need no turn",
  unreadable: "dropped: not an event of the bucket",
  foreign: "dropped: of an object the agent does not read",
};

export class QueuePanel extends Part {
  #agent = -1;
  #title = h("h2", { class: "card-title" });
  #facts = h("dl", { class: "facts" });
  #keys = h("ul", { class: "queue-keys", "aria-label": "Objects that wake it" });
  #raw = h("pre", { class: "source" });
  #rows = h("tbody");
  #table = h("table", { class: "grid" }, h("caption", {}, "Last deliveries, newest first"),
    h("thead", {}, h("tr", {}, ...COLUMNS.map((name) => h("th", { scope: "col" }, name)))), this.#rows);
  #none = h("p", { class: "faint" }, "No delivery yet: nothing this agent reads has changed since it began.");
  #notice = new Notice();
  #acts = new QueueActions();
  #asked = 0;
  #busy = false;

  build() {
    const pattern = h("details", { class: "fold fold-alone queue-raw" }, h("summary", {}, "The rule's pattern as it is"), this.#raw);
    fill(this, this.#title, this.#notice, this.#facts, h("h3", {}, "Woken by a change of"), this.#keys, pattern,
      h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Deliveries" }, this.#table), this.#none, this.#acts);
    this.#acts.attach(this.app);
    this.#acts.done = () => void this.look();
    this.until(this.app.on("tick", () => Date.now() - this.#asked > LOOK_MS && !document.hidden && void this.look()));
  }

  /** @param {number} agent */
  show(agent) {
    if (agent === this.#agent) return;
    this.#agent = agent;
    fill(this.#rows);
    this.#acts.show(agent);
    void this.look();
  }

  /** Read it again. */
  async look() {
    const agent = this.#agent;
    if (this.#busy || agent < 0) return;
    this.#busy = true;
    this.#asked = Date.now();
    try {
      /** @type {Queue} */
      const queue = await this.app.api.json("GET", `/cluster/queues/${agent}`);
      this.#notice.clear();
      if (agent === this.#agent) this.#drawAll(queue);
    } catch (error) {
      this.#notice.fail(error);
    }
    this.#busy = false;
    if (agent !== this.#agent) void this.look();
  }

  /** @param {Queue} queue */
  #drawAll(queue) {
    write(this.#title, `The queue of agent ${queue.agent}`);
    const facts = factsOf(queue);
    keyed(this.#facts, facts, ([name]) => name, ([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, said(value))),
      (row, [, value]) => row.lastElementChild?.firstElementChild && write(row.lastElementChild.firstElementChild, value));
    const keys = keysOf(queue.pattern);
    keyed(this.#keys, keys.slice(0, 64), (key) => key, (key) => h("li", {}, this.#object(key)));
    this.#raw.textContent = JSON.stringify(queue.pattern, null, 2).slice(0, 20_000);
    const deliveries = [...(queue.deliveries ?? [])].reverse();
    this.#table.hidden = !deliveries.length;
    this.#none.hidden = deliveries.length > 0;
    keyed(this.#rows, deliveries, ({ key, version, received, became }) => `${key} ${version} ${received} ${became}`,
      (delivery) => this.#row(delivery, queue.agent));
    this.#acts.know(queue);
  }

  /** @param {Delivery} delivery @param {number} agent */
  #row({ key, version, sent, received, receives, became, iteration }, agent) {
    const way = Date.parse(received) - Date.parse(sent);
    const turn = typeof iteration === "number"
      ? h("a", { class: "link", href: this.app.router.href({ view: "timeline", agent, t: Date.parse(received) + 1 }) }, `turn ${iteration}`)
      : h("span", { class: `became became-${/^[a-z-]+$/.test(became) ? became : "other"}` }, said(became));
    return h("tr", { title: BECAME[became] ?? "" },
      h("td", {}, timeOfDay(received)), h("td", {}, this.#object(key)), h("td", {}, h("code", { title: version.slice(0, 80) }, said(version.slice(-8)))),
      h("td", { class: "number" }, Number.isNaN(way) ? "" : latency(Math.max(0, way))), h("td", { class: "number" }, receives),
      h("td", {}, turn, h("span", { class: "hint became-why" }, BECAME[became] ?? "")));
  }

  /** @param {string} key */
  #object(key) {
    const agent = /^store\/agent-(\d+)\.ndjson$/.exec(key)?.[1];
    if (agent === undefined) return said(key);
    const look = () => this.app.router.go({ view: "flock", agent: Number(agent) });
    return h("button", { class: "link", title: key, onclick: look }, `the log of agent ${agent}`);
  }
}

/** @param {Queue} queue @returns {[string, string][]} */
function factsOf({ queue, rule, inbox, counters = {} }) {
  const { wakes = 0, gated = 0, rescues = 0, duplicates = 0, out_of_order: disordered = 0, unreadable = 0 } = counters;
  return [
    ["holds", holds(inbox ?? null)],
    ["dead letters", inbox?.dead ? count(inbox.dead) : "none known to be of this queue"],
    ["wakes", `${plural(wakes, "wake")}, ${count(gated)} of them gated, ${plural(rescues, "rescue")}`],
    ["dropped", `${plural(duplicates, "duplicate")}, ${count(disordered)} out of order, ${count(unreadable)} unreadable`],
    ["queue", queue],
    ["rule", rule],
  ];
}

/** @param {Inbox | null} inbox */
function holds(inbox) {
  if (!inbox) return "it does not answer";
  const { visible, in_flight: flying, oldest_seconds: oldest } = inbox;
  const age = typeof oldest === "number" ? `, the oldest for ${span(oldest)}` : visible + flying > 0 ? ", for how long only a peek tells" : "";
  return `${plural(visible, "message")} waiting, ${count(flying)} in flight${age}`;
}

/** What an EventBridge pattern lets through, in words. @param {any} pattern @returns {string[]} */
export function keysOf(pattern) {
  const keys = pattern?.detail?.object?.key;
  if (!Array.isArray(keys)) return [];
  return keys.map((key) => {
    if (typeof key === "string") return key;
    const but = key?.["anything-but"];
    if (but) return `anything but ${[but].flat().map(String).join(", ")}`;
    return key?.prefix ? `${key.prefix}…` : JSON.stringify(key).slice(0, 200);
  });
}
