// @ts-check
// How a state looks and what it means: the same word, colour class and shape wherever it shows.

import { span } from "./format.js";

/** @import { AgentInfo, AgentState, FlockState } from "./types.js" */
/** @typedef {"disc" | "circle" | "dashed" | "square" | "diamond" | "triangle" | "bars" | "dot"} Shape */

/** @type {Record<AgentState, { word: string, shape: Shape, means: string }>} */
const AGENT = {
  turn: { word: "in a turn", shape: "disc", means: "a turn is going on" },
  waiting: { word: "waiting", shape: "circle", means: "alive, its newest entry says there is more to do" },
  idle: { word: "idle", shape: "dot", means: "alive, its newest entry says nothing is left to do" },
  pacing: { word: "pacing", shape: "dashed", means: "a turn is due and waits for its time" },
  "backing-off": { word: "backing off", shape: "diamond", means: "a rate limit or a failure; it tries again by itself" },
  paused: { word: "paused", shape: "bars", means: "the flock is paused" },
  parked: { word: "parked", shape: "square", means: "it takes no more turns in this run" },
  missing: { word: "missing", shape: "triangle", means: "no sign of life" },
  starting: { word: "starting", shape: "dashed", means: "no sign of life yet" },
  stopped: { word: "stopped", shape: "circle", means: "not running" },
};

/** @type {Record<FlockState, { shape: Shape, hint: string }>} */
const FLOCK = {
  checking: { shape: "dashed", hint: "asking the server" },
  stopped: { shape: "circle", hint: "nothing runs" },
  starting: { shape: "dashed", hint: "the agents are being started" },
  running: { shape: "disc", hint: "agents act when a neighbour does" },
  paused: { shape: "bars", hint: "nobody starts a turn" },
  settled: { shape: "dot", hint: "everyone is idle and nothing is under way" },
  stopping: { shape: "dashed", hint: "turns are being ended" },
};

/** @param {string} state */
export function agentLook(state) {
  return AGENT[/** @type {AgentState} */ (state)] ?? { word: String(state), shape: "circle", means: "" };
}

/** @param {string} state */
export function flockLook(state) {
  return FLOCK[/** @type {FlockState} */ (state)] ?? { shape: "circle", hint: "" };
}

/** States a person should look at first. @param {string} state */
export function isProblem(state) {
  return state === "missing" || state === "parked" || state === "backing-off";
}

/** The states in the order of a legend. */
export const AGENT_STATES = /** @type {AgentState[]} */ (Object.keys(AGENT));

/**
 * On what the state rests, and how old that is.
 * @param {AgentInfo} agent
 * @param {number} now Server time in ms
 */
export function evidence(agent, now) {
  const alive = Date.parse(agent.evidence?.alive ?? "");
  if (Number.isNaN(alive)) return "no sign of life yet";
  return `last sign of life ${span((now - alive) / 1000)} ago`;
}

/** What a person should look at: the problems first, otherwise as they stand. @param {string} state */
export function urgency(state) {
  return state === "missing" ? 0 : state === "parked" ? 1 : state === "backing-off" ? 2 : 3;
}

/**
 * How long until it tries again; empty where nothing is awaited.
 * @param {AgentInfo} agent
 * @param {number} now Server time in ms
 */
export function countdown(agent, now) {
  const until = Date.parse(agent.until ?? "");
  return Number.isNaN(until) || until <= now ? "" : `in ${span((until - now) / 1000)}`;
}
