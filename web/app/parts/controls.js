// @ts-check
// The settings. What breaks a rule says so while it is typed; what changes during a run is applied, the rest waits for the next start.

import { ApiError } from "../api.js";
import { fill, h, said } from "../dom.js";
import { form } from "../forms.js";
import { Part } from "../part.js";
import { crossProblem, problemOf, readRules } from "../schema.js";
import { GROUPS, heldBy, makeField, offer } from "./fields.js";
import { Notice } from "./notice.js";
import { StartPlan } from "./plan.js";

/** @import { Rule } from "../schema.js" */
/** @import { Config } from "../types.js" */
/** @import { Field } from "./fields.js" */

export class FlockControls extends Part {
  /** @type {Map<string, Field>} */
  #fields = new Map();
  #groups = h("div", { class: "groups" });
  #apply = h("button", { type: "submit", class: "button" }, "Apply");
  #undo = h("button", { class: "button button-quiet", onclick: () => this.#forget() }, "Undo");
  #notice = new Notice();
  #busy = false;
  /** @type {Record<string, Rule>} */
  #rules = {};
  #asking = false;

  build() {
    const plan = new StartPlan();
    fill(this, form(
      () => void this.#save(),
      h("div", { class: "row" }, h("h2", { class: "card-title" }, "Settings"), this.#undo, this.#apply),
      this.#groups, this.#notice, plan,
    ));
    this.#groups.addEventListener("input", (event) => this.#edited(event.target));
    plan.attach(this.app);
    this.follow("control", "config", "agents");
    this.until(this.app.flock.on("snapshot", () => void this.#learn()));
    this.until(this.app.account.on("account", () => this.changed()));
  }

  /** The rules, once the server answers. Without them the API says what is wrong. */
  async #learn() {
    if (this.#fields.size || this.#asking) return;
    this.#asking = true;
    try {
      this.#rules = await readRules(this.app.api);
    } catch {
      this.#rules = {};
    }
    this.#asking = false;
    this.#makeFields();
    this.changed();
  }

  #makeFields() {
    const { config } = this.app.flock;
    const names = new Set([...Object.keys(this.#rules), ...Object.keys(config ?? {})]);
    const grouped = new Set(GROUPS.flatMap(({ fields }) => fields));
    const groups = [...GROUPS, { title: "More", fields: [...names].filter((name) => !grouped.has(name)) }];
    fill(this.#groups, ...groups.map(({ title, fields }, index) => {
      const rows = fields.filter((name) => names.has(name)).map((name) => this.#makeField(name));
      if (!rows.length) return null;
      return h("details", { class: "fold group", open: index === 0, name: "settings" }, h("summary", {}, title), h("div", { class: "fields" }, ...rows));
    }));
  }

  /** @param {string} name */
  #makeField(name) {
    const value = this.app.flock.config?.[name];
    const rule = this.#rules[name] ?? { type: typeof value, default: value ?? "" };
    const choices = name === "runner" ? [String(value ?? rule.default)] : (rule.enum ?? []);
    const field = makeField(name, rule, name === "instanceType" && this.app.settings.aws ? [String(value)] : choices);
    this.#fields.set(name, field);
    return field.row;
  }

  /** Settings changed here and not sent yet. @returns {Config} */
  changes() {
    const { config } = this.app.flock;
    /** @type {Config} */
    const changed = {};
    for (const [name, field] of this.#fields) {
      const value = heldBy(field);
      if (field.input.dataset.edited && value !== undefined && value !== config?.[name]) changed[name] = value;
    }
    return changed;
  }

  /** What is wrong with the settings as they stand, by field. @returns {Map<string, string>} */
  problems() {
    const found = new Map();
    const changes = this.changes();
    for (const [name, value] of Object.entries(changes)) {
      const problem = problemOf(this.#rules[name] ?? {}, value);
      if (problem) found.set(name, problem);
    }
    const cross = found.size ? null : crossProblem({ ...this.app.flock.config, ...changes });
    return cross ? found.set(...cross) : found;
  }

  draw() {
    this.#drawFields();
    const changed = Object.keys(this.changes()).length > 0;
    this.#apply.hidden = this.#undo.hidden = !changed;
    this.#apply.disabled = this.#busy;
  }

  #drawFields() {
    this.#drawChoices();
    const { config } = this.app.flock;
    const absent = new Set([this.#fields.get("algorithm")?.input.value !== "swarm" && "swarmK", !this.app.settings.aws && "instanceType"]);
    for (const [name, { input, row }] of this.#fields) {
      if (!input.dataset.edited && config?.[name] !== undefined) input.value = String(config[name]);
      row.hidden = absent.has(name);
    }
  }

  /** What this deployment and this account offer. */
  #drawChoices() {
    const { config, about } = this.app.flock;
    const runner = this.#fields.get("runner");
    const runners = new Set([...(about.runners ?? []), String(config?.runner ?? about.runner ?? "scripted")]);
    if (runner) offer(runner, [...runners].map((name) => [name, name]));
    const types = this.#fields.get("instanceType");
    if (types && this.app.account.types.length) offer(types, this.app.account.choices());
  }

  /** @param {EventTarget | null} target */
  #edited(target) {
    this.#notice.clear();
    if (target instanceof HTMLElement) target.dataset.edited = "yes";
    this.#mark();
    this.app.preview(this.problems().size ? {} : this.changes());
    this.changed();
  }

  /** Every problem beside its field. @returns {boolean} Whether there is none. */
  #mark() {
    const problems = this.problems();
    for (const [name, field] of this.#fields) this.#tell(field, problems.get(name) ?? "");
    return problems.size === 0;
  }

  /** @param {Field} field @param {string} words */
  #tell({ input, problem }, words) {
    if (words) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
    if (problem.textContent !== words) fill(problem, words && said(words));
  }

  /** Before anything is sent: true if all is well, else the reader is led to the first problem. */
  check() {
    if (this.#mark()) return true;
    const [name = ""] = this.problems().keys();
    this.#lead(name);
    return false;
  }

  /** @param {string} name */
  #lead(name) {
    const field = this.#fields.get(name);
    const group = field?.row.closest("details");
    if (group) group.open = true;
    this.app.router.go({ view: "flock" });
    field?.input.focus();
  }

  async #save() {
    if (!this.check()) return;
    this.#busy = true;
    this.changed();
    try {
      const config = await this.app.api.saveConfig(this.changes());
      this.sent();
      this.app.flock.apply({ type: "config", config });
      this.#notice.tell("Applied.");
    } catch (error) {
      if (!this.refused(error)) this.#notice.fail(error);
    }
    this.#busy = false;
    this.changed();
  }

  /** What was changed here has been sent, alone or with a start. */
  sent() {
    for (const { input } of this.#fields.values()) delete input.dataset.edited;
    this.app.preview({});
    this.changed();
  }

  #forget() {
    this.#notice.clear();
    this.sent();
    this.#mark();
  }

  /** Beside the field it is about. False if it is about none. @param {unknown} error */
  refused(error) {
    const field = error instanceof ApiError ? this.#fields.get(error.field) : undefined;
    if (!field || !(error instanceof ApiError)) return false;
    this.#tell(field, `${error.message} ${error.remedy}`);
    this.#lead(field.name);
    return true;
  }
}
