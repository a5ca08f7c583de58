// @ts-check
// What all parts of the page share.

import { Api } from "./api.js";
import { Emitter } from "./emitter.js";
import { Files } from "./files.js";
import { Live } from "./live.js";
import { Store } from "./store.js";

/** @import { Config } from "./types.js" */

/** Topics: select, when another agent is looked at; file, when another file is; preview, when settings are tried out; tick, once a second. */
export class App extends Emitter {
  api = new Api();
  store = new Store();
  live = new Live(this.api, this.store);
  files = new Files(this.api, this.store);
  #state = "checking";
  /** @type {number | null} The agent looked at. */
  agent = null;
  /** @type {string | null} The file looked at. */
  file = null;
  /** @type {Config} Settings entered but not sent, for a look at the ring they would make. */
  draft = {};

  /** @param {number | null} agent The one looked at becomes none when chosen again. */
  select(agent) {
    this.agent = agent === this.agent ? null : agent;
    this.emit("select");
  }

  /** @param {string | null} key */
  open(key) {
    this.file = key;
    this.emit("file");
  }

  /** @param {Config} draft */
  preview(draft) {
    this.draft = draft;
    this.emit("preview");
  }

  /** With the flock's state change things no push tells of, such as the hosts: ask for all of it. */
  #moved() {
    const { state } = this.store.control;
    if (this.#state !== "checking" && this.#state !== state) this.live.refresh();
    this.#state = state;
  }

  /** At rest the status lists as many agents as a start would make: ask for it when that changed. */
  #resized() {
    const { agents, config, control } = this.store;
    if (control.state === "stopped" && agents.size && agents.size !== config?.concurrency) this.live.refresh();
  }

  start() {
    this.store.on("agents", () => this.agent !== null && !this.store.agents.has(this.agent) && this.select(null));
    this.store.on("config", () => this.#resized());
    this.store.on("control", () => this.#moved());
    this.live.start();
    window.setInterval(() => this.emit("tick"), 1000);
  }
}
