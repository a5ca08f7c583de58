// @ts-check
// The picture of the timeline: lanes on a canvas, moved and scaled by mouse, touch and keys. What is chosen on it is told by topics.

import { h, write } from "../dom.js";
import { latency, timeOfDay } from "../format.js";
import { Emitter } from "../emitter.js";
import { TimeScale } from "../timeline.js";
import { causeWords } from "../causes.js";
import { AXIS } from "./timelineaxis.js";
import { coloursOf, paint } from "./timelinepaint.js";

/** @import { Lane, LaneMark, Mark, Stretch } from "../timeline.js" */
/** @import { Entry, Waker } from "../types.js" */
/** @import { Colours } from "./timelinepaint.js" */

const GUTTER = 72;
const NARROW_GUTTER = 44;
const [LOWEST, TALLEST] = [380, 900];
/** What else stands on the screen above and below. */
const AROUND = 320;
const SLACK = 4;

/** What is to be seen; the view keeps it up to date. */
class TimelineData {
  /** @type {readonly [number, Lane][]} */
  lanes = [];
  now = 0;
  first = 0;
  live = true;
  /** @type {readonly Stretch[]} */
  pauses = [];
  /** @type {LaneMark | null} */
  selected = null;
  /** @type {number | null} */
  agent = null;
  /** @type {readonly LaneMark[]} */
  chain = [];
  /** @type {(agent: number, iteration: number) => Entry | null} */
  entry = () => null;
}

/** Topics: turn (LaneMark), when one is chosen; agent (id), when a lane is; moved, when the reader moved or scaled. */
export class TimelineBoard extends Emitter {
  data = new TimelineData();
  scale = new TimeScale(0, 1);
  #canvas = h("canvas", { class: "tl-canvas", "aria-hidden": "true" });
  #spacer = h("div", { class: "tl-spacer" }, this.#canvas);
  #tip = h("div", { class: "tl-tip", hidden: true });
  element = h("div", {
    class: "tl-board", tabindex: "0", role: "group", "aria-label": "Timeline of all agents", "aria-describedby": "timeline-keys",
  }, this.#spacer);
  frame = h("div", { class: "tl-frame" }, this.element, this.#tip);
  /** @type {Map<number, { x: number, y: number }>} */
  #fingers = new Map();
  #dragged = 0;
  /** @type {Colours | null} */
  #colours = null;

  constructor() {
    super();
    const board = this.element;
    board.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    board.addEventListener("pointerdown", (event) => this.#down(event));
    board.addEventListener("pointermove", (event) => this.#move(event));
    for (const name of /** @type {const} */ (["pointerup", "pointercancel"])) board.addEventListener(name, (event) => this.#up(event));
    board.addEventListener("pointerleave", () => this.#hideTip());
    board.addEventListener("dblclick", (event) => this.zoom(0.4, this.#time(this.#x(event))));
    board.addEventListener("scroll", () => this.draw());
  }

  get gutter() {
    return this.element.clientWidth < 520 ? NARROW_GUTTER : GUTTER;
  }

  get plot() {
    return Math.max(1, this.element.clientWidth - this.gutter);
  }

  /** Height of a lane: as tall as there is room for. */
  get lane() {
    const count = this.data.lanes.length || 1;
    return Math.max(count > 100 ? 7 : 11, Math.min(34, Math.floor((this.#tallest - AXIS) / count)));
  }

  get #tallest() {
    return Math.max(LOWEST, Math.min(TALLEST, window.innerHeight - AROUND));
  }

  /** The page turned dark or light. */
  recolour() {
    this.#colours = null;
    this.draw();
  }

  /** @param {number} factor @param {number} [around] */
  zoom(factor, around) {
    const { from, to } = this.scale;
    this.show(this.scale.zoomed(factor, around ?? this.data.selected?.mark.start ?? (from + to) / 2));
  }

  /** @param {number} part */
  pan(part) {
    this.show(this.scale.moved(part));
  }

  /** @param {TimeScale} scale */
  show(scale) {
    this.scale = scale.kept(this.data.first, this.data.now);
    this.emit("moved");
    this.draw();
  }

  /** Move so that this turn is in sight. @param {LaneMark} turn */
  reveal({ agent, mark }) {
    const end = mark.end === Infinity ? this.data.now : mark.end;
    if (mark.start < this.scale.from || end > this.scale.to) {
      const length = Math.max(this.scale.length, (end - mark.start) * 1.5);
      this.scale = new TimeScale(mark.start - length / 2, mark.start + length / 2);
      this.emit("moved");
    }
    const at = this.data.lanes.findIndex(([id]) => id === agent) * this.lane;
    const { scrollTop, clientHeight } = this.element;
    if (at < scrollTop || at + this.lane > scrollTop + clientHeight - AXIS) this.element.scrollTop = at - clientHeight / 2;
  }

  draw() {
    const board = this.element;
    const full = AXIS + this.data.lanes.length * this.lane + 6;
    board.style.height = `${Math.max(120, Math.min(this.#tallest, full))}px`;
    this.#spacer.style.height = `${Math.max(full, board.clientHeight)}px`;
    const [width, height, dense] = [board.clientWidth, board.clientHeight, window.devicePixelRatio || 1];
    if (!width) return;
    const canvas = this.#canvas;
    if (canvas.width !== Math.round(width * dense) || canvas.height !== Math.round(height * dense)) {
      [canvas.width, canvas.height] = [Math.round(width * dense), Math.round(height * dense)];
      [canvas.style.width, canvas.style.height] = [`${width}px`, `${height}px`];
    }
    const pen = canvas.getContext("2d");
    if (!pen) return;
    [board.dataset.from, board.dataset.to] = [String(this.scale.from), String(this.scale.to)];
    pen.setTransform(dense, 0, 0, dense, 0, 0);
    const { lane, data } = this;
    const firstLane = Math.floor(board.scrollTop / lane);
    const lanes = data.lanes.slice(firstLane, firstLane + Math.ceil(height / lane) + 1);
    const places = new Map(data.lanes.map(([id, of], index) => /** @type {const} */ ([id, { of, y: AXIS + index * lane + lane / 2 - board.scrollTop }])));
    paint(pen, {
      scale: this.scale, lanes, top: AXIS + firstLane * lane - board.scrollTop, lane, width, height, gutter: this.gutter, now: data.now,
      live: data.live, pauses: data.pauses, selected: data.selected, agent: data.agent, chain: data.chain,
      inChain: data.chain.length > 1 ? new Set(data.chain.map(({ mark }) => mark)) : null,
      place: (waker) => placeOf(places, waker),
    }, (this.#colours ??= coloursOf(board)));
  }

  /** @param {MouseEvent} event */
  #x(event) {
    return event.clientX - this.element.getBoundingClientRect().left;
  }

  /** @param {number} x */
  #time(x) {
    return this.scale.time(x - this.gutter, this.plot);
  }

  /** The lane under the pointer, and the turn, if it is on one. @param {MouseEvent} event @returns {{ agent: number, mark: Mark | null } | null} */
  #under(event) {
    const y = event.clientY - this.element.getBoundingClientRect().top;
    if (y < AXIS) return null;
    const found = this.data.lanes[Math.floor((y - AXIS + this.element.scrollTop) / this.lane)];
    if (!found) return null;
    const [agent, lane] = found;
    const time = this.#time(this.#x(event));
    const slack = (SLACK / this.plot) * this.scale.length;
    const near = [lane.at(time), lane.marks[lane.firstEnding(time)] ?? null, lane.running];
    const mark = near.find((one) => one && one.start - slack <= time && Math.min(one.end, this.data.now) + slack >= time) ?? null;
    return { agent, mark: this.#x(event) < this.gutter ? null : mark };
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      this.zoom(Math.exp(Math.max(-1, Math.min(1, event.deltaY / 160))), this.#time(this.#x(event)));
    } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      this.pan((event.deltaX || event.deltaY) / this.plot);
    }
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (event.button > 0) return;
    this.#fingers.set(event.pointerId, { x: this.#x(event), y: event.clientY });
    this.#dragged = this.#fingers.size > 1 ? Infinity : 0;
    this.element.setPointerCapture(event.pointerId);
    this.#hideTip();
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const before = this.#fingers.get(event.pointerId);
    if (!before) {
      this.#showTip(event);
      return;
    }
    const now = { x: this.#x(event), y: event.clientY };
    const other = [...this.#fingers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) this.#pinch(before.x, now.x, other.x);
    else this.#drag(before, now, event.pointerType);
    this.#fingers.set(event.pointerId, now);
  }

  /** @param {{ x: number, y: number }} before @param {{ x: number, y: number }} now @param {string} kind */
  #drag(before, now, kind) {
    this.#dragged += Math.abs(now.x - before.x) + Math.abs(now.y - before.y);
    if (this.#dragged <= SLACK) return;
    if (kind === "mouse") this.element.scrollTop -= now.y - before.y;
    this.pan((before.x - now.x) / this.plot);
  }

  /** @param {number} before @param {number} now @param {number} other */
  #pinch(before, now, other) {
    const [was, is] = [Math.abs(before - other), Math.abs(now - other)];
    if (was > 8 && is > 8) this.zoom(was / is, this.#time((now + other) / 2));
  }

  /** @param {PointerEvent} event */
  #up(event) {
    const known = this.#fingers.delete(event.pointerId);
    if (!known || this.#dragged > SLACK || event.type === "pointercancel") return;
    const under = this.#under(event);
    if (!under) return;
    if (under.mark) this.emit("turn", { agent: under.agent, mark: under.mark });
    else this.emit("agent", under.agent);
  }

  /** @param {PointerEvent} event */
  #showTip(event) {
    const under = this.#under(event);
    this.element.classList.toggle("is-over", Boolean(under?.mark));
    if (!under?.mark) {
      this.#hideTip();
      return;
    }
    const { agent, mark } = under;
    write(this.#tip, [
      `agent ${agent}, turn ${mark.iteration}`,
      timeOfDay(new Date(mark.start).toISOString()),
      mark.end === Infinity ? "going on" : latency(mark.end - mark.start),
      `woken by ${causeWords(mark.cause)}`,
      this.data.entry(agent, mark.iteration)?.action,
    ].filter(Boolean).join(" · "));
    this.#tip.hidden = false;
    const box = this.frame.getBoundingClientRect();
    const left = Math.max(4, Math.min(event.clientX - box.left + 12, box.width - this.#tip.offsetWidth - 4));
    this.#tip.style.left = `${left}px`;
    this.#tip.style.top = `${event.clientY - box.top + 16}px`;
  }

  #hideTip() {
    this.#tip.hidden = true;
  }
}

/** @param {Map<number, { of: Lane, y: number }>} places @param {Waker} waker */
function placeOf(places, { agent, iteration }) {
  const found = places.get(agent);
  const mark = found?.of.find(iteration);
  return found && mark ? { y: found.y, mark } : null;
}
