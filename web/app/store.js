// @ts-check
// All the page knows of the flock. Messages come in, topics go out; nothing here touches the page or the network.

import { Emitter } from "./emitter.js";
import { EntryLog } from "./log.js";

/** @import { AgentInfo, AgentStatus, Config, Control, Counters, Cursor, Direction, Entry, Hosts, Message, Status } from "./types.js" */
/** @typedef {{ id: number, info: AgentInfo, log: EntryLog }} Agent */
/** @typedef {{ agent: number, entry: Entry }} FeedItem */

/** States that an entry puts an end to. */
const ENDS_WITH_ENTRY = new Set(["turn", "waiting", "idle", "starting", "missing"]);
const ALIVE = new Set(["starting", "running", "paused", "settled"]);
const FEED = 80;
/** As murmur/status.py has it: a heartbeat comes once a minute, two were missed, and half a minute of grace. */
const MISSING_AFTER_MS = 150_000;
/** Entries held of all logs together; older ones are read again when they are looked at. */
const HELD = 16_000;
const NOTHING = { wakes: 0, gated: 0, rescues: 0, turns: 0, failed_turns: 0, tokens: 0, cost: 0 };

/**
 * Topics: control, agents (who there is), agent (id: its fields), entries ({agent, entries}: new ones), turn ({agent, turn}: one began),
 * feed, direction, config, file (FileChange), queues (the message; asked for by `app.live.watchQueues`), run (a new one began), snapshot
 * (everything was told anew).
 */
export class Store extends Emitter {
  /** @type {Control} */
  control = { state: "checking", run: "", reason: "", since: "", started: "" };
  /** @type {Map<number, Agent>} */
  agents = new Map();
  /** @type {FeedItem[]} Newest first. */
  feed = [];
  /** @type {Config | null} */
  config = null;
  /** @type {Direction | null} */
  direction = null;
  /** Who acts for the agents. @type {Pick<Status, "scripted" | "runner" | "runners">} */
  about = {};
  /** How many hosts the run asked for and are there; null where nothing is known of them. @type {Hosts | null} */
  hosts = null;
  /** What a person should know of. @type {string[]} */
  notices = [];
  /** When the server was last heard, by this page's clock; 0 before. */
  heard = 0;
  /** @type {Record<string, string>} */
  #documents = {};
  #ahead = 0;
  #restarted = false;

  /** The server's time in ms, as well as this page can tell. */
  now() {
    return Date.now() + this.#ahead;
  }

  /**
   * What an agent does, by all evidence. Nobody pushes that a heartbeat stopped, so its age is judged here: against when the
   * server was last heard, because an agent is not missing while it is this page that hears nothing.
   * @param {AgentInfo} info
   * @returns {AgentInfo["status"]}
   */
  statusOf(info) {
    if (info.status === "stopped" || info.status === "missing" || !ALIVE.has(this.control.state)) return info.status;
    const alive = Date.parse(info.evidence?.alive ?? "");
    return this.heard + this.#ahead - alive > MISSING_AFTER_MS ? "missing" : info.status;
  }

  /** How many agents are in which state. @returns {Map<string, number>} */
  census() {
    const found = new Map();
    for (const { info } of this.agents.values()) {
      const status = this.statusOf(info);
      found.set(status, (found.get(status) ?? 0) + 1);
    }
    return found;
  }

  /** @returns {Cursor} What has been seen, for a resume. */
  cursor() {
    /** @type {Record<string, number>} */
    const agents = {};
    for (const { id, log } of this.agents.values()) if (log.have !== null) agents[id] = log.have;
    return { run: this.control.run, agents, documents: { ...this.#documents } };
  }

  /** Whether entries are known to be missing, so that a resume is due. */
  get behind() {
    return this.#restarted || [...this.agents.values()].some(({ log }) => log.gap);
  }

  /** @returns {Map<number, number>} The newest iteration seen of every agent. */
  newest() {
    return new Map([...this.agents.values()].map(({ id, log }) => [id, log.newest]));
  }

  /** The resume asked for at `newest` has been answered in full. @param {Map<number, number>} newest */
  caughtUp(newest) {
    this.#restarted = false;
    for (const [id, iteration] of newest) this.agents.get(id)?.log.bridge(iteration);
  }

  /** @returns {Counters} Summed over the agents. */
  totals() {
    const sum = { ...NOTHING };
    for (const { info } of this.agents.values()) {
      for (const name of /** @type {(keyof Counters)[]} */ (Object.keys(NOTHING))) sum[name] += info.counters?.[name] ?? 0;
    }
    return sum;
  }

  /** @param {Message} message */
  apply(message) {
    this.heard = Date.now();
    Object.assign(this.#documents, message.cursor?.documents);
    switch (message.type) {
      case "snapshot":
        this.#snapshot(message.status, message.cursor);
        if (message.direction) this.#direction(message.direction);
        if (message.config) this.#config(message.config);
        break;
      case "entry":
        this.#entries(message.agent, message.entries);
        break;
      case "agent":
        this.#agent(message.agent);
        break;
      case "control":
        if (message.hosts !== undefined) this.hosts = message.hosts;
        this.#control(message.control);
        break;
      case "file":
        this.emit("file", message);
        break;
      case "direction":
        this.#direction(message.direction);
        break;
      case "config":
        this.#config(message.config);
        break;
      case "queues":
        this.emit("queues", message);
        break;
      default: // pong, error: nothing to keep
    }
  }

  /** @param {Status} status @param {Cursor | undefined} cursor */
  #snapshot(status, cursor) {
    this.#ahead = (Date.parse(status.now ?? "") || Date.now()) - Date.now();
    const { scripted, runner, runners } = status;
    this.about = { scripted, runner, runners };
    this.hosts = status.hosts ?? null;
    this.notices = status.notices ?? [];
    this.#control(status);
    const present = new Set(status.agents.map(({ id }) => id));
    for (const id of this.agents.keys()) if (!present.has(id)) this.agents.delete(id);
    for (const agent of status.agents) this.#status(agent, cursor?.agents?.[agent.id]);
    this.agents = new Map([...this.agents].sort(([a], [b]) => a - b));
    for (const { log } of this.agents.values()) log.keep(Math.max(40, Math.min(200, Math.floor(HELD / this.agents.size))));
    this.emit("agents");
    this.emit("feed");
    this.emit("snapshot");
  }

  /** @param {AgentStatus} status @param {number} [newest] */
  #status({ last, previous, ...info }, newest) {
    const { log } = this.#known(info.id, info);
    const first = log.have === null;
    log.begin(newest ?? last?.iteration ?? -1);
    const fresh = log.add([previous, last]);
    this.#record(info.id, fresh, first);
  }

  /** @param {number} id @param {AgentInfo} info */
  #known(id, info) {
    const known = this.agents.get(id);
    const agent = { id, info: { ...known?.info, ...info, evidence: newer(known?.info, info) }, log: known?.log ?? new EntryLog() };
    if (!known && this.#restarted) agent.log.restart();
    this.agents.set(id, agent);
    return agent;
  }

  /** @param {number} id @param {Entry[]} entries */
  #entries(id, entries) {
    const agent = this.agents.get(id) ?? this.#known(id, { id, status: "waiting" });
    agent.log.begin((entries[0]?.iteration ?? 0) - 1);
    const fresh = agent.log.add(entries);
    const last = fresh.at(-1);
    if (!last) return;
    agent.info = after(agent.info, last);
    this.#record(id, fresh, false);
    this.emit("agent", id);
    this.emit("feed");
  }

  /** @param {number} agent @param {Entry[]} fresh @param {boolean} old Known before the page came: nothing to announce. */
  #record(agent, fresh, old) {
    if (!fresh.length) return;
    this.feed = [...fresh.map((entry) => ({ agent, entry })), ...this.feed]
      .sort((a, b) => (a.entry.ts < b.entry.ts ? 1 : a.entry.ts > b.entry.ts ? -1 : 0))
      .slice(0, FEED);
    if (!old) this.emit("entries", { agent, entries: fresh });
  }

  /** @param {AgentInfo} info */
  #agent(info) {
    const before = this.agents.get(info.id)?.info.turn;
    const fresh = !this.agents.has(info.id);
    const { turn } = this.#known(info.id, info).info;
    if (turn && turn.iteration !== before?.iteration) this.emit("turn", { agent: info.id, turn });
    this.emit(fresh ? "agents" : "agent", info.id);
  }

  /** @param {Partial<Control>} control */
  #control({ state, run, reason, since, started }) {
    if (run !== undefined && run !== this.control.run) this.#newRun(run);
    const known = this.control;
    this.control = {
      state: state ?? known.state,
      run: run ?? known.run,
      reason: reason ?? known.reason,
      since: since ?? known.since,
      started: started ?? known.started,
    };
    this.emit("control");
  }

  /** A start archives the logs, so iterations begin again at 0. The first run a page hears of is no new one. @param {string} run */
  #newRun(run) {
    if (this.control.state === "checking") return;
    this.#restarted = Boolean(run);
    this.feed = [];
    for (const { log } of this.agents.values()) log.restart();
    this.emit("agents");
    this.emit("feed");
    this.emit("run");
  }

  /** @param {Direction} direction */
  #direction(direction) {
    this.direction = direction;
    this.emit("direction");
  }

  /** @param {Config} config */
  #config(config) {
    this.config = config;
    this.emit("config");
  }
}

/** An entry may have proved life after the agent's document last said so. @param {AgentInfo | undefined} known @param {AgentInfo} info */
function newer(known, info) {
  const [before, now] = [known?.evidence, info.evidence];
  return !now || (before && before.alive > now.alive) ? before : now;
}

/** What an entry itself proves about its agent, until the agent's own document is heard. @param {AgentInfo} info @param {Entry} entry @returns {AgentInfo} */
function after(info, entry) {
  const over = !info.turn || info.turn.iteration <= entry.iteration;
  const acting = ENDS_WITH_ENTRY.has(info.status);
  const alive = entry.ts > (info.evidence?.alive ?? "") ? entry.ts : (info.evidence?.alive ?? "");
  return {
    ...info,
    turn: over ? null : info.turn,
    status: over && acting ? (entry.state === "idle" ? "idle" : "waiting") : info.status,
    evidence: { alive, age_seconds: null },
  };
}
