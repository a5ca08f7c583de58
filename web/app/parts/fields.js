// @ts-check
// The settings shown on the page, and their inputs.

import { h } from "../dom.js";

/** @typedef {{ name: string, label: string, unit?: string, kind: "number" | "choice" | "name", step?: string, choices?: string[], help: string }} Field */

/** @type {Field[]} */
export const FIELDS = [
  { name: "concurrency", label: "Agents", kind: "number", step: "1", help: "How many agents stand in the ring." },
  { name: "neighbourRadius", label: "Radius", kind: "number", step: "1", help: "How many neighbours on either side an agent reads." },
  {
    name: "algorithm", label: "Algorithm", kind: "choice", choices: ["amorphous", "mesh", "swarm"],
    help: "amorphous: a ring. mesh: everyone reads everyone. swarm: everyone reads the most recently active.",
  },
  {
    name: "loopIntervalSeconds", label: "Interval", unit: "s", kind: "number", step: "any",
    help: "An agent that heard nothing for this long looks for itself.",
  },
  { name: "runner", label: "Runner", kind: "name", help: "What thinks for the agents: a name from the deploy-time list." },
];

/** @param {Field} field */
export function fieldRow(field) {
  const id = `field-${field.name}`;
  const problem = h("p", { class: "problem", id: `${id}-problem`, role: "status" });
  const options = field.kind === "name" ? h("datalist", { id: `${id}-options` }) : null;
  const shared = { id, name: field.name, title: field.help, "aria-describedby": problem.id };
  const input = field.kind === "choice"
    ? h("select", shared, ...(field.choices ?? []).map((value) => h("option", { value }, value)))
    : h("input", {
      ...shared, type: field.kind === "number" ? "number" : "text", step: field.step, list: options?.id,
      autocomplete: "off", spellcheck: "false", inputmode: field.kind === "number" ? "decimal" : "text",
    });
  const row = h(
    "div", { class: "field" },
    h("label", { for: id, title: field.help }, field.label, field.unit && h("span", { class: "unit" }, field.unit)),
    input, options, problem,
  );
  return { field, row, input, problem, options };
}

/**
 * The value to send; undefined while the input is empty. Text that is no number goes as it is, for the API to refuse in its words.
 * @param {Field} field
 * @param {HTMLInputElement | HTMLSelectElement} input
 */
export function valueOf(field, input) {
  const text = input.value.trim();
  if (!text) return undefined;
  const number = Number(text);
  return field.kind === "number" && Number.isFinite(number) ? number : text;
}
