// @ts-check
// What can be done with a queue, what that costs, and the command that does the same.

import { fill, h, said, write } from "../dom.js";
import { plural, prettyJson, timeOfDay } from "../format.js";
import { Part } from "../part.js";
import { Notice } from "./notice.js";

/** @import { Queue } from "./queue.js" */
/** @typedef {"peek" | "redrive" | "purge"} Act */

/** Characters shown of a message. */
const LONGEST = 8000;
/** @type {Record<Act, { title: string, words: string }>} */
const ACTS = {
  peek: {
    title: "Peek",
    words: "Receives up to ten waiting messages and puts them straight back. SQS counts that as a receive: after twenty a message becomes a dead letter.",
  },
  redrive: { title: "Redrive", words: "Puts this queue's dead letters back into it, to be received anew." },
  purge: {
    title: "Purge…",
    words: "Throws away all that waits and all that is in flight. What changed is still found by the agent's own look after its interval.",
  },
};

export class QueueActions extends Part {
  #agent = -1;
  /** Called when a queue was changed. */
  done = () => {};
  #rows = new Map(/** @type {Act[]} */ (Object.keys(ACTS)).map((act) => [act, this.#row(act)]));
  #sure = h("div", { class: "queue-sure", role: "group", "aria-label": "Confirm the purge", hidden: true });
  #question = h("p");
  #notice = new Notice();
  #seen = h("div", { class: "peeked" });
  #busy = false;
  #holds = 0;

  build() {
    fill(this.#sure, this.#question, h("div", { class: "dialog-actions" },
      h("button", { class: "button", onclick: () => this.#ask(false) }, "Keep them"),
      h("button", { class: "button button-danger", onclick: () => void this.#do("purge") }, "Throw them away")));
    const rows = [...this.#rows.values()].map(({ row }) => row);
    fill(this, h("h3", {}, "What can be done"), h("dl", { class: "queue-acts" }, ...rows), this.#sure, this.#notice, this.#seen);
  }

  /** @param {number} agent */
  show(agent) {
    this.#agent = agent;
    this.#notice.clear();
    this.#ask(false);
    fill(this.#seen);
    for (const [act, { command }] of this.#rows) write(command, `murmur queues ${act} ${agent}`);
  }

  /** @param {Queue} queue */
  know({ inbox }) {
    this.#holds = (inbox?.visible ?? 0) + (inbox?.in_flight ?? 0);
  }

  /** @param {Act} act */
  #row(act) {
    const { title, words } = ACTS[act];
    const command = h("code");
    const button = act === "purge"
      ? h("button", { class: "button button-stop", onclick: () => this.#ask(true) }, title)
      : h("button", { class: "button", onclick: () => void this.#do(act) }, title);
    const label = `Copy the command that does the same as ${title.replace("…", "")}`;
    const copy = h("button", { class: "button button-quiet", "aria-label": label, onclick: () => void this.#copy(copy, command) }, "Copy");
    const about = h("dd", {}, h("p", { class: "hint" }, words), h("p", { class: "queue-command" }, command, copy));
    return { command, row: h("div", {}, h("dt", {}, button), about) };
  }

  /** @param {HTMLElement} button @param {HTMLElement} command */
  async #copy(button, command) {
    try {
      await navigator.clipboard.writeText(command.textContent ?? "");
      write(button, "Copied");
    } catch {
      getSelection()?.selectAllChildren(command); // a browser that does not let pages write to the clipboard: one key does it
      write(button, "Press Ctrl-C");
    }
    window.setTimeout(() => write(button, "Copy"), 2000);
  }

  /** @param {boolean} asking */
  #ask(asking) {
    this.#sure.hidden = !asking;
    const what = this.#holds ? `about ${plural(this.#holds, "message")}` : "every message";
    write(this.#question, `Throw away ${what} of agent ${this.#agent}? There is no way back.`);
    if (asking) this.#sure.querySelector("button")?.focus();
  }

  /** @param {Act} act */
  async #do(act) {
    if (this.#busy) return;
    this.#busy = true;
    this.#ask(false);
    this.#notice.clear();
    try {
      const answer = await this.app.api.json("POST", `/cluster/queues/${this.#agent}/${act}`, {});
      if (act === "peek") this.#peeked(answer);
      else if (act === "redrive") this.#notice.tell(`${plural(answer.moved, "dead letter")} put back.`);
      else this.#notice.tell(`About ${plural(answer.messages, "message")} thrown away.`);
    } catch (error) {
      this.#notice.fail(error);
    }
    this.#busy = false;
    this.done();
  }

  /** @param {{ messages: { body: string, receives: number, sent: string }[], note: string }} answer */
  #peeked({ messages, note }) {
    const items = messages.map(({ body, receives, sent }) => h("li", {},
      h("p", { class: "hint" }, `sent ${timeOfDay(sent)}, received ${plural(receives, "time")}`),
      h("pre", { class: "source" }, prettyJson(body).slice(0, LONGEST))));
    fill(this.#seen, h("p", { class: "hint" }, messages.length ? said(note) : "Nothing waits."), h("ol", {}, ...items));
  }
}
