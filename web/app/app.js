// @ts-check
// What all parts of the page share.

import { Account } from "./account.js";
import { Api } from "./api.js";
import { Commands } from "./commands.js";
import { Emitter } from "./emitter.js";
import { Files } from "./files.js";
import { LOCAL } from "./settings.js";
import { Live } from "./live.js";
import { Router } from "./router.js";
import { Store } from "./store.js";

/** @import { ReplayStore } from "./replay.js" */
/** @import { ReplayFiles, RunApi } from "./replayfiles.js" */
/** @import { Session } from "./session.js" */
/** @import { Config } from "./types.js" */
/** @import { Settings } from "./settings.js" */

const ASK_MS = 10_000;
/** How often to look at what no push tells of (hosts, their load, repairs), in a flock of up to as many agents; less often in a larger one. */
const LOOK_MS = 30_000;
const LOOK_AGENTS = 64;

/**
 * An earlier run, opened: parts/replay.js exports `openRun(app, run)`, which makes one.
 * @typedef {object} Replay
 * @property {ReplayStore} store What the views show instead of the flock.
 * @property {RunApi} api Reads its logs and files.
 * @property {ReplayFiles} files Its files, as they stood at the moment that is shown.
 * @property {HTMLElement} bar Stands above every view while the run is open.
 * @property {() => void} close Ends it.
 */

/**
 * Topics: select, when another agent is looked at; file, when another file is; preview, when settings are tried out; theme, when it turned
 * dark or light; tick, once a second.
 */
export class App extends Emitter {
  api = new Api();
  account = new Account();
  /** @type {Settings} */
  settings = LOCAL;
  /** Who is signed in; null where nobody needs to. @type {Session | null} */
  session = null;
  /** The flock as it is now. Never another one: what acts on the flock (bar, controls) follows this. */
  flock = new Store();
  live = new Live(this.api, this.flock);
  #files = new Files(this.api, this.flock);
  router = new Router();
  commands = new Commands();
  /** @type {Replay | null} The earlier run that is open. */
  replay = null;
  #state = "checking";
  #asked = 0;
  /** @type {Config} Settings entered but not sent, for a look at the ring they would make. */
  draft = {};

  /** What the views show: the flock, or the run that is open. It changes only while no view is there; so do `files` and `reader`. */
  get store() {
    return this.replay?.store ?? this.flock;
  }

  /** The files the views show. */
  get files() {
    return this.replay?.files ?? this.#files;
  }

  /** Reads what the views show; `api` is for what acts on the flock. */
  get reader() {
    return this.replay?.api ?? this.api;
  }

  /** The agent looked at. */
  get agent() {
    return this.router.place.agent;
  }

  /** The file looked at. */
  get file() {
    return this.router.place.file || null;
  }

  /** @param {number | null} agent The one looked at becomes none when chosen again. */
  select(agent) {
    this.router.go({ agent: agent === this.agent ? null : agent });
  }

  /** @param {string | null} key Shown where files are. */
  open(key) {
    this.router.go(key === null ? { file: "" } : { view: "environment", file: key });
  }

  /** @param {Config} draft */
  preview(draft) {
    this.draft = draft;
    this.emit("preview");
  }

  /** Whether a place with this run shows the flock itself. The run that goes on is replayed, too, where a moment is named. @param {string} run */
  isLive(run) {
    return !run || (run === this.flock.control.run && this.flock.control.state !== "stopped" && this.router.place.t === null);
  }

  /**
   * Show this run from now on. Only the frame asks, which takes the old view away.
   * @param {string} run
   * @param {() => boolean} overtaken Whether the reader is elsewhere already
   */
  async enter(run, overtaken) {
    if (this.isLive(run)) this.#show(null);
    else if (this.replay?.store.control.run !== run) {
      const { openRun } = await import("./parts/replay.js");
      const replay = await openRun(this, run);
      if (overtaken()) replay.close();
      else this.#show(replay);
    }
    return this.replay;
  }

  /** @param {Replay | null} replay */
  #show(replay) {
    this.replay?.close();
    this.replay = replay;
  }

  /** With the flock's state change things no push tells of, such as the hosts: ask for all of it. */
  #moved() {
    const { state } = this.flock.control;
    if (this.#state !== "checking" && this.#state !== state) this.live.refresh();
    this.#state = state;
  }

  /** At rest the status lists as many agents as a start would make: ask for it when that changed. */
  #resized() {
    const { agents, config, control } = this.flock;
    if (control.state === "stopped" && agents.size && agents.size !== config?.concurrency) this.live.refresh();
  }

  /** An agent that this page thinks missing, and the server did not call so: ask it. */
  #doubt() {
    const doubtful = [...this.flock.agents.values()].some(({ info }) => info.status !== "missing" && this.flock.statusOf(info) === "missing");
    if (!doubtful || Date.now() - this.#asked < ASK_MS) return;
    this.#asked = Date.now();
    this.live.refresh();
  }

  #look() {
    const { agents, control } = this.flock;
    const due = LOOK_MS * Math.max(1, Math.ceil(agents.size / LOOK_AGENTS));
    if (document.hidden || control.state === "stopped" || Date.now() - this.#asked < due) return;
    this.#asked = Date.now();
    this.live.refresh();
  }

  /** Tell the parts of the settings, and begin. @param {Settings} settings @param {Session | null} session */
  begin(settings, session) {
    this.settings = settings;
    this.session = this.api.session = session;
    this.live.address = settings.live;
    if (settings.aws) this.flock.on("config", () => void this.account.read(this.api)); // how many agents fit depends on it
    this.#start();
  }

  #start() {
    this.#asked = Date.now();
    this.on("tick", () => this.#doubt());
    this.on("tick", () => this.#look());
    this.flock.on("config", () => this.#resized());
    this.flock.on("control", () => this.#moved());
    this.router.on("agent", () => this.emit("select"));
    this.router.on("file", () => this.emit("file"));
    this.router.start();
    this.commands.start();
    this.live.start();
    window.setInterval(() => this.emit("tick"), 1000);
  }
}
