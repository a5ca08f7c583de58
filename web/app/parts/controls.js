// @ts-check
// The settings that matter most, and Start, Pause, Resume, Stop. What is allowed is for the API to say.

import { ApiError } from "../api.js";
import { fill, h, said } from "../dom.js";
import { Part } from "../part.js";
import { FIELDS, fieldRow, valueOf } from "./fields.js";
import { Notice } from "./notice.js";

/** @import { Config } from "../types.js" */
/** @import { DirectionEditor } from "./direction.js" */
/** @typedef {"start" | "pause" | "resume" | "stop"} Verb */

/** @type {Record<string, Verb[]>} Which buttons make sense in which state. */
const OFFERED = {
  checking: [],
  stopped: ["start"],
  starting: ["stop"],
  running: ["pause", "stop"],
  settled: ["pause", "stop"],
  paused: ["resume", "stop"],
  stopping: [],
};
const BUSY = new Set(["checking", "stopping"]);

export class FlockControls extends Part {
  /** @type {DirectionEditor | null} Its unsaved text goes along with a start. */
  direction = null;
  #rows = new Map(FIELDS.map((field) => [field.name, fieldRow(field)]));
  #buttons = new Map(/** @type {Verb[]} */ (["start", "resume", "pause", "stop"]).map((verb) => [verb, this.#button(verb)]));
  #apply = h("button", { type: "submit", class: "button" }, "Apply");
  #notice = new Notice();
  #busy = false;

  build() {
    const rows = [...this.#rows.values()].map(({ row }) => row);
    const form = h(
      "form", { class: "stack", novalidate: true },
      h("div", { class: "row" }, h("h2", { class: "card-title" }, "Flock"), this.#apply),
      h("div", { class: "fields" }, ...rows),
      h("div", { class: "actions" }, ...this.#buttons.values()),
      this.#notice,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#run(() => this.app.api.saveConfig(this.changes()).then((config) => this.app.store.apply({ type: "config", config })), "Applied.");
    });
    form.addEventListener("input", () => this.#edited());
    fill(this, form);
    this.follow("control", "config", "agents");
  }

  /** Settings changed here and not sent yet. @returns {Config} */
  changes() {
    const { config } = this.app.store;
    /** @type {Config} */
    const changed = {};
    for (const [name, { field, input }] of this.#rows) {
      const value = valueOf(field, input);
      if (input.dataset.edited && value !== undefined && value !== config?.[name]) changed[name] = value;
    }
    return changed;
  }

  draw() {
    this.#drawFields();
    this.#apply.hidden = !Object.keys(this.changes()).length;
    this.#apply.disabled = this.#busy;
    const { control } = this.app.store;
    const offered = OFFERED[control.state] ?? ["stop"];
    for (const [verb, button] of this.#buttons) {
      button.hidden = !offered.includes(verb) && !(verb === "start" && BUSY.has(control.state));
      button.disabled = this.#busy || !offered.includes(verb);
    }
  }

  #drawFields() {
    const { config, about } = this.app.store;
    for (const [name, { input, options }] of this.#rows) {
      if (!input.dataset.edited && config?.[name] !== undefined) input.value = String(config[name]);
      if (!options) continue;
      const names = new Set([...(about.runners ?? []), String(config?.runner ?? about.runner ?? "scripted")]);
      fill(options, ...[...names].map((value) => h("option", { value })));
    }
  }

  #edited() {
    this.#notice.clear();
    for (const { input, problem } of this.#rows.values()) {
      if (input === document.activeElement) input.dataset.edited = "yes";
      input.removeAttribute("aria-invalid");
      fill(problem);
    }
    this.app.preview(this.changes());
    this.changed();
  }

  /** @param {Verb} verb */
  #button(verb) {
    const label = (verb[0] ?? "").toUpperCase() + verb.slice(1);
    const look = verb === "start" || verb === "resume" ? "button button-main" : verb === "stop" ? "button button-stop" : "button";
    return h("button", { type: "button", class: look, onclick: () => this.act(verb) }, label);
  }

  /** @param {Verb} verb */
  act(verb) {
    const { api, store } = this.app;
    const direction = this.direction?.unsaved;
    const config = this.changes();
    return this.#run(async () => {
      const answer = await (verb === "start"
        ? api.start({ ...(direction === undefined ? {} : { direction }), ...(Object.keys(config).length ? { config } : {}) })
        : api.act(verb));
      if (verb === "start") this.direction?.markSaved();
      if (answer?.state) store.apply({ type: "control", control: { ...store.control, reason: "", ...answer } });
    }, "");
  }

  /** @param {() => Promise<unknown>} action @param {string} done */
  async #run(action, done) {
    this.#busy = true;
    this.#notice.clear();
    this.draw();
    try {
      await action();
      for (const { input } of this.#rows.values()) delete input.dataset.edited;
      if (done) this.#notice.tell(done);
    } catch (error) {
      this.#refused(error);
    }
    this.#busy = false;
    this.app.preview(this.changes());
    this.changed();
  }

  /** Beside the field it is about, if it is about one. @param {unknown} error */
  #refused(error) {
    const row = error instanceof ApiError ? this.#rows.get(error.field) : undefined;
    if (!row || !(error instanceof ApiError)) return this.#notice.fail(error);
    row.input.setAttribute("aria-invalid", "true");
    fill(row.problem, said(`${error.message} ${error.remedy}`));
    row.input.focus();
  }
}
