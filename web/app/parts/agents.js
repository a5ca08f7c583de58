// @ts-check
// All agents, in the order of the ring: as a grid of cards, a list of rows, or compact tiles. The order never changes by itself.

import { fill, h, write } from "../dom.js";
import { plural } from "../format.js";
import { keep, recall } from "../kept.js";
import { keyed } from "../list.js";
import { Part } from "../part.js";
import { agentLook, isProblem, urgency } from "../states.js";
import { AgentCard } from "./card.js";

/** @import { Agent } from "../store.js" */
/** @typedef {"grid" | "list" | "compact"} Form */

const MANY = 16;
const CROWD = 120;
const KEPT = "murmur.agents";
/** @type {readonly Form[]} */
const FORMS = ["grid", "list", "compact"];

export class AgentPanels extends Part {
  #list = h("div", { class: "agents", role: "list", "aria-label": "All agents" });
  #summary = h("p", { class: "hint", role: "status" });
  #empty = h("div", { class: "empty" });
  #search = h("input", { type: "search", placeholder: "Filter: words, 3, idle…", "aria-label": "Filter agents", autocomplete: "off" });
  #problems = h("button", {
    class: "button button-quiet", "aria-pressed": "false", title: "Missing, parked and backing off before all others (!)", onclick: () => this.#toggle(),
  }, "Problems first");
  #forms = new Map(FORMS.map((form) => [form, h("button", { onclick: () => this.#choose(form) }, form)]));
  #tools = h("div", { class: "agents-tools" }, this.#search, this.#problems,
    h("div", { class: "choice", role: "group", "aria-label": "How agents are shown" }, ...this.#forms.values()));
  /** @type {Form | null} What the reader chose; null: by how many there are. */
  #form = chosen();
  #first = false;
  #sight = new IntersectionObserver((found) => this.#seen(found), { rootMargin: "300px" });

  build() {
    fill(this, h("div", { class: "row agents-head" }, h("h2", { class: "card-title" }, "Agents"), this.#summary, this.#tools), this.#empty, this.#list);
    this.follow("agents", "control");
    this.until(this.app.store.on("agent", (id) => this.#agent(id)));
    this.until(this.app.on("select", () => this.#each((card) => card.changed())));
    this.until(this.app.on("tick", () => this.#tick()));
    this.until(() => this.#sight.disconnect());
    this.#search.addEventListener("input", () => this.changed());
    this.until(this.app.commands.add(
      { title: "Filter agents", group: "Agents", keys: "/", run: () => this.#search.focus() },
      { title: "Problems first", group: "Agents", keys: "!", run: () => this.#toggle() },
      ...FORMS.map((form) => ({ title: `Show agents as ${form}`, group: "Agents", run: () => this.#choose(form) })),
    ));
  }

  draw() {
    const { store } = this.app;
    const all = [...store.agents.values()];
    const blank = !all.some(({ info, log }) => info.status !== "stopped" || log.entries.length);
    const found = this.#found(all);
    keyed(this.#list, blank ? [] : found, ({ id }) => String(id), ({ id }) => this.#card(id), (card) => card instanceof AgentCard && card.changed());
    this.#drawForm(all.length);
    this.#tools.hidden = this.#list.hidden = blank;
    this.#drawWords(all, found, blank);
  }

  /** @param {Agent[]} all */
  #found(all) {
    const words = this.#search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = words.length ? all.filter((agent) => this.#matches(agent, words)) : all;
    if (!this.#first) return found;
    return [...found].sort((a, b) => urgency(this.app.store.statusOf(a.info)) - urgency(this.app.store.statusOf(b.info)) || a.id - b.id);
  }

  /** @param {Agent} agent @param {string[]} words A number means that agent. */
  #matches({ id, info, log }, words) {
    const last = log.entries.at(-1);
    const { word } = agentLook(this.app.store.statusOf(info));
    const text = [`agent ${id}`, word, info.status, info.detail, info.instance?.name, last?.action, last?.result, last?.next_intent].join(" ").toLowerCase();
    return words.every((word) => (/^\d+$/.test(word) ? id === Number(word) : text.includes(word)));
  }

  /** @param {number} total */
  #drawForm(total) {
    const form = this.#form ?? (total > CROWD ? "compact" : total > MANY ? "list" : "grid");
    this.#list.dataset.form = form;
    for (const [name, button] of this.#forms) button.setAttribute("aria-pressed", String(name === form));
    this.#problems.setAttribute("aria-pressed", String(this.#first));
  }

  /** @param {Agent[]} all @param {Agent[]} found @param {boolean} blank */
  #drawWords(all, found, blank) {
    const { store } = this.app;
    const problems = all.filter(({ info }) => isProblem(store.statusOf(info))).length;
    const shown = found.length < all.length ? `${found.length} of ${plural(all.length, "agent")}` : plural(all.length, "agent");
    write(this.#summary, blank ? "" : problems ? `${shown}, ${plural(problems, "problem")}` : shown);
    this.#summary.classList.toggle("is-bad", problems > 0 && !blank);
    this.#empty.hidden = !blank && found.length > 0;
    if (blank) {
      fill(this.#empty, store.control.state === "checking"
        ? h("p", {}, "Asking the server…")
        : h("p", {}, "No agents are running. Press Start, or run ", h("code", {}, "murmur start"), "; each agent then has its panel here."));
    } else if (!found.length) {
      fill(this.#empty, h("p", {}, "No agent matches. ", h("button", { class: "link", onclick: () => this.#clear() }, "Show all")));
    }
  }

  #clear() {
    this.#search.value = "";
    this.changed();
  }

  #toggle() {
    this.#first = !this.#first;
    this.changed();
  }

  /** @param {Form} form */
  #choose(form) {
    this.#form = form;
    keep("localStorage", KEPT, form);
    this.changed();
  }

  /** @param {number} id */
  #card(id) {
    const card = Object.assign(new AgentCard(), { agent: id }).attach(this.app);
    this.#sight.observe(card);
    return card;
  }

  /** Cards out of sight are left alone until they come into it. @param {IntersectionObserverEntry[]} found */
  #seen(found) {
    for (const { target, isIntersecting } of found) {
      if (!(target instanceof AgentCard)) continue;
      target.seen = isIntersecting;
      if (!target.isConnected) this.#sight.unobserve(target);
      else if (isIntersecting) target.changed();
    }
  }

  /** @param {number} id */
  #agent(id) {
    const found = this.#list.querySelector(`[data-key="${Number(id)}"]`);
    if (found instanceof AgentCard) found.changed();
  }

  /** What depends on words or states is looked at once a second, so that nothing jumps while one reads. */
  #tick() {
    this.#each((card) => card.age());
    this.changed();
  }

  /** @param {(card: AgentCard) => void} action */
  #each(action) {
    for (const card of this.#list.children) if (card instanceof AgentCard) action(card);
  }
}

/** @returns {Form | null} */
function chosen() {
  return FORMS.find((form) => form === recall("localStorage", KEPT)) ?? null;
}
