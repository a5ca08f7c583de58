// @ts-check
// Which agents work by the direction as it stands now. Every entry says which version of it its turn took into account.

/** @import { Store, Agent } from "./store.js" */
/** @typedef {"taken" | "reading" | "waiting"} Pickup */

/**
 * @param {Store} store
 * @returns {Map<number, Pickup>} By agent; empty where nothing runs, or nothing can be told
 */
export function pickups(store) {
  const { direction, control } = store;
  const alive = ["starting", "running", "paused", "settled"].includes(control.state);
  if (!alive || !direction?.etag) return new Map();
  return new Map([...store.agents.values()].map((agent) => [agent.id, pickup(agent, direction.etag, direction.modified)]));
}

/** @param {Agent} agent @param {string} etag @param {string} modified @returns {Pickup} */
function pickup({ info, log }, etag, modified) {
  const last = log.entries.findLast(({ seen_documents }) => seen_documents?.direction !== undefined);
  if (last?.seen_documents?.direction === etag) return "taken";
  return info.turn && info.turn.since >= modified ? "reading" : "waiting";
}
