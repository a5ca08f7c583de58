// @ts-check
/**
 * What the API and the WebSocket send (docs: contracts), as types. Nothing here runs.
 *
 * @typedef {"checking" | "starting" | "running" | "paused" | "settled" | "stopping" | "stopped"} FlockState
 * @typedef {"starting" | "waiting" | "turn" | "idle" | "pacing" | "backing-off" | "paused" | "parked" | "missing"
 *   | "stopped"} AgentState
 * @typedef {{ agent: number, iteration: number }} Waker
 *
 * @typedef {object} Entry One line of an agent's log.
 * @property {string} ts
 * @property {number} iteration
 * @property {string} action
 * @property {string} result
 * @property {string} next_intent
 * @property {"working" | "idle"} [state]
 * @property {string} [cause]
 * @property {Waker[]} [woken_by]
 * @property {number | null} [wake_ms] Milliseconds from the neighbour's append to this turn's start.
 * @property {number} [turn_ms]
 * @property {string[]} [files]
 * @property {string[]} [refused] What the tools refused in this turn, in the runtime's words.
 * @property {string[]} [doubts] What the runtime could not confirm of what the entry says.
 * @property {string} [stop_reason]
 * @property {boolean} [failed]
 * @property {Record<string, number>} [seen] The newest iteration of every agent that this turn took into account.
 * @property {Record<string, string>} [seen_documents] Versions of what the operator said that this turn took into account.
 * @property {{ input_tokens?: number, output_tokens?: number, cost?: number } | null} [usage]
 * @property {string} [trace]
 *
 * @typedef {{ iteration: number, cause: string, since: string, woken_by?: Waker[] }} Turn The turn that is going on.
 * @typedef {{ visible: number, in_flight: number, dead?: number, oldest_seconds?: number | null }} Inbox
 * @typedef {{ cpu_percent?: number | null, memory_bytes?: number | null, network_in_bytes?: number | null,
 *   network_out_bytes?: number | null, healthy?: boolean | null }} Load
 * @typedef {{ wakes: number, gated: number, rescues: number, turns: number, failed_turns: number, tokens: number,
 *   cost: number }} Counters
 *
 * @typedef {object} AgentInfo The live fields of an agent: all of its status but its entries.
 * @property {number} id
 * @property {string} [name]
 * @property {AgentState} status
 * @property {{ alive: string, age_seconds: number | null }} [evidence]
 * @property {string} [detail]
 * @property {string} [until]
 * @property {{ id: string, name: string, state: string } | null} [instance]
 * @property {Load | null} [metrics]
 * @property {number[]} [neighbours]
 * @property {Inbox | null} [inbox]
 * @property {Partial<Counters> | null} [counters]
 * @property {Turn | null} [turn]
 * @property {boolean} [directive]
 * @property {boolean} [scripted]
 *
 * @typedef {AgentInfo & { last?: Entry | null, previous?: Entry | null }} AgentStatus
 *
 * @typedef {{ asked: number, alive: number, restarts?: number }} Hosts
 *
 * @typedef {object} Control
 * @property {FlockState} state
 * @property {string} run
 * @property {string} reason
 * @property {string} since
 * @property {string} started
 *
 * @typedef {object} StatusExtra
 * @property {string} [now]
 * @property {boolean} [scripted]
 * @property {string} [runner]
 * @property {string[]} [runners]
 * @property {Hosts | null} [hosts]
 * @property {string[]} [notices]
 * @property {AgentStatus[]} agents
 *
 * @typedef {Control & StatusExtra} Status
 * @typedef {{ text: string, etag: string, modified: string }} Direction
 * @typedef {{ since: string, until: string }} Pause One that is over.
 * @typedef {(agent: number, after: number, limit: number) => Promise<{ entries: Entry[], more: boolean }>} ReadLog Entries newer than the iteration
 *   `after`, oldest first.
 * @typedef {Record<string, string | number | boolean>} Config
 * @typedef {{ run?: string, agents?: Record<string, number>, documents?: Record<string, string> }} Cursor
 *
 * @typedef {{ key: string, size: number, modified: string, etag: string, agent?: number | null,
 *   iteration?: number | null }} FileInfo
 * @typedef {{ key: string, etag?: string, size?: number, deleted?: boolean, agent?: number | null,
 *   iteration?: number | null }} FileChange
 *
 * @typedef {{ cursor?: Cursor } & (
 *     { type: "snapshot", status: Status, direction?: Direction, config?: Config }
 *   | { type: "entry", agent: number, entries: Entry[] }
 *   | { type: "agent", agent: AgentInfo }
 *   | { type: "control", control: Control, hosts?: Hosts | null }
 *   | ({ type: "file" } & FileChange)
 *   | { type: "direction", direction: Direction }
 *   | { type: "config", config: Config }
 *   | { type: "reference", of: string, url: string }
 *   | { type: "error", message: string, remedy: string }
 *   | ({ type: "queues" } & Record<string, unknown>)
 *   | { type: "pong" }
 * )} Message A frame from the server.
 */

export {};
