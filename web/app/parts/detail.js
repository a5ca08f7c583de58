// @ts-check
// The agent looked at: what is known of it and on what that rests, its own instruction, and its whole log.

import { fill, h, said } from "../dom.js";
import { count, plural, span, timeOfDay } from "../format.js";
import { keyed } from "../list.js";
import { Part } from "../part.js";
import { icon } from "../shapes.js";
import { agentLook, countdown, evidence } from "../states.js";
import { causeOf } from "../causes.js";
import { loadOf } from "./card.js";
import { DirectiveBox } from "./directive.js";
import { FullLog } from "./fulllog.js";

/** @import { Agent } from "../store.js" */
/** @import { Child } from "../dom.js" */
/** @import { AgentInfo } from "../types.js" */

export class AgentDetail extends Part {
  #head = h("div", { class: "row" });
  #facts = h("dl", { class: "facts" });
  #rest = h("div", { class: "detail-rest" });
  /** @type {number | null} */
  #agent = null;

  build() {
    fill(this, this.#head, this.#facts, this.#rest);
    this.follow("agents", "agent", "control");
    this.until(this.app.on("select", () => this.changed()));
    this.until(this.app.on("tick", () => this.changed()));
    this.until(this.app.commands.add({
      title: "Back to the activity of all", group: "Agents", keys: "Escape", when: () => this.#agent !== null, run: () => this.#leave(),
    }));
  }

  #leave() {
    this.app.router.go({ agent: null });
  }

  draw() {
    const id = this.app.agent;
    const agent = id === null ? undefined : this.app.store.agents.get(id);
    this.hidden = !agent;
    if (!agent) {
      this.#agent = null;
      fill(this.#rest);
      return;
    }
    if (this.#agent !== id) this.#begin(agent);
    this.#drawFacts(agent);
  }

  /** @param {Agent} agent */
  #begin({ id }) {
    this.#agent = id;
    fill(
      this.#head,
      h("h2", { class: "card-title" }, `Agent ${id}`),
      h("button", { class: "button button-quiet", onclick: () => this.#leave(), title: "Back to the activity of all (Esc)" }, "Close"),
    );
    const directive = Object.assign(new DirectiveBox(), { agent: id });
    const log = Object.assign(new FullLog(), { agent: id });
    fill(this.#rest, directive, log);
    directive.attach(this.app);
    log.attach(this.app);
  }

  /** @param {Agent} agent */
  #drawFacts({ info, log }) {
    const { store } = this.app;
    const now = store.now();
    const status = store.statusOf(info);
    const look = agentLook(status);
    const last = log.entries.at(-1);
    const detail = status === info.status ? info.detail : "";
    /** @type {[string, ...Child[]][]} */
    const facts = [
      ["state", h("span", { class: "state", "data-state": status }, icon(look.shape), look.word), info.scripted && h("span", { class: "tag" }, "scripted"),
        h("span", { class: "dim" }, " ", countdown(info, now), " ", said(!detail || detail === look.word ? look.means : detail))],
      ["evidence", evidence(info, now)],
      ["now", info.turn ? `turn ${info.turn.iteration} since ${timeOfDay(info.turn.since)}, ${causeOf(info.turn)}` : "no turn going on"],
      ["last wake", last ? said(causeOf(last)) : "none yet"],
      ["neighbours", ...this.#links(info.neighbours ?? [])],
      ["inbox", inboxOf(info)],
      ["counts", countsOf(info)],
      ["runs on", info.instance ? said(`${loadOf(info)} (${info.instance.state})`) : "nothing"],
    ];
    keyed(this.#facts, facts, ([name]) => name, ([name, ...value]) => h("div", {}, h("dt", {}, name), h("dd", {}, ...value.filter(Boolean))),
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
      h("button", { class: "chip", onclick: () => this.app.router.go({ agent: id }), "aria-label": `agent ${id}` }, id));
    return neighbours.length > 24 ? [...shown, ` and ${neighbours.length - 24} more`] : shown;
  }
}

/** @param {AgentInfo} info */
function inboxOf({ inbox }) {
  if (!inbox) return "no queue";
  const oldest = typeof inbox.oldest_seconds === "number" ? `, oldest ${span(inbox.oldest_seconds)}` : "";
  return `${plural(inbox.visible, "message")} waiting, ${inbox.in_flight} in work${inbox.dead ? `, ${inbox.dead} dead` : ""}${oldest}`;
}

/** @param {AgentInfo} info */
function countsOf({ counters }) {
  const { turns = 0, wakes = 0, gated = 0, rescues = 0, failed_turns = 0, tokens = 0, cost = 0 } = counters ?? {};
  if (counters?.wakes === undefined) return `${plural(turns, "turn")}, as the log says`;
  const failed = failed_turns ? ` (${count(failed_turns)} failed)` : "";
  const spent = cost ? `, $${cost.toFixed(2)}` : tokens ? `, ${count(tokens)} tokens` : "";
  return `${plural(turns, "turn")}${failed}, ${count(gated)} of ${plural(wakes, "wake")} gated, ${plural(rescues, "rescue")}${spent}`;
}
