// @ts-check
// Paints lanes of turns onto a canvas: only what is in sight, and where turns are denser than pixels, no more than the pixels.

import { AXIS, axis, grid, names, ticksOf } from "./timelineaxis.js";

/** @import { Lane, LaneMark, Mark, Stretch, TimeScale } from "../timeline.js" */
/** @import { Waker } from "../types.js" */

/**
 * @typedef {object} Scene
 * @property {TimeScale} scale
 * @property {readonly [number, Lane][]} lanes Those in sight, with their agents.
 * @property {number} top Where the first of them begins, in CSS pixels.
 * @property {number} lane Height of one.
 * @property {number} width Of the whole picture.
 * @property {number} height
 * @property {number} gutter Room for the names.
 * @property {number} now
 * @property {boolean} live Whether `now` moves by itself: then what comes after it is not known.
 * @property {readonly Stretch[]} pauses
 * @property {LaneMark | null} selected
 * @property {number | null} agent The agent looked at.
 * @property {readonly LaneMark[]} chain
 * @property {ReadonlySet<Mark> | null} inChain The turns of the chain, when it is to stand out.
 * @property {(waker: Waker) => { y: number, mark: Mark } | null} place Where a turn stands, in sight or not.
 */
/** @typedef {Record<string, string>} Colours */
/** @typedef {{ pen: CanvasRenderingContext2D, scene: Scene, colours: Colours, plot: number }} Sheet `plot`: width of the picture without the names. */

const ARROWS = 700;
/** Of the stylesheet's colours, those that are painted with. */
const NAMES = [
  "card", "sunk", "line", "line-strong", "text", "dim", "faint", "accent", "turn", "idle", "backing-off", "pacing", "paused", "parked", "missing", "bad",
];

/** @param {HTMLElement} element @returns {Colours} As the stylesheet has them now, dark or light. */
export function coloursOf(element) {
  const probe = document.createElement("span");
  probe.hidden = true;
  element.append(probe);
  /** @type {Colours} */
  const found = { font: getComputedStyle(element).fontFamily };
  for (const name of NAMES) {
    probe.style.color = `var(--${name})`;
    found[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return found;
}

/** @param {CanvasRenderingContext2D} pen @param {Scene} scene @param {Colours} colours */
export function paint(pen, scene, colours) {
  const { width, height, gutter } = scene;
  pen.clearRect(0, 0, width, height);
  const plot = width - gutter;
  const sheet = { pen, scene, colours, plot };
  pen.save();
  pen.beginPath();
  pen.rect(gutter, AXIS, plot, height - AXIS);
  pen.clip();
  grounds(sheet);
  const ticks = ticksOf(scene, plot);
  grid(pen, scene, colours, ticks);
  const arrows = lanesOf(sheet);
  pen.globalAlpha = scene.inChain ? 0.35 : 1;
  if (arrows.length <= ARROWS) for (const arrow of arrows) curve(pen, arrow, colours["line-strong"] ?? "", 1);
  pen.globalAlpha = 1;
  chain(sheet);
  head(sheet);
  pen.restore();
  names(pen, scene, colours);
  axis(pen, scene, colours, ticks);
}

/** @param {Sheet} sheet */
function grounds({ pen, scene, colours, plot }) {
  const { lanes, top, lane, gutter, scale, pauses, agent, height } = scene;
  lanes.forEach(([id], index) => {
    pen.fillStyle = (id === agent ? colours["line"] : index % 2 ? colours["sunk"] : colours["card"]) ?? "";
    pen.fillRect(gutter, top + index * lane, plot, lane);
  });
  pen.fillStyle = colours["paused"] ?? "";
  pen.globalAlpha = 0.2;
  for (const { from, to } of pauses) {
    const [left, right] = [scale.x(from, plot), scale.x(to, plot)];
    if (right > 0 && left < plot) pen.fillRect(gutter + left, AXIS, Math.max(1, right - left), height - AXIS);
  }
  pen.globalAlpha = 1;
}

/** @typedef {{ x1: number, y1: number, x2: number, y2: number }} Arrow */

/** @param {Sheet} sheet @returns {Arrow[]} */
function lanesOf(sheet) {
  /** @type {Arrow[]} */
  const arrows = [];
  const { lanes, top, lane } = sheet.scene;
  lanes.forEach(([, laneOf], index) => {
    const middle = top + index * lane + lane / 2;
    waiting(sheet, laneOf, middle);
    spans(sheet, laneOf, middle);
    blocks(sheet, laneOf, middle);
    if (arrows.length <= ARROWS) arrowsOf(sheet, laneOf, middle, arrows);
  });
  return arrows;
}

/** The turns of a lane; those closer than pixels as one. @param {Sheet} sheet @param {Lane} lane @param {number} middle */
function blocks(sheet, lane, middle) {
  const { scene, plot } = sheet;
  const { scale, now } = scene;
  let block = /** @type {Block | null} */ (null);
  for (const mark of visible(lane, scale)) {
    const left = scale.x(mark.start, plot);
    const right = Math.max(left + 2, scale.x(Math.min(mark.end, now), plot));
    const look = lookOf(scene, mark);
    if (block && hides(block, left, right, look)) {
      block.right = Math.max(block.right, right);
      block.from = left;
    } else {
      if (block) turn(sheet, block, middle);
      block = { left: Math.max(left, block?.right ?? -Infinity), right, from: left, look, going: mark.end === Infinity };
    }
  }
  if (block) turn(sheet, block, middle);
}

/** @param {Block} block @param {number} left @param {number} right @param {number} look */
function hides(block, left, right, look) {
  return right < block.right + 0.5 || (look === block.look && left < block.right + 0.6 && left - block.from < 1.5);
}

/** The turns of a lane that are in sight, the one that goes on last. @param {Lane} lane @param {TimeScale} scale */
function* visible(lane, scale) {
  for (let at = lane.firstEnding(scale.from); at < lane.marks.length; at++) {
    const mark = /** @type {Mark} */ (lane.marks[at]);
    if (mark.start > scale.to) return;
    yield mark;
  }
  if (lane.running && lane.running.start <= scale.to) yield lane.running;
}

/**
 * Turns painted as one: where they stand, where the last of them begins, how they look, whether they go on.
 * @typedef {{ left: number, right: number, from: number, look: number, going: boolean }} Block
 */
const LOOKS = ["turn", "idle", "bad"];

/** How a turn looks: which of LOOKS, 8 more if it is faded. @param {Scene} scene @param {Mark} mark */
function lookOf({ live, now, inChain }, mark) {
  const faded = (!live && mark.start > now) || (inChain !== null && !inChain.has(mark));
  return (mark.failed ? 2 : mark.idle ? 1 : 0) + (faded ? 8 : 0);
}

/** @param {Sheet} sheet @param {Block} block @param {number} middle */
function turn({ pen, scene, colours }, { left, right, look, going }, middle) {
  const { lane, gutter } = scene;
  const tall = Math.max(3, Math.min(18, lane - 4));
  pen.globalAlpha = look >= 8 ? 0.28 : 1;
  pen.fillStyle = colours[LOOKS[look % 8] ?? "turn"] ?? "";
  if (look % 8 === 1) pen.fillRect(gutter + left, middle - tall / 4, right - left, tall / 2); // shape as well as colour
  else pen.fillRect(gutter + left, middle - tall / 2, right - left, tall);
  if (going) {
    pen.fillStyle = colours["text"] ?? "";
    pen.fillRect(gutter + right - 2, middle - tall / 2 - 1, 2, tall + 2);
  }
  pen.globalAlpha = 1;
}

/** A thin line from an agent's first turn on: it is there, and waits. @param {Sheet} sheet @param {Lane} lane @param {number} middle */
function waiting({ pen, scene, colours, plot }, lane, middle) {
  const { scale, gutter, now, live } = scene;
  const first = lane.marks[0] ?? lane.running;
  if (!first) return;
  const [left, right] = [Math.max(0, scale.x(first.start, plot)), Math.min(plot, scale.x(live ? now : Math.max(now, lane.marks.at(-1)?.end ?? 0), plot))];
  pen.fillStyle = colours["line-strong"] ?? "";
  if (right > left) pen.fillRect(gutter + left, middle - 0.5, right - left, 1);
}

/** What was between the turns. @param {Sheet} sheet @param {Lane} lane @param {number} middle */
function spans({ pen, scene, colours, plot }, lane, middle) {
  const { scale, gutter, now, inChain } = scene;
  const begin = lane.firstEnding(scale.from);
  const found = lane.spans.filter(({ from, to }) => to >= scale.from && from <= scale.to);
  for (let index = Math.max(0, begin - 1); index < lane.marks.length && found.length < 400; index++) {
    if ((lane.marks[index]?.start ?? 0) > scale.to) break;
    const retry = lane.retry(index, now);
    if (retry) found.push(retry);
  }
  for (const { kind, from, to } of found) {
    const [left, right] = [Math.max(0, scale.x(from, plot)), Math.min(plot, scale.x(Math.min(to, now), plot))];
    if (right - left < 1.5) continue; // too short to be seen between turns
    pen.fillStyle = colours[kind] ?? "";
    pen.globalAlpha = inChain ? 0.4 : 1;
    if (kind === "paused" || kind === "pacing") pen.fillRect(gutter + left, middle - 1, right - left, 2);
    else hatch(pen, gutter + left, middle - 4, right - left, 8);
  }
  pen.globalAlpha = 1;
}

/** @param {CanvasRenderingContext2D} pen @param {number} x @param {number} y @param {number} width @param {number} height */
function hatch(pen, x, y, width, height) {
  for (let at = 0; at < width; at += 5) pen.fillRect(x + at, y, Math.min(2, width - at), height);
}

/** Who woke a lane's turns; no more than are painted. @param {Sheet} sheet @param {Lane} lane @param {number} y @param {Arrow[]} arrows */
function arrowsOf({ scene, plot }, lane, y, arrows) {
  const { scale, gutter, place } = scene;
  for (const mark of visible(lane, scale)) {
    for (const waker of mark.wakers) {
      const from = place(waker);
      if (from) arrows.push({ x1: gutter + scale.x(from.mark.end, plot), y1: from.y, x2: gutter + scale.x(mark.start, plot), y2: y });
    }
    if (arrows.length > ARROWS) return;
  }
}

/** @param {CanvasRenderingContext2D} pen @param {Arrow} arrow @param {string} colour @param {number} thick */
function curve(pen, { x1, y1, x2, y2 }, colour, thick) {
  pen.strokeStyle = pen.fillStyle = colour;
  pen.lineWidth = thick;
  const bend = Math.max(6, Math.min(40, Math.abs(x2 - x1) / 2));
  pen.beginPath();
  pen.moveTo(x1, y1);
  pen.bezierCurveTo(x1 + bend, y1, x2 - bend, y2, x2 - 3, y2);
  pen.stroke();
  pen.beginPath();
  pen.moveTo(x2, y2);
  pen.lineTo(x2 - 5 - thick, y2 - 2 - thick);
  pen.lineTo(x2 - 5 - thick, y2 + 2 + thick);
  pen.fill();
}

/** @param {Sheet} sheet */
function chain({ pen, scene, colours, plot }) {
  const { scale, gutter, lane, selected } = scene;
  scene.chain.forEach(({ agent, mark }, index) => {
    const here = scene.place({ agent, iteration: mark.iteration });
    const before = scene.chain[index + 1];
    const from = before && scene.place({ agent: before.agent, iteration: before.mark.iteration });
    if (here && before && from) {
      const arrow = { x1: gutter + scale.x(before.mark.end, plot), y1: from.y, x2: gutter + scale.x(mark.start, plot), y2: here.y };
      curve(pen, arrow, colours["card"] ?? "", 4.5);
      curve(pen, arrow, colours["text"] ?? "", 1.6);
    }
  });
  const here = selected && scene.place({ agent: selected.agent, iteration: selected.mark.iteration });
  if (!selected || !here) return;
  const left = scale.x(selected.mark.start, plot);
  const right = Math.max(left + 3, scale.x(Math.min(selected.mark.end, scene.now), plot));
  pen.strokeStyle = colours["text"] ?? "";
  pen.lineWidth = 2;
  const tall = Math.max(6, Math.min(22, lane));
  pen.strokeRect(gutter + left - 2, here.y - tall / 2, right - left + 4, tall);
}

/** The moment that is shown. @param {Sheet} sheet */
function head({ pen, scene, colours, plot }) {
  const { scale, now, gutter, height } = scene;
  const x = scale.x(now, plot);
  if (x < 0 || x > plot) return;
  pen.fillStyle = colours["accent"] ?? "";
  pen.fillRect(gutter + x - 0.5, AXIS, 1.5, height - AXIS);
}
