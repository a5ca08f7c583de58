// @ts-check
// The ring: every agent at its place, its state by colour and shape; edges light up when one wakes another.

import { fill, h, svg, write } from "../dom.js";
import { plural } from "../format.js";
import { curve, edges, hopsToEveryone, nodeSize, placeOf, radiusOf, ringNeighbours } from "../geometry.js";
import { keyed } from "../list.js";
import { Part } from "../part.js";
import { icon } from "../shapes.js";
import { AGENT_STATES, agentLook } from "../states.js";
import { Flashes } from "./flashes.js";
import { RingNode } from "./ringnode.js";

/** @typedef {{ total: number, radius: number, algorithm: string, real: boolean }} Layout `real`: of the agents there are, not of those a start would make. */

const MOST_EDGES = 800;

export class RingPicture extends Part {
  #edges = svg("g", { class: "edges" });
  #nodes = svg("g", { class: "nodes" });
  #lights = svg("g", { class: "lights", "aria-hidden": "true" });
  #big = svg("text", { class: "ring-big", y: -2 });
  #small = svg("text", { class: "ring-small", y: 22 });
  #about = h("p", { class: "hint" });
  #legend = h("ul", { class: "legend", "aria-label": "How many agents are in which state" });
  #caption = h("p", { class: "ring-caption said", hidden: true });
  /** @type {RingNode[]} */
  #drawn = [];
  #shape = "";
  #focus = 0;
  /** @type {number | null} */
  #hovered = null;
  #flashes = new Flashes(this.#lights, () => this.#drawn.length);

  build() {
    const picture = svg(
      "svg", { class: "ring", viewBox: "-212 -212 424 424", role: "group", "aria-label": "The ring of agents; arrow keys move, Enter selects" },
      this.#edges, this.#lights, this.#nodes, this.#big, this.#small,
    );
    picture.addEventListener("keydown", (event) => this.#key(event));
    fill(this, h("div", { class: "row" }, h("h2", { class: "card-title" }, "Ring"), this.#about), picture,
      h("div", { class: "ring-foot" }, this.#legend, this.#caption));
    this.follow("control", "agents", "agent", "config");
    this.until(this.app.on("select", () => this.changed()));
    this.until(this.app.on("preview", () => this.changed()));
    this.until(this.app.on("tick", () => this.changed()));
    this.until(this.app.store.on("turn", ({ agent, turn }) => this.#flashes.woken(agent, turn, this.app.store)));
    this.until(this.app.store.on("entries", ({ agent, entries }) => this.#flashes.wrote(agent, entries, this.app.store)));
  }

  /** What stands in the ring: the agents there are, or those a start would make. */
  #layout() {
    const { store, draft } = this.app;
    const config = { concurrency: 8, neighbourRadius: 1, algorithm: "amorphous", ...store.config, ...draft };
    const resting = store.control.state === "stopped" || store.control.state === "checking";
    const total = store.agents.size && !resting ? store.agents.size : Number(config.concurrency);
    return {
      total: Number.isInteger(total) && total >= 1 && total <= 1500 ? total : 0,
      radius: Number(config.neighbourRadius) || 1,
      algorithm: String(config.algorithm),
      real: store.agents.size === total,
    };
  }

  draw() {
    if (this.app.store.control.state === "checking") return;
    const layout = this.#layout();
    this.#layOut(layout);
    const ids = [...this.app.store.agents.keys()];
    const looked = this.#hovered ?? this.app.agent;
    this.#drawCaption(looked, layout);
    const near = looked === null ? null : new Set([looked, ...this.#neighbours(looked, layout)]);
    for (const [index, node] of this.#drawn.entries()) {
      const id = layout.real ? (ids[index] ?? index) : index;
      const info = layout.real ? this.app.store.agents.get(id)?.info : undefined;
      const status = info ? this.app.store.statusOf(info) : "stopped";
      node.show({ id, status, selected: id === this.app.agent, dim: near !== null && !near.has(id), focus: index === this.#focus });
    }
    for (const edge of this.#edges.children) {
      edge.classList.toggle("is-near", looked !== null && edge.classList.contains(`of-${looked}`));
    }
    this.#words(layout);
  }

  /** @param {Layout} layout */
  #layOut({ total, radius, algorithm, real }) {
    const told = real && hopsToEveryone(algorithm, total, radius) === null ? this.#told() : [];
    const shape = `${total}/${radius}/${algorithm}/${told.join(" ")}`;
    if (shape === this.#shape) return;
    const focused = this.#nodes.contains(document.activeElement);
    this.#shape = shape;
    this.#focus = Math.min(this.#focus, Math.max(0, total - 1));
    const pairs = told.length ? told : algorithm === "amorphous" || (total * (total - 1)) / 2 <= MOST_EDGES ? edges(algorithm, total, radius) : [];
    fill(this.#edges, ...pairs.slice(0, MOST_EDGES * 4).map(([a, b]) =>
      svg("path", { class: `edge of-${a} of-${b}`, d: curve(a, b, total) })));
    this.#drawn = Array.from({ length: total }, (_, index) =>
      new RingNode(placeOf(index, total), nodeSize(total), radiusOf(total), total, {
        choose: (id) => this.app.select(id),
        hover: (id) => {
          this.#hovered = id;
          this.changed();
        },
      }));
    fill(this.#nodes, ...this.#drawn.map((node) => node.element));
    if (focused) this.#drawn[this.#focus]?.element.focus(); // who walks the ring by keys stays in it
  }

  /** The pairs (a < b) that read each other, as the flock tells: for algorithms that geometry.js does not know. @returns {[number, number][]} */
  #told() {
    /** @type {[number, number][]} */
    const found = [];
    for (const [id, { info }] of this.app.store.agents) for (const near of info.neighbours ?? []) if (id < near) found.push([id, near]);
    return found;
  }

  /** In words what the pointer or the selection is on. @param {number | null} looked @param {Layout} layout */
  #drawCaption(looked, layout) {
    const known = looked === null || !layout.real ? undefined : this.app.store.agents.get(looked);
    this.#caption.hidden = looked === null;
    this.#legend.hidden = looked !== null;
    if (looked === null) return;
    const near = this.#neighbours(looked, layout).filter((id) => id !== looked);
    const state = known ? `, ${agentLook(this.app.store.statusOf(known.info)).word}` : "";
    const last = known?.log.entries.at(-1);
    const reads = `${near.slice(0, 6).join(", ") || "nobody"}${near.length > 6 ? ` and ${near.length - 6} more` : ""}`;
    write(this.#caption, `agent ${looked}${state}, reads ${reads}${last ? ` · ${last.action}` : ""}`);
  }

  /** @param {number} agent @param {Layout} layout */
  #neighbours(agent, { total, radius, algorithm, real }) {
    const known = real ? this.app.store.agents.get(agent)?.info.neighbours : undefined;
    if (known) return known;
    if (hopsToEveryone(algorithm, total, radius) === null) return [];
    return algorithm === "amorphous" ? ringNeighbours(agent, total, radius) : this.#drawn.map((_, index) => index);
  }

  /** @param {Layout} layout */
  #words({ total, radius, algorithm }) {
    const hops = hopsToEveryone(algorithm, total, radius);
    write(this.#about, total > 1 && hops !== null ? `${algorithm}, news reaches everyone in ${plural(hops, "hop")}` : algorithm);
    const { store } = this.app;
    const census = store.census();
    const resting = store.control.state === "stopped" || !store.agents.size;
    write(this.#big, resting ? total : (census.get("turn") ?? 0));
    const counted = AGENT_STATES.map((state) => ({ state, number: census.get(state) ?? 0 }));
    keyed(this.#legend, counted.filter(({ number }) => number), ({ state, number }) => `${state} ${number}`, ({ state, number }) => {
      const { word, shape, means } = agentLook(state);
      return h("li", { class: "state", "data-state": state, title: means }, icon(shape), `${number} ${word}`);
    });
    write(this.#small, resting ? (total === 1 ? "agent" : "agents") : agentLook("turn").word);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step === undefined || !this.#drawn.length) return;
    event.preventDefault();
    this.#focus = (this.#focus + step + this.#drawn.length) % this.#drawn.length;
    this.draw();
    this.#drawn[this.#focus]?.element.focus();
  }
}
