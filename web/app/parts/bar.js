// @ts-check
// The bar on top: what state the flock is in and why, for how long, how fresh that is, and what the run has cost so far.

import { fill, h, said, write } from "../dom.js";
import { brief, clock, count } from "../format.js";
import { Part } from "../part.js";
import { icon } from "../shapes.js";
import { flockLook } from "../states.js";

/** @type {Record<string, string>} */
const LIVE_HINT = {
  connecting: "Asking the server for the flock's state.",
  live: "Connected: changes appear the moment they happen.",
  reconnecting: "The connection was lost; this page is making a new one.",
  polling: "No live connection: asking every two seconds until there is one.",
  stale: "The server does not answer. What you see may be out of date. Check that `murmur up` is running.",
};

export class TopBar extends Part {
  #badge = h("span", { class: "badge" });
  #tag = h("span", { class: "tag", title: "A built-in script acts for the agents; no model is behind them" }, "scripted");
  #reason = h("span", { class: "bar-reason" });
  #clock = h("span", { class: "bar-clock", title: "How long this run has lasted" });
  #live = h("span", { class: "live", role: "status" });
  #numbers = new Map(
    ["turns", "wakes", "gated", "rescues", "cost"].map((name) => [name, h("dd")]),
  );

  build() {
    const titles = {
      turns: "Turns taken by all agents in this run",
      wakes: "Times an agent was told of a change",
      gated: "Wakes that needed no turn, and cost nothing",
      rescues: "Changes found by an agent itself because no event told of them. Many of them: the events are in trouble",
      cost: "What the runners report to have spent",
    };
    const counters = Object.entries(titles).map(([name, title]) =>
      h("div", { class: `figure figure-${name}`, title }, h("dt", {}, name === "cost" ? "spend" : name), this.#numbers.get(name)),
    );
    fill(
      this,
      h("div", { class: "bar-state" }, this.#badge, this.#clock, this.#tag, this.#reason),
      h("dl", { class: "figures", "aria-label": "Counts of this run" }, ...counters),
      this.#live,
    );
    this.#badge.setAttribute("aria-live", "polite");
    this.follow("control", "agents", "agent");
    this.until(this.app.live.on("live", () => this.changed()));
    this.until(this.app.on("tick", () => this.changed()));
  }

  draw() {
    const { store } = this.app;
    this.#drawState();
    this.#drawLive();
    const totals = store.totals();
    for (const [name, cell] of this.#numbers) {
      const value = totals[/** @type {keyof typeof totals} */ (name)];
      write(cell, name === "cost" ? `$${value.toFixed(2)}` : count(value));
    }
    this.#numbers.get("cost")?.parentElement?.toggleAttribute("hidden", !totals.cost);
    this.#numbers.get("rescues")?.parentElement?.classList.toggle("is-notable", totals.rescues > 0);
  }

  #drawState() {
    const { store } = this.app;
    const { state, reason, started, since } = store.control;
    const look = flockLook(state);
    if (this.#badge.dataset.state !== state) {
      this.#badge.dataset.state = state;
      fill(this.#badge, icon(look.shape), state);
      document.title = state === "checking" ? "Murmur" : `${state} · Murmur`;
    }
    const why = reason || look.hint;
    if (this.#reason.textContent !== why) fill(this.#reason, said(why));
    this.#reason.title = why;
    this.#tag.hidden = !store.about.scripted;
    const from = Date.parse(started);
    const end = state === "stopped" ? Date.parse(since) : store.now();
    write(this.#clock, Number.isNaN(from) || Number.isNaN(end) ? "" : clock((end - from) / 1000));
  }

  #drawLive() {
    const { live, store } = this.app;
    const { kind } = live;
    const age = kind === "stale" && store.heard ? ` for ${brief((Date.now() - store.heard) / 1000)}` : "";
    this.#live.dataset.kind = kind;
    this.#live.title = LIVE_HINT[kind] ?? "";
    write(this.#live, kind === "stale" && !store.heard ? "no answer" : `${kind}${age}`);
  }
}
