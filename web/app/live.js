// @ts-check
// Keeps the store up to date: a WebSocket while there is one, polling while there is none, and an honest word on which.

import { Backoff } from "./backoff.js";
import { Emitter } from "./emitter.js";
import { catchUp } from "./catchup.js";
import { Connection } from "./socket.js";

/** @import { Api } from "./api.js" */
/** @import { Store } from "./store.js" */
/** @typedef {"connecting" | "live" | "reconnecting" | "polling" | "stale"} LiveKind */

const POLL_MS = 2000;
const STALE_MS = 10_000;
const SETTLED_MS = 5000;

/** Topic: live, when the badge may have changed. */
export class Live extends Emitter {
  /** @type {Connection | null} */
  #connection = null;
  #backoff = new Backoff();
  #polled = false;
  #polling = false;
  #watching = false;
  /** Where the WebSocket is; null: on this host. @type {string | null} */
  address = null;
  /** @type {() => void} */
  #wake = () => undefined;

  /** @param {Api} api @param {Store} store */
  constructor(api, store) {
    super();
    this.api = api;
    this.store = store;
  }

  /** How fresh the page is, from what has really been heard. @returns {LiveKind} */
  get kind() {
    if (this.#connection?.live) return "live";
    if (!this.store.heard) return this.#backoff.failures > 1 ? "stale" : "connecting";
    if (Date.now() - this.store.heard > STALE_MS) return "stale";
    return this.#polled ? "polling" : "reconnecting";
  }

  /** Begin; lasts as long as the page. */
  start() {
    window.setInterval(() => void this.#poll(), POLL_MS);
    window.addEventListener("online", () => this.nudge());
    document.addEventListener("visibilitychange", () => document.hidden || this.nudge());
    void this.#run();
  }

  /** Try the connection now rather than when its wait is over. */
  nudge() {
    this.#wake();
  }

  /** Take everything anew. */
  refresh() {
    this.#connection?.refresh();
  }

  /** Whether to be told of the queues (topic `queues` of the store); lasts over reconnects. @param {boolean} watching */
  watchQueues(watching) {
    this.#watching = watching;
    this.#connection?.watchQueues(watching);
  }

  async #run() {
    for (;;) {
      this.#connection = new Connection(this.api, this.store, () => this.#heard(), this.address);
      const openMs = await this.#connection.run(this.#watching);
      this.#connection = null;
      if (openMs > SETTLED_MS) this.#backoff.reset();
      else if (openMs > 0) this.#backoff.ease();
      this.emit("live");
      await this.#pause(this.#backoff.next());
    }
  }

  #heard() {
    this.#polled = false;
    this.emit("live");
  }

  /** @param {number} ms @returns {Promise<void>} */
  #pause(ms) {
    return new Promise((over) => {
      const timer = window.setTimeout(over, ms);
      this.#wake = () => {
        clearTimeout(timer);
        over();
      };
    });
  }

  /** While there is no connection, ask; what that leaves out is read from the logs. */
  async #poll() {
    if (this.#connection?.live || this.#polling) return;
    this.#polling = true;
    try {
      const [status, direction, config] = await Promise.all([this.api.status(), this.api.direction(), this.api.config()]);
      this.store.apply({ type: "snapshot", status, direction, config });
      if (this.store.behind) await catchUp(this.api, this.store);
      if (this.#watching) this.store.apply({ type: "queues", ...(await this.api.json("GET", "/cluster/queues")) });
      this.#polled = true;
    } catch {
      this.#polled = false; // the badge says so; the next round tries again
    } finally {
      this.#polling = false;
      this.emit("live");
    }
  }
}
