// @ts-check
// All agents, in the order of the ring: as cards, or as rows where there are many. The order never changes by itself.

import { fill, h, write } from "../dom.js";
import { plural } from "../format.js";
import { keyed } from "../list.js";
import { Part } from "../part.js";
import { AgentCard } from "./card.js";

const MANY = 16;

export class AgentPanels extends Part {
  #list = h("div", { class: "agents", role: "list" });
  #summary = h("p", { class: "hint" });
  #empty = h("div", { class: "empty" });
  #form = h("button", { type: "button", class: "button button-quiet", onclick: () => this.#toggle() });
  /** @type {boolean | null} What the reader chose; null: by how many there are. */
  #rows = null;

  build() {
    fill(this, h("div", { class: "row" }, h("h2", { class: "card-title" }, "Agents"), this.#summary, this.#form), this.#empty, this.#list);
    this.follow("agents", "control");
    this.until(this.app.store.on("agent", (id) => this.#card(id)?.changed()));
    this.until(this.app.on("select", () => this.#each((card) => card.changed())));
    this.until(this.app.on("tick", () => this.#each((card) => card.age())));
  }

  draw() {
    const { store } = this.app;
    const agents = [...store.agents.values()];
    keyed(this.#list, agents, ({ id }) => String(id),
      ({ id }) => Object.assign(new AgentCard(), { agent: id }).attach(this.app),
      (card) => card instanceof AgentCard && card.changed());
    const rows = this.#rows ?? agents.length > MANY;
    this.#list.classList.toggle("as-rows", rows);
    const blank = !agents.some(({ info, log }) => info.status !== "stopped" || log.entries.length);
    this.#list.hidden = blank;
    this.#form.hidden = blank;
    write(this.#form, rows ? "Show as cards" : "Show as rows");
    write(this.#summary, blank ? "" : plural(agents.length, "agent"));
    this.#empty.hidden = !blank;
    if (blank) {
      fill(this.#empty, store.control.state === "checking"
        ? h("p", {}, "Asking the server…")
        : h("p", {}, "No agents are running. Press Start, or run ", h("code", {}, "murmur start"), "; each agent then has its panel here."));
    }
  }

  #toggle() {
    this.#rows = !this.#list.classList.contains("as-rows");
    this.changed();
  }

  /** @param {number} id */
  #card(id) {
    const found = this.#list.querySelector(`[data-key="${Number(id)}"]`);
    return found instanceof AgentCard ? found : null;
  }

  /** @param {(card: AgentCard) => void} action */
  #each(action) {
    for (const card of this.#list.children) if (card instanceof AgentCard) action(card);
  }
}
