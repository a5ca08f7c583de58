// @ts-check
// One WebSocket connection, from its ticket to its end: it says hello, catches up, keeps itself alive, and tells what it hears.

import { catchUp } from "./catchup.js";

/** @import { Api } from "./api.js" */
/** @import { Store } from "./store.js" */
/** @import { Message } from "./types.js" */

const OPENING_MS = 10_000;
const QUIET_MS = 15_000;
const ANSWER_MS = 10_000;

export class Connection {
  /** Whether anything came over this connection: only then is it live. */
  live = false;
  /** @type {WebSocket | null} */
  #socket = null;
  #pings = 0;
  #pongs = 0;
  /** @type {{ pong: number } | null} The resume under way: all of it came before this pong. */
  #resuming = null;
  #timer = 0;
  #asked = false;

  /**
   * @param {Api} api
   * @param {Store} store
   * @param {() => void} heard Called after every message
   * @param {string | null} address Of the WebSocket; null: on this host
   */
  constructor(api, store, heard, address) {
    this.api = api;
    this.store = store;
    this.heard = heard;
    this.address = address;
  }

  /**
   * Lasts as long as the connection does. Never throws: a connection that cannot be made has ended.
   * @param {boolean} watching Whether to be told of the queues
   * @returns {Promise<number>} How many ms it was open.
   */
  async run(watching) {
    let ticket;
    try {
      ({ ticket } = await this.api.ticket());
    } catch {
      return 0;
    }
    const address = new URL(this.address ?? `${this.api.base}/live`, location.href);
    if (!this.address) address.protocol = address.protocol.replace("http", "ws");
    address.searchParams.set("ticket", ticket);
    const socket = new WebSocket(address);
    this.#socket = socket;
    this.#expect(OPENING_MS);
    let opened = Infinity;
    await new Promise((ended) => {
      socket.onopen = () => {
        opened = Date.now();
        this.#hello();
        if (watching) this.watchQueues(true);
      };
      socket.onmessage = (event) => void this.#receive(String(event.data));
      socket.onclose = ended;
    });
    clearTimeout(this.#timer);
    this.live = false;
    return Math.max(0, Date.now() - opened);
  }

  close() {
    this.#socket?.close();
  }

  #hello() {
    if (this.store.agents.size) this.#resume();
    this.#send({ type: "snapshot" });
    this.#ping();
  }

  #resume() {
    if (this.#resuming) return;
    this.#send({ type: "resume", cursor: this.store.cursor() });
    this.#ping();
    this.#resuming = { pong: this.#pings };
  }

  /** The server did not understand, so that a resume may be lost: take everything once. */
  #anew() {
    if (!this.#asked) this.#send({ type: "snapshot" });
    this.#asked = true;
  }

  /** Take everything anew. */
  refresh() {
    this.#send({ type: "snapshot" });
  }

  /** @param {boolean} queues */
  watchQueues(queues) {
    this.#send({ type: "watch", queues });
  }

  #ping() {
    this.#pings += 1;
    this.#send({ type: "ping" });
    this.#expect(ANSWER_MS);
  }

  /** @param {object} message */
  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** End the connection if nothing is heard for so long. @param {number} ms */
  #expect(ms) {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.close(), ms);
  }

  /** @param {string} text */
  async #receive(text) {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#ping(), QUIET_MS);
    try {
      const message = await this.#resolved(JSON.parse(text));
      this.store.apply(message);
      this.live = true;
      if (message.type === "pong") await this.#pong();
      if (message.type === "error") this.#anew();
      if (this.store.behind) this.#resume();
    } catch {
      this.close(); // not a message of ours, or its reference could not be read: what it said is learnt by the next resume
    }
    this.heard();
  }

  /** An answer to a ping. The one behind a resume tells that all of it came; what is then still missing is read. */
  async #pong() {
    this.#pongs += 1;
    if (!this.#resuming || this.#pongs < this.#resuming.pong) return;
    await catchUp(this.api, this.store);
    this.#resuming = null;
  }

  /** A message too large for a frame is fetched. @param {Message} message @returns {Promise<Message>} */
  async #resolved(message) {
    if (message.type !== "reference") return message;
    const { of, url, cursor } = message;
    if (!url.startsWith("/") || url.startsWith("//")) throw new TypeError("a reference to elsewhere");
    const body = await this.api.json("GET", url);
    if (body.type) return body;
    if (of === "direction" || of === "config") return /** @type {Message} */ ({ type: of, [of]: body, cursor });
    if (of === "agent" || of === "control") return { type: "snapshot", status: body, cursor };
    return { ...body, type: of, cursor };
  }
}
