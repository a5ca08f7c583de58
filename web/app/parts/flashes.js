// @ts-check
// Light on the ring: a pulse where an agent has written, faint light to those who read it, and a comet with the hop's latency along
// the edge to one that it woke.

import { svg } from "../dom.js";
import { latency } from "../format.js";
import { curve, nodeSize, placeOf } from "../geometry.js";

/** @import { Store } from "../store.js" */
/** @import { Entry, Turn, Waker } from "../types.js" */

const LASTS_MS = 1400;
const MOST = 90;
const OLD_MS = 10_000;
const LABELS = 8;
const APART = 44;
const READERS = 6;

export class Flashes {
  /** @type {Map<number, number>} The newest turn of each agent that was shown, so that none is shown twice. */
  #shown = new Map();
  /** Where labels stand now. @type {Set<{ x: number, y: number }>} */
  #labels = new Set();

  /** @param {SVGGElement} layer @param {() => number} total How many agents are drawn */
  constructor(layer, total) {
    this.layer = layer;
    this.total = total;
  }

  /** A turn began. @param {number} agent @param {Turn} turn @param {Store} store */
  woken(agent, turn, store) {
    const wakers = turn.woken_by ?? [];
    const wrote = store.agents.get(wakers[0]?.agent ?? -1)?.log.entries.findLast(({ iteration }) => iteration === wakers[0]?.iteration);
    const ms = wrote ? Date.parse(turn.since) - Date.parse(wrote.ts) : NaN;
    this.#wake(agent, turn.iteration, wakers, ms);
  }

  /** Entries came. One whose beginning was missed shows its wake now. @param {number} agent @param {Entry[]} entries @param {Store} store */
  wrote(agent, entries, store) {
    const last = entries.at(-1);
    if (!last || store.now() - Date.parse(last.ts) > OLD_MS) return;
    this.#wake(agent, last.iteration, last.woken_by ?? [], last.wake_ms ?? NaN);
    const total = this.total();
    if (agent >= total) return;
    const { x, y } = placeOf(agent, total);
    this.#light(svg("circle", { class: "pulse", cx: x, cy: y, r: nodeSize(total) }));
    if (last.state === "working") this.#spread(agent, store.agents.get(agent)?.info.neighbours ?? [], total);
  }

  /** News goes to all who read it, whether or not they find it worth a turn. @param {number} agent @param {number[]} readers @param {number} total */
  #spread(agent, readers, total) {
    if (readers.length > READERS) return;
    for (const reader of readers) if (reader < total) this.#light(svg("path", { class: "spread", d: curve(agent, reader, total), pathLength: 100 }));
  }

  /** @param {number} agent @param {number} iteration @param {Waker[]} wakers @param {number} ms */
  #wake(agent, iteration, wakers, ms) {
    if (this.#shown.get(agent) === iteration) return;
    this.#shown.set(agent, iteration);
    const total = this.total();
    for (const [index, waker] of wakers.slice(0, 4).entries()) {
      if (waker.agent >= total || agent >= total || waker.agent === agent) continue;
      this.#light(svg("path", { class: "flash", d: curve(waker.agent, agent, total), pathLength: 100 }));
      if (!index && ms >= 0) this.#label(waker.agent, agent, total, ms);
    }
  }

  /**
   * Beside the edge, on the inner side of the ring. Only as many at a time as can be read.
   * @param {number} from
   * @param {number} to
   * @param {number} total
   * @param {number} ms
   */
  #label(from, to, total, ms) {
    if (this.#labels.size >= LABELS) return;
    const [a, b] = [placeOf(from, total), placeOf(to, total)];
    const middle = { x: a.x * 0.4 + b.x * 0.6, y: a.y * 0.4 + b.y * 0.6 };
    const inward = total > 16 ? 1 - (nodeSize(total) + 17) / Math.max(1, Math.hypot(middle.x, middle.y)) : 0.8;
    const place = { x: middle.x * inward, y: middle.y * inward };
    for (const { x, y } of this.#labels) if (Math.hypot(x - place.x, (y - place.y) * 2) < APART) return;
    this.#labels.add(place);
    this.#light(svg("text", { class: "flash-label", x: place.x.toFixed(1), y: place.y.toFixed(1) }, latency(ms)), () => this.#labels.delete(place));
  }

  /** @param {SVGElement} element @param {() => void} [over] Called when it is gone */
  #light(element, over) {
    if (document.hidden || this.layer.childElementCount >= MOST) return over?.();
    this.layer.append(element);
    window.setTimeout(() => {
      element.remove();
      over?.();
    }, LASTS_MS);
  }
}
