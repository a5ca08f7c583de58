// @ts-check
// One agent's panel: its state and the age of that, what it did last and before, what woke it, and its counts.

import { fill, h, write } from "../dom.js";
import { brief, count, plural } from "../format.js";
import { Part } from "../part.js";
import { icon } from "../shapes.js";
import { agentLook, countdown, evidence } from "../states.js";
import { causeOf } from "../causes.js";

/** @param {string} name */
function line(name) {
  const words = h("bdi", { class: "said" });
  return { words, cells: [h("dt", {}, name), h("dd", {}, words)] };
}

export class AgentCard extends Part {
  agent = 0;
  #name = h("button", { type: "button", class: "agent-name" });
  #state = h("span", { class: "state" });
  #tag = h("span", { class: "tag", title: "A built-in script acts; no model is behind it" }, "scripted");
  #age = h("span", { class: "agent-age" });
  #did = line("did");
  #result = line("result");
  #next = line("next");
  #before = line("before");
  #lines = h("dl", { class: "said-lines" }, ...this.#did.cells, ...this.#result.cells, ...this.#next.cells, ...this.#before.cells);
  #quiet = h("p", { class: "faint" });
  #cause = h("p", { class: "agent-cause" });
  #neighbours = h("span");
  #inbox = h("span");
  #counts = h("span");

  build() {
    this.setAttribute("role", "listitem");
    this.className = "agent";
    this.#name.addEventListener("click", () => this.app.select(this.agent));
    fill(
      this,
      h("div", { class: "agent-head" }, this.#name, this.#state, this.#age),
      this.#lines, this.#quiet, this.#cause,
      h("div", { class: "agent-foot" }, this.#tag, this.#neighbours, this.#inbox, this.#counts),
    );
  }

  draw() {
    const known = this.app.store.agents.get(this.agent);
    if (!known) return;
    const { info, log } = known;
    const selected = this.app.agent === this.agent;
    this.classList.toggle("is-selected", selected);
    write(this.#name, `agent ${info.id}`);
    this.#name.setAttribute("aria-pressed", String(selected));
    this.#tag.hidden = !info.scripted;
    this.#drawState();
    const [last, previous] = [log.entries.at(-1), log.entries.at(-2)];
    this.#lines.hidden = !last;
    this.#quiet.hidden = Boolean(last);
    if (last) {
      write(this.#did.words, last.action);
      write(this.#result.words, last.result);
      write(this.#next.words, last.next_intent);
      write(this.#before.words, previous ? `${previous.action} — ${previous.result}` : "nothing");
    } else write(this.#quiet, info.status === "stopped" ? "It wrote nothing in this run." : "No entry yet: it appears when the first turn ends.");
    write(this.#cause, info.turn ? `turn ${info.turn.iteration}, ${causeOf(info.turn)}` : last ? causeOf(last) : "");
    this.#drawFoot();
    this.age();
  }

  #drawState() {
    const info = this.app.store.agents.get(this.agent)?.info;
    if (!info) return;
    const look = agentLook(info.status);
    if (this.dataset.state !== info.status) {
      this.dataset.state = info.status;
      this.#state.dataset.state = info.status;
      fill(this.#state, icon(look.shape), h("span", {}, look.word));
    }
    this.#state.title = info.detail || look.means;
  }

  #drawFoot() {
    const info = this.app.store.agents.get(this.agent)?.info;
    if (!info) return;
    const near = info.neighbours ?? [];
    write(this.#neighbours, near.length ? `reads ${near.slice(0, 8).join(", ")}${near.length > 8 ? "…" : ""}` : "reads nobody");
    write(this.#inbox, info.inbox ? `inbox ${info.inbox.visible + info.inbox.in_flight}${info.inbox.dead ? `, ${info.inbox.dead} dead` : ""}` : "no inbox");
    const { turns = 0, wakes = 0, gated = 0, rescues = 0 } = info.counters ?? {};
    write(this.#counts, `${plural(turns, "turn")}, ${count(gated)} of ${plural(wakes, "wake")} gated${rescues ? `, ${plural(rescues, "rescue")}` : ""}`);
  }

  /** Refresh what changes with time alone. */
  age() {
    const info = this.app.store.agents.get(this.agent)?.info;
    if (!info) return;
    const now = this.app.store.now();
    const alive = Date.parse(info.evidence?.alive ?? "");
    const wait = countdown(info, now);
    write(this.#age, wait || (Number.isNaN(alive) ? "—" : brief((now - alive) / 1000)));
    this.#age.title = wait ? `${info.detail ?? ""} tries again ${wait}`.trim() : evidence(info, now);
  }
}
