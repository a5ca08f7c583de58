// @ts-check
// Start, Pause, Resume, Stop. What is allowed is for the API to say; a stop is asked for twice.

import { fill, h } from "../dom.js";
import { Part } from "../part.js";
import { Notice } from "./notice.js";
import { StopDialog } from "./stopdialog.js";

/** @import { DirectionEditor } from "./direction.js" */
/** @import { FlockControls } from "./controls.js" */
/** @typedef {"start" | "pause" | "resume" | "stop"} Verb */

/** @type {Record<string, Verb[]>} Which make sense in which state. */
const OFFERED = {
  checking: [],
  stopped: ["start"],
  starting: ["stop"],
  running: ["pause", "stop"],
  settled: ["pause", "stop"],
  paused: ["resume", "stop"],
  stopping: ["stop"],
};
/** @type {Record<Verb, [label: string, look: string, keys: string]>} */
const LOOKS = {
  start: ["Start", "button button-main", "s"],
  resume: ["Resume", "button button-main", "p"],
  pause: ["Pause", "button", "p"],
  stop: ["Stop", "button button-stop", "x"],
};

export class FlockActions extends Part {
  /** @type {DirectionEditor | null} Its unsaved text goes along with a start. */
  direction = null;
  /** @type {FlockControls | null} Its changes go along with a start. */
  controls = null;
  #buttons = new Map(/** @type {Verb[]} */ (Object.keys(LOOKS)).map((verb) => [verb, this.#button(verb)]));
  #notice = new Notice();
  #dialog = new StopDialog();
  #busy = false;

  build() {
    this.classList.add("actions");
    fill(this, h("div", { class: "actions-row" }, ...this.#buttons.values()), this.#notice, this.#dialog);
    this.#dialog.attach(this.app);
    this.follow("control");
    this.until(this.app.commands.add(...[...this.#buttons.keys()].map((verb) => ({
      title: `${LOOKS[verb][0]} the flock`, group: "Flock", keys: LOOKS[verb][2], when: () => this.#may(verb), run: () => void this.act(verb),
    }))));
  }

  draw() {
    for (const [verb, button] of this.#buttons) {
      button.hidden = !this.#offered().includes(verb);
      button.disabled = !this.#may(verb);
    }
    const stop = this.#buttons.get("stop");
    if (stop) stop.textContent = this.app.flock.control.state === "stopping" ? "Stopping…" : "Stop";
  }

  #offered() {
    return OFFERED[this.app.flock.control.state] ?? ["stop"];
  }

  /** @param {Verb} verb */
  #may(verb) {
    return !this.#busy && this.#offered().includes(verb);
  }

  /** @param {Verb} verb */
  #button(verb) {
    const [label, look, keys] = LOOKS[verb];
    const title = `${label} the flock (${keys})`;
    return h("button", { class: look, title, "aria-keyshortcuts": keys, hidden: true, onclick: () => void this.act(verb) }, label);
  }

  /** @param {Verb} verb */
  async act(verb) {
    this.#notice.clear();
    if (verb === "stop") return this.#dialog.ask(() => this.#send("stop"));
    if (verb === "start" && this.controls && !this.controls.check()) return;
    this.#busy = true;
    this.changed();
    try {
      await this.#send(verb);
    } catch (error) {
      if (verb !== "start" || !this.controls?.refused(error)) this.#notice.fail(error);
    }
    this.#busy = false;
    this.changed();
  }

  /** @param {Verb} verb */
  async #send(verb) {
    const { api, flock } = this.app;
    const answer = await (verb === "start" ? api.start(this.#withStart()) : api.act(verb));
    if (verb === "start") {
      this.direction?.markSaved();
      this.controls?.sent();
    }
    if (answer?.state) flock.apply({ type: "control", control: { ...flock.control, reason: "", ...answer } });
  }

  /** What was written here and not sent yet. */
  #withStart() {
    const direction = this.direction?.unsaved;
    const config = this.controls?.changes() ?? {};
    return { ...(direction === undefined ? {} : { direction }), ...(Object.keys(config).length ? { config } : {}) };
  }
}
