// @ts-check
// Light on the ring: a comet along the edge when one agent wakes another, a pulse where one has written.

import { svg } from "../dom.js";
import { latency } from "../format.js";
import { curve, nodeSize, placeOf } from "../geometry.js";

/** @import { Store } from "../store.js" */
/** @import { Entry, Turn, Waker } from "../types.js" */

const LASTS_MS = 1400;
const MOST = 150;
const OLD_MS = 10_000;
const LABELLED = 16;

export class Flashes {
  /** @type {Map<number, number>} The newest turn of each agent that was shown, so that none is shown twice. */
  #shown = new Map();

  /** @param {SVGGElement} layer @param {() => number} total How many agents are drawn */
  constructor(layer, total) {
    this.layer = layer;
    this.total = total;
  }

  /** A turn began. @param {number} agent @param {Turn} turn @param {Store} store */
  woken(agent, turn, store) {
    const wakers = turn.woken_by ?? [];
    const wrote = store.agents.get(wakers[0]?.agent ?? -1)?.log.entries.find(({ iteration }) => iteration === wakers[0]?.iteration);
    const ms = wrote ? Date.parse(turn.since) - Date.parse(wrote.ts) : NaN;
    this.#edges(agent, turn.iteration, wakers, ms);
  }

  /** Entries came. One whose beginning was missed shows its wake now. @param {number} agent @param {Entry[]} entries @param {Store} store */
  wrote(agent, entries, store) {
    const last = entries.at(-1);
    if (!last || store.now() - Date.parse(last.ts) > OLD_MS) return;
    this.#edges(agent, last.iteration, last.woken_by ?? [], last.wake_ms ?? NaN);
    const total = this.total();
    if (agent >= total) return;
    const { x, y } = placeOf(agent, total);
    this.#light(svg("circle", { class: "pulse", cx: x, cy: y, r: nodeSize(total) }));
  }

  /** @param {number} agent @param {number} iteration @param {Waker[]} wakers @param {number} ms */
  #edges(agent, iteration, wakers, ms) {
    if (this.#shown.get(agent) === iteration) return;
    this.#shown.set(agent, iteration);
    const total = this.total();
    for (const [index, waker] of wakers.slice(0, 4).entries()) {
      if (waker.agent >= total || agent >= total || waker.agent === agent) continue;
      this.#light(svg("path", { class: "flash", d: curve(waker.agent, agent, total), pathLength: 100 }));
      if (index || total > LABELLED || !(ms >= 0)) continue;
      const [from, to] = [placeOf(waker.agent, total), placeOf(agent, total)];
      const [x, y] = [from.x * 0.24 + to.x * 0.56, from.y * 0.24 + to.y * 0.56];
      this.#light(svg("text", { class: "flash-label", x: x.toFixed(1), y: y.toFixed(1) }, latency(ms)));
    }
  }

  /** @param {SVGElement} element */
  #light(element) {
    if (document.hidden) return;
    while (this.layer.childElementCount >= MOST) this.layer.firstElementChild?.remove();
    this.layer.append(element);
    window.setTimeout(() => element.remove(), LASTS_MS);
  }
}
