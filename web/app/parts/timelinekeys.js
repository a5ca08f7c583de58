// @ts-check
// The keys of the timeline's picture.

/** In words, below it. */
export const KEYS = "Keys: arrows choose a turn, Shift + arrows move, + − zoom, 0 fits, Enter reads why.";

/** @typedef {{ pan?: number, lane?: number, step?: number, end?: number, read?: boolean }} KeyAct */

/** What a key on the picture asks for. @param {KeyboardEvent} event @returns {KeyAct | null} */
export function keyOf({ key, shiftKey, ctrlKey, metaKey, altKey }) {
  if (ctrlKey || metaKey || altKey) return null;
  if (shiftKey) return { ArrowLeft: { pan: -0.2 }, ArrowRight: { pan: 0.2 } }[key] ?? null;
  return {
    ArrowUp: { lane: -1 }, ArrowDown: { lane: 1 }, ArrowLeft: { step: -1 }, ArrowRight: { step: 1 }, Home: { end: -1 }, End: { end: 1 }, Enter: { read: true },
  }[key] ?? null;
}
