// @ts-check
// The queues: every reader's place in the fabric, how much waits there, and one of them in full.

import { fill, h, write } from "../dom.js";
import { brief, count, plural } from "../format.js";
import { keyed } from "../list.js";
import { Part } from "../part.js";
import { Notice } from "./notice.js";
import { QueueActions } from "./queueacts.js";
import { QueuePanel, keysOf } from "./queue.js";

/** @import { Queue } from "./queue.js" */

const LOOK_MS = 5000;
const COLUMNS = ["agent", "woken by", "waiting", "in flight", "oldest", "dead", "wakes", "gated", "rescues"];

customElements.define("murmur-queue-actions", QueueActions);
customElements.define("murmur-queue", QueuePanel);

export class View extends Part {
  #about = h("p", { class: "hint" });
  #notice = new Notice();
  #empty = h("div", { class: "empty" });
  #rows = h("tbody");
  #table = h("table", { class: "grid queues" }, h("caption", { class: "unseen" }, "Queues of all agents"),
    h("thead", {}, h("tr", {}, ...COLUMNS.map((name) => h("th", { scope: "col" }, name)))), this.#rows);
  #panel = new QueuePanel();
  /** @type {Queue[]} */
  #queues = [];
  #heard = 0;
  #busy = false;
  #read = false;
  /** @type {number | null} */
  #dead = 0;

  build() {
    this.#panel.classList.add("card");
    fill(this,
      h("div", { class: "card" }, h("div", { class: "row" }, h("h2", { class: "card-title" }, "Queues"), this.#about), this.#notice, this.#empty,
        h("div", { class: "table-scroll", tabindex: "0", role: "region", "aria-label": "Queues of all agents" }, this.#table)),
      this.#panel);
    this.#panel.attach(this.app);
    this.until(this.app.on("select", () => this.changed()));
    this.until(this.app.flock.on("control", () => void this.#look()));
    if (this.app.replay) return;
    this.until(this.app.flock.on("queues", (message) => this.#take(message)));
    this.app.live.watchQueues(true);
    this.until(() => this.app.live.watchQueues(false));
    this.until(this.app.on("tick", () => Date.now() - this.#heard > LOOK_MS && !document.hidden && void this.#look()));
    void this.#look();
  }

  /** Pushes come only while something happens; in between it asks. */
  async #look() {
    if (this.#busy || this.app.replay) return;
    this.#busy = true;
    try {
      this.#take(await this.app.api.json("GET", "/cluster/queues"));
      this.#notice.clear();
    } catch (error) {
      this.#heard = Date.now();
      this.#notice.fail(error);
    }
    this.#busy = false;
  }

  /** @param {{ queues?: Queue[], dead_letters?: number | null }} message */
  #take({ queues, dead_letters: dead = 0 }) {
    this.#heard = Date.now();
    this.#read = true;
    this.#queues = queues ?? [];
    this.#dead = dead;
    this.changed();
  }

  draw() {
    const queues = this.#queues;
    this.#empty.hidden = queues.length > 0;
    this.#table.hidden = !queues.length;
    if (!queues.length) this.#blank();
    const waiting = queues.reduce((sum, { inbox }) => sum + (inbox?.visible ?? 0), 0);
    const dead = this.#dead === null ? ", dead letters not known" : this.#dead ? `, ${plural(this.#dead, "dead letter")} in all` : ", no dead letters";
    write(this.#about, queues.length ? `${plural(queues.length, "queue")}, ${plural(waiting, "message")} waiting${dead}` : "");
    this.#about.classList.toggle("is-bad", Boolean(this.#dead));
    keyed(this.#rows, queues, ({ agent }) => String(agent), (queue) => this.#row(queue), (row, queue) => this.#update(row, queue));
    const chosen = queues.find(({ agent }) => agent === this.app.agent) ?? queues[0];
    this.#panel.hidden = !chosen;
    if (chosen) this.#panel.show(chosen.agent);
  }

  #blank() {
    if (this.app.replay) {
      fill(this.#empty, h("p", {}, "An earlier run has no queues: they are taken away at its stop. What became of its wakes stands in the timeline."));
    } else if (!this.#read) fill(this.#empty, h("p", {}, "Asking the server…"));
    else fill(this.#empty, h("p", {}, "No queues: they are made when a run starts. Press Start, or run ", h("code", {}, "murmur start"), "."));
  }

  /** @param {Queue} queue */
  #row(queue) {
    const look = () => this.app.agent !== queue.agent && this.app.select(queue.agent);
    const name = h("button", { class: "link", onclick: look }, `agent ${queue.agent}`);
    const row = h("tr", {}, h("th", { scope: "row" }, name), h("td", { class: "queue-by" }), ...COLUMNS.slice(2).map(() => h("td", { class: "number" })));
    this.#update(row, queue);
    return row;
  }

  /** @param {HTMLElement} row @param {Queue} queue */
  #update(row, { agent, inbox, counters = {}, pattern }) {
    const chosen = agent === (this.app.agent ?? this.#queues[0]?.agent);
    row.classList.toggle("is-selected", chosen);
    row.querySelector("button")?.setAttribute("aria-pressed", String(chosen));
    const { wakes = 0, gated = 0, rescues = 0 } = counters;
    const values = [shortly(keysOf(pattern)), ...depthCells(inbox), count(wakes), count(gated), count(rescues)];
    values.forEach((value, index) => {
      const cell = row.children[index + 1];
      if (cell) write(cell, value);
    });
    row.children[5]?.classList.toggle("is-bad", Boolean(inbox?.dead));
    row.children[8]?.classList.toggle("is-notable", rescues > 0);
  }
}

/** @param {Queue["inbox"]} inbox */
function depthCells(inbox) {
  if (!inbox) return ["?", "?", "?", "?"];
  const { visible, in_flight: flying, oldest_seconds: oldest, dead = 0 } = inbox;
  return [count(visible), count(flying), typeof oldest === "number" ? brief(oldest) : "—", count(dead)];
}

/** Whose logs a pattern names: what makes the ring. @param {string[]} keys */
function shortly(keys) {
  const agents = keys.map((key) => /^store\/agent-(\d+)\.ndjson$/.exec(key)?.[1]).filter((agent) => agent !== undefined);
  if (!agents.length) return keys.some((key) => key.startsWith("anything but")) ? "all others" : "";
  return agents.length > 8 ? `${agents.slice(0, 8).join(", ")}…` : agents.join(", ");
}
