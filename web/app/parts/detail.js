// @ts-check
// The agent looked at: what is known of it and on what that rests, and its log.

import { fill, h, said } from "../dom.js";
import { count, plural, timeOfDay } from "../format.js";
import { keyed } from "../list.js";
import { Part } from "../part.js";
import { icon } from "../shapes.js";
import { agentLook, countdown, evidence } from "../states.js";
import { causeOf } from "../causes.js";
import { entryItem } from "./entryview.js";
import { Notice } from "./notice.js";

/** @import { Agent } from "../store.js" */
/** @import { Child } from "../dom.js" */
/** @import { AgentInfo, Entry } from "../types.js" */

const PAGE = 50;

export class AgentDetail extends Part {
  #head = h("div", { class: "row" });
  #facts = h("dl", { class: "facts" });
  #log = h("ol", { class: "log", "aria-label": "Log, newest first" });
  #older = h("button", { type: "button", class: "button", onclick: () => this.#loadOlder() }, "Load older entries");
  #notice = new Notice();
  /** @type {number | null} */
  #agent = null;
  /** @type {Map<number, Entry>} Entries from before the page came, read on demand. */
  #read = new Map();

  build() {
    fill(this, this.#head, this.#facts, h("div", { class: "log-scroll" }, this.#log, this.#older, this.#notice));
    this.follow("agents", "agent", "control");
    this.until(this.app.on("select", () => this.changed()));
    this.until(this.app.on("tick", () => this.changed()));
    this.until(this.app.store.on("run", () => {
      this.#agent = null; // its log begins anew
    }));
  }

  draw() {
    const id = this.app.agent;
    const agent = id === null ? undefined : this.app.store.agents.get(id);
    this.hidden = !agent;
    if (!agent) return;
    if (this.#agent !== id) this.#begin(agent);
    this.#drawFacts(agent);
    const entries = this.#entries(agent);
    keyed(this.#log, entries, ({ iteration }) => String(iteration), (entry) => entryItem(this.app, entry));
    const oldest = entries.at(-1)?.iteration;
    this.#older.hidden = oldest === undefined || oldest <= 0;
  }

  /** @param {Agent} agent */
  #begin({ id, log }) {
    this.#agent = id;
    this.#read.clear();
    this.#notice.clear();
    fill(this.#log);
    fill(
      this.#head,
      h("h2", { class: "card-title" }, `Agent ${id}`),
      h("button", { type: "button", class: "button button-quiet", onclick: () => this.app.select(null), title: "Back to the activity of all" }, "Close"),
    );
    const oldest = log.entries[0]?.iteration ?? 0;
    if (oldest > 0 && log.entries.length < PAGE) void this.#loadOlder();
  }

  /** @param {Agent} agent @returns {Entry[]} Newest first. */
  #entries({ log }) {
    const all = new Map([...this.#read, ...log.entries.map((entry) => /** @type {const} */ ([entry.iteration, entry]))]);
    return [...all.values()].sort((a, b) => b.iteration - a.iteration);
  }

  async #loadOlder() {
    const id = this.#agent;
    const agent = this.app.store.agents.get(id ?? -1);
    if (!agent || id === null) return;
    const oldest = this.#entries(agent).at(-1)?.iteration ?? 0;
    this.#older.disabled = true;
    try {
      const { entries } = await this.app.api.log(id, Math.max(-1, oldest - PAGE - 1), PAGE);
      if (id !== this.#agent) return;
      for (const entry of entries) if (entry.iteration < oldest) this.#read.set(entry.iteration, entry);
      this.#notice.clear();
    } catch (error) {
      this.#notice.fail(error);
    } finally {
      this.#older.disabled = false;
    }
    this.changed();
  }

  /** @param {Agent} agent */
  #drawFacts({ info, log }) {
    const now = this.app.store.now();
    const look = agentLook(info.status);
    const last = log.entries.at(-1);
    /** @type {[string, ...Child[]][]} */
    const facts = [
      ["state", h("span", { class: "state", "data-state": info.status }, icon(look.shape), look.word), info.scripted && h("span", { class: "tag" }, "scripted"),
        h("span", { class: "dim" }, ` ${countdown(info, now)} ${info.detail === look.word ? look.means : info.detail || look.means}`)],
      ["evidence", evidence(info, now)],
      ["now", info.turn ? `turn ${info.turn.iteration} since ${timeOfDay(info.turn.since)}, ${causeOf(info.turn)}` : "no turn going on"],
      ["last wake", last ? said(causeOf(last)) : "none yet"],
      ["neighbours", ...this.#links(info.neighbours ?? [])],
      ["inbox", inboxOf(info)],
      ["counts", countsOf(info)],
      ["runs on", info.instance ? said(`${info.instance.name || info.instance.id} (${info.instance.state})`) : "nothing"],
    ];
    keyed(this.#facts, facts, ([name]) => name, ([name, ...value]) => h("div", {}, h("dt", {}, name), h("dd", {}, ...value)),
      (row, [, ...value]) => {
        const next = h("dd", {}, ...value);
        const old = row.lastElementChild;
        if (old && old.textContent !== next.textContent) old.replaceWith(next);
      });
  }

  /** @param {number[]} neighbours */
  #links(neighbours) {
    if (!neighbours.length) return ["nobody"];
    const shown = neighbours.slice(0, 24).map((id) =>
      h("button", { type: "button", class: "chip", onclick: () => this.app.select(id), "aria-label": `agent ${id}` }, id));
    return neighbours.length > 24 ? [...shown, ` and ${neighbours.length - 24} more`] : shown;
  }
}

/** @param {AgentInfo} info */
function inboxOf({ inbox }) {
  if (!inbox) return "no queue";
  return `${plural(inbox.visible, "message")} waiting, ${inbox.in_flight} in work${inbox.dead ? `, ${inbox.dead} dead` : ""}`;
}

/** @param {AgentInfo} info */
function countsOf({ counters }) {
  const { turns = 0, wakes = 0, gated = 0, rescues = 0, failed_turns = 0 } = counters ?? {};
  return `${plural(turns, "turn")}${failed_turns ? ` (${count(failed_turns)} failed)` : ""}, ${count(gated)} of ${plural(wakes, "wake")} gated, ${plural(rescues, "rescue")}`;
}
