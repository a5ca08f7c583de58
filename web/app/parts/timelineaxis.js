// @ts-check
// The frame of the timeline's picture: the hours above, the agents' names on the left.

import { tickStep } from "../timeline.js";

/** @import { Colours, Scene } from "./timelinepaint.js" */

/** Height of the time axis, in CSS pixels. */
export const AXIS = 26;

/** @param {CanvasRenderingContext2D} pen @param {Scene} scene @param {Colours} colours */
export function names(pen, { lanes, top, lane, gutter, agent, height }, colours) {
  pen.save();
  pen.beginPath();
  pen.rect(0, AXIS, gutter, height - AXIS);
  pen.clip();
  pen.textBaseline = "middle";
  pen.textAlign = "right";
  lanes.forEach(([id], index) => {
    if (lane < 12 && id % Math.ceil(14 / lane) && id !== agent) return;
    pen.fillStyle = (id === agent ? colours["accent"] : colours["dim"]) ?? "";
    pen.font = `${id === agent ? "650 " : ""}${lane < 16 ? 10.5 : 12.5}px ${colours["font"]}`;
    pen.fillText(lane < 16 || gutter < 60 ? String(id) : `agent ${id}`, gutter - 10, top + index * lane + lane / 2);
  });
  pen.restore();
}

/** @param {Scene} scene @param {number} plot @returns {{ x: number, words: string }[]} */
export function ticksOf({ scale, gutter }, plot) {
  const step = tickStep((scale.length / plot) * 92);
  const zone = new Date(scale.from).getTimezoneOffset() * 60_000; // round in the reader's hours, not in UTC
  const found = [];
  for (let time = Math.ceil((scale.from - zone) / step) * step + zone; time <= scale.to; time += step) {
    found.push({ x: Math.round(gutter + scale.x(time, plot)), words: label(time, step) });
  }
  return found;
}

/** @param {CanvasRenderingContext2D} pen @param {Scene} scene @param {Colours} colours @param {readonly { x: number }[]} ticks */
export function grid(pen, { height }, colours, ticks) {
  pen.fillStyle = colours["line"] ?? "";
  for (const { x } of ticks) pen.fillRect(x, AXIS, 1, height);
}

/** @param {CanvasRenderingContext2D} pen @param {Scene} scene @param {Colours} colours @param {readonly { x: number, words: string }[]} ticks */
export function axis(pen, { width }, colours, ticks) {
  pen.fillStyle = colours["card"] ?? "";
  pen.fillRect(0, 0, width, AXIS);
  pen.font = `11.5px ${colours["font"]}`;
  pen.textBaseline = "middle";
  pen.textAlign = "left";
  pen.fillStyle = colours["faint"] ?? "";
  for (const { x, words } of ticks) {
    pen.fillRect(x, AXIS - 5, 1, 5);
    pen.fillText(words, x + 4, 12);
  }
}

const DAYS = new Intl.DateTimeFormat([], { month: "short", day: "numeric" });
const MINUTES = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const SECONDS = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

/** @param {number} time @param {number} step */
function label(time, step) {
  if (step >= 864e5) return DAYS.format(time);
  if (step >= 6e4) return MINUTES.format(time);
  const clock = SECONDS.format(time);
  return step < 1000 ? `${clock}.${Math.floor((((time % 1000) + 1000) % 1000) / 100)}` : clock;
}
