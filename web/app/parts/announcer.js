// @ts-check
// Says what a reader who does not see the page should hear: the flock's state, the connection, new problems. Not every entry.

import { plural } from "../format.js";
import { Part } from "../part.js";
import { agentLook, isProblem } from "../states.js";
import { write } from "../dom.js";

const GAP_MS = 2000;

export class Announcer extends Part {
  #state = "";
  #live = "";
  /** @type {Map<number, string>} Problems that were told. */
  #problems = new Map();
  #at = 0;
  #timer = 0;

  build() {
    this.classList.add("unseen");
    this.setAttribute("role", "status");
    this.follow("control", "agents", "agent");
    this.until(this.app.live.on("live", () => this.changed()));
    this.until(() => clearTimeout(this.#timer));
  }

  draw() {
    const wait = this.#at + GAP_MS - Date.now();
    clearTimeout(this.#timer);
    if (wait > 0) {
      this.#timer = window.setTimeout(() => this.changed(), wait);
      return;
    }
    const news = [...this.#flock(), ...this.#connection(), ...this.#agents()];
    if (!news.length) return;
    this.#at = Date.now();
    write(this, news.join(". "));
  }

  #flock() {
    const { state, reason } = this.app.flock.control;
    if (state === this.#state || state === "checking") return [];
    this.#state = state;
    return [`The flock is ${state}${reason ? `: ${reason}` : ""}`];
  }

  #connection() {
    const { kind } = this.app.live;
    const before = this.#live;
    this.#live = kind;
    return kind === before || before === "" || kind === "connecting" ? [] : [`Connection: ${kind}`];
  }

  #agents() {
    const { flock } = this.app;
    /** @type {Map<number, string>} */
    const now = new Map();
    for (const { id, info } of flock.agents.values()) {
      const status = flock.statusOf(info);
      if (isProblem(status)) now.set(id, status);
    }
    const fresh = [...now].filter(([id, status]) => this.#problems.get(id) !== status);
    this.#problems = now;
    if (fresh.length > 3) return [`${plural(fresh.length, "agent")} have problems`];
    return fresh.map(([id, status]) => `Agent ${id} is ${agentLook(status).word}`);
  }
}
