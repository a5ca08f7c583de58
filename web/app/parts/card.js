// @ts-check
// One agent's panel: its state and the age of that, what it did last and before, what woke it, where it runs, and its counts.

import { fill, h, write } from "../dom.js";
import { brief, count, plural, size } from "../format.js";
import { Part } from "../part.js";
import { icon } from "../shapes.js";
import { agentLook, countdown, evidence, isProblem } from "../states.js";
import { causeOf } from "../causes.js";

/** @import { AgentInfo } from "../types.js" */

/** @param {string} name */
function line(name) {
  const words = h("bdi", { class: "said" });
  return { words, cells: [h("dt", {}, name), h("dd", {}, words)] };
}

export class AgentCard extends Part {
  agent = 0;
  /** Whether it is in sight. Out of sight it is drawn once a second at most. */
  seen = true;
  #stale = false;
  #name = h("button", { class: "agent-name" });
  #state = h("span", { class: "state" });
  #tag = h("span", { class: "tag", title: "A built-in script acts; no model is behind it" }, "scripted");
  #age = h("span", { class: "agent-age" });
  #did = line("did");
  #result = line("result");
  #next = line("next");
  #before = line("before");
  #lines = h("dl", { class: "said-lines" }, ...this.#did.cells, ...this.#result.cells, ...this.#next.cells, ...this.#before.cells);
  #quiet = h("p", { class: "faint" });
  #trouble = h("p", { class: "agent-trouble" }, h("bdi", { class: "said" }));
  #cause = h("p", { class: "agent-cause" });
  #neighbours = h("span");
  #inbox = h("span");
  #counts = h("span");
  #load = h("span");

  build() {
    this.setAttribute("role", "listitem");
    this.className = "agent";
    this.#name.addEventListener("click", () => this.app.select(this.agent));
    fill(
      this,
      h("div", { class: "agent-head" }, this.#name, this.#state, this.#age),
      this.#trouble, this.#lines, this.#quiet, this.#cause,
      h("div", { class: "agent-foot" }, this.#tag, this.#neighbours, this.#inbox, this.#counts, this.#load),
    );
  }

  changed() {
    if (this.seen) super.changed();
    else this.#stale = true;
  }

  draw() {
    this.#stale = false;
    const known = this.app.store.agents.get(this.agent);
    if (!known) return;
    const { info, log } = known;
    const selected = this.app.agent === this.agent;
    this.classList.toggle("is-selected", selected);
    write(this.#name, `agent ${info.id}`);
    this.#name.setAttribute("aria-pressed", String(selected));
    this.#tag.hidden = !info.scripted;
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
    this.#drawFoot(info);
    this.age();
  }

  /** @param {AgentInfo} info */
  #drawState(info) {
    const status = this.app.store.statusOf(info);
    const look = agentLook(status);
    if (this.dataset.state !== status) {
      this.dataset.state = status;
      this.#state.dataset.state = status;
      fill(this.#state, icon(look.shape), h("span", {}, look.word));
    }
    const why = status === info.status ? info.detail : "";
    this.#state.title = why || look.means;
    this.#trouble.hidden = !isProblem(status);
    const words = this.#trouble.firstElementChild;
    if (words) write(words, why || evidence(info, this.app.store.now()));
  }

  /** @param {AgentInfo} info */
  #drawFoot(info) {
    const near = info.neighbours ?? [];
    write(this.#neighbours, near.length ? `reads ${near.slice(0, 8).join(", ")}${near.length > 8 ? "…" : ""}` : "reads nobody");
    write(this.#inbox, info.inbox ? `inbox ${info.inbox.visible + info.inbox.in_flight}${info.inbox.dead ? `, ${info.inbox.dead} dead` : ""}` : "no inbox");
    write(this.#counts, countsOf(info));
    write(this.#load, loadOf(info));
    this.#load.title = info.instance ? `${info.instance.name}, ${info.instance.id}, ${info.instance.state}` : "";
  }

  /** Refresh what changes with time alone. */
  age() {
    const info = this.app.store.agents.get(this.agent)?.info;
    if (!info) return;
    if (this.#stale) return this.draw();
    this.#drawState(info);
    const now = this.app.store.now();
    const alive = Date.parse(info.evidence?.alive ?? "");
    const wait = countdown(info, now);
    this.#age.classList.toggle("is-countdown", Boolean(wait));
    write(this.#age, wait || (Number.isNaN(alive) ? "—" : brief((now - alive) / 1000)));
    this.#age.title = wait ? `${info.detail ?? ""} tries again ${wait}`.trim() : evidence(info, now);
  }
}

/** Where it runs, and how that host does. @param {AgentInfo} info */
export function loadOf({ instance, metrics }) {
  if (!instance) return "";
  const { cpu_percent: cpu, memory_bytes: memory, network_in_bytes: incoming, network_out_bytes: outgoing, healthy } = metrics ?? {};
  return [
    instance.name || instance.id,
    healthy === false && "unhealthy",
    typeof cpu === "number" && `${Math.round(cpu)} % CPU`,
    typeof memory === "number" && size(memory),
    typeof incoming === "number" && typeof outgoing === "number" && `net ${size(incoming)} in, ${size(outgoing)} out`,
  ].filter(Boolean).join(", ");
}

/** A replay's log does not tell of wakes that needed no turn. @param {AgentInfo} info */
function countsOf({ counters }) {
  const { turns = 0, wakes, gated = 0, rescues = 0 } = counters ?? {};
  if (wakes === undefined) return plural(turns, "turn");
  return `${plural(turns, "turn")}, ${count(gated)} of ${plural(wakes, "wake")} gated${rescues ? `, ${plural(rescues, "rescue")}` : ""}`;
}
